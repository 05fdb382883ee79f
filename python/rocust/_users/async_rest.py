"""`rest()` and `rest_()`, entered with `async with`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from rocust._users.rest import json_headers, judge, parse, stamped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class AsyncRestMixin:
    """What asynchronous users with an HTTP client in `self.client` have on top of it."""

    client: Any

    @asynccontextmanager
    async def rest(
        self, method: str, url: str, headers: dict[str, Any] | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Send JSON, expect JSON, and let an `async with` block judge it; otherwise as `HttpUser.rest`.

        Args:
            method: The HTTP method.
            url: A path or URL.
            headers: Over the JSON headers that are sent by default.
            **kwargs: As for `client.request`.

        Yields:
            The response, with the body in its `js`.
        """
        async with self.client.request(
            method, url, catch_response=True, headers=json_headers(headers), **kwargs
        ) as response:
            parse(response)
            try:
                yield response
            except Exception as error:
                judge(response, error)

    @asynccontextmanager
    async def rest_(self, method: str, url: str, name: str | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        """As `rest()`, with the time appended to the URL, which gets it past caches; named without it."""
        url, name = stamped(url, name)
        async with self.rest(method, url, name=name, **kwargs) as response:
            yield response

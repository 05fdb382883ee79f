"""`rest()` and `rest_()`: JSON calls in one line, for users that carry an HTTP client."""

from __future__ import annotations

import re
import time
import traceback
from contextlib import contextmanager
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

from requests.structures import CaseInsensitiveDict

if TYPE_CHECKING:
    from collections.abc import Iterator

_JSON = "application/json"
_FRAME = re.compile(r'  File "(\/.[^"]*)", line (\d*),(.*)')
_HOME = re.compile(r"/((home|Users)/\w*)/")
_SHOWN = 200


class RestMixin:
    """What users with an HTTP client in `self.client` have on top of it. Same as Locust."""

    client: Any

    @contextmanager
    def rest(self, method: str, url: str, headers: dict[str, Any] | None = None, **kwargs: Any) -> Iterator[Any]:
        """Send JSON, expect JSON, and let a `with` block judge it.

        The response's body is in its `js`. A body that is not JSON is a failure, and so is any exception in the block, an
        `assert` included: the task goes on.

        Args:
            method: The HTTP method.
            url: A path or URL.
            headers: Over the JSON headers that are sent by default.
            **kwargs: As for `client.request`.

        Yields:
            The response.

        Same as Locust.
        """
        own = json_headers(headers)
        with self.client.request(method, url, catch_response=True, headers=own, **kwargs) as response:
            parse(response)
            try:
                yield response
            except Exception as error:
                judge(response, error)

    @contextmanager
    def rest_(self, method: str, url: str, name: str | None = None, **kwargs: Any) -> Iterator[Any]:
        """As `rest()`, with the time appended to the URL, which gets it past caches; named without it. Same as Locust."""
        url, name = stamped(url, name)
        with self.rest(method, url, name=name, **kwargs) as response:
            yield response


def json_headers(headers: dict[str, Any] | None) -> dict[str, Any]:
    """The headers of a call that sends and expects JSON, with the caller's own over them."""
    own = CaseInsensitiveDict(headers or {})
    for name in ("Content-Type", "Accept"):
        own.setdefault(name, _JSON)
    return dict(own)


def stamped(url: str, name: str | None) -> tuple[str, str]:
    """`url` with the time appended, and the label for it."""
    separator = "&" if "?" in url else "?"
    stamp = int(time.time() * 1000)  # noqa: TID251 - a stamp, not a measurement
    return f"{url}{separator}_={stamp}", f"{url}{separator}_=..." if name is None else name


def judge(response: Any, error: Exception) -> None:
    """Make what a block raised the failure of its response; to be called where it is handled."""
    if isinstance(error, AssertionError):
        response.failure(_assertion(error, response))
    else:
        frames = ", ".join(_frames())
        response.failure(f"{type(error).__name__}: {error} at {frames}. Response was {_excerpt(response)}")


def parse(response: Any) -> None:
    """Read the body as JSON into the response's `js`; what is not JSON is a failure."""
    response.js = None
    content = response.content
    if content is None:
        response.failure(str(response.error))
    elif content:
        try:
            # First of all: JSON can mostly be read without the text, which takes the headers, which take time.
            response.js = response.json()
        except (JSONDecodeError, TypeError) as error:
            # Where the text is empty, or no encoding was found for it, there was nothing to read.
            if response.text:
                response.failure(
                    f"Could not parse response as JSON. {response.text[:250]}, "
                    f"response code {response.status_code}, error {error}"
                )


def _assertion(error: AssertionError, response: Any) -> Any:
    if not error.args:
        return "Assertion failed"
    words = error.args[0]
    if isinstance(words, str) and words.endswith(","):
        return f"{words[:-1]}, response was {_excerpt(response)}"
    return words


def _excerpt(response: Any) -> Any:
    return response.text[:_SHOWN] if response.text else response.text


def _frames() -> Iterator[str]:
    """Where the exception passed, as file:line."""
    for line in traceback.format_exc().split("\n"):
        if match := _FRAME.match(line):
            yield f"{_HOME.sub('~/', match.group(1))}:{match.group(2)}{match.group(3)}"

"""The asynchronous user that carries an HTTP client."""

from __future__ import annotations

from typing import Any

from rocust._errors import StopTest
from rocust._http.async_session import AsyncHttpSession
from rocust._users.async_rest import AsyncRestMixin
from rocust._users.async_user import AsyncUser
from rocust._users.http_user import NO_HOST
from rocust._users.wire import WireMixin


class AsyncHttpUser(AsyncRestMixin, WireMixin, AsyncUser):
    """An `AsyncUser` with a client in `self.client`: that of `HttpUser`, awaited.

    Statistics, names, `catch_response`, streams, cookies and connections are those of `HttpUser`. Several requests of a user at once
    (`asyncio.gather`) use a connection each. A request whose task is cancelled is closed on the wire and counted as aborted, not as a
    failure.

    Example:
        class Visitor(AsyncHttpUser):
            wait_time = between(1, 2)

            @task
            async def front(self):
                async with self.client.get("/", catch_response=True) as response:
                    if "Welcome" not in response.text:
                        response.failure("not the front page")

            @task
            async def page(self):
                await asyncio.gather(*(self.client.get(f"/image/{n}", name="/image") for n in range(6)))

    Differs from Locust: it has none.
    """

    abstract = True
    #: The most bytes a response's body may have, as received and as decoded; a larger one is a failure. None reads bodies of any size,
    #: except that compressed ones may not decode to more than a gibibyte.
    max_body: int | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the user and its client.

        Raises:
            StopTest: When there is no host.
        """
        super().__init__(*args, **kwargs)
        if self.host is None:
            raise StopTest(NO_HOST)
        self.client = AsyncHttpSession(
            base_url=self.host,
            request_event=self.environment.events.request,
            user=self,
            wire=self._wire_settings(),
        )
        self.client.trust_env = False
        if self.max_body is not None:
            self.client.max_body = self.max_body

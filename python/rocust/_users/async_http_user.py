"""The asynchronous user that carries an HTTP client."""

from __future__ import annotations

from rocust._http.async_session import AsyncHttpSession
from rocust._users.async_rest import AsyncRestMixin
from rocust._users.async_user import AsyncUser
from rocust._users.carrier import CarrierMixin


class AsyncHttpUser(AsyncRestMixin, CarrierMixin, AsyncUser):
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
    client: AsyncHttpSession

    def _make_client(self, host: str) -> AsyncHttpSession:
        client = AsyncHttpSession(
            base_url=host,
            request_event=self.environment.events.request,
            user=self,
            wire=self._wire_settings(),
        )
        client.trust_env = False
        return client

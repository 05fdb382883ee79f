"""Users that carry an HTTP client."""

from __future__ import annotations

from typing import Any

from rocust._errors import StopTest
from rocust._http.fast import FastHttpSession
from rocust._http.session import HttpSession
from rocust._users.carrier import CarrierMixin
from rocust._users.rest import RestMixin
from rocust._users.user import User


class HttpUser(RestMixin, CarrierMixin, User):
    """A user with a `requests`-like client in `self.client`, which keeps cookies and connections between requests.

    Same as Locust.
    """

    abstract = True
    #: A pool of urllib3, on the class: its users share connections. All calls go through it then, at requests' cost.
    pool_manager: Any = None

    client: HttpSession

    def _make_client(self, host: str) -> HttpSession:
        client = HttpSession(
            base_url=host,
            request_event=self.environment.events.request,
            user=self,
            pool_manager=self.pool_manager,
            wire=self._wire_settings(),
        )
        client.trust_env = False
        return client


class FastHttpUser(RestMixin, CarrierMixin, User):
    """A user whose client answers with leaner responses and different defaults: TLS is not verified, time limits of 60 seconds.

    Same as Locust.
    """

    abstract = True
    #: Seconds without a byte before a request fails.
    network_timeout: float = 60.0
    #: Seconds to connect before a request fails.
    connection_timeout: float = 60.0
    #: How many redirects are followed; zero returns the redirect itself.
    max_redirects: int = 30
    #: How often a request whose connection failed is sent again.
    max_retries: int = 0
    #: Whether TLS certificates are *not* verified.
    insecure: bool = True
    #: Headers of every request.
    default_headers: dict[str, str] | None = None
    #: How many requests of a user are under way at once.
    concurrency: int = 10
    #: A pool of geventhttpclient, on the class: its users share connections, and its `concurrency` bounds all of them together.
    client_pool: Any = None
    #: Host of an HTTP proxy that all requests go through: in absolute form, or through a tunnel for https.
    proxy_host: str | None = None
    #: Its port.
    proxy_port: int | None = None
    #: Makes the context that TLS is set up by, once for each user; what cannot be read out of it is told in a warning.
    ssl_context_factory: Any = None

    client: FastHttpSession

    def _make_client(self, host: str) -> FastHttpSession:
        """The client.

        Raises:
            StopTest: For a context of TLS that cannot be used.
        """
        client = FastHttpSession(
            base_url=host,
            request_event=self.environment.events.request,
            user=self,
            insecure=self.insecure,
            network_timeout=self.network_timeout,
            connection_timeout=self.connection_timeout,
            max_redirects=self.max_redirects,
            max_retries=self.max_retries,
            headers=self.default_headers,
            concurrency=self.concurrency,
            client_pool=self.client_pool,
            ssl_context_factory=self.ssl_context_factory,
            wire=self._wire_settings(),
            proxy_host=self.proxy_host,
            proxy_port=self.proxy_port,
        )
        if isinstance(client.context_problem, ValueError):
            problem = client.context_problem
            raise StopTest(f"{type(self).__name__}: {problem}") from problem
        return client

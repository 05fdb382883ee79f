"""Users that carry an HTTP client."""

from __future__ import annotations

from typing import Any

from rocust._errors import StopTest
from rocust._http.fast import FastHttpSession
from rocust._http.session import HttpSession
from rocust._users.rest import RestMixin
from rocust._users.user import User
from rocust._users.wire import WireMixin

NO_HOST = (
    "You must specify the base host. Either in the host attribute in the User class, "
    "or on the command line using the --host option."
)


class HttpUser(RestMixin, WireMixin, User):
    """A user with a `requests`-like client in `self.client`, which keeps cookies and connections between requests.

    Same as Locust.
    """

    abstract = True
    #: A pool of urllib3, on the class: its users share connections. All calls go through it then, at requests' cost.
    pool_manager: Any = None
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
        self.client = HttpSession(
            base_url=self.host,
            request_event=self.environment.events.request,
            user=self,
            pool_manager=self.pool_manager,
            wire=self._wire_settings(),
        )
        self.client.trust_env = False
        if self.max_body is not None:
            self.client.max_body = self.max_body


class FastHttpUser(RestMixin, WireMixin, User):
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
    #: The most bytes a response's body may have, as received and as decoded; a larger one is a failure. None reads bodies of any size,
    #: except that compressed ones may not decode to more than a gibibyte.
    max_body: int | None = None
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the user and its client.

        Raises:
            StopTest: When there is no host.
        """
        super().__init__(*args, **kwargs)
        if self.host is None:
            raise StopTest(NO_HOST)
        self.client = FastHttpSession(
            base_url=self.host,
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
        if isinstance(self.client.context_problem, ValueError):
            problem = self.client.context_problem
            raise StopTest(f"{type(self).__name__}: {problem}") from problem
        if self.max_body is not None:
            self.client.max_body = self.max_body

"""DNS, by way of dnspython."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rocust._contrib.library import library_of
from rocust._errors import LocustError
from rocust._events import EventHook
from rocust._users.user import User

with library_of("dns", "dnspython"):
    import dns.query
    from dns.exception import DNSException
    from dns.message import Message


class DNSClient:
    """The functions of `dns.query` (`udp`, `tcp`, `tls`, `https` ...), each call reported as a request of type `DNS`.

    A call takes what the function takes, and `name`: what the request is called, the function's name if not given. It returns the
    response, or None when there was none. An exception of dnspython's is a failure, and so is a response without an answer;
    others, such as a refused connection, are raised and not reported.

    Args:
        request_event: The hook that is told.

    Example:
        self.client.udp(dns.message.make_query("example.com", dns.rdatatype.A), "127.0.0.1")

    Same as Locust.
    """

    def __init__(self, request_event: EventHook) -> None:
        self.request_event = request_event

    def __getattr__(self, function_name: str) -> Callable[..., Message | None]:
        function = getattr(dns.query, function_name)

        def ask(message: Message, *args: Any, name: str | None = None, **kwargs: Any) -> Message | None:
            response, exception = None, None
            start_time = time.time()  # noqa: TID251  # for showing
            started_at = time.perf_counter()
            try:
                response = function(message, *args, **kwargs)
            except DNSException as error:
                exception = error
            else:
                if not response.answer:
                    exception = LocustError("No answer in DNS response")
            response_time = (time.perf_counter() - started_at) * 1000
            self.request_event.fire(
                request_type="DNS",
                name=name or function_name,
                start_time=start_time,
                response_time=response_time,
                response_length=0,
                response=response,
                context={},
                exception=exception,
            )
            return response

        return ask


class DNSUser(User):
    """A user whose `client` asks name servers: see `DNSClient`. Same as Locust."""

    abstract = True

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client = DNSClient(environment.events.request)

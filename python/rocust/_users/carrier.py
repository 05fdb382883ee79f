"""What all users have in common that carry an HTTP client: when it is made, and what it is told."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from rocust._errors import StopTest
from rocust._users.wire import WireMixin

NO_HOST = (
    "You must specify the base host. Either in the host attribute in the User class, "
    "or on the command line using the --host option."
)


class CarrierMixin(WireMixin):
    """A user with an HTTP client in `self.client`."""

    #: The most bytes a response's body may have, as received and as decoded; a larger one is a failure. None reads bodies of any size,
    #: except that compressed ones may not decode to more than a gibibyte.
    max_body: int | None = None

    host: str | None
    client: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the user and its client.

        Raises:
            StopTest: When there is no host.
        """
        super().__init__(*args, **kwargs)
        if self.host is None:
            raise StopTest(NO_HOST)
        self.client = self._make_client(self.host)
        if self.max_body is not None:
            self.client.max_body = self.max_body

    @abstractmethod
    def _make_client(self, host: str) -> Any:
        """The client, whose paths are appended to `host`."""

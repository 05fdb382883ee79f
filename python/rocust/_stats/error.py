"""One way of failing: how often a (method, name) failed with the same text, and when."""

from __future__ import annotations

import ast
import hashlib

from rocust import _core
from rocust._errors import CatchResponseError
from rocust._stats.clock import now
from rocust._stats.shape import StatsErrorDict

_ADDRESS = "object at 0x"
_CATCH_RESPONSE = "CatchResponseError("


class StatsError:
    """How often requests failed in one way. Same as Locust."""

    def __init__(
        self,
        method: str,
        name: str,
        error: BaseException | str | None,
        occurrences: int = 0,
        first_seen: float | None = None,
        last_seen: float | None = None,
    ) -> None:
        self.method = method
        self.name = name
        self.error = error
        self._core = _core.Failure(occurrences, first_seen, last_seen)
        self._is_local_text = False

    @classmethod
    def _of(cls, method: str, name: str, error: BaseException | str, core: _core.Failure) -> StatsError:
        """The view of a failure that the ledger has recorded."""
        failure = cls.__new__(cls)
        failure.method = method
        failure.name = name
        failure.error = error
        failure._core = core
        failure._is_local_text = isinstance(error, str)
        return failure

    @property
    def occurrences(self) -> int:
        """How often. Same as Locust."""
        return self._core.occurrences

    @occurrences.setter
    def occurrences(self, value: int) -> None:
        self._core.occurrences = value

    @property
    def first_seen(self) -> float | None:
        """When first, in seconds since the epoch. Same as Locust."""
        return self._core.first_seen

    @first_seen.setter
    def first_seen(self, value: float | None) -> None:
        self._core.first_seen = value

    @property
    def last_seen(self) -> float | None:
        """When last, in seconds since the epoch. Same as Locust."""
        return self._core.last_seen

    @last_seen.setter
    def last_seen(self, value: float | None) -> None:
        self._core.last_seen = value

    @classmethod
    def parse_error(cls, error: BaseException | str | None) -> str:
        """The text of an error, with the first memory address in it masked, so that equal errors are one.

        Same as Locust.
        """
        text = error if isinstance(error, str) else repr(error)
        found = text.find(_ADDRESS)
        if found < 0:
            return text
        start = found + len(_ADDRESS) - len("0x")
        end = text.find(">", start)
        return text if end < 0 else text.replace(text[start:end], "0x....")

    @classmethod
    def create_key(cls, method: str, name: str, error: BaseException | str | None) -> str:
        """The key in `RequestStats.errors`. Same as Locust."""
        return hashlib.sha256(f"{method}.{name}.{cls.parse_error(error)!r}".encode()).hexdigest()

    def occurred(self) -> None:
        """Count one more, now. Same as Locust."""
        self._core.occurred(now())

    def to_name(self) -> str:
        """The line of the error report; what `response.failure()` was given stands there without its wrapping.

        Same as Locust.
        """
        return f"{self.method} {self.name}: {self._unwrapped()}"

    def _unwrapped(self) -> object:
        if isinstance(self.error, CatchResponseError):
            return self.error.args[0]
        if not isinstance(self.error, str):
            return repr(self.error)
        if not self.error.startswith(_CATCH_RESPONSE):
            return self.error
        inner = self.error[len(_CATCH_RESPONSE) : -1]
        # Locust shows the argument itself where the exception was raised, but its repr where only the text has arrived.
        return _value_of_literal(inner) if self._is_local_text else inner

    def serialize(self) -> StatsErrorDict:
        """What is sent to a master. Same as Locust."""
        return {
            "name": self.name,
            "method": self.method,
            "error": self.parse_error(self.error),
            "occurrences": self.occurrences,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
        }

    @classmethod
    def unserialize(cls, data: StatsErrorDict) -> StatsError:
        """What a worker has sent. Same as Locust."""
        return cls(
            data["method"],
            data["name"],
            data["error"],
            data["occurrences"],
            data.get("first_seen"),
            data.get("last_seen"),
        )

    def to_dict(self) -> dict[str, object]:
        """What the web page shows. Same as Locust."""
        return dict(self.serialize())


def _value_of_literal(text: str) -> object:
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value

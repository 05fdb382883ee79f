"""The fixtures of pytest-style locustfiles. pytest asks for them with its request; the command with the user that they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rocust._http.fast import FastHttpSession
    from rocust._http.session import HttpSession
    from rocust._users.pytest_user import PytestUser


@pytest.fixture
def session(request: pytest.FixtureRequest | PytestUser) -> Iterator[HttpSession]:
    """The client of an `HttpUser`; its base URL is that of `--host`. Same as Locust."""
    from rocust._http.session import HttpSession

    client = HttpSession(**_settings(request))
    yield client
    client.close()


@pytest.fixture
def fastsession(request: pytest.FixtureRequest | PytestUser) -> FastHttpSession:
    """The client of a `FastHttpUser`; its base URL is that of `--host`. Same as Locust."""
    from rocust._http.fast import FastHttpSession

    return FastHttpSession(**_settings(request))


def _settings(request: pytest.FixtureRequest | PytestUser) -> dict[str, Any]:
    if isinstance(request, pytest.FixtureRequest):
        from rocust._events import EventHook

        # A hook that nobody listens to: under pytest a request is in no statistics.
        return {"base_url": request.config.getoption("--host"), "request_event": EventHook(), "user": None}
    return {
        "base_url": request.host,
        "request_event": request.environment.events.request,
        "user": request,
        "wire": request._wire_settings(),
    }

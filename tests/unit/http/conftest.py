"""A real server on loopback for the clients, and who listens to what they report."""

from __future__ import annotations

import pytest
from rocust._events import EventHook
from rocust._http.fast import FastHttpSession
from rocust._http.session import HttpSession
from support.script import Route, redirect
from support.server import RefusingPort, ScriptedServer
from support.waiting import in_a_greenlet, in_a_thread


@pytest.fixture(scope="session")
def scripted_server():
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def server(scripted_server):
    """A server that answers `/` and `/echo` with 200, `/missing` with 404, and sends `/moved` on to `/echo`."""
    scripted_server.set_routes(
        {
            "/": Route(),
            "/echo": Route(body='{"greeting": "hello"}', headers=(("Content-Type", "application/json"),)),
            "/missing": Route(status=404, body="nothing here"),
            "/moved": redirect("/echo"),
        }
    )
    return scripted_server


@pytest.fixture
def quiet(server):
    """A server whose `/quiet` never answers, and whose `/flaky` answers at the third time."""
    server.set_routes(
        {
            "/": Route(),
            "/quiet": Route(gate="never"),
            "/flaky": [Route(status=503), Route(status=503), Route()],
            "/down": Route(status=503),
        }
    )
    return server


@pytest.fixture(params=[in_a_thread, in_a_greenlet], ids=["thread", "greenlet"])
def run(request):
    """Runs what blocks, in each of the places where it may."""
    return request.param


@pytest.fixture
def seen(server):
    """The one request of this path that the server has read, or the last of them."""

    def last(path="/echo", number=1):
        server.wait_for_requests(number, path)
        return server.journal(path)[-1]

    return last


@pytest.fixture
def refusing():
    with RefusingPort() as port:
        yield port


class Reports(list):
    """What listeners were told, in order."""

    def __call__(self, **meta):
        self.append(meta)

    @property
    def only(self):
        assert len(self) == 1, self
        return self[0]


@pytest.fixture
def reports():
    return Reports()


@pytest.fixture
def request_event(reports):
    event = EventHook()
    event.add_listener(reports)
    return event


class Visitor:
    """A user as the clients know one."""

    environment = None

    def context(self):
        return {"visitor": 7, "shared": "user"}


@pytest.fixture
def visitor():
    return Visitor()


@pytest.fixture
def session(server, request_event, visitor):
    session = HttpSession(server.url, request_event, user=visitor)
    yield session
    session.close()


@pytest.fixture
def fast(server, request_event, visitor):
    return FastHttpSession(server.url, request_event, user=visitor)


@pytest.fixture(params=["session", "fast"])
def client(request):
    """Each of the two clients."""
    return request.getfixturevalue(request.param)

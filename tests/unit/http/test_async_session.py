"""The session whose calls are awaited: what it sends, what it reports, what it refuses, and what is left when a task is cancelled."""

from __future__ import annotations

import asyncio
import io
import sys

import pytest
import requests
from requests.auth import HTTPDigestAuth
from requests.exceptions import InvalidHeader
from rocust._errors import CatchResponseError, LocustError, StopUser
from rocust._events import EventHook
from rocust._http.async_session import AsyncHttpSession
from rocust._http.recording import StatsListener
from rocust._run.environment import Environment
from support.loop import run
from support.script import Route, redirect
from support.server import RefusingPort


@pytest.fixture
def session(server, request_event, visitor):
    session = AsyncHttpSession(server.url, request_event, user=visitor)
    yield session
    session.close()


@pytest.fixture
def environment(request_event):
    """One whose statistics are told by the event, as a runner does it."""
    environment = Environment()
    request_event._handlers.clear()
    request_event.add_listener(StatsListener(environment))
    return environment


def test_a_call_is_awaited(session, seen, reports):
    async def visit():
        response = await session.get("/echo?a=1", context={"shared": "call", "own": 1})
        return response.status_code, response.json(), response.text, response.headers["Content-Type"], response.elapsed

    status, json, text, content_type, elapsed = run(visit())
    assert (status, json, text, content_type) == (
        200, {"greeting": "hello"}, '{"greeting": "hello"}', "application/json",
    )  # fmt: skip
    assert elapsed.total_seconds() > 0
    assert seen().method == "GET"
    assert reports.only["context"] == {"visitor": 7, "shared": "call", "own": 1}
    assert (reports.only["name"], reports.only["exception"]) == ("/echo?a=1", None)


def test_nothing_is_sent_before_it_is_awaited(session, server):
    async def scenario():
        call = session.get("/echo")
        await asyncio.sleep(0)
        assert session.paths["rust"] == 0
        return (await call).status_code

    assert run(scenario()) == 200


@pytest.mark.parametrize("verb", ["get", "options", "head", "post", "put", "patch", "delete"])
def test_verbs(session, seen, verb):
    async def visit():
        return await getattr(session, verb)("/echo")

    assert run(visit()).ok
    assert seen().method == verb.upper()


def test_what_a_call_may_bring(session, seen):
    async def visit():
        return await session.post(
            "/echo",
            params={"a": "b c"},
            json={"x": 1},
            headers={"X-Own": "1"},
            cookies={"biscuit": "1"},
            auth=("me", "secret"),
            timeout=(20, 20),
            allow_redirects=False,
            verify=False,
        )

    assert run(visit()).ok
    request = seen()
    assert (request.query, request.body) == ("a=b+c", '{"x": 1}')
    assert (request.header("X-Own"), request.header("Cookie")) == ("1", "biscuit=1")
    assert request.header("Authorization") == "Basic bWU6c2VjcmV0"


def test_a_form_with_files(session, seen):
    async def visit():
        return await session.post("/echo", data={"field": "value"}, files={"upload": ("name.txt", b"content")})

    assert run(visit()).ok
    request = seen()
    assert request.header("Content-Type").startswith("multipart/form-data; boundary=")
    assert 'filename="name.txt"' in request.body
    assert "content" in request.body
    assert 'name="field"' in request.body


async def _coming(*pieces):
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


@pytest.mark.parametrize(
    "body",
    [
        lambda: io.BytesIO(b"one two"),
        lambda: iter([b"one", b"", " two"]),
        lambda: _coming(b"one", b"", " two"),
    ],
    ids=["a file", "an iterator", "an asynchronous iterator"],
)
def test_bodies_that_are_made_while_they_are_sent(session, seen, body):
    async def visit():
        return await session.post("/echo", data=body())

    assert run(visit()).ok
    assert "one" in seen().body
    assert "two" in seen().body


def test_a_body_that_is_gone_cannot_be_sent_to_where_a_redirect_leads(session, server, reports):
    server.set_routes({"/": redirect("/echo", 307), "/echo": Route()})

    async def visit():
        return await session.post("/", data=_coming(b"once"))

    response = run(visit())
    assert response.status_code == 0
    assert isinstance(response.error, requests.exceptions.RequestException)
    assert reports.only["exception"] is not None


def test_what_a_body_raises_ends_the_request(session, server):
    server.set_routes({"/": Route()})

    async def broken():
        yield b"half"
        raise LookupError("my own")

    async def visit():
        await session.post("/", data=broken())

    with pytest.raises(LookupError, match="my own"):
        run(visit())
    server.wait_for(lambda: not server.open_connections(), "the connection to end")


def test_a_session_keeps_cookies_and_headers(session, server, seen):
    server.set_routes({"/": Route(headers=(("Set-Cookie", "id=7"),)), "/echo": Route()})

    async def visit():
        session.headers["X-All"] = "yes"
        await session.get("/")
        await session.get("/echo")

    run(visit())
    assert (seen().header("X-All"), seen().header("Cookie")) == ("yes", "id=7")


def test_several_at_once_have_a_connection_each(session, server):
    server.set_routes({"/": Route(gate="all are there")})
    before = server.connection_count()

    async def visit():
        tasks = [asyncio.create_task(session.get("/")) for _ in range(7)]
        await asyncio.to_thread(server.wait_for_requests, 7)
        server.open("all are there")
        return await asyncio.gather(*tasks)

    loop = asyncio.new_event_loop()
    try:
        assert [response.status_code for response in loop.run_until_complete(visit())] == [200] * 7
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    assert server.connection_count() - before == 7


@pytest.mark.skipif(sys.version_info < (3, 11), reason="task groups came with Python 3.11")
def test_a_call_is_a_coroutine_to_asyncio(session):
    async def visit():
        async with asyncio.TaskGroup() as group:
            inner = group.create_task(session.get("/echo"))
        outer = asyncio.create_task(session.get("/echo"))
        timed = await asyncio.wait_for(session.get("/echo"), 20)
        return [inner.result().ok, (await outer).ok, timed.ok]

    assert run(visit()) == [True, True, True]


def test_a_call_that_is_never_awaited_is_told_by_python(session):
    async def visit():
        session.get("/echo")

    with pytest.warns(RuntimeWarning, match="AsyncHttpSession.request' was never awaited") as told:
        run(visit())
    assert {one.filename for one in told} == {__file__}


def test_who_reads_a_response_off_a_call_is_told_to_await_it(session):
    async def visit():
        call = session.get("/echo")
        with pytest.raises(AttributeError, match=r"response = await client\.get"):
            call.status_code  # noqa: B018 - it is the reading that raises
        with pytest.raises(AttributeError) as refusal:
            call.nonsense  # noqa: B018
        assert "await" not in str(refusal.value)
        assert (await call).ok

    run(visit())


# -- judging ----------------------------------------------------------------------------------------------------------------


def test_a_block_judges(session, reports):
    async def visit():
        async with session.get("/missing", catch_response=True) as response:
            response.success()
        async with session.get("/echo", catch_response=True) as response:
            response.failure("mine")
        async with session.get("/missing", catch_response=True):
            pass

    run(visit())
    good, bad, unsaid = [meta["exception"] for meta in reports]
    assert good is None
    assert isinstance(bad, CatchResponseError)
    assert str(bad) == "mine"
    assert isinstance(unsaid, requests.exceptions.HTTPError)


def test_an_exception_of_the_block_passes_and_nothing_is_reported(session, reports):
    async def visit():
        async with session.get("/echo", catch_response=True):
            raise LookupError("my own")

    with pytest.raises(LookupError):
        run(visit())
    assert not reports


def test_only_a_block_that_catches_judges(session, reports):
    async def visit():
        async with session.get("/echo") as response:
            assert response.ok
            with pytest.raises(LocustError, match="catch_response=True"):
                response.failure("mine")
        response = await session.get("/echo", catch_response=True)
        with pytest.raises(LocustError, match=r"with-block.*`async with"):
            response.failure("mine")

    run(visit())
    assert [meta["exception"] for meta in reports] == [None]


def test_with_is_not_async_with(session):
    async def visit():
        response = await session.get("/echo", catch_response=True)
        with pytest.raises(LocustError, match="async with"), response:
            pass
        with pytest.raises(LocustError, match="async with"), session.get("/echo", catch_response=True):
            pass

    run(visit())


# -- labels -----------------------------------------------------------------------------------------------------------------


def test_a_label_of_a_block_is_that_of_its_tasks_and_of_no_others(session, reports):
    async def inside():
        with session.rename_request("group"):
            await asyncio.gather(session.get("/echo"), session.get("/echo"))

    async def visit():
        await asyncio.gather(inside(), session.get("/echo"), session.get("/echo", name="own"))
        session.request_name = "all"
        await session.get("/echo")

    run(visit())
    assert sorted(meta["name"] for meta in reports) == ["/echo", "all", "group", "group", "own"]


# -- listeners --------------------------------------------------------------------------------------------------------------


def test_listeners_may_be_coroutine_functions(session, request_event):
    order = []

    @request_event.add_listener
    async def slowly(name, **_):
        await asyncio.sleep(0)
        order.append(f"slow {name}")

    @request_event.add_listener
    def at_once(name, **_):
        order.append(f"fast {name}")

    async def visit():
        await session.get("/echo")
        order.append("back")
        async with session.get("/missing", catch_response=True):
            pass
        order.append("back")

    run(visit())
    assert order == ["slow /echo", "fast /echo", "back", "slow /missing", "fast /missing", "back"]


def test_what_a_listener_raises_is_logged_unless_it_steers(session, request_event, caplog):
    @request_event.add_listener
    async def fails(name, **_):
        raise StopUser if name == "stop" else LookupError("my own")

    async def visit():
        await session.get("/echo")
        with pytest.raises(StopUser):
            await session.get("/echo", name="stop")

    run(visit())
    assert "my own" in caplog.text


# -- failures ---------------------------------------------------------------------------------------------------------------


def test_a_connection_that_fails_is_a_response_with_an_error(session, refusing, reports):
    async def visit():
        return await session.get(refusing.url)

    response = run(visit())
    assert response.status_code == 0
    assert isinstance(response.error, requests.exceptions.ConnectionError)
    with pytest.raises(requests.exceptions.ConnectionError):
        response.raise_for_status()
    assert isinstance(reports.only["exception"], ConnectionRefusedError)


def test_a_url_that_cannot_be_asked_for_is_raised(session, reports):
    async def visit():
        with pytest.raises(requests.exceptions.InvalidURL):
            await session.get("http://")

    run(visit())
    assert not reports


def test_a_redirect_that_leads_nowhere_is_reported_and_raised(session, server, reports):
    server.set_routes({"/": redirect("gopher://127.0.0.1/")})

    async def visit():
        with pytest.raises(requests.exceptions.InvalidSchema):
            await session.get("/")

    run(visit())
    assert isinstance(reports.only["exception"], requests.exceptions.InvalidSchema)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"auth": HTTPDigestAuth("me", "secret")}, "auth is a HTTPDigestAuth"),
        ({"hooks": {"response": print}}, "hooks given"),
        ({"data": object()}, "data is a object"),
    ],
)
def test_what_needs_requests_own_code_is_refused(session, server, call, words):
    async def visit():
        with pytest.raises(LocustError, match=words) as refusal:
            await session.post("/echo", **call)
        assert "block the loop" in str(refusal.value)

    run(visit())
    assert server.count("/echo") == 0


def test_what_requests_refuses_is_refused_in_its_words(session):
    async def visit():
        with pytest.raises(requests.exceptions.InvalidHeader):
            await session.get("/echo", headers={"X-Own": " led by a space"})
        with pytest.raises(requests.exceptions.InvalidHeader):
            await session.get("/echo", headers={"X-Own": "two\nlines"})
        with pytest.raises(requests.exceptions.InvalidJSONError):
            await session.post("/echo", json=float("nan"))

    run(visit())


def test_what_no_call_takes_is_a_type_error(session):
    async def visit():
        with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
            await session.get("/echo", nonsense=None)
        with pytest.raises(InvalidHeader, match="must be of type str or bytes"):
            await session.get("/echo", headers={"X-Own": 1})
        with pytest.raises(NotImplementedError, match="mutually exclusive"):
            await session.post("/echo", data=iter([b"a"]), files={"f": b"b"})
        with pytest.raises(ValueError, match="must not be a string"):
            await session.post("/echo", data="a", files={"f": b"b"})

    run(visit())


def test_adapters_and_prepared_requests_are_refused(session):
    with pytest.raises(LocustError, match="no adapters"):
        session.mount("http://", requests.adapters.HTTPAdapter())
    with pytest.raises(LocustError, match="no prepared requests"):
        session.send(requests.Request("GET", "http://127.0.0.1/").prepare())


def test_who_patches_requests_is_of_no_concern(session, monkeypatch):
    monkeypatch.setattr(requests.Session, "send", None)

    async def visit():
        return await session.get("/echo", params={"a": 1})

    assert run(visit()).ok


# -- statistics and cancellation ----------------------------------------------------------------------------------------------


def test_statistics_are_those_of_the_session_of_requests(session, environment, refusing):
    async def visit():
        await session.get("/echo")
        await session.post("/missing", data="x")
        await session.get(refusing.url + "/refused", name="/refused")
        async with session.get("/missing", catch_response=True) as response:
            response.success()
        async with session.get("/echo", catch_response=True) as response:
            response.failure("mine")

    run(visit())
    stats = environment.stats
    figures = {key: (entry.num_requests, entry.num_failures) for key, entry in stats.entries.items()}
    assert figures == {
        ("/echo", "GET"): (2, 1),
        ("/missing", "POST"): (1, 1),
        ("/missing", "GET"): (1, 0),
        ("/refused", "GET"): (1, 1),
    }
    assert stats.num_aborted == 0


@pytest.mark.parametrize("catches", [False, True])
def test_a_cancelled_call_is_closed_on_the_wire_and_counted_as_aborted(session, server, environment, catches):
    server.set_routes({"/": Route(gate="never")})
    before = server.count()

    async def visit():
        async with session.get("/", catch_response=catches):
            pass

    async def scenario():
        task = asyncio.create_task(visit())
        while server.count() == before:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The lane lets go of it in its own time.
        while environment.stats.num_aborted == 0:
            await asyncio.sleep(0)

    run(scenario())
    server.wait_for(lambda: not server.open_connections(), "the connection to end")
    stats = environment.stats
    assert (stats.num_aborted, stats.total.num_requests, stats.total.num_failures) == (1, 0, 0)


def test_a_call_that_is_cancelled_while_a_listener_is_awaited_is_counted_all_the_same(
    session, environment, request_event
):
    statistics = request_event._handlers.pop()
    heard = []
    is_heard = asyncio.Event()

    async def slow(**_):
        is_heard.set()
        await asyncio.get_running_loop().create_future()

    async def never(**_):
        heard.append("late")

    def broken(**_):
        heard.append("plain")
        raise LookupError

    for listener in (slow, never, broken, statistics):
        request_event.add_listener(listener)

    async def scenario():
        task = asyncio.create_task(session.get("/echo"))
        await is_heard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scenario())
    assert (heard, environment.stats.total.num_requests, environment.stats.num_aborted) == (["plain"], 1, 0)


def test_a_call_whose_listener_steers_the_user_is_counted_all_the_same(session, environment, request_event):
    statistics = request_event._handlers.pop()

    def steer(**_):
        raise StopUser

    request_event.add_listener(steer)
    request_event.add_listener(statistics)

    async def visit():
        with pytest.raises(StopUser):
            await session.get("/echo")

    run(visit())
    assert environment.stats.total.num_requests == 1


def test_two_hundred_cancelled_calls_are_all_accounted_for(server, environment, request_event):
    server.set_routes({"/": Route(gate="never"), "/echo": Route()})
    session = AsyncHttpSession(server.url, request_event, None)

    async def scenario():
        waiting = [asyncio.create_task(session.get("/")) for _ in range(200)]
        passing = [asyncio.create_task(session.get("/echo")) for _ in range(200)]
        await asyncio.gather(*passing)
        while server.count("/") < 200:
            await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        while environment.stats.num_aborted < 200:
            await asyncio.sleep(0)

    run(scenario())
    session.close()
    server.wait_for(lambda: not server.open_connections(), "all connections to end")
    total = environment.stats.total
    assert (total.num_requests, total.num_failures, environment.stats.num_aborted) == (200, 0, 200)


def test_a_timeout_of_asyncio_is_a_cancellation(session, server, environment):
    server.set_routes({"/": Route(gate="never")})

    async def visit():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(session.get("/"), 0.05)
        while environment.stats.num_aborted == 0:
            await asyncio.sleep(0)

    run(visit())
    assert environment.stats.total.num_requests == 0


def test_sessions_may_be_entered(server):
    async def visit():
        async with AsyncHttpSession(server.url, EventHook(), None) as session:
            return (await session.get("/echo")).ok

    assert run(visit())
    server.wait_for(lambda: not server.open_connections(), "the connection to end")


def test_a_subclass_may_have_a_method_of_its_own(server):
    class Own(AsyncHttpSession):
        def get(self, url, **kwargs):
            return super().get(url, **{"name": "own", **kwargs})

    async def visit():
        with RefusingPort() as closed:
            async with Own(server.url, EventHook(), None) as session:
                return (await session.get("/echo")).ok, (await session.get(closed.url)).status_code

    assert run(visit()) == (True, 0)

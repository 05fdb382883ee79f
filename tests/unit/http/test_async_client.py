"""`rocust.AsyncClient`: limits, retries and rates, and `map`, which runs many requests at once."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import random
import sys
from pathlib import Path

import pytest
import requests
import rocust
from rocust._errors import LocustError
from rocust._http.policies import Pacer, Request
from support.loop import run
from support.script import Route


def client_of(server, **settings):
    return rocust.AsyncClient(server.url, **settings)


def open_sockets(port):
    """How many connections of this process lead there, as its kernel says."""
    own = {os.stat(entry.path).st_ino for entry in os.scandir("/proc/self/fd") if os.path.exists(entry.path)}
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[2].split(":")[1], 16) == port and int(row[9]) in own for row in rows)


# -- calls ------------------------------------------------------------------------------------------------------------------


def test_a_call_and_its_statistics(server):
    async def visit():
        async with client_of(server, headers={"X-All": "yes"}) as client:
            response = await client.post("/echo", json={"a": 1}, name="own")
            await client.get("/missing")
            return response.json(), client.stats

    json, stats = run(visit())
    assert json == {"greeting": "hello"}
    assert server.journal("/echo")[-1].header("X-All") == "yes"
    assert stats.entries["own", "POST"].num_requests == 1
    assert stats.entries["/missing", "GET"].num_failures == 1
    assert stats.total.get_response_time_percentile(0.5) is not None
    server.wait_for(lambda: not server.open_connections(), "the connections to end")


def test_a_connection_that_fails_raises(refusing):
    async def visit():
        async with rocust.AsyncClient() as client:
            with pytest.raises(requests.exceptions.ConnectionError):
                await client.get(refusing.url)
            async with client.get(refusing.url, catch_response=True) as response:
                assert response.status_code == 0
                response.success()
            return client.stats.total.num_requests, client.stats.total.num_failures

    assert run(visit()) == (2, 1)


def test_a_stream(server):
    async def visit():
        async with client_of(server) as client:
            client.auth = ("me", "secret")
            async with client.stream("GET", "/echo") as response:
                return await response.aread()

    assert run(visit()) == b'{"greeting": "hello"}'


@pytest.mark.skipif(sys.platform != "linux", reason="sockets are counted in /proc")
def test_closing_waits_for_the_connections_of_cancelled_requests(quiet):
    async def visit():
        client = client_of(quiet)
        tasks = [asyncio.create_task(client.get("/quiet")) for _ in range(300)]
        while quiet.count("/quiet") < len(tasks):
            await asyncio.sleep(0)
        before = open_sockets(quiet.port)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await client.aclose()
        return before, open_sockets(quiet.port)

    assert run(visit()) == (300, 0)


def test_closing_leaves_alone_what_goes_on(server):
    server.set_routes({"/slow": Route(gate="later"), "/": Route()})

    async def visit():
        client = client_of(server)
        slow = asyncio.create_task(client.get("/slow"))
        while not server.count("/slow"):
            await asyncio.sleep(0)
        await client.aclose()
        server.open("later")
        assert (await slow).ok
        assert (await client.get("/")).ok
        await client.aclose()

    run(visit())


def test_limits_of_time_are_told_apart(quiet):
    async def visit():
        async with client_of(quiet, timeout=rocust.Timeout(total=0.1)) as client:
            with pytest.raises(rocust.TotalTimeout, match=r"longer than 0\.1 s"):
                await client.get("/quiet")
            with pytest.raises(requests.exceptions.ReadTimeout):
                await client.get("/quiet", timeout=rocust.Timeout(read=0.1))
            with pytest.raises(rocust.TotalTimeout):
                await client.get("/quiet", timeout=0.1)
        async with client_of(quiet, timeout=rocust.Timeout(total=None, read=0.1)) as client:
            with pytest.raises(requests.exceptions.ReadTimeout):
                await client.get("/quiet")
            assert not issubclass(rocust.TotalTimeout, requests.exceptions.ReadTimeout)
            assert issubclass(rocust.TotalTimeout, requests.exceptions.Timeout)

    run(visit())


@pytest.mark.parametrize(
    "make",
    [
        lambda: rocust.Timeout(total=0),
        lambda: rocust.Timeout(read=-1),
        lambda: rocust.Retry(attempts=0),
        lambda: rocust.Retry(jitter=2),
        lambda: rocust.AsyncClient(limit=0),
        lambda: rocust.AsyncClient(rate=0),
        lambda: rocust.AsyncClient(dns_ttl=-1),
        lambda: rocust.AsyncClient(dns_ttl=math.inf),
        lambda: rocust.AsyncClient().map([], concurrency=0),
        lambda: rocust.AsyncClient().map([], batch=0),
    ],
)
def test_settings_that_cannot_be_are_refused(make):
    with pytest.raises(ValueError, match=r"number|Timeout|between"):
        make()


def test_base_url_that_is_no_text_is_refused():
    with pytest.raises(TypeError, match=r'base_url is text, such as "http://127\.0\.0\.1:8000"; it is 8000'):
        rocust.Client(8000)


def test_retries_that_are_a_number_are_refused():
    with pytest.raises(TypeError, match=r"retries is a rocust.Retry, such as Retry\(attempts=3\).*it is 3"):
        rocust.AsyncClient(retries=3)


class Listening:
    """Stands before a client of the engine, and keeps what it is told of connections."""

    def __init__(self, client):
        self._client = client
        self.told = []

    def set_wire(self, options):
        self.told.append(options)
        self._client.set_wire(options)

    def __getattr__(self, name):
        return getattr(self._client, name)


def test_a_setting_that_is_changed_leaves_the_time_of_addresses(server):
    async def visit():
        async with client_of(server, dns_ttl=60) as client:
            engine = client.__dict__["_client"] = Listening(client.__dict__["_client"])
            client.http2 = True
            client.http2 = False
            await client.get("/")
            return engine.told

    told = run(visit())
    assert [options.dns_ttl for options in told] == [60, 60]
    assert rocust.AsyncClient().wire.compiled().dns_ttl is None


# -- retries and rates ----------------------------------------------------------------------------------------------------------


def test_waits_double_and_a_share_is_left_to_chance():
    random.seed(7)
    plain = rocust.Retry(attempts=5, backoff=0.5, jitter=0)
    answer = requests.Response()
    answer.status_code = 503
    assert [plain.wait_after(attempt, answer, None) for attempt in range(1, 6)] == [0.5, 1, 2, 4, None]
    jittery = rocust.Retry(attempts=2, backoff=2, jitter=0.5)
    waits = [jittery.wait_after(1, answer, None) for _ in range(1000)]
    assert all(1 <= wait <= 2 for wait in waits)
    assert max(waits) - min(waits) > 0.9
    answer.status_code = 500
    assert plain.wait_after(1, answer, None) is None
    assert plain.wait_after(1, answer, requests.exceptions.ReadTimeout()) == 0.5
    assert plain.wait_after(1, answer, requests.exceptions.TooManyRedirects()) is None


def test_what_is_to_be_retried_is_sent_again(quiet):
    async def visit():
        async with client_of(quiet, retries=rocust.Retry(attempts=3, backoff=0.01)) as client:
            assert (await client.get("/flaky")).status_code == 200
            assert (await client.get("/down")).status_code == 503
            return client.stats.entries["/flaky", "GET"].num_requests, quiet.count("/flaky"), quiet.count("/down")

    assert run(visit()) == (3, 3, 3)


def test_a_body_that_is_gone_is_not_sent_again(quiet):
    async def visit():
        async with client_of(quiet, retries=rocust.Retry(attempts=3, backoff=0.01)) as client:
            return (await client.post("/down", data=iter([b"once"]))).status_code

    assert run(visit()) == 503
    assert quiet.count("/down") == 1


def test_moments_are_evenly_spaced_and_not_caught_up():
    pacer = Pacer(10)
    assert [round(pacer.wait(now), 3) for now in (0.0, 0.0, 0.05, 5.0, 5.0)] == [0, 0.1, 0.15, 0, 0.1]


# -- connections ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "expected"), [({"limit": 3}, 3), ({"limit_per_host": 2}, 2)])
def test_no_more_requests_are_under_way_than_allowed(server, settings, expected):
    gate = f"limit {settings}"
    server.set_routes({"/": Route(gate=gate)})
    before = server.connection_count()

    async def visit():
        async with client_of(server, **settings) as client:
            tasks = [asyncio.create_task(client.get("/")) for _ in range(12)]
            while server.count("/") < expected:
                await asyncio.sleep(0)
            # Had there been more, the lane would have sent them with the others: it is asked for something else meanwhile.
            async with client_of(server) as other:
                await other.get("/unknown")
            assert server.count("/") == expected
            server.open(gate)
            return [response.status_code for response in await asyncio.gather(*tasks)]

    assert run(visit()) == [200] * 12
    assert server.connection_count() - before == expected + 1


def test_connections_are_kept_for_the_next_requests(server):
    before = server.connection_count()

    async def visit():
        async with client_of(server, limit=40) as client:
            for _ in range(5):
                await asyncio.gather(*(client.get("/echo") for _ in range(40)))

    run(visit())
    assert server.connection_count() - before <= 40


# -- map --------------------------------------------------------------------------------------------------------------------


def test_map_answers_everything_once(server):
    async def visit():
        async with client_of(server) as client:
            items = [f"/echo?{number}" for number in range(500)]
            seen = [(response.index, response.item, response.status_code) async for response in client.map(items)]
            return items, seen, client.stats.total.num_requests, list(client.stats.entries)

    items, seen, counted, names = run(visit())
    assert sorted(seen) == sorted((index, item, 200) for index, item in enumerate(items))
    assert counted == 500
    assert names == [("map", "GET")]


def test_errors_are_values(server, refusing):
    async def visit():
        async with client_of(server) as client:
            items = ["/echo", refusing.url, "http://", 7, rocust.Request("POST", "/missing", json={"a": 1})]
            items.append(rocust.Request("POST", "/echo", data=iter([b"once"])))
            return {response.index: response async for response in client.map(items)}

    answers = run(visit())
    assert (answers[0].status_code, answers[0].error) == (200, None)
    assert isinstance(answers[1].error, requests.exceptions.ConnectionError)
    assert isinstance(answers[2].error, requests.exceptions.InvalidURL)
    assert isinstance(answers[3].error.__cause__, TypeError)
    assert answers[4].status_code == 404
    assert isinstance(answers[5].error.__cause__, LocustError)
    assert server.journal("/missing")[-1].body == '{"a": 1}'


def test_map_takes_no_more_than_its_consumer(server):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield "/echo"

    async def visit():
        async with client_of(server) as client:
            handed_over = 0
            async for _ in client.map(endless(), concurrency=10):
                handed_over += 1
                # A slow consumer: all that is under way comes in meanwhile.
                for _ in range(20):
                    await asyncio.sleep(0)
                assert taken - handed_over <= 20
                if handed_over == 60:
                    break
            gc.collect()
            for _ in range(5):
                # The loop ends what was left: it makes a task for that, which has its turn.
                await asyncio.sleep(0)

    run(visit())


@pytest.mark.parametrize("concurrency", [1, 7])
def test_map_has_no_more_under_way_than_asked_for(server, concurrency):
    gate = f"map {concurrency}"
    server.set_routes({"/": Route(gate=gate)})

    async def visit():
        async with client_of(server) as client:
            task = asyncio.create_task(anext(client.map(["/"] * 30, concurrency=concurrency)))
            while server.count("/") < concurrency:
                await asyncio.sleep(0)
            async with client_of(server) as other:
                await other.get("/unknown")
            assert server.count("/") == concurrency
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(visit())
    server.open(gate)


def test_leaving_the_loop_calls_off_what_is_under_way(quiet):
    async def visit():
        async with client_of(quiet) as client:
            async for response in client.map(["/"] + ["/quiet"] * 20):
                assert response.ok
                while quiet.count("/quiet") < 20:
                    await asyncio.sleep(0)
                break
            gc.collect()
            while client.stats.num_aborted < 20:
                await asyncio.sleep(0)
            return client.stats.total.num_requests

    assert run(visit()) == 1
    quiet.wait_for(lambda: not quiet.open_connections(), "the connections to end")


def test_batches(server):
    progress = []

    async def visit():
        async with client_of(server) as client:
            return [len(batch) async for batch in client.map(["/echo"] * 250, batch=100, on_progress=progress.append)]

    assert run(visit()) == [100, 100, 50]
    assert [(told.done, told.failed, told.total) for told in progress] == [(100, 0, 250), (200, 0, 250), (250, 0, 250)]
    assert progress[-1].rate > 0


def test_progress_is_told_while_the_last_ones_are_waited_for(server):
    server.set_routes({"/": Route(), "/late": Route(gate="late")})
    told = []

    def note(progress):
        told.append(progress.done)
        if progress.done == 3:
            server.open("late")

    async def visit():
        async with client_of(server) as client:
            coming = client.map(["/", "/", "/", "/late"], on_progress=note)
            return len([response async for response in coming])

    assert run(asyncio.wait_for(visit(), 20)) == 4
    assert 3 in told
    assert told[-1] == 4


def test_an_asynchronous_source(server):
    async def source():
        for number in range(100):
            await asyncio.sleep(0)
            yield f"/echo?{number}"

    async def visit():
        async with client_of(server) as client:
            return sorted([response.index async for response in client.map(source(), concurrency=5)])

    assert run(visit()) == list(range(100))


def test_a_source_that_is_cancelled_ends_the_loop(server):
    async def coming():
        yield "/echo"
        gone = asyncio.get_running_loop().create_future()
        gone.cancel()
        await gone

    async def visit():
        async with client_of(server) as client:
            with pytest.raises(asyncio.CancelledError):
                async for response in client.map(coming()):
                    assert response.ok

    run(visit())


def test_what_cannot_be_sent_is_a_value_whatever_is_wrong_with_it(server):
    wrong = [Request("GET", "/echo", cert="/none"), Request("GET", "/echo", nonsense=1), Request("GET", 5), object()]

    async def visit():
        async with client_of(server) as client:
            responses = client.map(["/echo", *wrong, "/echo"], concurrency=1)
            return [(response.index, response.error is None) async for response in responses]

    assert sorted(run(visit())) == [(0, True), *((place, False) for place in range(1, 5)), (5, True)]


def test_a_request_has_its_own_name_and_context_also_when_it_fails(server, refusing):
    heard = []

    async def visit():
        async with client_of(server) as client:
            client.request_event.add_listener(lambda **meta: heard.append((meta["name"], meta["context"])))
            asked = [Request("GET", url, name=url[-4:], context={"n": 1}) for url in ("/echo", refusing.url + "/gone")]
            assert [response.error is None async for response in client.map(asked, concurrency=1)] == [True, False]
            return set(client.stats.entries)

    assert run(visit()) == {("echo", "GET"), ("gone", "GET")}
    assert heard == [("echo", {"n": 1}), ("gone", {"n": 1})]


@pytest.mark.parametrize("is_asynchronous", [False, True])
def test_what_the_source_raises_comes_after_what_it_gave(server, is_asynchronous):
    def plain():
        yield from ["/echo"] * 20
        raise LookupError("my own")

    async def coming():
        for item in ["/echo"] * 20:
            yield item
        raise LookupError("my own")

    async def visit():
        answers = 0
        async with client_of(server) as client:
            with pytest.raises(LookupError, match="my own"):
                async for _ in client.map(coming() if is_asynchronous else plain(), concurrency=3):
                    answers += 1
        return answers

    assert run(visit()) == 20


def test_map_tries_again(quiet):
    async def visit():
        async with client_of(quiet, retries=rocust.Retry(attempts=3, backoff=0.01)) as client:
            return {response.item: response.status_code async for response in client.map(["/flaky", "/down", "/"])}

    assert run(visit()) == {"/flaky": 200, "/down": 503, "/": 200}
    assert (quiet.count("/flaky"), quiet.count("/down")) == (3, 3)


def test_map_keeps_to_the_rate(server):
    async def visit():
        async with client_of(server, rate=200) as client:
            began_at = asyncio.get_running_loop().time()
            async for _ in client.map(["/echo"] * 41):
                pass
            return asyncio.get_running_loop().time() - began_at

    # Forty gaps of 5 ms: never less, however fast the machine.
    assert run(visit()) >= 0.199


def test_listeners_hear_of_map(server):
    heard = []

    async def listener(name, **_):
        await asyncio.sleep(0)
        heard.append(name)

    async def visit():
        async with client_of(server) as client:
            client.request_event.add_listener(listener)
            async for _ in client.map(["/echo"] * 5, name="own"):
                pass
            return client.stats.total.num_requests

    assert run(visit()) == 5
    assert heard == ["own"] * 5


def test_nothing_to_do(server):
    async def visit():
        async with client_of(server) as client:
            return [response async for response in client.map([])], [b async for b in client.map([], batch=5)]

    assert run(visit()) == ([], [])

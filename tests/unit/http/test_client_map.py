"""`rocust.Client.map`: many requests at once for who waits by blocking, in a thread without a hub and in a greenlet."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import gevent
import pytest
import requests
import rocust
from requests.auth import HTTPDigestAuth
from rocust._errors import LocustError
from support.script import Route
from support.waiting import until


def client_of(server, **settings):
    return rocust.Client(server.url, **settings)


def test_map_answers_everything_once(server, run):
    def visit():
        with client_of(server) as client:
            items = [f"/echo?{number}" for number in range(500)]
            seen = [(response.index, response.item, response.status_code) for response in client.map(items)]
            return items, seen, client.stats.total.num_requests, list(client.stats.entries)

    items, seen, counted, names = run(visit)
    assert sorted(seen) == sorted((index, item, 200) for index, item in enumerate(items))
    assert (counted, names) == (500, [("map", "GET")])


def test_map_hands_over_in_the_order_in_which_answers_come(server, run):
    server.set_routes({"/late": Route(gate=f"map late {run.__name__}"), "/early": Route()})

    def visit():
        order = []
        with client_of(server) as client:
            for response in client.map(["/late", "/early"]):
                order.append(response.item)
                server.open(f"map late {run.__name__}")
        return order

    assert run(visit) == ["/early", "/late"]


def test_errors_are_values(server, refusing, run):
    def visit():
        with client_of(server) as client:
            items = ["/echo", refusing.url, "http://", 7, rocust.Request("POST", "/missing", json={"a": 1})]
            items.append(rocust.Request("POST", "/echo", data=iter([b"once"])))
            items.append(rocust.Request("GET", "/echo", auth=HTTPDigestAuth("me", "secret")))
            items.append(rocust.Request("POST", "/echo", files={"file": b"whole"}))
            return {response.index: response for response in client.map(items)}

    answers = run(visit)
    assert (answers[0].status_code, answers[0].error) == (200, None)
    assert isinstance(answers[1].error, requests.exceptions.ConnectionError)
    assert (list(answers[1].iter_lines()), answers[1].read(), answers[1].text) == ([], b"", "")
    assert isinstance(answers[2].error, requests.exceptions.InvalidURL)
    assert isinstance(answers[3].error.__cause__, TypeError)
    assert answers[4].status_code == 404
    assert isinstance(answers[5].error.__cause__, LocustError)
    assert "hint: make it by itself, with `client.request`" in str(answers[6].error)
    assert answers[7].status_code == 200
    assert server.journal("/missing")[-1].body == '{"a": 1}'
    assert any("whole" in request.body for request in server.journal("/echo"))


def test_map_takes_no_more_than_its_consumer(server, run):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield "/echo"

    def visit():
        with client_of(server) as client:
            for handed_over, _ in enumerate(client.map(endless(), concurrency=10), 1):
                # A slow consumer: all that is under way comes in meanwhile.
                server.wait_for_requests(taken)
                assert taken - handed_over <= 20
                if handed_over == 60:
                    break

    run(visit)
    assert taken <= 80


@pytest.mark.parametrize("concurrency", [1, 7])
def test_map_has_no_more_under_way_than_asked_for(server, concurrency):
    gate = f"client map {concurrency}"
    server.set_routes({"/": Route(gate=gate)})

    def visit():
        with client_of(server) as client:
            return len(list(client.map(["/"] * 30, concurrency=concurrency)))

    with ThreadPoolExecutor(1) as threads:
        job = threads.submit(visit)
        server.wait_for_requests(concurrency)
        with client_of(server) as other:
            other.get("/unknown")
        assert server.count("/") == concurrency
        server.open(gate)
        assert job.result(20) == 30


def test_leaving_the_loop_calls_off_what_is_under_way(quiet, run):
    def visit():
        with client_of(quiet) as client:
            for response in client.map(["/"] + ["/quiet"] * 20):
                assert response.ok
                quiet.wait_for_requests(20, "/quiet")
                break
            until(lambda: client.stats.num_aborted == 20)
            return client.stats.total.num_requests

    assert run(visit) == 1
    quiet.wait_for(lambda: not quiet.open_connections(), "the connections to end")


def test_killing_the_greenlet_of_a_loop_ends_its_run(quiet):
    with client_of(quiet) as client:
        worker = gevent.spawn(lambda: list(client.map(["/quiet"] * 5)))
        gevent.sleep(0)
        quiet.wait_for_requests(5, "/quiet")
        worker.kill()
        until(lambda: client.stats.num_aborted == 5)


def test_batches_and_progress(server, run):
    progress = []

    def visit():
        with client_of(server) as client:
            return [len(batch) for batch in client.map(["/echo"] * 250, batch=100, on_progress=progress.append)]

    assert run(visit) == [100, 100, 50]
    assert [(told.done, told.failed, told.total) for told in progress] == [(100, 0, 250), (200, 0, 250), (250, 0, 250)]


def test_progress_is_told_while_the_last_ones_are_waited_for(server, run):
    server.set_routes({"/": Route(), "/late": Route(gate=f"late {run.__name__}")})
    told = []

    def note(progress):
        told.append(progress.done)
        if progress.done == 3:
            server.open(f"late {run.__name__}")

    def visit():
        with client_of(server) as client:
            return len(list(client.map(["/", "/", "/", "/late"], on_progress=note)))

    assert run(visit) == 4
    assert 3 in told
    assert told[-1] == 4


def test_what_the_source_raises_comes_after_what_it_gave(server, run):
    def source():
        yield from ["/echo"] * 20
        raise LookupError("my own")

    def visit():
        answers = 0
        with client_of(server) as client, pytest.raises(LookupError, match="my own"):
            for _ in client.map(source(), concurrency=3):
                answers += 1
        return answers

    assert run(visit) == 20


def test_map_tries_again_and_keeps_to_the_rate(quiet, run):
    def visit():
        with client_of(quiet, retries=rocust.Retry(attempts=3, backoff=0.01)) as client:
            answers = {response.item: response.status_code for response in client.map(["/flaky", "/down", "/"])}
        with client_of(quiet, rate=200) as client:
            began_at = time.monotonic()
            assert len(list(client.map(["/"] * 41))) == 41
            return answers, time.monotonic() - began_at

    answers, took_s = run(visit)
    assert answers == {"/flaky": 200, "/down": 503, "/": 200}
    assert (quiet.count("/flaky"), quiet.count("/down")) == (3, 3)
    # Forty gaps of 5 ms.
    assert took_s >= 0.199


def test_maps_of_several_threads_share_a_client(server):
    def visit(client):
        return sorted(response.index for response in client.map(["/echo"] * 200, concurrency=20))

    with client_of(server) as client:
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(visit, [client] * 4)) == [list(range(200))] * 4
        assert client.stats.total.num_requests == 800


def test_listeners_hear_of_calls_and_of_map(server, run):
    heard = []

    def visit():
        with client_of(server) as client:
            client.request_event.add_listener(lambda name, **_: heard.append(name))
            client.get("/echo", name="single")
            list(client.map(["/echo"] * 5, name="own"))
            return client.stats.total.num_requests

    assert run(visit) == 6
    assert heard == ["single", *["own"] * 5]


def test_nothing_to_do(server):
    with client_of(server) as client:
        assert (list(client.map([])), list(client.map([], batch=5))) == ([], [])

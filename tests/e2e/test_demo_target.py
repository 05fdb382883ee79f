"""The built-in target, from outside: what it answers, when, and what it counts. Start and end: test_cli_script."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from support.clock import assert_in_time
from support.command import demo_target

pytestmark = pytest.mark.ours("has no demo target")

Connect = Callable[[], http.client.HTTPConnection]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Opens connections to a fresh target; closes them, and ends it, afterwards."""
    connections: list[http.client.HTTPConnection] = []
    with demo_target() as url:

        def one_more() -> http.client.HTTPConnection:
            connections.append(http.client.HTTPConnection(url.removeprefix("http://"), timeout=10))
            return connections[-1]

        try:
            yield one_more
        finally:
            for connection in connections:
                connection.close()


def exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes]:
    connection.request(method, path, body)
    response = connection.getresponse()
    return response.status, response.read()


def test_answers_every_method_and_path_on_one_connection(connect: Connect) -> None:
    connection = connect()
    for method, path in (
        ("GET", "/"),
        ("POST", "/a/b"),
        ("PUT", "/?page=2"),
        ("DELETE", "/x"),
        ("PATCH", "/"),
        ("OPTIONS", "/"),
    ):
        assert exchange(connection, method, path, b"x" * 70_000) == (200, b"Hello, World!")
    assert exchange(connection, "HEAD", "/") == (200, b"")
    assert json.loads(exchange(connection, "GET", "/count")[1]) == {"requests": 7}


def test_a_query_asks_for_status_and_delay_of_one_answer(connect: Connect) -> None:
    connection = connect()
    assert exchange(connection, "GET", "/?status=503")[0] == 503
    started_s = time.perf_counter()
    assert exchange(connection, "GET", "/?delay=40&status=404") == (404, b"Hello, World!")
    assert time.perf_counter() - started_s >= 0.04
    assert exchange(connection, "GET", "/")[0] == 200
    status, sentence = exchange(connection, "GET", "/?delay=soon")
    assert (status, sentence) == (400, b'delay is not a number: "soon"')


def test_counts_across_connections_while_they_are_used_together(connect: Connect) -> None:
    connections = [connect() for _ in range(20)]

    def load(connection: http.client.HTTPConnection) -> None:
        for _ in range(50):
            exchange(connection, "GET", "/")

    threads = [threading.Thread(target=load, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads(exchange(connect(), "GET", "/count")[1]) == {"requests": 1000}


@pytest.mark.timing
def test_delays_are_never_short_and_late_by_less_than_a_millisecond(connect: Connect) -> None:
    connection = connect()
    seen_ms = []
    for _ in range(50):
        started_s = time.perf_counter()
        exchange(connection, "GET", "/?delay=20")
        seen_ms.append((time.perf_counter() - started_s) * 1e3)
    assert min(seen_ms) >= 20
    median_ms = sorted(seen_ms)[len(seen_ms) // 2]
    assert_in_time(median_ms < 21, median_ms)

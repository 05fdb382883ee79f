"""Every request the server saw is in the report, or is said not to be.

What the server counted = what the statistics hold (successes and failures) + what was in flight when its user was
stopped (`environment.stats.num_aborted`, told in the log). Stock Locust keeps no such account of the aborted.
"""

from __future__ import annotations

import re
import signal

import pytest
from support.command import Result, run_locust, start_locust
from support.script import Route, Step, close, pause, redirect, reset, send, wait_for_gate
from support.server import RefusingPort, ScriptedServer

KINDS = ("HttpUser", "FastHttpUser")
ABORTED_LINE = (
    "requests were in flight when their users were stopped or their tasks cancelled, or nobody judged them; "
    "they are not in the statistics"
)
HALF_AN_ANSWER = send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly half of what was pro")

TIGHT_LOOP = """
from locust import HttpUser, FastHttpUser, task, events

class Loop(KIND):
    @task
    def get(self):
        self.client.get("/")
"""

# Each user makes one request that is answered, and one that waits for the gate.
TWELVE_TRIES = pytest.mark.ours("FastHttpUser sends it up to twelve times and reports one")
ONE_FAST_ONE_HELD = """
from locust import HttpUser, FastHttpUser, task

class Patient(KIND):
    @task
    def get(self):
        self.client.get("/fast")
        self.client.get("/held")
"""

SILENT = """

class Listener(HttpUser):
    @task
    def listen(self):
        self.client.get("/silent")
"""

STREAMS = """
from locust import HttpUser, FastHttpUser, task, events

class Streamer(KIND):
    @task
    def read_and_send(self):
        response = self.client.get("/drip", stream=True)
        if response.status_code:
            for _ in response.iter_content(1):
                pass
        self.client.post("/sink", data=(b"x" * 1000 for _ in range(200)))
        self.client.get("/drip", stream=True).iter_content(1)
"""

# One user, so many requests of a path, then the end of the run.
COUNTED = """
from locust import HttpUser, FastHttpUser, task

class Counted(KIND):
    @task
    def work(self):
        for _ in range(20):
            REQUEST
        self.environment.runner.quit()
"""


def counted(kind: str, request: str = 'self.client.get("/")') -> str:
    """The locustfile that makes one request twenty times."""
    return COUNTED.replace("KIND", kind).replace("REQUEST", request)


def assert_table_agrees(result: Result) -> None:
    """The table the user sees says the same as the statistics."""
    assert result.tables.total.requests == result.total.requests
    assert result.tables.total.failures == result.total.failures
    assert sum(row.requests for key, row in result.tables.rows.items() if key[0]) == result.total.requests


@pytest.mark.parametrize("kind", KINDS)
def test_graceful_end_reports_exactly_what_the_server_saw(kind: str) -> None:
    with ScriptedServer({"/": Route()}) as server:
        result = run_locust(
            TIGHT_LOOP.replace("KIND", kind), "-H", server.url, "-u", "5", "-r", "5", "-t", "1", "-s", "5"
        )
        server.settle()
        assert server.count("/") > 100
        assert result.total.requests == server.count("/")
        assert result.total.failures == 0
        assert_table_agrees(result)
        assert result.returncode == 0


@pytest.mark.ours("keeps no account of aborted requests")
def test_graceful_end_aborts_nothing() -> None:
    with ScriptedServer({"/": Route()}) as server:
        result = run_locust(
            TIGHT_LOOP.replace("KIND", "HttpUser"), "-H", server.url, "-u", "5", "-r", "5", "-t", "1", "-s", "5"
        )
        assert result.aborted == 0
        assert ABORTED_LINE not in result.stderr


@pytest.mark.ours("keeps no account of aborted requests")
@pytest.mark.parametrize(
    "listener", ["", "@events.request.add_listener\ndef listen(**_):\n    pass\n"], ids=["plain", "listener"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_abrupt_end_while_bodies_are_streamed_loses_nothing_and_invents_nothing(kind: str, listener: str) -> None:
    """A streamed response is reported with its head, whatever becomes of its body; an upload as any request."""
    users = 5
    drip = (send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"), pause(0.02), send("def"))
    with ScriptedServer({"/drip": Route(steps=drip), "/sink": Route()}) as server:
        result = run_locust(
            STREAMS.replace("KIND", kind) + listener, "-H", server.url, "-u", str(users), "-r", str(users), "-t", "1"
        )
        server.settle()
        seen = server.count("/drip") + server.count("/sink")
        assert server.count("/sink") > 10
        assert result.total.failures == 0
        # An upload that was broken off half-way has been sent, but the server has not seen it whole.
        assert result.total.requests <= seen
        assert seen <= result.total.requests + result.aborted <= seen + users


@pytest.mark.ours("keeps no account of aborted requests")
@pytest.mark.parametrize(
    "listener", ["", "@events.request.add_listener\ndef listen(**_):\n    pass\n"], ids=["plain", "listener"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_abrupt_end_by_run_time_loses_nothing_and_invents_nothing(kind: str, listener: str) -> None:
    """Without a stop timeout users are killed wherever they are: what was sent is reported or told as aborted.

    A user killed between handing its request over and the first byte on the wire is aborted but never seen by the
    server: at most one a user.
    """
    users = 5
    with ScriptedServer({"/": Route()}) as server:
        result = run_locust(
            TIGHT_LOOP.replace("KIND", kind) + listener, "-H", server.url, "-u", str(users), "-r", str(users), "-t", "1"
        )
        server.settle()
        seen = server.count("/")
        assert seen > 100
        assert result.total.requests <= seen
        assert seen <= result.total.requests + result.aborted <= seen + users
        assert (f"{result.aborted} {ABORTED_LINE}" in result.stderr) or result.aborted <= 1
        assert_table_agrees(result)


@pytest.mark.ours("keeps no account of aborted requests")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", KINDS)
def test_signal_in_the_middle_of_a_tight_loop_loses_nothing(kind: str, number: signal.Signals) -> None:
    users = 5
    with (
        ScriptedServer({"/": Route()}) as server,
        start_locust(TIGHT_LOOP.replace("KIND", kind), "-H", server.url, "-u", str(users), "-r", str(users)) as running,
    ):
        server.wait_for_requests(200)
        running.send_signal(number)
        result = running.wait()
        server.settle()
        seen = server.count("/")
        assert seen <= result.total.requests + result.aborted <= seen + users
        assert result.total.requests <= seen
        assert result.returncode == 0


@pytest.mark.ours("keeps no account of aborted requests")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("kind", KINDS)
def test_signal_with_requests_in_flight_tells_how_many_were_aborted(kind: str, number: signal.Signals) -> None:
    routes = {"/fast": Route(), "/held": Route(gate="never")}
    file = ONE_FAST_ONE_HELD.replace("KIND", kind)
    with ScriptedServer(routes) as server, start_locust(file, "-H", server.url, "-u", "5", "-r", "5") as running:
        server.wait_for_requests(5, "/held")
        running.send_signal(number)
        result = running.wait()
        server.settle()
        assert server.count() == 10
        assert result.total.requests == result.entry("/fast").requests == 5
        assert result.aborted == 5
        assert f"5 {ABORTED_LINE}" in result.stderr
        assert_table_agrees(result)


@pytest.mark.ours("keeps no account of aborted requests")
@pytest.mark.parametrize("kind", KINDS)
def test_kill_by_stop_timeout_tells_how_many_were_aborted(kind: str) -> None:
    routes = {"/fast": Route(), "/held": Route(gate="never")}
    file = ONE_FAST_ONE_HELD.replace("KIND", kind)
    with ScriptedServer(routes) as server:
        result = run_locust(file, "-H", server.url, "-u", "5", "-r", "5", "-t", "1", "-s", "1")
        server.settle()
        assert server.count("/held") == 5
        assert result.total.requests == server.count("/fast") == 5
        assert result.aborted == 5
        assert f"5 {ABORTED_LINE}" in result.stderr
        assert "Not all users finished their tasks & terminated in 1.0 seconds. Stopping them..." in result.stderr


@pytest.mark.ours("does not say what it waited for in vain")
def test_requests_that_outlive_the_stop_timeout_are_named_with_how_far_they_came() -> None:
    routes = {
        "/fast": Route(),
        "/held": Route(steps=(HALF_AN_ANSWER, wait_for_gate("never"))),
        "/silent": Route(gate="never"),
    }
    file = ONE_FAST_ONE_HELD.replace("KIND", "HttpUser") + SILENT
    with ScriptedServer(routes) as server:
        result = run_locust(file, "-H", server.url, "-u", "2", "-r", "2", "-t", "1", "-s", "1")
    told = sorted(re.sub(r"\d+\.\d s", "N s", line) for line in result.log_lines("WARNING") if "called off" in line)
    assert told == [
        f"GET {server.url}/held was called off N s after it was sent: its answer had begun to come and was not whole, "
        "and nothing lay unread.",
        f"GET {server.url}/silent was called off N s after it was sent: no byte of an answer had been read, "
        "and nothing lay unread.",
    ]


@pytest.mark.ours("does not say what it waited for in vain")
def test_no_more_than_ten_of_them_are_named() -> None:
    file = ONE_FAST_ONE_HELD.replace("KIND", "HttpUser")
    with ScriptedServer({"/fast": Route(), "/held": Route(gate="never")}) as server:
        result = run_locust(file, "-H", server.url, "-u", "11", "-r", "11", "-t", "1", "-s", "1")
    warnings = result.log_lines("WARNING")
    assert len([line for line in warnings if "called off" in line]) == 10
    assert warnings[-1] == "... and more requests like these."


@pytest.mark.parametrize("kind", KINDS)
def test_stop_timeout_lets_requests_in_flight_end_and_reports_them(kind: str) -> None:
    routes = {"/fast": Route(), "/held": Route(gate="stop has begun")}
    file = ONE_FAST_ONE_HELD.replace("KIND", kind)
    with (
        ScriptedServer(routes) as server,
        start_locust(file, "-H", server.url, "-u", "5", "-r", "5", "-s", "20") as running,
    ):
        server.wait_for_requests(5, "/held")
        running.send_signal(signal.SIGTERM)
        running.wait_for_line("Got SIGTERM signal")
        server.open("stop has begun")
        result = running.wait()
        server.settle()
        assert server.count("/held") == result.entry("/held").requests == 5
        assert result.total.requests == server.count() == 10
        assert result.total.failures == 0
        assert result.seconds < 20, "it waited for the whole stop timeout although all users had finished"


@pytest.mark.parametrize("kind", KINDS)
def test_refused_connections_are_failures(kind: str) -> None:
    with RefusingPort() as nobody:
        result = run_locust(counted(kind), "-H", nobody.url)
        assert (result.total.requests, result.total.failures) == (20, 20)
        assert result.tables.rows["GET", "/"].failed_percent == 100
        assert_table_agrees(result)
        assert result.returncode == 1


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        pytest.param("HttpUser", (HALF_AN_ANSWER, reset()), id="HttpUser-reset mid-body"),
        pytest.param("HttpUser", (HALF_AN_ANSWER, close()), id="HttpUser-closed mid-body"),
        pytest.param("HttpUser", (reset(),), id="HttpUser-reset at once"),
        pytest.param("HttpUser", (close(),), id="HttpUser-closed at once"),
        pytest.param("FastHttpUser", (HALF_AN_ANSWER, reset()), id="FastHttpUser-reset mid-body"),
        pytest.param("FastHttpUser", (HALF_AN_ANSWER, close()), id="FastHttpUser-closed mid-body"),
        pytest.param("FastHttpUser", (reset(),), marks=TWELVE_TRIES, id="FastHttpUser-reset at once"),
        pytest.param("FastHttpUser", (close(),), marks=TWELVE_TRIES, id="FastHttpUser-closed at once"),
    ],
)
def test_answer_cut_short_is_one_failure_each(kind: str, steps: tuple[Step, ...]) -> None:
    with ScriptedServer({"/": Route(steps=steps)}) as server:
        result = run_locust(counted(kind), "-H", server.url)
        server.settle()
        assert server.count("/") == 20, "the client sent a request again, or not at all"
        assert (result.total.requests, result.total.failures) == (20, 20)
        assert sum(result.tables.errors.values()) == 20
        assert result.returncode == 1


@pytest.mark.parametrize("kind", KINDS)
def test_connection_lost_between_requests_costs_no_failure(kind: str) -> None:
    """A server may close an idle connection after any answer; the next request then opens a new one."""
    closing = Route(steps=(send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"), close()))
    with ScriptedServer({"/": closing}) as server:
        result = run_locust(counted(kind), "-H", server.url)
        server.settle()
        assert (result.total.requests, result.total.failures) == (20, 0)
        assert server.count("/") == server.connection_count() == 20


CATCHING = """
with self.client.get("/", catch_response=True) as response:
                response.failure("not good enough")
            with self.client.get("/absent", catch_response=True) as response:
                response.success()
            with self.client.get("/", name="/left alone", catch_response=True) as response:
                pass
"""


@pytest.mark.parametrize("kind", KINDS)
def test_caught_responses_are_counted_once_with_their_verdict(kind: str) -> None:
    with ScriptedServer({"/": Route()}) as server:
        result = run_locust(counted(kind, CATCHING.strip()), "-H", server.url)
        server.settle()
        assert server.count() == result.total.requests == 60
        assert (result.entry("/").requests, result.entry("/").failures) == (20, 20)
        assert (result.entry("/absent").requests, result.entry("/absent").failures) == (20, 0)
        assert (result.entry("/left alone").requests, result.entry("/left alone").failures) == (20, 0)
        assert result.errors == {"GET /: not good enough": 20}


LISTENING = """
heard = []

@events.request.add_listener
def listen(name, exception, **_):
    heard.append((name, exception is None))

@events.quitting.add_listener
def tell(**_):
    import json
    print("HEARD", json.dumps([heard.count(("/", True)), heard.count(("/absent", False)), len(heard)]))
"""


@pytest.mark.parametrize("kind", KINDS)
def test_request_listeners_hear_of_each_request_once(kind: str) -> None:
    both = 'self.client.get("/"); self.client.get("/absent")'
    with ScriptedServer({"/": Route()}) as server:
        result = run_locust("from locust import events\n" + LISTENING + counted(kind, both), "-H", server.url)
        server.settle()
        assert result.printed("HEARD") == [[20, 20, 40]]
        assert server.count() == result.total.requests == 40
        assert result.total.failures == 20


@pytest.mark.parametrize("kind", KINDS)
def test_redirects_are_one_request_and_the_server_sees_each_hop(kind: str) -> None:
    with ScriptedServer({"/": redirect("/second"), "/second": redirect("/third", 307), "/third": Route()}) as server:
        result = run_locust(counted(kind), "-H", server.url)
        server.settle()
        assert [server.count(path) for path in ("/", "/second", "/third")] == [20, 20, 20]
        assert (result.total.requests, result.total.failures) == (20, 0)
        assert set(result.tables.rows) == {("GET", "/"), ("", "Aggregated")}


@pytest.mark.parametrize("kind", KINDS)
def test_users_that_stop_themselves_leave_a_whole_account(kind: str) -> None:
    """StopUser after ten requests, fifty users at once: nothing is lost as users come and go."""
    file = f"""
from locust import HttpUser, FastHttpUser, task
from locust.exception import StopUser

class Short({kind}):
    @task
    def work(self):
        for _ in range(10):
            self.client.get("/")
        raise StopUser()

    def on_stop(self):
        if self.environment.runner.user_count <= 1:
            self.environment.runner.quit()
"""
    with ScriptedServer({"/": Route()}) as server:
        result = run_locust(file, "-H", server.url, "-u", "50", "-r", "50", "-t", "3")
        server.settle()
        assert server.count("/") == result.total.requests == 500

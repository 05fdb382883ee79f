"""locust-plugins, as its users install it: with stock Locust beside us in one environment.

Our command runs it on our modules, stock's command on stock's. It has had no `RestUser` of its own since Locust's users have `rest`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import Result, run_locust
from support.home import PLUGINS, command_of, python_of
from support.script import Route
from support.server import ScriptedServer

HEAD = """
import json
import locust
from locust import FastHttpUser, HttpUser, SequentialTaskSet, constant, events, task
from locust_plugins import listeners
"""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    routes = {
        "/hello": Route(body='{"greeting": "hello"}', headers=(("Content-Type", "application/json"),)),
        "/broken": Route(status=500),
    }
    with ScriptedServer(routes) as scripted:
        yield scripted


def run(text: str, server: ScriptedServer, *args: str, **options) -> Result:
    arguments = ("-H", server.url, "-u", "1", "-t", "20s", *args)
    return run_locust(HEAD + text, *arguments, **({"command": command_of(PLUGINS)} | options))


WHERE = """
import locust_plugins
print("WHERE", json.dumps([locust.__file__, locust_plugins.locust.stats.__file__]))

class Visitor(HttpUser):
    @task
    def visit(self):
        self.client.get("/hello")
"""


def test_each_command_runs_on_its_own_modules(server: ScriptedServer) -> None:
    ours = run(WHERE, server, "--iterations", "3")
    assert ours.entry("/hello").requests == 3, ours.stderr
    for path in ours.printed("WHERE")[0]:
        assert "/rocust/" in path
    stock = run(
        WHERE, server, "--iterations", "3", command=[str(Path(python_of(PLUGINS)).with_name("locust"))], probe=False
    )
    assert stock.tables.rows["GET", "/hello"].requests == 3, stock.stderr
    for path in stock.printed("WHERE")[0]:
        assert "/site-packages/locust/" in path


@pytest.mark.parametrize(
    ("path", "check", "code", "line"),
    [
        ("/broken", ("--check-fail-ratio", "0.5"), 3, r"CHECK FAILED: fail ratio was 100.00% (threshold 50.00%)"),
        ("/hello", ("--check-fail-ratio", "0.5"), 0, ""),
        ("/broken", ("--check-fail-ratio", "1"), 0, ""),
        ("/hello", ("--check-rps", "1000000"), 3, "CHECK FAILED: total rps was "),
        ("/hello", ("--check-avg-response-time", "0.0001"), 3, "CHECK FAILED: avg response time was "),
        ("/hello", ("--check-avg-response-time", "60000"), 0, ""),
    ],
)
def test_checks_set_the_exit_code(
    server: ScriptedServer, path: str, check: tuple[str, str], code: int, line: str
) -> None:
    result = run(WHERE.replace("/hello", path), server, "-i", "5", *check)
    assert result.entry(path).requests == 5, result.stderr
    assert result.returncode == code
    assert (line or "CHECK FAILED") in result.stderr if line else "CHECK FAILED" not in result.stderr


def test_iterations_are_counted_over_all_users_and_task_sets(server: ScriptedServer) -> None:
    text = """
class Steps(SequentialTaskSet):
    @task
    def first(self):
        self.client.get("/hello", name="first")

    @task
    def second(self):
        self.client.get("/hello", name="second")

class Visitor(FastHttpUser):
    tasks = [Steps]
"""
    result = run(text, server, "-u", "4", "-r", "4", "-i", "40", "-t", "5s")
    assert result.total.requests == 40, result.stderr
    assert "Iteration limit reached (40)" in result.stderr


def test_ips_replace_the_wait_of_every_user(server: ScriptedServer) -> None:
    text = """
class Visitor(FastHttpUser):
    wait_time = constant(1000)

    @task
    def visit(self):
        self.client.get("/hello")
"""
    result = run(text, server, "-i", "10", "--ips", "50")
    assert result.total.requests == 10, result.stderr


LISTENER = """
seen = []

class Visitor(HttpUser):
    wait_time = constant(0.01)

    @task
    def visit(self):
        seen.append("begin")
        self.client.get("/broken")
        seen.append("end")
        if len(seen) >= 6:
            self.environment.runner.quit()

    def on_stop(self):
        seen.append("stop")

@events.init.add_listener
def listen(environment, **_):
    listeners.LISTENER

@events.quitting.add_listener
def tell(**_):
    print("SEEN", json.dumps(seen))
"""


@pytest.mark.parametrize(
    ("listener", "seen"),
    [
        ("StopUserOnFail(environment)", ["begin", "stop"]),
        ("QuitOnFail(environment)", None),
        ("QuitOnFail(environment, name='/other')", ["begin", "end", "begin", "end", "begin", "end", "stop"]),
        ("RescheduleTaskOnFail(environment)", None),
        ("RunOnFail(environment, lambda error, **_: seen.append(type(error).__name__))", ["begin", "HTTPError", "end"]),
    ],
)
def test_listeners_steer_users_by_failures(server: ScriptedServer, listener: str, seen: list[str] | None) -> None:
    result = run(LISTENER.replace("LISTENER", listener), server, "-t", "3s")
    (told,) = result.printed("SEEN")
    if "Reschedule" in listener:
        assert len(told) > 3, result.stderr
        assert "end" not in told
    elif seen is None:
        assert told[:1] == ["begin"], result.stderr
        assert result.entry("/broken").requests == 1
        assert result.seconds < 20
    else:
        assert told[: len(seen)] == seen, result.stderr
    assert "Uncaught exception in event handler" not in result.stderr


def test_jmeter_listener_writes_a_line_for_each_request(server: ScriptedServer, tmp_path: Path) -> None:
    text = f"""
from locust_plugins.listeners.jmeter import JmeterListener

class Visitor(HttpUser):
    @task
    def visit(self):
        self.client.get("/hello")
        self.client.get("/broken")

@events.init.add_listener
def listen(environment, **_):
    JmeterListener(environment, testplan="plan", results_filename="{tmp_path}/results.csv", flush_size=3)
"""
    result = run(text, server, "-i", "5")
    assert result.total.requests == 10, result.stderr
    rows = [row for row in csv.DictReader((tmp_path / "results.csv").read_text().splitlines()) if row["label"]]
    assert [row["label"] for row in rows] == ["/hello", "/broken"] * 5
    # It asks whether the response is true, and one of status 500 is not, also with `requests` itself.
    assert [row["responseCode"] for row in rows] == ["200", "0"] * 5
    assert [row["success"] for row in rows] == ["true", "false"] * 5
    assert {row["bytes"] for row in rows[::2]} == {str(len('{"greeting": "hello"}'))}


def test_transactions_over_several_tasks_are_written_down(server: ScriptedServer, tmp_path: Path) -> None:
    text = f"""
from locust_plugins.transaction_manager import TransactionManager

TransactionManager.transactions_filename = "{tmp_path}/all.csv"
TransactionManager.transactions_summary_filename = "{tmp_path}/summary.csv"

class Shopping(SequentialTaskSet):
    def on_start(self):
        self.transactions = TransactionManager()

    @task
    def browse(self):
        self.transactions.start_transaction("shopping")
        self.client.get("/hello")

    @task
    def buy(self):
        self.client.get("/broken")
        self.transactions.end_transaction("shopping", False, "sold out")

class Shopper(HttpUser):
    tasks = [Shopping]
"""
    result = run(text, server, "-i", "6", "--log-transactions-in-file")
    assert result.total.requests == 6, result.stderr
    rows = list(csv.DictReader((tmp_path / "all.csv").read_text().splitlines()))
    assert [(row["transaction_name"], row["success"], row["failure_message"]) for row in rows] == [
        ("shopping", "False", "sold out")
    ] * 3
    summary = (tmp_path / "summary.csv").read_text()
    assert "shopping" in summary


def test_rest_and_csv_data(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("Ada,36\nBob,17\n")
    text = f"""
from locust_plugins.csvreader import CSVReader

people = CSVReader("{tmp_path}/people.csv")

class Asker(FastHttpUser):
    @task
    def ask(self):
        name, age = next(people)
        with self.rest("POST", "/hello", json={{"name": name}}) as response:
            assert response.js["greeting"] == "hello"
            assert int(age) >= 18, f"{{name}} is a child"
"""
    result = run(text, server, "-i", "4")
    entry = result.entry("/hello", "POST")
    assert (entry.requests, entry.failures) == (4, 2), result.stderr
    assert "Bob is a child" in str(result.errors)
    names = [json.loads(exchange.body)["name"] for exchange in server.journal("/hello")]
    assert names == ["Ada", "Bob", "Ada", "Bob"]

"""`run_single_user` in a script of the user's own: real requests, printed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.command import PACKAGE, PYTHON, run_python
from support.script import Route
from support.server import ScriptedServer

SCRIPT = """
from PACKAGE import CLIENT, MarkovTaskSet, SequentialTaskSet, events, run_single_user, task, transition
from PACKAGE.exception import StopUser

@events.test_start.add_listener
def begin(environment, **_):
    print("BEGIN", '"%s"' % environment.locustfile)

class Journey(CLIENT):
    @task
    class Steps(SequentialTaskSet):
        @task
        def hello(self):
            self.client.get("/hello")

        @task(2)
        def order(self):
            self.client.post("/order", data=b"a=1", name="ordering")

        @task
        class Browsing(MarkovTaskSet):
            @transition("second")
            def first(self):
                self.client.get("/absent")

            @transition("first")
            def second(self):
                self.interrupt()

        @task
        def marked(self):
            with self.client.get("/hello", catch_response=True) as response:
                response.failure("not polite")

        @task
        def end(self):
            raise StopUser

    def on_stop(self):
        print("BYE", '"now"')

if __name__ == "__main__":
    run_single_user(Journey, include_length=True, include_payload=PAYLOAD)
"""

#: What each client says of a 404.
FAILURES = {
    "HttpUser": "HTTPError('404 Client Error: Not Found for url: /absent')",
    "FastHttpUser": "LocustBadStatusCode(code=404)",
}


@pytest.mark.parametrize("client", FAILURES)
def test_each_request_is_printed_in_order(client: str) -> None:
    # Stock Locust prints the payload of this one only.
    with_payload = client == "FastHttpUser"
    script = SCRIPT.replace("CLIENT", client).replace("PAYLOAD", str(with_payload))
    with ScriptedServer(
        {"/hello": Route(), "/order": Route(body="ok"), "/absent": Route(status=404, body="")}
    ) as server:
        result = run_python(script, "--host", server.url)
        assert result.returncode == 0, result.stderr
        assert [exchange.path for exchange in server.journal()] == ["/hello", "/order", "/order", "/absent", "/hello"]
    assert result.printed("BEGIN") == ["script.py"]
    assert result.printed("BYE") == ["now"]
    rows = [line.split("\t") for line in result.stdout.splitlines() if line.startswith(("GET\t", "POST\t"))]
    assert [[row[0], row[1].strip(), row[3], row[4].strip()] for row in rows] == [
        ["GET", "/hello", "13", ""],
        ["POST", "ordering", "2", ""],
        ["POST", "ordering", "2", ""],
        ["GET", "/absent", "0", FAILURES[client]],
        ["GET", "/hello", "13", "not polite"],
    ]
    assert all(row[2].strip().isdigit() for row in rows)
    if with_payload:
        assert rows[1][5] == "b'a=1'"


DEBUGGED = """
import sys
from PACKAGE import CLIENT, run_single_user, task
from PACKAGE.exception import StopUser

class Shopper(CLIENT):
    turns = 0

    @task
    def buy(self):
        self.turns += 1
        response = self.client.get("/hello")
        status = response.status_code
        if self.turns == 2:  # here
            raise StopUser
"""
LINE = next(number for number, line in enumerate(DEBUGGED.splitlines(), 1) if line.endswith("# here"))


def debug(text: str, tmp_path: Path, *arguments: str, commands: str) -> str:
    """Run a script while somebody types into its debugger; what both said."""
    script = tmp_path / "shopper.py"
    script.write_text(text.replace("PACKAGE", PACKAGE))
    ended = subprocess.run(
        [PYTHON, *arguments, str(script)],
        cwd=tmp_path, input=commands, env={"PATH": "", "HOME": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=50,
    )  # fmt: skip
    return ended.stdout


@pytest.mark.parametrize("client", FAILURES)
def test_debugger_stops_in_a_task_shows_its_variables_and_goes_on(client: str, tmp_path: Path) -> None:
    commands = [
        f"break {LINE}", "continue",
        "p ('first stop', self.turns, status, response.text)", "up", "down", "p ('user', type(self).__name__)",
        "step",  # on to the end of the task, and out of it
        "continue",  # another request: the user has waited for the engine in the hub, and is still traced
        "p ('second stop', self.turns)", "p self.client.get('/hello').status_code + 1000",
        "clear 1", "continue", "quit",
    ]  # fmt: skip
    text = DEBUGGED.replace("CLIENT", client) + '\nShopper.host = "HOST"\nrun_single_user(Shopper)\nprint("AFTER")\n'
    with ScriptedServer({"/hello": Route()}) as server:
        said = debug(
            text.replace("HOST", server.url), tmp_path, "-m", "pdb", commands="\n".join(commands) + "\n"
        )  # fmt: skip
        assert server.count("/hello") == 3
    assert "('first stop', 1, 200, 'Hello, world!')" in said, said
    assert "('user', 'Shopper')" in said
    assert "--Return--" in said
    assert "('second stop', 2)" in said
    assert "1200" in said
    assert "AFTER" in said
    assert "The program finished" in said


def test_breakpoint_in_a_task_opens_the_debugger(tmp_path: Path) -> None:
    text = (
        DEBUGGED.replace("# here", "")
        .replace("        status = ", "        breakpoint()\n        status = ")
        .replace("CLIENT", "HttpUser")
    )
    text += '\nShopper.host = "HOST"\nrun_single_user(Shopper)\nprint("AFTER")\n'
    with ScriptedServer({"/hello": Route()}) as server:
        said = debug(
            text.replace("HOST", server.url), tmp_path, commands="p (self.turns, response.ok)\ncontinue\n" * 2
        )  # fmt: skip
    assert "(1, True)" in said, said
    assert "(2, True)" in said
    assert "AFTER" in said


def test_trace_function_stays_through_requests_and_waits(tmp_path: Path) -> None:
    """What debuggers and coverage are made of: each line of the task is seen, also after the user has been parked."""
    text = DEBUGGED.replace("CLIENT", "FastHttpUser").replace(
        "    turns = 0\n", "    turns = 0\n    wait_time = lambda self: 0.01\n"
    )
    text += """
Shopper.host = "HOST"
lines = []

def trace(frame, event, argument):
    if frame.f_code.co_name != "buy":
        return None
    if event == "line":
        lines.append(frame.f_lineno)
    return trace

sys.settrace(trace)
run_single_user(Shopper)
assert sys.gettrace() is trace
sys.settrace(None)
print("LINES", lines)
"""
    with ScriptedServer({"/hello": Route()}) as server:
        said = debug(text.replace("HOST", server.url), tmp_path, commands="")
    once = list(range(LINE - 2, LINE + 2))
    assert f"LINES {[*once, *once, LINE + 2]}" in said, said

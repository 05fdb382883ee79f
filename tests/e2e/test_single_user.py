"""`run_single_user` in a script of the user's own: real requests, printed."""

from __future__ import annotations

import pytest
from support.command import run_python
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

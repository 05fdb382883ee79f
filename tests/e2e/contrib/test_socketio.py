"""`SocketIOUser` and python-socketio's own server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import IS_STOCK, run_locust
from support.daemon import free_port, program_with_port
from support.home import CONTRIB, command_of, python_of

LOCUSTFILE = """
import gevent, json
from locust import task
from locust.contrib.socketio import SocketIOUser
import gevent

class Chatter(SocketIOUser):
    options = {"reconnection": False}

    @task
    def chat(self):
        told = []
        self.sio.on("own", lambda data: None)
        self.sio.connect("URL", transports=["TRANSPORT"])
        self.sio.emit("say", {"text": "hello"})
        self.sio.send("hello", name="greeting")
        print("ECHO", json.dumps(self.sio.call("echo", "back")))
        self.sio.emit("tell", "news")
        while not self.environment.stats.entries.get(("told", "WSR")):
            gevent.sleep(0.01)
        print("SEEN", json.dumps(self.sio.call("count")))
        self.sio.disconnect()
        self.sio.emit("late", "x")
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = Path(__file__).parent / "servers" / "socketio_server.py"
    with program_with_port([python_of(CONTRIB), str(server)]) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_what_is_sent_and_what_comes_is_reported_once(url: str, transport: str) -> None:
    text = LOCUSTFILE.replace("URL", url).replace("TRANSPORT", transport)
    before = run_locust(COUNT.replace("URL", url), "-u", "1", "-t", "20s", command=command_of(CONTRIB)).printed("SEEN")[
        0
    ]
    result = run_locust(text, "-u", "1", "-t", "20s", command=command_of(CONTRIB))
    assert result.printed("ECHO") == ["back"], result.stderr
    seen = result.printed("SEEN")[0]
    assert {name: seen[name] - before.get(name, 0) for name in ("say", "message", "echo", "tell")} == {
        "say": 1, "message": 1, "echo": 1, "tell": 1,
    }  # fmt: skip
    for name, kind in [
        ("connect", "WS"), ("say", "WSE"), ("greeting", "WSS"), ("echo", "WSC"), ("tell", "WSE"), ("count", "WSC"), ("told", "WSR"),
    ]:  # fmt: skip
        assert (result.entry(name, kind).requests, result.entry(name, kind).failures) == (1, 0)
    assert result.entry("greeting", "WSS").content_bytes == 5
    assert (result.entry("late", "WSE").requests, result.entry("late", "WSE").failures) == (1, 1)
    if not IS_STOCK:  # which counts the steps of `send` and `call` too
        assert result.total.requests == 8


COUNT = """
import json
from locust import task
from locust.contrib.socketio import SocketIOUser
import gevent

class Counting(SocketIOUser):
    @task
    def count(self):
        self.sio.connect("URL")
        print("SEEN", json.dumps(self.sio.call("count")))
        self.sio.disconnect()
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)
"""


def test_a_server_that_is_not_there_is_a_failed_connect() -> None:
    text = COUNT.replace("URL", f"http://127.0.0.1:{free_port()}").replace(
        'print("SEEN", json.dumps(self.sio.call("count")))', ""
    )
    result = run_locust(text, "-u", "1", "-t", "20s", command=command_of(CONTRIB))
    assert (result.entry("connect", "WS").requests, result.entry("connect", "WS").failures) == (1, 1), result.stderr
    assert result.returncode == 1

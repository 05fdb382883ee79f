"""What a task gets back: the attributes of a response, the verdicts of `catch_response`, and errors as data."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from support.command import Result, run_locust
from support.script import Route, close, redirect, send
from support.server import ScriptedServer

KINDS = ("HttpUser", "FastHttpUser")

# One task; show(name, value) prints a line that the test reads back.
ONE_TASK = """
import json, traceback
from locust import HttpUser, FastHttpUser, task
from locust.exception import ResponseError, LocustError

def show(name, value):
    print("SHOWN", json.dumps([name, value]))

class Visitor(KIND):
    @task
    def work(self):
        try:
            self.once(self.client)
        except Exception:
            traceback.print_exc()
        self.environment.runner.quit()

    def once(self, client):
        BODY
"""


def shown(server: ScriptedServer, kind: str, body: str) -> tuple[dict[str, Any], Result]:
    """Run the body as a task once; what it has shown, and the run."""
    indented = body.strip().replace("\n", "\n        ")
    result = run_locust(ONE_TASK.replace("KIND", kind).replace("BODY", indented), "-H", server.url)
    assert "Traceback" not in result.stderr, result.stderr
    return dict(result.printed("SHOWN")), result


CHUNKED = send(
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nHello\r\n8;x=y\r\n, chunks\r\n0\r\nTrailer: t\r\n\r\n"
)
JSON_TYPE = (("Content-Type", "application/json"),)
ROUTES = {
    "/": Route(headers=(("Content-Type", "text/plain; charset=utf-8"), ("X-Mixed-Case", "Yes"))),
    "/json": Route(body='{"a": [1, 2.5, null, true], "s": "\\u00fc"}', headers=JSON_TYPE),
    "/not-json": Route(body="<html>", headers=JSON_TYPE),
    "/latin": Route(body="\xfc", headers=(("Content-Type", "text/plain; charset=iso-8859-1"),)),
    "/utf8": Route(body="ü".encode().decode("latin-1"), headers=(("Content-Type", "text/plain; charset=utf-8"),)),
    "/gzip": Route(body=gzip.compress(b"packed " * 100).decode("latin-1"), headers=(("Content-Encoding", "gzip"),)),
    "/deflate": Route(
        body=zlib.compress(b"packed " * 100).decode("latin-1"), headers=(("Content-Encoding", "deflate"),)
    ),
    "/chunked": Route(steps=(CHUNKED,)),
    "/until-close": Route(steps=(send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end"), close())),
    "/hangs-up": Route(steps=(close(),)),
    "/empty": Route(body=""),
    "/created": Route(status=201, body="made"),
    "/no-content": Route(status=204, body=""),
    "/moved": redirect("/json"),
    "/bad": Route(status=400, body="no good"),
    "/broken": Route(status=500, body="Internal"),
    "/big": Route(body="x" * 3_000_000),
    "/waits": Route(delay_s=0.05),
}


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(ROUTES) as running:
        yield running


@pytest.mark.parametrize("kind", KINDS)
def test_response_has_status_text_content_headers_and_url(server: ScriptedServer, kind: str) -> None:
    values, _ = shown(
        server,
        kind,
        """
response = client.get("/")
show("status_code", response.status_code)
show("ok", response.ok)
show("text", response.text)
show("content", response.content.decode())
show("is bytes", isinstance(response.content, bytes))
show("headers", [response.headers["x-mixed-case"], response.headers["X-MIXED-CASE"], response.headers.get("absent")])
show("has header", "x-mixed-case" in response.headers)
show("url", response.url)
show("truth", bool(response))
""",
    )
    assert values == {
        "status_code": 200,
        "ok": True,
        "text": "Hello, world!",
        "content": "Hello, world!",
        "is bytes": True,
        "headers": ["Yes", "Yes", None],
        "has header": True,
        "url": server.url + "/",
        "truth": True,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_json_of_a_response_is_parsed(server: ScriptedServer, kind: str) -> None:
    values, _ = shown(
        server,
        kind,
        """
show("json", client.get("/json").json())
try:
    client.get("/not-json").json()
except ValueError as error:
    show("error", isinstance(error, json.JSONDecodeError))
""",
    )
    assert values == {"json": {"a": [1, 2.5, None, True], "s": "ü"}, "error": True}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/latin", "ü"),
        ("/utf8", "ü"),
        ("/gzip", "packed " * 100),
        ("/deflate", "packed " * 100),
        ("/chunked", "Hello, chunks"),
        ("/until-close", "until the end"),
        ("/empty", ""),
        ("/created", "made"),
        ("/no-content", ""),
    ],
)
def test_text_is_what_the_server_meant(server: ScriptedServer, kind: str, path: str, text: str) -> None:
    values, result = shown(
        server, kind, f'response = client.get("{path}")\nshow("text", response.text)\nshow("ok", response.ok)'
    )
    assert values == {"text": text, "ok": True}
    assert result.total.failures == 0


@pytest.mark.parametrize("kind", KINDS)
def test_large_body_arrives_whole_and_its_length_is_reported(server: ScriptedServer, kind: str) -> None:
    values, result = shown(server, kind, 'show("length", len(client.get("/big").content))')
    assert values["length"] == result.total.content_bytes == 3_000_000


def test_http_user_response_is_like_one_of_requests(server: ScriptedServer) -> None:
    values, _ = shown(
        server,
        "HttpUser",
        """
import requests
response = client.get("/waits")
show("elapsed", response.elapsed.total_seconds())
show("reason", response.reason)
show("is a requests.Response", isinstance(response, requests.Response))
show("encoding", client.get("/utf8").encoding)
moved = client.get("/moved")
show("url", moved.url)
show("history", [[old.status_code, old.headers["location"]] for old in moved.history])
show("request", [moved.request.method, moved.request.url])
show("is_redirect", client.get("/moved", allow_redirects=False).is_redirect)
show("items", dict(client.get("/").headers)["X-Mixed-Case"])
show("cookies", dict(client.get("/").cookies))
""",
    )
    assert 0.05 <= values.pop("elapsed") < 1
    assert values == {
        "reason": "OK",
        "is a requests.Response": True,
        "encoding": "utf-8",
        "url": server.url + "/json",
        "history": [[302, "/json"]],
        "request": ["GET", server.url + "/json"],
        "is_redirect": True,
        "items": "Yes",
        "cookies": {},
    }


@pytest.mark.parametrize("kind", KINDS)
def test_raise_for_status_raises_on_errors_only(server: ScriptedServer, kind: str) -> None:
    values, result = shown(
        server,
        kind,
        """
client.get("/").raise_for_status()
for path in ("/bad", "/broken"):
    response = client.get(path)
    try:
        response.raise_for_status()
    except Exception as error:
        show(path, [response.status_code, response.ok, str(response.status_code) in str(error)])
""",
    )
    assert values == {"/bad": [400, False, True], "/broken": [500, False, True]}
    assert (result.total.requests, result.total.failures) == (3, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_connection_error_is_a_response_with_status_zero(server: ScriptedServer, kind: str) -> None:
    values, result = shown(
        server,
        kind,
        """
response = client.get("/hangs-up")
show("response", [response.status_code, response.content is None, response.error is None])
try:
    response.raise_for_status()
except Exception as error:
    show("raised", error is response.error or type(error) is type(response.error))
""",
    )
    assert values == {"response": [0, True, False], "raised": True}
    assert (result.total.requests, result.total.failures) == (1, 1)


def test_wrong_urls_are_errors_of_the_task_for_an_http_user(server: ScriptedServer) -> None:
    """What does not begin with http:// or https:// is joined to the host, and makes no URL here either."""
    values, result = shown(
        server,
        "HttpUser",
        """
import requests
for url in ("http://", "htp://127.0.0.1/"):
    try:
        client.get(url)
    except requests.exceptions.RequestException as error:
        show(url, type(error).__name__)
""",
    )
    assert values == {"http://": "InvalidURL", "htp://127.0.0.1/": "InvalidURL"}
    assert result.total.requests == 0


VERDICTS = """
with client.get("/", name="failure(text)", catch_response=True) as response:
    response.failure("wrong text")
with client.get("/", name="failure(exception)", catch_response=True) as response:
    response.failure(ValueError("wrong value"))
with client.get("/broken", name="success", catch_response=True) as response:
    response.success()
with client.get("/broken", name="untouched", catch_response=True) as response:
    pass
with client.get("/", name="last wins", catch_response=True) as response:
    response.failure("first")
    response.success()
with client.get("/", name="first loses", catch_response=True) as response:
    response.success()
    response.failure("second")
with client.get("/", name="ResponseError", catch_response=True) as response:
    raise ResponseError("raised")
try:
    with client.get("/", name="other exception", catch_response=True) as response:
        raise KeyError("mine")
except KeyError:
    show("propagated", True)
try:
    with client.get("/", name="marked, then other exception", catch_response=True) as response:
        response.failure("marked")
        raise KeyError("mine")
except KeyError:
    show("propagated again", True)
try:
    client.get("/", name="not caught").failure("no")
except LocustError as error:
    show("failure() without catch_response", "catch_response" in str(error))
try:
    client.get("/", name="not caught").success()
except LocustError as error:
    show("success() without catch_response", "catch_response" in str(error))
"""


@pytest.mark.parametrize("kind", KINDS)
def test_verdicts_of_catch_response(server: ScriptedServer, kind: str) -> None:
    values, result = shown(server, kind, VERDICTS)
    assert values == {
        "propagated": True,
        "propagated again": True,
        "failure() without catch_response": True,
        "success() without catch_response": True,
    }
    outcome = {entry["name"]: [entry["requests"], entry["failures"]] for entry in result.probe["entries"]}
    assert outcome == {
        "failure(text)": [1, 1],
        "failure(exception)": [1, 1],
        "success": [1, 0],
        "untouched": [1, 1],
        "last wins": [1, 0],
        "first loses": [1, 1],
        "ResponseError": [1, 1],
        "marked, then other exception": [1, 1],
        "not caught": [2, 0],
    }
    errors = set(result.errors)
    assert "GET failure(text): wrong text" in errors
    assert "GET failure(exception): ValueError('wrong value')" in errors
    assert "GET first loses: second" in errors
    assert "GET marked, then other exception: marked" in errors


@pytest.mark.parametrize("kind", KINDS)
def test_caught_response_time_ends_with_the_answer_not_with_the_block(server: ScriptedServer, kind: str) -> None:
    values, result = shown(
        server,
        kind,
        """
import time
with client.get("/", catch_response=True) as response:
    time.sleep(1.5)
    show("slept", True)
""",
    )
    assert values == {"slept": True}
    assert result.entry("/").maximum_ms < 1500


@pytest.mark.parametrize("kind", KINDS)
def test_slow_answer_can_be_judged_by_its_time(server: ScriptedServer, kind: str) -> None:
    judged = (
        'response.request_meta["response_time"] > 40'
        if kind == "FastHttpUser"
        else "response.elapsed.total_seconds() > 0.04"
    )
    _, result = shown(
        server,
        kind,
        f"""
with client.get("/waits", catch_response=True) as response:
    if {judged}:
        response.failure("too slow")
with client.get("/", catch_response=True) as response:
    if {judged.replace("40", "4000").replace("0.04", "4")}:
        response.failure("too slow")
""",
    )
    assert (result.entry("/waits").failures, result.entry("/").failures) == (1, 0)
    assert result.errors == {"GET /waits: too slow": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_head_has_headers_and_no_body(server: ScriptedServer, kind: str) -> None:
    values, _ = shown(
        server,
        kind,
        """
response = client.head("/")
show("head", [response.status_code, response.text or "", response.headers["content-length"]])
""",
    )
    assert values["head"] == [200, "", "13"]


def test_data_of_the_answers_is_counted(server: ScriptedServer) -> None:
    body = 'for path in ("/", "/json"):\n    client.get(path, name="both")'
    _, result = shown(server, "HttpUser", body)
    assert result.entry("both").content_bytes == len("Hello, world!") + len(
        json.dumps({"a": [1, 2.5, None, True], "s": "ü"})
    )

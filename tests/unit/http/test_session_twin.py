"""`HttpSession` beside `requests` itself: the same call, the same bytes on the wire, the same attributes of the response.

Runs on every system and Python, and needs no stock Locust; `tests/compat/twins` compares more, where stock Locust can be had.
"""

from __future__ import annotations

import io
import pickle

import pytest
import requests
from requests.auth import HTTPBasicAuth
from rocust._http.async_session import AsyncHttpSession
from support.loop import run
from support.script import Route, redirect


def _shouting(request):
    request.headers["X-Signed"] = "yes"
    return request


CALLS = {
    "plain": {},
    "query in the path": {"url": "/echo?a=1&b=#fragment"},
    "characters that need encoding": {"url": "/echo?q=a b|ü"},
    "params of all kinds": {"url": "/echo?x=1", "params": {"list": [1, 2], "text": "ü &", "none": None}},
    "params as text": {"params": "k=v w"},
    "params as pairs": {"params": [("a", "1"), ("a", "2")]},
    "params as bytes": {"params": b"raw=1"},
    "form": {"method": "POST", "data": {"a": "1", "b": ["2", "3"], "u": "ü"}},
    "form of pairs": {"method": "POST", "data": [("a", "1"), ("a", "2")]},
    "text": {"method": "POST", "data": "hellö"},
    "bytes": {"method": "POST", "data": b"\x00\xff"},
    "file": {"method": "POST", "data": io.BytesIO(b"from a file")},
    "multipart": {"method": "POST", "files": {"f": ("name.txt", b"content")}, "headers": {"Content-Type": "fixed"}},
    "multipart with a type": {
        "method": "POST",
        "files": {"f": ("name.txt", b"content", "text/plain", {"X-Part": "1"})},
    },
    "multipart beside a form": {"method": "POST", "files": [("f", b"1"), ("f", b"2")], "data": {"a": ["1", "2"]}},
    "multipart beside json": {"method": "POST", "files": {"f": b"1"}, "json": {"a": 1}},
    "multipart without a type": {"method": "POST", "files": {"f": b"1"}, "headers": {"Content-Type": None}},
    "form without a type": {"method": "POST", "data": {"a": "1"}, "headers": {"content-type": None}},
    "nothing to post": {"method": "POST"},
    "json": {"method": "POST", "json": {"a": "ü", "b": [1, None, 2.5]}},
    "empty json": {"method": "PUT", "json": []},
    "json beside data": {"method": "POST", "data": "text", "json": {"a": 1}},
    "json beside empty data": {"method": "PATCH", "data": {}, "json": {"a": 1}},
    "json with a type of its own": {"method": "POST", "json": {"a": 1}, "headers": {"content-type": "x/y"}},
    "headers": {"headers": {"X-Trace": "42", "accept": "text/x", "user-agent": "mine"}},
    "headers taken away": {"headers": {"Accept": None, "User-Agent": None}},
    "header as bytes": {"headers": {"X-Raw": b"by"}},
    "header in Latin-1": {"headers": {"X-Word": "é"}},
    "host header": {"headers": {"Host": "other.example"}},
    "credentials": {"auth": ("ü", "pass")},
    "basic auth object": {"auth": HTTPBasicAuth("user", "pass")},
    "auth as a function": {"auth": _shouting},
    "cookies": {"cookies": {"a": "1", "b": "two"}},
    "unusual method": {"method": "brew"},
    "delete": {"method": "DELETE"},
    "options": {"method": "OPTIONS"},
    "limits": {"timeout": (5, 10)},
}


def _wire(exchange):
    # Which encodings `requests` offers depends on what else is installed.
    fields = [(name, value) for name, value in exchange.headers if name.lower() != "accept-encoding"]
    return exchange.method, exchange.target, fields, exchange.body


def _both_sent(server, name, send):
    """What `requests` sent for a call, and what `send` did: heads with the order of their fields."""
    call = {"method": "GET", "url": "/echo", **CALLS[name]}
    method, path = call.pop("method"), call.pop("url")
    with requests.Session() as plain:
        plain.trust_env = False
        for one, base in ((plain.request, server.url), (send, "")):
            if hasattr(call.get("data"), "read"):
                call["data"].seek(0)
            one(method, base + path, **call)
    server.wait_for_requests(2)
    return [_wire(exchange) for exchange in server.journal()]


@pytest.fixture
def fixed_boundary(monkeypatch):
    monkeypatch.setattr("urllib3.filepost.choose_boundary", lambda: "boundary")


@pytest.mark.usefixtures("fixed_boundary")
@pytest.mark.parametrize("name", CALLS)
def test_call_sends_what_requests_sends(session, server, name):
    by_requests, by_us = _both_sent(server, name, session.request)
    assert by_us == by_requests


@pytest.mark.usefixtures("fixed_boundary")
@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.get("auth") is not _shouting])
def test_awaited_call_sends_what_requests_sends(server, request_event, name):
    session = AsyncHttpSession(server.url, request_event, None)

    async def visit(method, path, **call):
        await session.request(method, path, **call)

    by_requests, by_us = _both_sent(server, name, lambda *what, **call: run(visit(*what, **call)))
    assert by_us == by_requests
    session.close()


@pytest.mark.usefixtures("fixed_boundary")
def test_type_of_the_session_goes_before_that_of_a_form_with_files(server, request_event):
    session = AsyncHttpSession(server.url, request_event, None)
    session.headers["Content-Type"] = "of/session"

    async def visit():
        await session.post("/echo", files={"f": b"1"})

    run(visit())
    server.wait_for_requests(1)
    (sent,) = server.journal()
    assert sent.header("Content-Type") == "of/session"
    session.close()


def test_settings_of_the_session_are_merged_as_requests_merges_them(session, server):
    with requests.Session() as plain:
        plain.trust_env = False
        for one, base in ((plain, server.url), (session, "")):
            one.headers.update({"X-Session": "s", "Accept": "text/s"})
            one.params = {"from": "session", "kept": "1"}
            one.auth = ("session", "secret")
            one.cookies.set("own", "cookie")
            one.get(base + "/echo", params={"from": "call", "more": "2"}, headers={"X-Session": None, "X-Call": "c"})
            one.get(base + "/echo", auth=("call", "secret"), cookies={"call": "cookie"}, params={"kept": None})
    server.wait_for_requests(4)
    # Without their order: a cookie follows the credentials of a request without a body here, and precedes them there.
    journal = [(method, target, dict(fields), body) for method, target, fields, body in map(_wire, server.journal())]
    assert journal[2:] == journal[:2]


def test_header_that_a_session_takes_away_makes_room_for_that_of_a_body(session, server):
    with requests.Session() as plain:
        plain.trust_env = False
        for one, base in ((plain, server.url), (session, "")):
            one.headers.update({"Content-Type": None, "Accept": None, "X-Own": "1"})
            one.post(base + "/echo", data={"a": "1"})
            one.post(base + "/echo", data={"a": "1"}, headers={"x-own": "2"})
    server.wait_for_requests(4)
    journal = [_wire(exchange) for exchange in server.journal()]
    assert journal[2:] == journal[:2]


def test_headers_assigned_as_a_whole_replace_the_defaults(session, seen):
    session.headers = {"X-Only": "1"}
    session.get("/echo")
    names = {name.lower() for name, _ in seen().headers}
    # What urllib3 sends when nobody says anything.
    assert names == {"host", "x-only", "user-agent", "accept-encoding"}
    assert seen().header("Accept-Encoding") == "identity"
    assert seen().header("User-Agent").startswith("python-urllib3/")


RESPONSES = {
    "json": Route(body='{"a": [1, 2]}', headers=(("Content-Type", "application/json"),)),
    "text without an encoding": Route(body="\xc3\xbc", headers=(("Content-Type", "text/plain"),)),
    "Latin-1": Route(body="\xfc", headers=(("Content-Type", "text/plain; charset=latin-1"),)),
    "binary": Route(body="\xff\x00\xfe", headers=(("Content-Type", "image/png"),)),
    "UTF-16 json": Route(body='"\x00a\x00"\x00', headers=(("Content-Type", "application/json"),)),
    "empty": Route(body=""),
    "no content": Route(status=204, body=""),
    "not found": Route(status=404, body="gone"),
    "server error": Route(status=503, body="busy", reason="Too Busy"),
    "links": Route(headers=(("Link", '</next>; rel="next"'), ("X-Twice", "a"), ("X-Twice", "b"))),
    "cookies": Route(headers=(("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/; HttpOnly"))),
    "not modified": Route(status=304, body=""),
}
ATTRIBUTES = (
    "status_code", "reason", "ok", "content", "text", "encoding", "apparent_encoding", "links", "is_redirect",
    "is_permanent_redirect", "url",
)  # fmt: skip


def _facts(response):
    facts = {name: getattr(response, name) for name in ATTRIBUTES}
    facts["bool"] = bool(response)
    facts["headers"] = {key.lower(): value for key, value in response.headers.items()}
    facts["cookies"] = sorted((cookie.name, cookie.value, cookie.path) for cookie in response.cookies)
    facts["chunks"] = list(response.iter_content(2)), list(response.iter_lines()), list(response)
    facts["request"] = response.request.method, response.request.url, response.request.path_url
    try:
        facts["json"] = response.json()
    except requests.exceptions.JSONDecodeError as error:
        facts["json"] = str(error)
    try:
        facts["raised"] = response.raise_for_status()
    except requests.HTTPError as error:
        facts["raised"] = str(error)
    return facts


@pytest.mark.parametrize("name", RESPONSES)
def test_response_has_the_attributes_of_requests(session, server, name):
    server.set_routes({"/": RESPONSES[name]})
    theirs = requests.get(server.url + "/", timeout=20)
    assert _facts(session.get("/")) == _facts(theirs)


@pytest.mark.parametrize("name", RESPONSES)
def test_response_survives_pickling(session, server, name):
    server.set_routes({"/": RESPONSES[name]})
    response = session.get("/")
    copy = pickle.loads(pickle.dumps(response))
    assert type(copy) is type(response)
    assert _facts(copy) == _facts(response)
    assert copy.elapsed == response.elapsed


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_redirects_are_followed_as_requests_follows_them(session, server, status, method):
    server.set_routes({"/a": redirect("/b", status), "/b": redirect("/c?d=1", status), "/c": Route()})
    body = {"data": "body"} if method == "POST" else {}
    with requests.Session() as plain:
        plain.trust_env = False
        theirs = plain.request(method, server.url + "/a", **body)
    ours = session.request(method, "/a", **body)
    server.wait_for_requests(6)
    journal = [(exchange.method, exchange.target, exchange.body) for exchange in server.journal()]
    assert journal[3:] == journal[:3]
    assert [(hop.status_code, hop.url) for hop in ours.history] == [
        (hop.status_code, hop.url) for hop in theirs.history
    ]
    assert (ours.url, ours.request.method) == (theirs.url, theirs.request.method)


def test_redirect_that_is_not_followed_knows_where_it_leads(session, server):
    response = session.get("/moved", allow_redirects=False)
    assert response.is_redirect
    assert (response.next.method, response.next.url) == ("GET", server.url + "/echo")
    assert session.get("/echo").next is None


_ZSTD = "(\xb5/\xfd $!\x01\x00hello, wide world, hello, wide world"


@pytest.mark.parametrize("stream", [False, True])
def test_zstandard_is_decoded_for_who_asks_for_it(session, server, stream):
    server.set_routes({"/": Route(body=_ZSTD, headers=(("Content-Encoding", "zstd"),))})
    assert (
        session.get("/", headers={"Accept-Encoding": "gzip, ZSTD"}, stream=stream).text
        == "hello, wide world, hello, wide world"
    )
    # As where `requests` cannot decode it.
    assert session.get("/", headers={"Accept-Encoding": "gzip"}, stream=stream).content == _ZSTD.encode("latin-1")


def test_raw_of_a_call_that_requests_runs_has_been_read_too(session, server):
    response = session.get("/echo", hooks={"response": lambda *_, **__: None})
    assert (response.content, response.raw.read()) == (b'{"greeting": "hello"}', b"")


def test_raw_has_been_read(session, server):
    server.set_routes({"/": Route(body="0123456789", headers=(("X-Twice", "a"), ("X-Twice", "b")))})
    raw = session.get("/").raw
    assert (raw.status, raw.read(4), raw.read()) == (200, b"", b"")
    assert raw.headers.getlist("x-twice") == ["a", "b"]


def test_attributes_of_a_response_can_be_assigned(session):
    response = session.get("/echo")
    response.encoding, response.status_code, response._content = "latin-1", 500, b"\xfc"
    assert (response.text, response.ok) == ("ü", False)

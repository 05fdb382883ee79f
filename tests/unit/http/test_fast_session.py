"""`FastHttpUser`'s client: what it sends, what it answers, what it reports. Expected values were read off stock Locust."""

from __future__ import annotations

import http.client
import json
import zlib
from datetime import timedelta

import pytest
from rocust._core import __version__
from rocust._errors import CatchResponseError, LocustError, ResponseError
from rocust._http.fast import FastHttpSession
from rocust._http.fast_errors import (
    FAILURE_EXCEPTIONS,
    HTTPConnectionClosed,
    HTTPParseError,
    LocustBadStatusCode,
    RetriesExceeded,
    UnsupportedRedirectSchemeError,
)
from rocust._http.fast_response import ErrorResponse, FastResponse, ResponseContextManager
from support.script import Route, close, pause, redirect, reset, send

FORM, TEXT, BYTES = (
    "application/x-www-form-urlencoded; charset=utf-8",
    "text/plain; charset=utf-8",
    "application/octet-stream",
)


@pytest.mark.parametrize(
    ("call", "body", "content_type"),
    [
        ({}, "", None),
        ({"data": {"a": "1", "b": ["2", "3"]}}, "a=1&b=%5B%272%27%2C+%273%27%5D", FORM),
        ({"data": "ö"}, "Ã¶", TEXT),
        ({"data": b"\x00\xff"}, "\x00ÿ", BYTES),
        ({"data": "t", "headers": {"content-type": "x/y"}}, "t", "x/y"),
        ({"json": {"a": "ü"}}, '{"a": "\\u00fc"}', "application/json"),
        ({"json": []}, "[]", "application/json"),
        ({"json": {"a": 1}, "data": "t"}, "t", TEXT),
        ({"json": {"a": 1}, "headers": {"Content-Type": "x/y"}}, '{"a": 1}', "x/y"),
        ({"timeout": 1}, "timeout=1", FORM),
        ({"data": {"a": 1}, "timeout": 1}, "a=1&timeout=1", FORM),
    ],
)
def test_body_and_its_type(fast, seen, call, body, content_type):
    fast.post("/echo", **call)
    assert (seen().body, seen().header("Content-Type")) == (body, content_type)


def test_json_may_be_passed_by_position(fast, seen):
    fast.post("/echo", None, {"a": 1})
    assert seen().body == '{"a": 1}'
    assert seen().header("Accept") == "application/json"


def test_files_are_sent_as_parts(fast, seen):
    fast.post("/echo", {"field": "value"}, files={"f": ("name.txt", b"content")})
    assert seen().header("Content-Type").startswith("multipart/form-data; boundary=")
    for part in ('name="field"', "value", 'filename="name.txt"', "content"):
        assert part in seen().body


def test_default_headers(fast, seen):
    fast.get("/echo")
    assert {name.lower(): value for name, value in seen().headers if name.lower() != "host"} == {
        "accept-encoding": "gzip, deflate, br",
        "user-agent": f"rocust/{__version__}",
    }


def test_headers_of_a_call_come_over_those_of_the_user(server, request_event, seen):
    client = FastHttpSession(server.url, request_event, None, headers={"X-Own": "1", "user-agent": "me"})
    client.get("/echo", headers={"x-own": "2"})
    names = [name.lower() for name, _ in seen().headers]
    assert (seen().header("X-Own"), seen().header("User-Agent")) == ("2", "me")
    assert len(names) == len(set(names))


def test_headers_passed_in_are_left_alone(fast):
    headers = {"X-Own": "1"}
    fast.post("/echo", json={}, headers=headers, auth=("a", "b"))
    assert headers == {"X-Own": "1"}


def test_header_with_a_line_break_is_a_value_error(fast, reports):
    with pytest.raises(ValueError, match="X-Break"):
        fast.get("/echo", headers={"X-Break": "a\r\nb"})
    assert reports == []


@pytest.mark.parametrize(
    ("call", "target"),
    [
        ({"params": {"a": [1, 2], "b": "ü &"}}, "/echo?a=1&a=2&b=%C3%BC+%26"),
        ({"params": "k=v"}, "/echo?k=v"),
        ({"timeout": 1}, "/echo?timeout=1"),
        ({"params": {"a": 1}, "timeout": 1}, "/echo?a=1&timeout=1"),
    ],
)
def test_query(fast, seen, reports, call, target):
    fast.get("/echo", **call)
    assert seen().target == target
    assert reports.only["name"] == "/echo"


def test_credentials_of_the_host(server, request_event, seen):
    client = FastHttpSession(server.url.replace("//", "//us%40er:p%3Aw@"), request_event, None)
    client.get("/echo")
    client.get("/echo", auth=("call", "b"))
    assert (client.base_url, client.auth_header) == (server.url, "Basic dXNAZXI6cDp3")
    seen(number=2)
    assert [one.header("Authorization") for one in server.journal()] == ["Basic dXNAZXI6cDp3", "Basic Y2FsbDpi"]


# -- reports --------------------------------------------------------------------------------------------------------------


def test_report_says_what_listeners_rely_on(fast, server, reports):
    response = fast.get("/echo?a=1#part", context={"own": 1})
    meta = reports.only
    assert type(response) is FastResponse
    assert (meta["request_type"], meta["name"], meta["url"]) == ("GET", "/echo?a=1#part", server.url + "/echo?a=1#part")
    assert (meta["response"], meta["exception"], meta["response_length"]) == (response, None, 21)
    assert meta["context"] == {"visitor": 7, "shared": "user", "own": 1}
    assert meta["response_time"] > 0


def test_whole_url_is_the_name_as_passed(fast, server, reports):
    fast.get(server.url + "/echo")
    with fast.rename_request("group"):
        fast.get("/echo")
        fast.get("/echo", name="own")
    fast.get("/echo")
    assert [meta["name"] for meta in reports] == [server.url + "/echo", "group", "own", "/echo"]


@pytest.mark.parametrize("status", [200, 204, 208, 226, 304])
def test_valid_statuses(fast, server, reports, status):
    server.set_routes({"/": Route(status=status, body="")})
    response = fast.get("/")
    response.raise_for_status()
    assert (response.status_code, hasattr(response, "error"), reports.only["exception"]) == (status, False, None)


@pytest.mark.parametrize("status", [209, 300, 305, 400, 404, 500, 599])
def test_all_other_statuses_are_failures(fast, server, reports, status):
    server.set_routes({"/": Route(status=status, body="why")})
    response = fast.get("/")
    error = reports.only["exception"]
    assert isinstance(error, LocustBadStatusCode)
    assert (repr(error), error.code) == (f"LocustBadStatusCode(code={status})", status)
    assert str(error) == f"URL {server.url}/: code={status}"
    assert (response.text, response.ok, response.error) == ("why", status < 400, error)
    with pytest.raises(LocustBadStatusCode):
        response.raise_for_status()


# -- responses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "text", "encoding"),
    [
        ("\xc3\xbc", "text/plain; charset=utf-8", "ü", "utf-8"),
        ("\xfc", "text/plain", "ü", "ISO-8859-1"),
        ("abc", "application/octet-stream", "abc", "ascii"),
    ],
)
def test_text_is_decoded_as_the_headers_say_or_as_it_looks(fast, server, body, content_type, text, encoding):
    server.set_routes({"/": Route(body=body, headers=(("Content-Type", content_type),))})
    response = fast.get("/")
    assert (response.text, response.encoding) == (text, encoding)


def test_encoding_may_be_set(fast, server):
    server.set_routes({"/": Route(body="\xfc")})
    response = fast.get("/")
    response.encoding = "cp1252"
    assert response.text == "ü"


def test_response_has_its_attributes(fast):
    response = fast.get("/echo")
    assert (response.content, response.json(), response.ok) == (b'{"greeting": "hello"}', {"greeting": "hello"}, True)
    assert response.headers["CONTENT-TYPE"] == "application/json"
    assert isinstance(response.elapsed, timedelta)
    assert response.elapsed > timedelta(0)
    assert response.stream.read() == b""
    with response as same:
        assert same is response


def test_json_that_is_none_says_where(fast):
    with pytest.raises(json.JSONDecodeError):
        fast.get("/missing").json()


def test_content_comes_in_pieces(fast, server):
    server.set_routes({"/": Route(body="ab\xff")})
    assert list(fast.get("/", stream=True).iter_content(2)) == ["ab", b"\xff"]
    assert list(fast.get("/", stream=True).iter_content(2, decode_content=False)) == [b"ab", b"\xff"]
    assert list(fast.get("/").iter_content(2)) == []


@pytest.mark.parametrize(
    ("body", "lines"), [("a\nb\nc", ["a", "b", "c"]), ("a\r\nb\n", ["a\r", "b"]), ("\n\n", ["", ""]), ("", [])]
)
def test_iter_lines(fast, server, body, lines):
    server.set_routes({"/": Route(body=body)})
    assert list(fast.iter_lines("/")) == lines
    assert list(fast.iter_lines("/", method="POST", data="x")) == lines


def test_iter_lines_of_a_failure_raises_it(fast):
    with pytest.raises(LocustBadStatusCode):
        list(fast.iter_lines("/missing"))


def test_request_shows_what_was_sent(fast, server):
    request = fast.post("/echo", "ü", headers={"X-Own": "1"}).request
    assert (request.method, request.url, request.body, request.payload) == (
        "POST",
        server.url + "/echo",
        b"\xc3\xbc",
        b"\xc3\xbc",
    )
    assert request.headers["x-own"] == "1"
    assert fast.get("/echo").request.body is None


def test_redirects_are_followed_and_known(fast, server, reports):
    server.set_routes({"/a": redirect("/b"), "/b": redirect("/c", 303), "/c": Route()})
    response = fast.post("/a", "body")
    assert (response.url, response.request.method) == (server.url + "/c", "GET")
    assert [hop.status_code for hop in response.history] == [302, 303]
    assert reports.only["url"] == server.url + "/a"


def test_redirects_may_be_left_alone(fast, server, request_event):
    assert fast.get("/moved", allow_redirects=False).status_code == 302
    none = FastHttpSession(server.url, request_event, None, max_redirects=0)
    response = none.get("/moved")
    assert (response.status_code, hasattr(response, "error")) == (302, False)


def test_too_many_redirects(server, request_event, reports):
    server.set_routes({"/": redirect("/")})
    response = FastHttpSession(server.url, request_event, None, max_redirects=2).get("/")
    assert response.status_code == 0
    assert isinstance(response.error, RetriesExceeded)
    assert repr(reports.only["exception"]) == f"RetriesExceeded('{server.url}/', 'Redirection limit reached (2)')"


def test_redirect_to_something_else_than_http(fast, server):
    server.set_routes({"/": redirect("ftp://example/file")})
    error = fast.get("/").error
    assert isinstance(error, UnsupportedRedirectSchemeError)
    assert error.args[1] == "refusing to follow redirect to 'ftp' URL"


# -- failures -------------------------------------------------------------------------------------------------------------


def test_refused_connection(fast, refusing, reports):
    response = fast.post(refusing.url + "/a?b=1", "body", headers={"X-Own": "1"})
    assert type(response) is ErrorResponse
    assert (response.status_code, response.content, response.text, response.headers) == (0, None, None, None)
    assert (response.ok, response.url) == (True, refusing.url + "/a?b=1")
    request = response.request
    assert (request.method, request.body, request.headers["x-own"]) == ("POST", b"body", "1")
    assert repr(response.error) == "ConnectionRefusedError(111, 'Connection refused')"
    assert reports.only["exception"] is response.error
    with pytest.raises(ConnectionRefusedError):
        response.raise_for_status()


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ((close(),), HTTPConnectionClosed),
        ((send("hello there\r\n\r\n"), close()), HTTPParseError),
        ((send("HTTP/1.1 200 OK\r\nX-He"), reset()), ConnectionResetError),
        ((send("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nabc"), close()), HTTPParseError),
    ],
)
def test_trouble(fast, server, reports, steps, error):
    server.set_routes({"/": Route(steps=steps)})
    response = fast.get("/")
    assert type(reports.only["exception"]) is error
    assert isinstance(response.error, FAILURE_EXCEPTIONS)
    assert not isinstance(response.error, http.client.HTTPException)


_CUT = "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 9\r\n\r\nabc"


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ((send(_CUT), close()), HTTPParseError),
        ((send(_CUT), reset()), ConnectionResetError),
        ((send(_CUT), pause(30)), TimeoutError),
        ((send("HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"), close()), HTTPParseError),
    ],
)
def test_body_that_breaks_off_is_a_failure_with_a_response(server, request_event, reports, steps, error):
    server.set_routes({"/": Route(steps=steps), "/there": redirect("/")})
    fast = FastHttpSession(server.url, request_event, None, network_timeout=0.2, max_retries=2)
    response = fast.get("/there")
    assert type(response) is FastResponse
    assert (response.status_code, response.content, response.text, response.ok) == (200, b"abc", "abc", True)
    assert (response.headers["x-a"], response.url, response.elapsed > timedelta(0)) == ("1", f"{server.url}/", True)
    assert [hop.status_code for hop in response.history] == [302]
    assert not hasattr(response, "error")
    report = reports.only
    assert (type(report["exception"]), report["response"], report["response_length"]) == (error, response, 0)
    assert report["response_time"] > 0
    # What is in the body cannot be asked for twice: nothing is sent again.
    assert server.count("/") == 1


def test_body_that_cannot_be_decoded_is_a_failure_with_a_response(fast, server, reports):
    server.set_routes({"/": Route(body="hello", headers=(("Content-Encoding", "gzip"),))})
    response = fast.get("/")
    assert (type(response), response.status_code, response.headers["content-encoding"]) == (FastResponse, 200, "gzip")
    for read in (lambda: response.content, lambda: response.text, response.json):
        with pytest.raises(zlib.error, match="incomplete or truncated stream"):
            read()
    assert repr(reports.only["exception"]) == "error('Error -3 while decompressing data: incorrect header check')"


def test_broken_body_is_a_failure_in_a_block_unless_that_says_otherwise(fast, server, reports):
    server.set_routes({"/": Route(steps=(send(_CUT), close()))})
    with fast.get("/", catch_response=True) as response:
        assert response.content == b"abc"
    assert type(reports[-1]["exception"]) is HTTPParseError
    with fast.get("/", catch_response=True) as response:
        response.success()
    assert [type(report["exception"]) for report in reports] == [HTTPParseError, type(None)]


def test_read_timeout(server, request_event, reports):
    server.set_routes({"/": Route(steps=(pause(30),))})
    FastHttpSession(server.url, request_event, None, network_timeout=0.05).get("/")
    assert repr(reports.only["exception"]) == f"RetriesExceeded('{server.url}/', 0, original=timed out)"
    assert str(reports.only["exception"]) == f"URL {server.url}/: 0, original=timed out"
    assert isinstance(reports.only["exception"], FAILURE_EXCEPTIONS)


def test_retries_are_one_report(server, request_event, reports):
    server.set_routes({"/": [Route(steps=(pause(30),)), Route(body="second")]})
    client = FastHttpSession(server.url, request_event, None, network_timeout=0.2, max_retries=1)
    assert client.get("/").text == "second"
    assert reports.only["exception"] is None


def test_post_is_not_sent_twice(server, request_event, reports):
    server.set_routes({"/": [Route(steps=(close(),)), Route()]})
    assert FastHttpSession(server.url, request_event, None, max_retries=3).post("/", "x").status_code == 0
    server.wait_for_requests(1, "/")
    assert server.count("/") == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http://127.0.0.1//a", "no-slash"])
def test_url_that_cannot_be_requested_is_a_value_error(fast, reports, url):
    with pytest.raises(ValueError, match=r"."):
        fast.get(url)
    assert reports == []


# -- the with block -------------------------------------------------------------------------------------------------------


def _raise(error):
    raise error


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (lambda r: None, "LocustBadStatusCode(code=404)"),
        (lambda r: r.success(), "None"),
        (lambda r: r.failure("no"), "CatchResponseError('no')"),
        (lambda r: (r.failure("no"), r.success()), "None"),
        (lambda r: (r.success(), r.failure(KeyError("k"))), "KeyError('k')"),
        (lambda r: _raise(ResponseError("raised")), "ResponseError('raised')"),
        (lambda r: (r.success(), r.raise_for_status()), "None"),
    ],
)
def test_last_verdict_of_the_block_wins(fast, reports, block, expected):
    with fast.get("/missing", catch_response=True) as response:
        assert type(response) is ResponseContextManager
        assert reports == []
        block(response)
    assert repr(reports.only["exception"]) == expected


def test_foreign_exceptions_pass(fast, reports):
    with pytest.raises(ValueError, match="mine"), fast.get("/missing", catch_response=True):
        raise ValueError("mine")
    assert reports == []
    with pytest.raises(CatchResponseError, match="said"), fast.get("/missing", catch_response=True) as response:
        response.failure("said")
        response.raise_for_status()
    assert repr(reports.only["exception"]) == "CatchResponseError('said')"


def test_verdict_outside_a_block_is_an_error(fast):
    for response, word in (
        (fast.get("/echo"), "catch_response=True"),
        (fast.get("/echo", catch_response=True), "with-block"),
    ):
        for verdict in (response.success, lambda one=response: one.failure("no")):
            with pytest.raises(LocustError, match=word):
                verdict()


def test_block_judges_a_failed_connection_too(fast, refusing, reports):
    with fast.get(refusing.url, catch_response=True) as response:
        assert response.content is None
        response.success()
    with fast.get(refusing.url, catch_response=True):
        pass
    assert [repr(meta["exception"]) for meta in reports] == [
        "None",
        "ConnectionRefusedError(111, 'Connection refused')",
    ]


def test_cookies_are_kept(fast, server, seen):
    server.set_routes({"/": Route(headers=(("Set-Cookie", "a=1; Path=/"),)), "/echo": Route()})
    fast.get("/")
    assert [(cookie.name, cookie.value) for cookie in fast.cookiejar] == [("a", "1")]
    fast.get("/echo")
    assert seen().header("Cookie") == "a=1"
    fast.cookiejar.clear()
    fast.get("/echo")
    assert seen(number=2).header("Cookie") is None


@pytest.mark.parametrize("verb", ["get", "options", "head", "post", "put", "patch", "delete"])
def test_verbs_send_their_method(fast, reports, seen, verb):
    getattr(fast, verb)("/echo")
    assert (reports.only["request_type"], seen().method) == (verb.upper(), verb.upper())

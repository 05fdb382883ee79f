"""Connections that fail: no exception for the task, one for the statistics, with the words of `requests`."""

from __future__ import annotations

import http.client
import socket
import zlib
from datetime import timedelta

import pytest
import requests
import urllib3
from rocust._errors import LocustError
from support.script import Route, close, pause, redirect, reset, send

WHOLE = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def _innermost(error):
    pool = urllib3.exceptions
    wrappers = (requests.ConnectionError, pool.ProtocolError, pool.MaxRetryError, pool.NewConnectionError)
    while isinstance(error, wrappers) and error.__context__:
        error = error.__context__
    return error


def _raised_by_requests(url, **call):
    with requests.Session() as plain:
        plain.trust_env = False
        with pytest.raises(requests.RequestException) as caught:
            plain.get(url, **call)
    return caught.value


def test_refused_connection_gives_a_response_without_content(session, refusing, reports):
    response = session.post(refusing.url + "/path?x=1", "body", headers={"X-Own": "1"})
    assert (response.status_code, response.content, response.text, response.elapsed) == (0, None, "", timedelta(0))
    assert (response.url, response.encoding, dict(response.headers), response.history) == (None, None, {}, [])
    assert isinstance(response.error, requests.ConnectionError)
    assert response.error.request is response.request
    request = response.request
    assert (request.method, request.url, request.body) == ("POST", refusing.url + "/path?x=1", "body")
    assert request.headers["x-own"] == "1"
    assert request.headers["user-agent"].startswith("python-requests/")
    meta = reports.only
    assert repr(meta["exception"]) == "ConnectionRefusedError(111, 'Connection refused')"
    assert (meta["name"], meta["url"], meta["response_length"]) == ("/path?x=1", refusing.url + "/path?x=1", 0)
    assert meta["response"] is response
    assert meta["response_time"] >= 0


def test_refused_connection_is_raised_when_asked_for(session, refusing):
    response = session.get(refusing.url)
    for look in (response.raise_for_status, lambda: response.ok):
        with pytest.raises(requests.ConnectionError, match="Max retries exceeded"):
            look()


def test_refused_connection_has_the_words_of_requests(session, refusing):
    theirs = _raised_by_requests(refusing.url + "/a?b=1")
    ours = session.get(refusing.url + "/a?b=1").error
    assert (type(ours), repr(ours)) == (type(theirs), repr(theirs))
    assert repr(_innermost(ours)) == "ConnectionRefusedError(111, 'Connection refused')"


def test_name_that_does_not_resolve_has_the_words_of_requests(session, reports):
    theirs = _raised_by_requests("http://name.invalid/a")
    ours = session.get("http://name.invalid/a").error
    assert (type(ours), repr(ours)) == (type(theirs), repr(theirs))
    assert isinstance(reports.only["exception"], socket.gaierror)


TROUBLE = {
    "closed without an answer": (close(),),
    "cut short": (send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), close()),
    "chunks that end early": (send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), close()),
    "reset": (reset(),),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_is_of_the_kind_that_requests_raises(session, server, reports, name):
    server.set_routes({"/": Route(steps=TROUBLE[name])})
    theirs = _raised_by_requests(server.url + "/")
    ours = session.get("/").error
    assert type(ours) is type(theirs)
    assert type(reports.only["exception"]) is type(_innermost(theirs))


def test_what_is_no_http_is_a_bad_status_line(session, server, reports):
    server.set_routes({"/": Route(steps=(send("hello there\r\n\r\n"), close()))})
    assert type(session.get("/").error) is requests.ConnectionError
    assert isinstance(reports.only["exception"], http.client.BadStatusLine)


def test_body_that_cannot_be_decoded_has_the_words_of_requests(session, server):
    server.set_routes({"/": Route(body="not gzip at all, really", headers=(("Content-Encoding", "gzip"),))})
    error = session.get("/").error
    theirs = _raised_by_requests(server.url + "/")
    assert type(error) is type(theirs) is requests.exceptions.ContentDecodingError
    (decode_error,) = error.args
    assert type(decode_error) is urllib3.exceptions.DecodeError
    assert decode_error.args[0] == theirs.args[0].args[0]
    assert isinstance(decode_error.args[1], zlib.error)


def test_endless_redirects_end_at_the_limit(session, server, reports):
    server.set_routes({"/": redirect("/")})
    session.max_redirects = 3
    assert isinstance(session.get("/").error, requests.TooManyRedirects)
    assert repr(reports.only["exception"]) == "TooManyRedirects('Exceeded 3 redirects.')"
    server.wait_for_requests(4, "/")
    assert server.count("/") == 4


@pytest.mark.parametrize("timeout", [0.05, (5, 0.05), (None, 0.05)])
def test_read_timeout_has_the_words_of_requests(session, server, reports, timeout):
    server.set_routes({"/": Route(steps=(pause(30),))})
    theirs = _raised_by_requests(server.url + "/", timeout=timeout)
    ours = session.get("/", timeout=timeout).error
    assert (type(ours), repr(ours)) == (type(theirs), repr(theirs))
    assert reports.only["exception"] is ours
    assert reports.only["response_time"] >= 50


def test_read_timeout_in_the_middle_of_a_body_is_a_connection_error(session, server):
    server.set_routes({"/": Route(steps=(send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), pause(30)))})
    theirs = _raised_by_requests(server.url + "/", timeout=0.5)
    ours = session.get("/", timeout=0.5).error
    assert type(ours) is type(theirs) is requests.ConnectionError


def test_connect_timeout_has_the_words_of_requests(session, reports):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        waiting = []
        for _ in range(3):  # more than its backlog takes: later ones get no answer
            waiting.append(one := socket.socket())
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        ours = session.get(url, timeout=(0.05, 5)).error
        for one in waiting:
            one.close()
    assert type(ours) is requests.exceptions.ConnectTimeout
    assert "Connection to 127.0.0.1 timed out. (connect timeout=0.05)" in repr(ours)
    assert isinstance(reports.only["exception"], urllib3.exceptions.ConnectTimeoutError)


@pytest.mark.parametrize("timeout", [0, -1, (0, 1), (1, 2, 3), (1,), "x"])
def test_timeout_that_makes_no_sense_is_a_value_error(session, reports, timeout):
    with pytest.raises(ValueError, match="imeout"):
        session.get("/echo", timeout=timeout)
    assert reports == []


REFUSED_CALLS = {
    "json that is none": {"json": {"a": float("nan")}},
    "header that is a number": {"headers": {"X-Number": 5}},
    "header with a line break": {"headers": {"X-Break": "a\r\nb"}},
    "header that begins with a space": {"headers": {"X-Space": " a"}},
}


@pytest.mark.parametrize("name", REFUSED_CALLS)
def test_call_that_requests_refuses_is_a_failure_with_its_words(session, server, reports, name):
    theirs = _raised_by_requests(server.url + "/echo", **REFUSED_CALLS[name])
    response = session.get("/echo", **REFUSED_CALLS[name])
    assert response.status_code == 0
    assert (type(response.error), repr(response.error)) == (type(theirs), repr(theirs))
    assert (reports.only["name"], repr(reports.only["exception"])) == ("/echo", repr(theirs))
    assert server.count() == 0


def test_bad_header_of_the_session_fails_every_call_until_it_is_gone(session, server, reports):
    session.headers["X-Bad"] = "a\nb"
    assert session.get("/echo").status_code == 0
    assert session.get("/echo").status_code == 0
    del session.headers["X-Bad"]
    assert session.get("/echo").status_code == 200
    assert [type(meta["exception"]).__name__ for meta in reports] == ["InvalidHeader", "InvalidHeader", "NoneType"]


def test_block_judges_a_failed_connection_too(session, refusing, reports):
    with session.get(refusing.url, catch_response=True) as response:
        response.success()
    with session.get(refusing.url, catch_response=True) as response:
        response.failure("mine")
    with session.get(refusing.url, catch_response=True):
        pass
    found = [repr(meta["exception"]) for meta in reports]
    assert found == ["None", "CatchResponseError('mine')", "ConnectionRefusedError(111, 'Connection refused')"]


def test_failed_connection_without_catch_response_may_not_be_judged(session, refusing):
    with pytest.raises(LocustError), session.get(refusing.url):
        pass


def test_client_goes_on_after_a_failure(session, server):
    server.set_routes({"/": [Route(steps=(send(WHOLE[:20]), close())), Route(body="back")]})
    assert session.get("/").status_code == 0
    assert session.get("/").text == "back"

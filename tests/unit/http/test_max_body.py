"""Bodies may be bounded: for a user, a session or one call; whoever says more fails, and the user goes on."""

from __future__ import annotations

import gzip

import pytest
import requests
from rocust.clients import BodyTooLarge
from support.script import Route

TOO_LARGE = "BodyTooLarge('The response body is larger than 4 bytes')"


@pytest.fixture
def hello(server):
    server.set_routes(
        {
            "/": Route(body="hello"),
            "/moved": Route(status=302, body="hello", headers=(("Location", "/"),)),
            "/chunks": Route(body="5\r\nhello\r\n0\r\n\r\n", headers=(("Transfer-Encoding", "chunked"),)),
            "/zeros": Route(
                body=gzip.compress(b"\0" * 100_000).decode("latin-1"), headers=(("Content-Encoding", "gzip"),)
            ),
        }
    )
    return server


@pytest.mark.parametrize("path", ["/", "/chunks"])
def test_body_over_the_bound_of_the_session_is_a_failure(client, hello, reports, path):
    client.max_body = 4
    response = client.get(path)
    assert (response.status_code, response.content) == (0, None)
    assert isinstance(response.error, BodyTooLarge)
    assert repr(reports.only["exception"]) == TOO_LARGE
    assert reports.only["response_length"] == 0
    client.max_body = 5
    assert client.get(path).content == b"hello"
    assert hello.connection_count() >= 2


@pytest.mark.parametrize(
    ("own", "call", "passes"),
    [(None, 4, False), (None, 5, True), (4, 5, True), (5, 4, False), (4, None, True), (0, 10**30, True)],
)
def test_bound_of_a_call_wins_over_the_session(client, hello, own, call, passes):
    client.max_body = own
    assert client.get("/", max_body=call).status_code == (200 if passes else 0)
    assert client.get("/").status_code == (200 if own is None or own >= 5 else 0)


def test_bound_holds_for_what_is_decoded_too(client, hello, reports):
    client.max_body = 99_999
    assert client.get("/zeros").status_code == 0
    expected = "BodyTooLarge('The response body is larger than 99999 bytes when it is decoded')"
    assert repr(reports.only["exception"]) == expected
    client.max_body = 100_000
    assert len(client.get("/zeros").content) == 100_000


def test_bound_holds_for_calls_that_requests_prepares(session, hello, reports):
    session.hooks["response"].append(lambda response, *_, **__: response)
    session.max_body = 4
    assert session.get("/").status_code == 0
    assert session.get("/", max_body=5).content == b"hello"
    assert session.get("/", max_body=3).status_code == 0
    assert [repr(meta["exception"]) for meta in reports] == [TOO_LARGE, "None", TOO_LARGE.replace("4", "3")]
    assert session.paths["prepared"] == 3


def test_bound_holds_for_redirects_on_the_way(client, hello):
    assert client.get("/moved", max_body=5).content == b"hello"
    assert client.get("/moved", max_body=4).status_code == 0


def test_failure_can_be_caught_as_any_other_of_requests(session, hello):
    session.max_body = 4
    with pytest.raises(requests.RequestException, match="larger than 4 bytes"):
        session.get("/").raise_for_status()


@pytest.mark.parametrize("wrong", [-1, 1.5, "1", "1 MiB"])
def test_bound_that_is_no_number_of_bytes_is_refused(client, hello, wrong):
    with pytest.raises(ValueError, match="max_body must be a number of bytes, or None for no bound; it is"):
        client.max_body = wrong
    with pytest.raises(ValueError, match="max_body must be a number of bytes"):
        client.get("/", max_body=wrong)
    assert client.max_body is None
    assert hello.count() == 0

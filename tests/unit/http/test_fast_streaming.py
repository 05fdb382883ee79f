"""`stream=True` for `FastHttpUser`: the body as it comes, with geventhttpclient's methods."""

from __future__ import annotations

import gzip
import zlib

import pytest
from rocust._http.fast_errors import HTTPParseError, LocustBadStatusCode
from support.script import Route, close, pause, reset, send, wait_for_gate

HEAD = "HTTP/1.1 200 OK\r\n"


def _route(*steps):
    return {"/body": Route(steps=steps)}


def _sized(body, *headers):
    text = body if isinstance(body, str) else body.decode("latin-1")
    fields = "".join(f"{header}\r\n" for header in (f"Content-Length: {len(body)}", *headers))
    return send(f"{HEAD}{fields}\r\n{text}")


CHUNKED = send(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\ndefgh\r\n0\r\n\r\n")


@pytest.mark.parametrize(("step", "length"), [(_sized("abcdefgh"), 8), (CHUNKED, 0)])
def test_stream_is_a_file(server, fast, reports, step, length):
    server.set_routes(_route(step))
    response = fast.get("/body", stream=True)
    assert reports.only["response_length"] == length
    stream = response.stream
    assert (stream.status_code, stream.read(3), stream.read(4), stream.read(10), stream.read(1)) == (
        200,
        b"abc",
        b"defg",
        b"h",
        b"",
    )
    assert stream.message_complete
    assert fast.get("/body", stream=True).stream.read() == b"abcdefgh"
    assert list(fast.get("/body", stream=True).iter_content(3)) == ["abc", "def", "gh"]
    assert fast.get("/body", stream=True).content == b"abcdefgh"


def test_lines(server, fast):
    text = "one\r\ntwo\r\nend"
    server.set_routes(_route(_sized(text)))
    stream = fast.get("/body", stream=True).stream
    assert [stream.readline() for _ in range(3)] == [b"one\r\n", b"two\r\n", b""]
    assert stream.read() == b"end"
    assert list(fast.iter_lines("/body")) == ["one\r", "two\r", "end"]


def test_text_that_comes_in_halves_of_characters(server, fast):
    text = ("ö" * 700 + "\n") * 3
    server.set_routes(_route(_sized(text.encode())))
    assert list(fast.iter_lines("/body")) == text.split("\n")[:-1]
    pieces = list(fast.get("/body", stream=True).iter_content(3))
    assert any(isinstance(piece, bytes) for piece in pieces)


def test_iter_lines_raises_what_the_request_failed_with(server, fast):
    with pytest.raises(LocustBadStatusCode):
        next(fast.iter_lines("/missing"))


def test_blocks(server, fast):
    server.set_routes(_route(_sized("x" * 10_000)))
    assert [len(block) for block in fast.get("/body", stream=True).stream] == [4096, 4096, 1808]


def test_nothing_is_decoded_but_content(server, fast):
    body = gzip.compress(b"hello, gzip", mtime=0)
    server.set_routes(_route(_sized(body, "Content-Encoding: gzip")))
    assert fast.get("/body", stream=True).stream.read() == body
    response = fast.get("/body", stream=True)
    assert (response.content, response.text) == (b"hello, gzip", "hello, gzip")
    response = fast.get("/body", stream=True)
    response.stream.read(5)
    with pytest.raises(zlib.error):
        response.content  # noqa: B018 - reading it is the point


def test_body_that_breaks_off(server, fast, reports):
    server.set_routes(_route(send(f"{HEAD}Content-Length: 9\r\n\r\nhalf"), close()))
    response = fast.get("/body", stream=True)
    with pytest.raises(HTTPParseError):
        list(response.iter_content(100))
    assert response.stream.read() == b"half"
    assert reports.only["exception"] is None
    server.set_routes(_route(send(f"{HEAD}Content-Length: 9\r\n\r\nhalf"), pause(0.2), reset()))
    with pytest.raises(ConnectionResetError):
        fast.get("/body", stream=True).stream.read()


def test_silence_is_a_timeout(server, request_event):
    from rocust._http.fast import FastHttpSession

    fast = FastHttpSession(server.url, request_event, user=None, network_timeout=0.1)
    server.set_routes(_route(send(f"{HEAD}Content-Length: 9\r\n\r\nhalf"), pause(10)))
    with pytest.raises(TimeoutError, match="timed out"):
        fast.get("/body", stream=True).stream.read()


def test_read_body_gives_its_connection_back_and_an_unread_one_closes_it(server, fast):
    before = server.connection_count()
    assert fast.get("/echo", stream=True).content == b'{"greeting": "hello"}'
    fast.get("/echo")
    assert server.connection_count() == before + 1
    server.set_routes(
        {**_route(send(f"{HEAD}Content-Length: 9\r\n\r\nhalf"), wait_for_gate("never")), "/echo": Route()}
    )
    with fast.get("/body", stream=True) as response:
        assert response.stream.read(2) == b"ha"
    server.wait_for(lambda: server.journal("/body"), "the request for the body")
    server.wait_for_hang_up(server.journal("/body")[0].connection)


def test_judged_in_a_with_block(server, fast, reports):
    with fast.get("/echo", stream=True, catch_response=True) as response:
        assert next(response.iter_content(4)) == '{"gr'
        response.failure("no")
    assert str(reports.only["exception"]) == "no"
    assert response.stream.read() == b'eeting": "hello"}'

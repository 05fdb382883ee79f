"""`stream=True`: bodies that are read while they come, beside `requests` itself reading the same bytes in the same way."""

from __future__ import annotations

import gc
import gzip
import io
import pickle
import zlib

import pytest
import requests
from rocust._http.streaming import StreamedResponse
from rocust._kernel.green import sleep, spawn
from support.script import Route, close, pause, redirect, reset, send, wait_for_gate
from urllib3 import HTTPResponse

TEXT = "".join(f"line {number}\n" for number in range(300))
BLOCKS = [TEXT[start : start + 700] for start in range(0, len(TEXT), 700)]


def _answer(body, *headers):
    text = body if isinstance(body, str) else body.decode("latin-1")
    head = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 200 OK\r\n{head}\r\n{text}"


def _sized(body, *headers):
    return _answer(body, f"Content-Length: {len(body)}", *headers)


def _chunks(*pieces, end="0\r\n\r\n"):
    return "".join(f"{len(piece):x}\r\n{piece}\r\n" for piece in pieces) + end


def _chunked(*pieces, end="0\r\n\r\n", headers=()):
    return _answer(_chunks(*pieces, end=end), "Transfer-Encoding: chunked", *headers)


def _latin(body):
    return body.decode("latin-1")


GZIPPED = _latin(gzip.compress(TEXT.encode(), mtime=0))
DEFLATED = zlib.compress(TEXT.encode())
RAW_DEFLATED = DEFLATED[2:-4]
#: "hello, brotli" by the reference encoder.
BROTLI = bytes.fromhex("0b068068656c6c6f2c2062726f746c6903")

ANSWERS = {
    "of known length": [send(_sized(TEXT))],
    "until the end of the connection": [send(_answer(TEXT)), close()],
    "empty": [send(_sized(""))],
    "without a body": [send("HTTP/1.1 204 No Content\r\n\r\n")],
    "in chunks": [send(_chunked(*BLOCKS))],
    "in tiny chunks": [send(_chunked(*TEXT[:60]))],
    "in one large chunk": [send(_chunked(TEXT * 40))],
    "in chunks with trailers": [send(_chunked("abc", "defg", end="0\r\nX-End: 1\r\n\r\n"))],
    "in no chunks": [send(_chunked())],
    "gzip": [send(_sized(GZIPPED, "Content-Encoding: gzip"))],
    "gzip in chunks": [send(_chunked(GZIPPED[:5], GZIPPED[5:400], GZIPPED[400:], headers=["Content-Encoding: gzip"]))],
    "gzip in two members": [send(_sized(GZIPPED * 2, "Content-Encoding: gzip"))],
    "gzip with something after it": [send(_sized(GZIPPED + "what?", "Content-Encoding: gzip"))],
    "gzip that is cut": [send(_sized(GZIPPED[:-30], "Content-Encoding: gzip"))],
    "gzip that is none": [send(_sized("what? " * 10, "Content-Encoding: gzip"))],
    "deflate": [send(_sized(DEFLATED, "Content-Encoding: deflate"))],
    "bare deflate": [send(_sized(RAW_DEFLATED, "Content-Encoding: deflate"))],
    "twice encoded": [send(_sized(zlib.compress(GZIPPED.encode("latin-1")), "Content-Encoding: gzip, deflate"))],
    "in an unknown encoding": [send(_sized(TEXT, "Content-Encoding: rot13"))],
    "shorter than it says": [send(_answer(TEXT, "Content-Length: 9999")), close()],
    "reset half-way": [send(_answer(TEXT, "Content-Length: 9999")), pause(0.2), reset()],
    "ending inside of a chunk": [send(_chunked("abc", end="ff\r\nhalf")), close()],
    "ending between chunks": [send(_chunked("abc", "defg", end="")), close()],
    "with a chunk size that is none": [send(_chunked("abc", end="zz\r\nmore\r\n")), close()],
    "ending in a chunk size": [send(_chunked("abc", end="f")), close()],
}

READERS = {
    "iter_content by default": lambda response: list(response.iter_content())[-200:],
    "iter_content(7)": lambda response: list(response.iter_content(7)),
    "iter_content(1000)": lambda response: list(response.iter_content(1000)),
    "iter_content(None)": lambda response: list(response.iter_content(None)),
    "iter_content, as text": lambda response: list(response.iter_content(512, decode_unicode=True)),
    "iter_lines": lambda response: list(response.iter_lines()),
    "iter_lines(10)": lambda response: list(response.iter_lines(10)),
    "content": lambda response: response.content,
    "text": lambda response: response.text,
    "for": list,
    "raw.read": lambda response: response.raw.read(),
    "raw.read(10), then the rest": lambda response: [response.raw.read(10), response.raw.read()],
    "raw.read(10), decoded": lambda response: response.raw.read(10, decode_content=True),
    "raw.read in pieces": lambda response: list(iter(lambda: response.raw.read(333), b"")),
    "raw.stream": lambda response: list(response.raw.stream(500)),
    "raw.stream, decoded": lambda response: list(response.raw.stream(500, decode_content=True)),
    "raw.data": lambda response: response.raw.data,
    "raw.readinto": lambda response: response.raw.readinto(bytearray(20)),
    "raw.tell": lambda response: (response.raw.read(20), response.raw.tell()),
    "raw as a file": lambda response: io.BufferedReader(response.raw).readline(),
    "raw.drain_conn": lambda response: (response.raw.drain_conn(), response.raw.read()),
    "raw in a for loop": lambda response: list(response.raw),
    "some of it, then content": lambda response: [next(response.iter_content(10), None), response.content],
    "content twice": lambda response: [response.content, response.content, list(response.iter_content(100))],
    "pickled": lambda response: pickle.loads(pickle.dumps(response)).content,
    "iter_content twice": lambda response: [list(response.iter_content(99)), list(response.iter_content(99))],
}


def _words(error):
    """What is wrong, in words; addresses of objects aside."""
    return type(error), str(error).partition(" object at ")[0], [type(each) for each in error.args]


def _read(response, reader):
    try:
        value = reader(response)
    except (requests.RequestException, OSError, ValueError, TypeError, RuntimeError) as error:
        value = _words(error)
    except Exception as error:
        value = _words(error)
    return value, response.raw.isclosed(), response.raw.closed, response.raw.tell()


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_body_is_read_as_requests_reads_it(server, session, answer, reader):
    server.set_routes({"/body": Route(steps=tuple(ANSWERS[answer]))})
    with requests.Session() as plain:
        plain.trust_env = False
        theirs = plain.get(server.url + "/body", stream=True)
        expected = _read(theirs, READERS[reader])
    ours = session.get("/body", stream=True)
    assert _read(ours, READERS[reader]) == expected


def test_raw_is_urllib3s_response(server, session):
    response = session.get("/echo", stream=True)
    raw = response.raw
    assert isinstance(raw, HTTPResponse)
    assert (raw.status, raw.reason, raw.version) == (200, "OK", 11)
    assert (raw.getheader("content-type"), raw.headers["Content-Length"]) == ("application/json", "21")
    assert (raw.readable(), raw.closed, raw.isclosed(), raw.tell()) == (True, False, False, 0)
    assert raw.read(3) == b'{"g'
    assert raw.tell() == 3
    raw.close()
    assert raw.closed
    raw.release_conn()


@pytest.mark.parametrize(("encoding", "body", "text"), [("br", BROTLI, b"hello, brotli")])
def test_encodings_that_need_no_other_package(server, session, encoding, body, text):
    server.set_routes({"/body": Route(steps=(send(_sized(body, f"Content-Encoding: {encoding}")),))})
    assert b"".join(session.get("/body", stream=True).iter_content(4)) == text
    assert session.get("/body", stream=True).content == text
    assert session.get("/body", stream=True).raw.read() == body


def test_encoding_that_is_not_what_it_says_is_an_error(server, session):
    server.set_routes({"/body": Route(steps=(send(_sized(b"\xff" * 50, "Content-Encoding: br")),))})
    with pytest.raises(requests.exceptions.ContentDecodingError, match="content-encoding: br, but failed"):
        list(session.get("/body", stream=True).iter_content(100))


def test_bomb_goes_off_in_pieces(server, session):
    bomb = gzip.compress(bytes(64 << 20))
    server.set_routes({"/bomb": Route(steps=(send(_sized(_latin(bomb), "Content-Encoding: gzip")),))})
    response = session.get("/bomb", stream=True)
    sizes = [len(next(response.iter_content(1000))) for _ in range(3)]
    assert sizes == [1000] * 3
    assert response.raw.tell() < 64_000
    response.close()


def test_response_is_there_with_its_head_and_pieces_as_they_come(server, session, reports):
    first, second = _chunks("one\n", end=""), _chunks("two\n")
    steps = (send(_answer(first, "Transfer-Encoding: chunked")), wait_for_gate("rest"), send(second))
    server.set_routes({"/slow": Route(steps=steps)})
    response = session.get("/slow", stream=True)
    assert reports.only["response_length"] == 0
    lines = response.iter_lines()
    assert next(lines) == b"one"
    server.open("rest")
    assert list(lines) == [b"two"]


def test_waiting_for_a_piece_leaves_the_thread_to_others(server, session):
    steps = (send(_answer("", "Content-Length: 3")), wait_for_gate("piece"), send("abc"))
    server.set_routes({"/slow": Route(steps=steps)})
    response = session.get("/slow", stream=True)
    reader = spawn(lambda: response.content)
    sleep(0)
    assert not reader.ready()
    server.open("piece")
    assert reader.get() == b"abc"


@pytest.mark.parametrize("read", [lambda r: r.content, lambda r: list(r.iter_content(100)), lambda r: r.raw.read()])
def test_silence_is_a_timeout_of_the_piece(server, session, read):
    server.set_routes({"/slow": Route(steps=(send(_answer("half", "Content-Length: 9")), pause(10)))})
    with requests.Session() as plain:
        plain.trust_env = False
        theirs = plain.get(server.url + "/slow", stream=True, timeout=0.5)
        with pytest.raises(Exception) as expected:  # noqa: PT011 - whichever it is
            read(theirs)
    ours = session.get("/slow", stream=True, timeout=0.5)
    with pytest.raises(type(expected.value)) as caught:
        read(ours)
    assert str(caught.value) == str(expected.value)


def test_read_body_gives_its_connection_back(server, session):
    before = server.connection_count()
    for _ in range(3):
        assert len(list(session.get("/echo", stream=True).iter_content(5))) == 5
    assert session.get("/echo").status_code == 200
    assert server.connection_count() == before + 1


def _closed(response):
    response.close()


def _closed_raw(response):
    response.raw.close()


def _dropped(response):
    response.__dict__.clear()
    gc.collect()


def _half_read_and_closed(response):
    next(response.iter_content(2))
    response.close()


@pytest.mark.parametrize("give_up", [_closed, _closed_raw, _dropped, _half_read_and_closed])
def test_unread_body_closes_its_connection(server, session, give_up):
    steps = (send(_answer("half", "Content-Length: 9")), wait_for_gate("never"))
    server.set_routes({"/half": Route(steps=steps)})
    response = session.get("/half", stream=True)
    server.wait_for_requests(1)
    connection = server.journal()[0].connection
    give_up(response)
    # The script hears of it at its gate.
    server.wait_for_hang_up(connection)


def test_streamed_response_is_reported_with_what_its_head_says(server, session, reports):
    server.set_routes({"/body": Route(steps=(send(_answer("half", "Content-Length: 9")), close()))})
    response = session.get("/body", stream=True)
    meta = reports.only
    assert (meta["response_length"], meta["exception"], meta["response"]) == (9, None, response)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        response.content  # noqa: B018 - reading it is the point
    assert len(reports) == 1


def test_session_that_streams_by_itself_reports_what_came(server, session, reports):
    session.stream = True
    server.set_routes({"/body": Route(steps=(send(_chunked("abc", "defg")),))})
    response = session.get("/body")
    assert (reports.only["response_length"], response.content) == (7, b"abcdefg")
    assert session.get("/body", stream=False).content == b"abcdefg"


def test_judged_in_a_with_block(server, session, reports):
    with session.get("/echo", stream=True, catch_response=True) as response:
        assert next(response.iter_content(4)) == b'{"gr'
        response.failure("no greeting")
    assert str(reports.only["exception"]) == "no greeting"
    assert response.content == b'eeting": "hello"}'


def test_redirects_are_followed_and_only_the_last_body_is_streamed(server, session):
    server.set_routes({"/a": redirect("/b"), "/b": Route(body="there")})
    response = session.get("/a", stream=True)
    assert (response.history[0].status_code, response.url) == (302, server.url + "/b")
    assert not response.raw.isclosed()
    assert response.content == b"there"


def test_cookies_of_a_streamed_response(server, session):
    server.set_routes({"/set": Route(headers=(("Set-Cookie", "a=1"),))})
    response = session.get("/set", stream=True)
    assert dict(response.cookies) == dict(session.cookies) == {"a": "1"}


def test_calls_that_stream_are_the_engines(server, session):
    session.get("/echo", stream=True).close()
    session.post("/echo", data=io.BytesIO(b"abc"))
    session.post("/echo", data=iter([b"abc"]), stream=True).close()
    assert session.paths == {"rust": 3, "prepared": 0, "adapter": 0}
    session.post("/echo", data=iter([b"abc"]), stream=True, hooks={"response": lambda *_, **__: None}).close()
    assert session.paths == {"rust": 3, "prepared": 1, "adapter": 0}


def test_prepared_call_is_streamed_too(server, session, reports):
    server.set_routes({"/a": redirect("/b"), "/b": Route(body="there")})
    response = session.get("/a", stream=True, auth=lambda request: request)
    assert isinstance(response.raw, StreamedResponse)
    assert next(response.iter_content(2)) == b"th"
    assert reports.only["response_length"] == 5
    assert response.content == b"ere"
    prepared = session.prepare_request(requests.Request("GET", server.url + "/b"))
    sent = session.send(prepared, stream=True)
    assert list(sent.iter_content(3)) == [b"the", b"re"]


def test_connection_that_fails_before_a_head(refusing, session, reports):
    response = session.get(refusing.url, stream=True)
    assert (response.status_code, response.content, reports.only["response_length"]) == (0, None, 0)


def test_greenlet_killed_while_it_reads_closes_the_connection(server, session):
    steps = (send(_answer("half", "Content-Length: 9")), wait_for_gate("never"))
    server.set_routes({"/half": Route(steps=steps)})
    response = session.get("/half", stream=True)
    server.wait_for_requests(1)
    reader = spawn(lambda: response.content)
    sleep(0)
    reader.kill()
    server.wait_for_hang_up(server.journal()[0].connection)


def test_response_class_is_told_from_a_buffered_one(server, session):
    assert isinstance(session.get("/echo", stream=True).raw, StreamedResponse)
    assert not isinstance(session.get("/echo").raw, StreamedResponse)

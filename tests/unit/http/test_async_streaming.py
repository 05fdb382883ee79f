"""`stream=True` of the session whose calls are awaited."""

from __future__ import annotations

import asyncio
import gzip

import pytest
import requests
from requests.exceptions import ChunkedEncodingError, StreamConsumedError
from rocust._errors import LocustError
from rocust._http.async_session import AsyncHttpSession
from rocust._http.failures import BodyTooLarge
from rocust._kernel import looproom
from support.loop import run
from support.script import Route, close, send, wait_for_gate

TEXT = "".join(f"line {number}\n" for number in range(300))
#: "hello, brotli" by the reference encoder.
BROTLI = bytes.fromhex("0b068068656c6c6f2c2062726f746c6903")


def _sized(body, *headers):
    raw = body if isinstance(body, bytes) else body.encode("latin-1")
    head = "".join(f"{header}\r\n" for header in (f"Content-Length: {len(raw)}", *headers))
    return send(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + raw)


@pytest.fixture
def session(server, request_event):
    session = AsyncHttpSession(server.url, request_event, user=None)
    yield session
    session.close()


def serve(server, *steps):
    server.set_routes({"/": Route(steps=steps), "/echo": Route()})


def test_a_body_is_read_while_it_comes(session, server):
    serve(
        server,
        send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"),
        wait_for_gate("rest of it"),
        send("6\r\nsecond\r\n0\r\n\r\n"),
    )

    async def visit():
        pieces = []
        async with session.get("/", stream=True) as response:
            async for piece in response.aiter_bytes():
                pieces.append(piece)
                server.open("rest of it")
        return pieces

    assert run(visit()) == [b"first", b"second"]


@pytest.mark.parametrize("size", [1, 7, 1000, 10_000, None])
def test_pieces_have_the_size_that_is_asked_for(session, server, size):
    serve(server, _sized(TEXT))

    async def visit():
        async with session.get("/", stream=True) as response:
            return [piece async for piece in response.aiter_bytes(size)]

    pieces = run(visit())
    assert b"".join(pieces).decode() == TEXT
    if size is not None:
        assert {len(piece) for piece in pieces[:-1]} <= {size}


def test_lines(session, server):
    serve(server, _sized("one\r\ntwo\n\nlast"))

    async def visit():
        async with session.get("/", stream=True) as response:
            return [line async for line in response.aiter_lines()]

    assert run(visit()) == ["one", "two", "", "last"]


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [("gzip", gzip.compress(TEXT.encode()), TEXT), ("br", BROTLI, "hello, brotli")],
)
def test_encodings_are_undone(session, server, encoding, body, text):
    serve(server, _sized(body, f"Content-Encoding: {encoding}"))

    async def visit():
        async with session.get("/", stream=True) as response:
            return b"".join([piece async for piece in response.aiter_bytes()])

    assert run(visit()).decode() == text


def test_the_whole_body_may_be_awaited(session, server, reports):
    serve(server, _sized('{"a": 1}'))

    async def visit():
        async with session.get("/", stream=True) as response:
            with pytest.raises(LocustError, match="aread"):
                _ = response.text
            with pytest.raises(LocustError, match="aread"):
                _ = response.raw
            assert "status_code" in vars(response)
            whole = await response.aread()
            return whole, response.text, response.json(), response.content

    assert run(visit()) == (b'{"a": 1}', '{"a": 1}', {"a": 1}, b'{"a": 1}')
    assert reports.only["response_length"] == 8


def test_cookies_of_a_streamed_response_are_known_before_its_body(session, server):
    serve(server, _sized("later", "Set-Cookie: kind=biscuit"))

    async def visit():
        async with session.get("/", stream=True) as response:
            assert dict(response.cookies) == {"kind": "biscuit"}
        return dict(session.cookies)

    assert run(visit()) == {"kind": "biscuit"}


def test_a_body_that_is_there_has_the_same_methods(session):
    async def visit():
        response = await session.get("/echo")
        return await response.aread(), [piece async for piece in response.aiter_bytes(10)]

    whole, pieces = run(visit())
    assert whole == b"".join(pieces) == b'{"greeting": "hello"}'


def test_a_connection_whose_body_was_read_serves_the_next_call(session, server):
    serve(server, _sized(TEXT))
    before = server.connection_count()

    async def visit():
        for _ in range(3):
            async with session.get("/", stream=True) as response:
                await response.aread()

    run(visit())
    assert server.connection_count() - before == 1


def test_leaving_the_block_closes_what_was_not_read(session, server):
    serve(server, send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), wait_for_gate("never"))

    async def visit():
        async with session.get("/", stream=True) as response:
            assert await anext(response.aiter_bytes()) == b"half"

    run(visit())
    server.wait_for(lambda: not server.open_connections(), "the connection to end")


def test_a_cancelled_reader_closes_the_connection(session, server):
    serve(server, send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), wait_for_gate("never"))
    has_half = asyncio.Event()

    async def visit():
        async with session.get("/", stream=True) as response:
            async for _ in response.aiter_bytes():
                has_half.set()

    async def scenario():
        task = asyncio.create_task(visit())
        await has_half.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scenario())
    server.wait_for(lambda: not server.open_connections(), "the connection to end")


class _LastMoment:
    """A port that has a reader cancelled after its answer was taken and before it sees it, as by a time limit that passes then."""

    def __init__(self, port, reader):
        self.port, self.reader = port, reader
        self.taken = 0

    def __getattr__(self, name):
        return getattr(self.port, name)

    def take(self):
        if (post := self.port.take()) is not None:
            self.taken += 1
        elif self.taken:
            self.reader.cancel()
        return post


async def _cut_in_the_turn_of_a_piece(pieces):
    reader = asyncio.create_task(anext(pieces))
    while reader._fut_waiter is None:
        await asyncio.sleep(0)
    room = looproom.current()
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(room, "port", _LastMoment(room.port, reader))
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert room.port.taken == 1


async def _cut_by_a_cancellation(pieces):
    assert await anext(pieces) == b"half"
    reader = asyncio.create_task(anext(pieces))
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader


async def _cut_by_the_server(pieces):
    assert await anext(pieces) == b"half"
    with pytest.raises(ChunkedEncodingError):
        await anext(pieces)


@pytest.mark.parametrize("cut", [_cut_in_the_turn_of_a_piece, _cut_by_a_cancellation, _cut_by_the_server])
def test_a_body_that_was_cut_is_not_taken_for_a_whole_one(session, server, cut):
    ending = close() if cut is _cut_by_the_server else wait_for_gate("never")
    serve(server, send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), ending)

    async def visit():
        async with session.get("/", stream=True) as response:
            await cut(response.aiter_bytes())
            with pytest.raises(StreamConsumedError, match="will not come"):
                await response.aread()

    run(visit())


def test_a_body_that_was_not_read_in_its_block_is_not_taken_for_an_empty_one(session, server):
    serve(server, send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), wait_for_gate("never"))

    async def visit():
        async with session.get("/", stream=True) as response:
            pass
        with pytest.raises(StreamConsumedError, match="will not come"):
            await response.aread()

    run(visit())


def test_a_body_that_breaks_off_is_an_error_of_requests(session, server):
    serve(server, send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), close())

    async def visit():
        async with session.get("/", stream=True) as response:
            await response.aread()

    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="4 bytes read, 5 more expected"):
        run(visit())


def test_a_body_that_cannot_be_decoded_is_an_error_of_requests(session, server):
    serve(server, _sized("no gzip", "Content-Encoding: gzip"))

    async def visit():
        async with session.get("/", stream=True) as response:
            await response.aread()

    with pytest.raises(requests.exceptions.ContentDecodingError):
        run(visit())


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_body_is_bounded(session, server, encoding):
    body = gzip.compress(TEXT.encode()) if encoding == "gzip" else TEXT
    serve(server, _sized(body, f"Content-Encoding: {encoding}"))

    async def visit():
        async with session.get("/", stream=True, max_body=len(gzip.compress(TEXT.encode()))) as response:
            # One that says its length has failed with its head.
            response.raise_for_status()
            await response.aread()

    with pytest.raises(BodyTooLarge):
        run(visit())

"""Bodies may be bounded: for a user, a session or one call; whoever says more fails, and the user goes on."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
import requests
from rocust.clients import BodyTooLarge
from support.script import Route, flood, send

BOMB_BYTES = 2 << 20
TOO_LARGE = "BodyTooLarge('The response body is larger than 4 bytes')"


@pytest.fixture
def hello(server):
    server.set_routes(
        {
            "/": Route(body="hello"),
            "/moved": Route(status=302, body="hello", headers=(("Location", "/"),)),
            "/chunks": Route(body="5\r\nhello\r\n0\r\n\r\n", headers=(("Transfer-Encoding", "chunked"),)),
            "/endless": Route(steps=(send("HTTP/1.1 200 OK\r\n\r\n"), flood("hello\n" * 1000))),
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


STREAMED = {
    "content": lambda response: response.content,
    "iter_content": lambda response: list(response.iter_content(3)),
    "iter_lines": lambda response: list(response.iter_lines()),
    "raw.read": lambda response: response.raw.read(),
    "raw.read in pieces": lambda response: list(iter(lambda: response.raw.read(2), b"")),
    "raw.stream": lambda response: list(response.raw.stream(2)),
    "raw.data": lambda response: response.raw.data,
}
FAST_STREAMED = {
    "content": STREAMED["content"],
    "iter_content": STREAMED["iter_content"],
    "stream.read": lambda response: response.stream.read(),
    "stream": lambda response: list(response.stream),
}


def _ends_as_too_large(client, reports, read, words, path, **kwargs):
    """A streamed response is reported with its head; its body ends with the failure, and the user goes on."""
    response = client.get(path, stream=True, **kwargs)
    assert (reports.only["exception"], response.status_code) == (None, 200)
    with pytest.raises(BodyTooLarge) as caught:
        read(response)
    assert str(caught.value) == f"The response body is larger than {words}"
    assert len(reports) == 1
    assert client.get("/", max_body=None).status_code == 200


@pytest.mark.parametrize("read", STREAMED.values(), ids=STREAMED)
@pytest.mark.parametrize("path", ["/chunks", "/endless"])
def test_bound_holds_for_streamed_bodies(session, hello, reports, read, path):
    _ends_as_too_large(session, reports, read, "4 bytes", path, max_body=4)
    hello.wait_for_hang_up(hello.journal(path)[-1].connection)


@pytest.mark.parametrize("read", FAST_STREAMED.values(), ids=FAST_STREAMED)
@pytest.mark.parametrize("path", ["/chunks", "/endless"])
def test_bound_holds_for_bodies_that_fast_users_stream(fast, hello, reports, read, path):
    _ends_as_too_large(fast, reports, read, "4 bytes", path, max_body=4)
    hello.wait_for_hang_up(hello.journal(path)[-1].connection)


def test_streamed_body_gives_what_is_allowed_before_it_fails(session, fast, hello):
    pieces = session.get("/endless", stream=True, max_body=4).iter_content(2)
    assert [next(pieces), next(pieces)] == [b"he", b"ll"]
    with pytest.raises(BodyTooLarge):
        next(pieces)
    assert list(session.get("/chunks", stream=True, max_body=5).iter_content(2)) == [b"he", b"ll", b"o"]
    stream = fast.get("/endless", stream=True, max_body=4).stream
    assert stream.read(4) == b"hell"
    with pytest.raises(BodyTooLarge):
        stream.read(1)


def test_lines_of_fast_users_are_bounded(fast, hello):
    with pytest.raises(BodyTooLarge, match="larger than 4 bytes"):
        list(fast.iter_lines("/endless", max_body=4))


def test_streamed_body_whose_length_says_too_much_is_a_failed_request(client, hello, reports):
    response = client.get("/", stream=True, max_body=4)
    assert (response.status_code, response.content) == (0, None)
    assert repr(reports.only["exception"]) == TOO_LARGE
    assert client.get("/", stream=True, max_body=5).content == b"hello"


def test_streamed_call_that_requests_prepares_is_bounded(session, hello, reports):
    session.max_body = 4
    with pytest.raises(BodyTooLarge):
        session.get("/endless", stream=True, auth=lambda request: request).content  # noqa: B018 - reading it is the point
    prepared = session.prepare_request(requests.Request("GET", hello.url + "/endless"))
    with pytest.raises(BodyTooLarge):
        session.send(prepared, stream=True).content  # noqa: B018 - reading it is the point


BOMBS = {
    "gzip": gzip.compress(bytes(BOMB_BYTES)),
    "deflate": zlib.compress(bytes(BOMB_BYTES)),
    # Blocks of 128 KiB that repeat one byte; nothing else.
    "zstd": b"\x28\xb5\x2f\xfd\x00\x58" + b"\x02\x00\x10\x00" * (BOMB_BYTES // 131_072 - 1) + b"\x03\x00\x10\x00",
    # By the reference encoder.
    "br": bytes.fromhex("9bffff1ff82700e2b14020f7fe03"),
    "gzip, gzip": gzip.compress(gzip.compress(bytes(BOMB_BYTES))),
}
#: Every way to read a body decoded.
DECODED = {
    "content": STREAMED["content"],
    "iter_content": lambda response: [None for _ in response.iter_content(10_000)],
    "iter_lines": lambda response: list(response.iter_lines(65_536)),
    "raw.read": lambda response: response.raw.read(decode_content=True),
    "raw.read in pieces": lambda response: [
        None for _ in iter(lambda: response.raw.read(10_000, decode_content=True), b"")
    ],
    "raw.read1": lambda response: [None for _ in iter(lambda: response.raw.read1(10_000, decode_content=True), b"")],
    "raw.stream": lambda response: [None for _ in response.raw.stream(10_000, decode_content=True)],
}


def _bomb(encoding, is_chunked):
    body = BOMBS[encoding].decode("latin-1")
    headers = [("Content-Encoding", encoding)]
    if is_chunked:
        body = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"
        headers.append(("Transfer-Encoding", "chunked"))
    return {"/bomb": Route(body=body, headers=tuple(headers)), "/": Route()}


@pytest.mark.parametrize("is_chunked", [False, True], ids=["sized", "chunked"])
@pytest.mark.parametrize("read", DECODED.values(), ids=DECODED)
@pytest.mark.parametrize("encoding", BOMBS)
def test_streamed_bomb_ends_at_the_bound(session, server, reports, encoding, read, is_chunked):
    server.set_routes(_bomb(encoding, is_chunked))
    words = f"{BOMB_BYTES - 1} bytes when it is decoded"
    asking = {"Accept-Encoding": encoding}
    _ends_as_too_large(session, reports, read, words, "/bomb", max_body=BOMB_BYTES - 1, headers=asking)
    assert len(session.get("/bomb", stream=True, max_body=BOMB_BYTES, headers=asking).content) == BOMB_BYTES


@pytest.mark.parametrize("encoding", [encoding for encoding in BOMBS if "," not in encoding])
def test_bomb_is_refused_unstreamed_and_streamed_by_fast_users(client, fast, server, reports, encoding):
    server.set_routes(_bomb(encoding, False))
    asking = {"Accept-Encoding": encoding}
    assert client.get("/bomb", max_body=BOMB_BYTES - 1, headers=asking).status_code == 0
    assert "larger than 2097151 bytes when it is decoded" in str(reports.only["exception"])
    assert client.get("/bomb", max_body=BOMB_BYTES, headers=asking).content == bytes(BOMB_BYTES)
    with pytest.raises(BodyTooLarge, match="larger than 2097151 bytes when it is decoded"):
        fast.get("/bomb", stream=True, max_body=BOMB_BYTES - 1).content  # noqa: B018 - reading it is the point
    assert fast.get("/bomb", stream=True, max_body=BOMB_BYTES).content == bytes(BOMB_BYTES)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bomb_takes_the_memory_of_what_is_allowed(session, server, encoding):
    server.set_routes(_bomb(encoding, False))
    response = session.get("/bomb", stream=True, max_body=100_000, headers={"Accept-Encoding": encoding})
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge):
            response.raw.read(decode_content=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < BOMB_BYTES // 8


def test_streamed_body_is_bounded_without_anybody_saying_so(session, fast, server):
    server.set_routes(_bomb("zstd", False))
    for client in (session, fast):
        assert client.get("/bomb", stream=True)._exchange.flow().max_decoded_bytes == 1 << 30


@pytest.mark.parametrize("wrong", [-1, 1.5, "1", "1 MiB"])
def test_bound_that_is_no_number_of_bytes_is_refused(client, hello, wrong):
    with pytest.raises(ValueError, match="max_body must be a number of bytes, or None for no bound; it is"):
        client.max_body = wrong
    with pytest.raises(ValueError, match="max_body must be a number of bytes"):
        client.get("/", max_body=wrong)
    assert client.max_body is None
    assert hello.count() == 0

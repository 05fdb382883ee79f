"""Bodies that are made while they are sent: files and generators, beside `requests` sending the same."""

from __future__ import annotations

import array
import gc
import io
import socket
import threading

import pytest
import requests
from rocust import _core
from rocust._http.fast_errors import HTTPConnectionClosed, UnrewoundBodyError
from rocust._kernel.green import GreenletExit, sleep, spawn
from support.script import Route, close, redirect, wait_for_gate

MOVED = redirect("/there", status=307)


def _pieces():
    yield b"one, "
    yield "zwölf"
    yield b""
    yield bytearray(b", three")


class Unseekable(io.BytesIO):
    def seek(self, *_):
        raise OSError("no way back")


class Sized:
    """Something with a length that can be iterated, and is no file."""

    def __len__(self):
        return 6

    def __iter__(self):
        return iter([b"abc", b"def"])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "body.bin"
    path.write_bytes(bytes(range(256)) * 1000)
    with path.open("rb") as opened:
        yield opened


BODIES = {
    "generator": lambda _: _pieces(),
    "iterator": lambda _: iter([b"a", b"bc"]),
    "generator of nothing": lambda _: iter(()),
    "file in memory": lambda _: io.BytesIO(b"from memory"),
    "file": lambda file: file,
    "file from its middle": lambda file: (file.seek(250_000), file)[1],
    "empty file": lambda _: io.BytesIO(),
    "file of text": lambda _: io.StringIO("plain text"),
    "sized": lambda _: Sized(),
    "bytearray": lambda _: bytearray(b"abc"),
    "memoryview": lambda _: memoryview(b"abc"),
    "array": lambda _: array.array("B", b"abc"),
}


def _wire(exchange):
    fields = [(name.lower(), value) for name, value in exchange.headers]
    return exchange.method, [field for field in fields if field[0] not in ("accept-encoding", "host")], exchange.body


@pytest.mark.parametrize("body", BODIES)
def test_body_is_sent_as_requests_sends_it(server, session, file, body):
    headers = {"Content-Type": "x/y", "X-Own": "1"}
    with requests.Session() as plain:
        plain.trust_env = False
        plain.post(server.url + "/echo", data=BODIES[body](file), headers=headers, auth=("u", "p"))
    file.seek(0)
    session.post("/echo", data=BODIES[body](file), headers=headers, auth=("u", "p"))
    server.wait_for_requests(2)
    by_requests, by_us = map(_wire, server.journal())
    assert by_us[0] == by_requests[0]
    assert sorted(by_us[1]) == sorted(by_requests[1])
    assert by_us[2] == by_requests[2]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("make", [lambda: io.BytesIO(b"again"), _pieces, lambda: Unseekable(b"no")])
def test_redirects_with_a_body_are_those_of_requests(server, session, reports, status, make):
    server.set_routes({"/moved": redirect("/there", status=status), "/there": Route(body="there")})
    with requests.Session() as plain:
        plain.trust_env = False
        try:
            theirs = plain.post(server.url + "/moved", data=make())
            expected = [theirs.status_code, None]
        except requests.RequestException as error:
            expected = [0, (type(error), str(error))]
    number = 1 if expected[0] == 0 else 2
    server.wait_for_requests(number)
    by_requests = list(map(_wire, server.journal()))
    ours = session.post("/moved", data=make())
    server.wait_for_requests(2 * number)
    error = ours.error
    assert [ours.status_code, error and (type(error), str(error))] == expected
    by_us = list(map(_wire, server.journal()[len(by_requests) :]))
    assert [(method, body) for method, _, body in by_us] == [(method, body) for method, _, body in by_requests]
    assert reports.only["exception"] == error


def test_generator_runs_in_its_own_greenlet_and_may_make_requests(server, session, reports):
    def body():
        yield b"first "
        sleep(0.01)
        yield session.get("/echo").content

    response = session.post("/", data=body())
    assert response.status_code == 200
    server.wait_for_requests(2)
    assert server.journal("/")[0].body == 'first {"greeting": "hello"}'
    assert [meta["name"] for meta in reports] == ["/echo", "/"]


@pytest.fixture
def impatient():
    """The URL of a server that answers as soon as it has seen something of a body, and hangs up."""

    def serve():
        connection, _ = listener.accept()
        with connection:
            for _ in range(2):
                connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.join()


@pytest.mark.parametrize("client", ["session", "fast"])
def test_early_answer_is_the_answer_and_ends_the_making(impatient, request, client, reports):
    made = []

    def body():
        for number in range(10_000):
            made.append(number)
            yield bytes(65_536)

    response = request.getfixturevalue(client).post(impatient, data=body())
    assert (response.status_code, response.content) == (413, b"big")
    assert len(made) < 5_000
    assert reports.only["response_length"] == 3


class Boom(Exception):
    pass


def test_what_the_generator_raises_is_raised_and_nothing_is_reported(server, session, reports):
    def body():
        yield b"some"
        raise Boom

    with pytest.raises(Boom):
        session.post("/echo", data=body())
    assert reports == []
    assert _core.settle(5.0) == 0
    assert server.count("/echo") == 0


def test_system_error_of_a_body_fails_the_request_as_in_requests(server, session, reports):
    def body():
        yield b"some"
        raise OSError(5, "the disk is gone")

    with requests.Session() as plain, pytest.raises(requests.ConnectionError) as expected:
        plain.trust_env = False
        plain.post(server.url + "/echo", data=body())
    error = session.post("/echo", data=body()).error
    assert (type(error), str(error)) == (type(expected.value), str(expected.value))
    assert reports.only["exception"].args == (5, "the disk is gone")


def test_body_of_the_wrong_things_is_refused(server, session, reports):
    with pytest.raises(TypeError):
        session.post("/echo", data=iter([1, 2, 3]))
    assert reports == []


@pytest.mark.parametrize("is_parked", [True, False])
def test_greenlet_killed_while_it_sends_closes_the_connection(server, session, reports, is_parked):
    begun, ended = [], []

    def body():
        try:
            begun.append(True)
            yield b"some"
            if not is_parked:
                sleep(60)
            yield bytes(65_536)
            while True:
                yield bytes(65_536)
        except (GeneratorExit, GreenletExit):
            ended.append(True)
            raise

    server.set_routes({"/echo": Route(steps=(wait_for_gate("never"),))})
    before = server.open_connections()
    upload = spawn(lambda: session.post("/echo", data=body()))
    while not begun:
        sleep(0.001)
    # From the engine's thread to the server's process: a moment later it is connected.
    server.wait_for(lambda: bool(server._notes.open_connections - before), "the connection")
    opened = server.open_connections() - before
    upload.kill()
    assert _core.settle(5.0) == 0
    for connection in opened:
        server.wait_for_hang_up(connection)
    # What is left of a killed greenlet holds on to its generator, until the loop has come round.
    del upload
    while not ended:
        sleep(0.001)
        gc.collect()
    assert (reports, ended) == ([], [True])


def test_server_that_hangs_up_without_an_answer(server, session, reports):
    server.set_routes({"/echo": Route(steps=(close(),))})
    response = session.post("/echo", data=iter([b"abc"]))
    assert isinstance(response.error, requests.ConnectionError)
    assert repr(reports.only["exception"]) == "RemoteDisconnected('Remote end closed connection without response')"


def test_body_both_ways(server, session):
    response = session.post("/echo", data=_pieces(), stream=True)
    assert b"".join(response.iter_content(5)) == b'{"greeting": "hello"}'


def test_connection_is_kept_after_an_upload(server, session):
    before = server.connection_count()
    session.post("/echo", data=_pieces())
    session.post("/echo", data=io.BytesIO(b"abc"))
    session.get("/echo")
    assert server.connection_count() == before + 1


# -- FastHttpUser ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "framing", "body"),
    [
        (_pieces, ("transfer-encoding", "chunked"), "one, zw\xc3\xb6lf, three"),
        (lambda: io.BytesIO(b"memory"), ("transfer-encoding", "chunked"), "memory"),
    ],
)
def test_fast_sends_in_chunks_what_has_no_known_length(server, fast, seen, make, framing, body):
    assert fast.post("/echo", data=make()).status_code == 200
    sent = seen()
    assert (sent.header(framing[0]), sent.body) == (framing[1], body)
    assert sent.header("content-type") == "application/octet-stream"


def test_fast_sends_a_file_with_its_length(server, fast, seen, file):
    fast.post("/echo", data=file, headers={"content-type": "x/y"})
    sent = seen()
    assert (sent.header("content-length"), len(sent.body)) == ("256000", 256_000)
    assert sent.header("content-type") == "x/y"


def test_fast_sends_a_file_again_after_a_redirect_and_says_when_it_cannot(server, fast, reports):
    server.set_routes({"/moved": MOVED, "/there": Route()})
    assert fast.post("/moved", data=io.BytesIO(b"again")).status_code == 200
    server.wait_for_requests(2)
    assert [exchange.body for exchange in server.journal()] == ["again", "again"]
    response = fast.post("/moved", data=_pieces())
    assert response.status_code == 0
    error = reports[-1]["exception"]
    assert isinstance(error, UnrewoundBodyError)
    assert "payload cannot be rewound and resent after a redirect" in str(error)


def test_fast_upload_to_a_server_that_hangs_up(server, fast, reports):
    server.set_routes({"/echo": Route(steps=(close(),))})
    assert fast.post("/echo", data=iter([b"abc"])).status_code == 0
    assert isinstance(reports.only["exception"], HTTPConnectionClosed)

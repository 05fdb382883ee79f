"""Servers that lie, never stop or break off, met by users of real processes: one failure with a name each, and the user goes on.

The texts are stock's where stock ends at all. What stock reads for ever (storms of interim responses, sizes of chunks without an end,
heads without one in `FastHttpUser`) is cut off here, and said so.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from support.command import Result, run_locust
from support.script import Route, close, drip, flood, pause, redirect, send
from support.server import ScriptedServer

OK = "HTTP/1.1 200 OK\r\n"
CHUNKED = OK + "Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(b"\0" * 30_000_000).decode("latin-1")

ROUTES = {
    "/endless-status-line": Route(steps=(send("HTTP/1.1 200 "), flood("y" * 65_536))),
    "/endless-header-line": Route(steps=(send(OK + "X: "), flood("y" * 65_536))),
    "/endless-headers": Route(steps=(send(OK), flood("X: y\r\n" * 1_000))),
    "/storm-of-100": Route(steps=(flood("HTTP/1.1 100 Continue\r\n\r\n" * 100),)),
    "/storm-of-103": Route(steps=(flood("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 100),)),
    "/endless-chunk-size": Route(steps=(send(CHUNKED), flood("0" * 65_536))),
    "/endless-extensions": Route(steps=(send(CHUNKED), flood(f"1;{'x' * 100}\r\nh\r\n"))),
    "/endless-trailers": Route(steps=(send(CHUNKED + "0\r\n"), flood("X: y\r\n"))),
    "/two-lengths": Route(steps=(send(OK + "Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello"), close())),
    "/length-is-a-word": Route(steps=(send(OK + "Content-Length: five\r\n\r\nhello"), close())),
    "/http-0.9": Route(steps=(send("hello, plain\n"), close())),
    "/http-2": Route(steps=(send("HTTP/2 200\r\nContent-Length: 2\r\n\r\nok"), close())),
    "/silent": Route(steps=(pause(20),)),
    "/silent-in-the-body": Route(steps=(send(OK + "Content-Length: 100\r\n\r\nhello"), pause(20))),
    "/too-large": Route(steps=(send(OK + "Content-Length: 1073741824\r\n\r\n"), flood("y" * 65_536))),
    "/too-large-chunks": Route(steps=(send(CHUNKED), flood("10000\r\n" + "y" * 65_536 + "\r\n"))),
    "/bomb": Route(body=BOMB, headers=(("Content-Encoding", "gzip"),)),
    "/bomb-in-a-bomb": Route(
        body=gzip.compress(BOMB.encode("latin-1")).decode("latin-1"), headers=(("Content-Encoding", "gzip, gzip"),)
    ),
    "/loop": redirect("/loop"),
}
#: These end well.
HARMLESS = {
    "/dripped-head": Route(steps=(drip(OK + "Content-Length: 5\r\n\r\nhello", 0.001),)),
    "/dripped-body": Route(steps=(send(OK + "Content-Length: 5\r\n\r\n"), drip("hello", 0.001))),
    "/two-answers": Route(steps=(send((OK + "Content-Length: 5\r\n\r\nhello") * 2),)),
    "/cut-redirect": Route(steps=(send("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 9\r\n\r\n"), close())),
    "/latin": Route(
        steps=(send("HTTP/1.1 200 \xff\r\nX: \xfe\r\nSet-Cookie: \xff=\xfe\r\nContent-Length: 0\r\n\r\n"),)
    ),
    "/": Route(),
}

LINE = "got more than 65536 bytes when reading"
SIZE_LINE = "Response chunk size line exceeded maximum allowed length"
INTERIM = "got more than 100 interim responses"
EXTENSIONS = "got more than 16384 bytes of chunk extensions"
TRAILERS = "got more than 100 trailers"
LARGE = "BodyTooLarge('The response body is larger than 1048576 bytes')"
DECODED = "BodyTooLarge('The response body is larger than 1048576 bytes when it is decoded')"
LENGTHS = "InvalidHeader('Content-Length contained multiple unmatching values (5, 3)')"


def _chunked(words: str) -> str:
    return f"ChunkedEncodingError(ProtocolError('{words}'))"


HTTP_USER = {
    "/endless-status-line": f"LineTooLong('{LINE} status line')",
    "/endless-header-line": f"LineTooLong('{LINE} header line')",
    "/endless-headers": "HTTPException('got more than 100 headers')",
    "/storm-of-100": f"HTTPException('{INTERIM}')",
    "/storm-of-103": f"HTTPException('{INTERIM}')",
    "/endless-chunk-size": _chunked(SIZE_LINE),
    "/endless-extensions": _chunked(EXTENSIONS),
    "/endless-trailers": _chunked(TRAILERS),
    "/two-lengths": f"InvalidHeader({LENGTHS})",
    "/length-is-a-word": "HTTPException('invalid content-length parsed')",
    "/http-0.9": r"BadStatusLine('hello, plain\n')",
    "/http-2": "UnknownProtocol('HTTP/2')",
    "/silent": "ReadTimeout(ReadTimeoutError(\"HTTPConnectionPool(host='127.0.0.1', port=PORT): "
    'Read timed out. (read timeout=0.3)"))',
    "/silent-in-the-body": "ReadTimeoutError(\"HTTPConnectionPool(host='127.0.0.1', port=PORT): Read timed out.\")",
    "/too-large": LARGE,
    "/too-large-chunks": LARGE,
    "/bomb": DECODED,
    "/bomb-in-a-bomb": DECODED,
    "/loop": "TooManyRedirects('Exceeded 30 redirects.')",
}
FAST_HTTP_USER = {
    "/endless-status-line": f"HTTPParseError('{LINE} status line')",
    "/endless-header-line": f"HTTPParseError('{LINE} header line')",
    "/endless-headers": "HTTPParseError('got more than 100 headers')",
    "/storm-of-100": f"HTTPParseError('{INTERIM}')",
    "/storm-of-103": f"HTTPParseError('{INTERIM}')",
    "/endless-chunk-size": f"HTTPParseError('{SIZE_LINE}')",
    "/endless-extensions": f"HTTPParseError('{EXTENSIONS}')",
    "/endless-trailers": f"HTTPParseError('{TRAILERS}')",
    "/two-lengths": "HTTPParseError('Duplicate Content-Length', 4)",
    "/length-is-a-word": "HTTPParseError('Invalid character in Content-Length', 11)",
    "/http-0.9": "HTTPParseError('Expected HTTP/, RTSP/ or ICE/', 8)",
    "/http-2": "HTTPParseError('Invalid HTTP version', 9)",
    "/silent": "RetriesExceeded('http://127.0.0.1:PORT/silent', 0, original=timed out)",
    "/silent-in-the-body": "TimeoutError('timed out')",
    "/too-large": LARGE,
    "/too-large-chunks": LARGE,
    "/bomb": DECODED,
    "/bomb-in-a-bomb": DECODED,
    "/loop": "RetriesExceeded('http://127.0.0.1:PORT/loop', 'Redirection limit reached (30)')",
}
EXPECTED = {"HttpUser": HTTP_USER, "FastHttpUser": FAST_HTTP_USER}

MEETS_ALL = """
import traceback
from locust import HttpUser, FastHttpUser, task

class Visitor(KIND):
    network_timeout = 0.3
    max_body = 1024 * 1024

    @task
    def work(self):
        limit = {"timeout": 0.3} if isinstance(self, HttpUser) else {}
        for path in PATHS:
            try:
                self.client.get(path, **limit)
            except Exception:
                traceback.print_exc()
        self.environment.runner.quit()
"""


@pytest.fixture(scope="module", params=list(EXPECTED))
def run(request: pytest.FixtureRequest) -> Iterator[tuple[str, Result, int]]:
    """One run of one user who meets every liar once: the kind of user, the run, the server's port."""
    kind: str = request.param
    with ScriptedServer(ROUTES | HARMLESS) as server:
        file = MEETS_ALL.replace("KIND", kind).replace("PATHS", repr([*ROUTES, *HARMLESS]))
        yield kind, run_locust(file, "-H", server.url), server.port


def test_each_liar_is_one_failure_with_a_name(run: tuple[str, Result, int]) -> None:
    kind, result, port = run
    expected = {f"GET {path}: {text.replace('PORT', str(port))}": 1 for path, text in EXPECTED[kind].items()}
    assert result.errors == expected


def test_user_goes_on_and_every_request_is_accounted_for(run: tuple[str, Result, int]) -> None:
    _, result, _ = run
    assert "Traceback" not in result.stderr
    assert (result.total.requests, result.total.failures, result.aborted) == (len(ROUTES | HARMLESS), len(ROUTES), 0)
    assert result.entry("/cut-redirect").content_bytes == len(Route().body)
    assert result.entry("/two-answers").content_bytes == 5


RAISED = """
from locust import HttpUser, task, events

class Visitor(HttpUser):
    @task
    def work(self):
        try:
            self.client.get("/")
        except ValueError as error:
            print("RAISED", f'"{type(error).__name__}"')
        self.environment.runner.quit()
"""


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("ftp://127.0.0.1/", "InvalidSchema"),
        ("javascript:x", "InvalidSchema"),
        ("http://a:b/", "InvalidURL"),
        ("/\xe9", "InvalidURL"),
    ],
)
def test_redirect_to_nowhere_is_raised_as_in_locust_and_reported(location: str, name: str) -> None:
    with ScriptedServer({"/": redirect(location)}) as server:
        result = run_locust(RAISED, "-H", server.url)
        assert result.printed("RAISED") == [name]
        assert list(result.errors.values()) == [1]
        assert next(iter(result.errors)).startswith(f"GET /: {name}(")
        assert (result.total.requests, server.count()) == (1, 1)


KEEPS_ON = """
import json
from locust import HttpUser, FastHttpUser, task

def resident_mib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20

class Visitor(KIND):
    max_body = 1024 * 1024
    rounds = 0

    @task
    def work(self):
        for path in PATHS:
            self.client.get(path)
        self.rounds += 1
        if self.rounds in (4, ROUNDS):
            print("RESIDENT", json.dumps(resident_mib()))
        if self.rounds == ROUNDS:
            self.environment.runner.quit()
"""
NASTY = [path for path in ROUTES if "silent" not in path and path != "/loop"]
ROUNDS = 14


@pytest.mark.parametrize("kind", list(EXPECTED))
def test_memory_is_flat_whatever_liars_send(kind: str) -> None:
    with ScriptedServer(ROUTES) as server:
        file = KEEPS_ON.replace("KIND", kind).replace("PATHS", repr(NASTY)).replace("ROUNDS", str(ROUNDS))
        result = run_locust(file, "-H", server.url)
        server.settle()
        assert server.count() == ROUNDS * len(NASTY) >= 200
        assert (result.total.requests, result.total.failures, result.aborted) == (server.count(), server.count(), 0)
        early, late = result.printed("RESIDENT")
        assert late - early < 24, f"from {early:.0f} to {late:.0f} MiB"

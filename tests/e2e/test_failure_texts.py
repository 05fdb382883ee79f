"""Failures read in the table exactly as Locust writes them: people grep for them, and compare old reports with new.

The expected texts were written down from a run of stock Locust 2.47.0 with requests 2.34 and geventhttpclient 2.6.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.command import Result, run_locust
from support.script import Route, close, redirect, reset, send, wait_for_gate
from support.server import RefusingPort, ScriptedServer

HALF = send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
HALF_CHUNK = send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf")
BAD_CHUNK = send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n")
BANNER = send("SSH-2.0-OpenSSH_9.9\r\n")
ROUTES = {
    "/404": Route(status=404),
    "/500": Route(status=500, body="it broke"),
    "/503": Route(status=503),
    "/599": Route(status=599, reason="Odd"),
    "/timeout": Route(delay_s=20),
    "/reset": Route(steps=(reset(),)),
    "/reset-body": Route(steps=(HALF, reset())),
    "/close": Route(steps=(close(),)),
    "/close-body": Route(steps=(HALF, close())),
    "/half-chunk": Route(steps=(HALF_CHUNK, close())),
    "/bad-chunk": Route(steps=(BAD_CHUNK, close())),
    "/garbage": Route(steps=(BANNER, close())),
    "/loop": redirect("/loop"),
    "/bad-gzip": Route(body="not gzip", headers=(("Content-Encoding", "gzip"),)),
}

RESET = "ConnectionResetError(104, 'Connection reset by peer')"
CUT_BODY = "IncompleteRead(4 bytes read, 96 more expected)"
CUT_CHUNK = "IncompleteRead(4 bytes read, 251 more expected)"
BAD_SIZE = r"InvalidChunkLength(got length b'zz\r\n', 0 bytes read)"
ESCAPED_BAD_SIZE = BAD_SIZE.replace("\\", "\\\\")
BAD_HEADER = "error('Error -3 while decompressing data: incorrect header check')"

HTTP_USER = {
    "/404": "HTTPError('404 Client Error: Not Found for url: /404')",
    "/500": "HTTPError('500 Server Error: Internal Server Error for url: /500')",
    "/503": "HTTPError('503 Server Error: Service Unavailable for url: /503')",
    "/599": "HTTPError('599 Server Error: Odd for url: /599')",
    "/timeout": "ReadTimeout(ReadTimeoutError(\"HTTPConnectionPool(host='127.0.0.1', port=PORT): "
    'Read timed out. (read timeout=0.3)"))',
    "/reset": RESET,
    "/reset-body": f'ChunkedEncodingError(ProtocolError("Connection broken: {RESET}", {RESET}))',
    "/close": "RemoteDisconnected('Remote end closed connection without response')",
    "/close-body": f"ChunkedEncodingError(ProtocolError('Connection broken: {CUT_BODY}', {CUT_BODY}))",
    "/half-chunk": f"ChunkedEncodingError(ProtocolError('Connection broken: {CUT_CHUNK}', {CUT_CHUNK}))",
    "/bad-chunk": f'ChunkedEncodingError(ProtocolError("Connection broken: {ESCAPED_BAD_SIZE}", {BAD_SIZE}))',
    "/garbage": r"BadStatusLine('SSH-2.0-OpenSSH_9.9\r\n')",
    "/loop": "TooManyRedirects('Exceeded 30 redirects.')",
    "/bad-gzip": "ContentDecodingError(DecodeError('Received response with content-encoding: gzip, "
    f"but failed to decode it.', {BAD_HEADER}))",
    "refused": "ConnectionRefusedError(111, 'Connection refused')",
    "unknown name": "gaierror(-2, 'Name or service not known')",
}
FAST_HTTP_USER = {
    "/404": "LocustBadStatusCode(code=404)",
    "/500": "LocustBadStatusCode(code=500)",
    "/503": "LocustBadStatusCode(code=503)",
    "/599": "LocustBadStatusCode(code=599)",
    "/timeout": "RetriesExceeded('http://127.0.0.1:PORT/timeout', 0, original=timed out)",
    "/reset": "HTTPConnectionClosed('connection closed.')",
    "/reset-body": "ConnectionResetError(104, 'Connection reset by peer')",
    "/close": "HTTPConnectionClosed('connection closed.')",
    "/close-body": "HTTPParseError('Incomplete response.')",
    "/half-chunk": "HTTPParseError('Incomplete response.')",
    "/bad-chunk": "HTTPParseError('Invalid character in chunk size', 12)",
    "/garbage": "HTTPParseError('Expected HTTP/, RTSP/ or ICE/', 8)",
    "/loop": "RetriesExceeded('http://127.0.0.1:PORT/loop', 'Redirection limit reached (30)')",
    "/bad-gzip": BAD_HEADER,
    "refused": "ConnectionRefusedError(111, 'Connection refused')",
    "unknown name": "gaierror(-2, 'Name or service not known')",
}
EXPECTED = {"HttpUser": HTTP_USER, "FastHttpUser": FAST_HTTP_USER}

FILE = """
import traceback
from locust import HttpUser, FastHttpUser, task

class Visitor(KIND):
    network_timeout = 0.3

    @task
    def work(self):
        limit = {"timeout": 0.3} if isinstance(self, HttpUser) else {}
        for name, url in TARGETS:
            try:
                self.client.get(url, name=name, **limit)
            except Exception:
                traceback.print_exc()
        self.environment.runner.quit()
"""


@pytest.fixture(scope="module", params=list(EXPECTED))
def run(request: pytest.FixtureRequest) -> Iterator[tuple[str, Result, int]]:
    """One run of one user who meets every failure once: the kind of user, the run, the server's port."""
    kind: str = request.param
    with (
        ScriptedServer(ROUTES) as server,
        RefusingPort() as nobody,
    ):
        targets = [(path, path) for path in ROUTES]
        targets += [("refused", nobody.url + "/"), ("unknown name", "http://no-such-host.invalid/")]
        yield (
            kind,
            run_locust(FILE.replace("KIND", kind).replace("TARGETS", repr(targets)), "-H", server.url),
            server.port,
        )


@pytest.mark.parametrize("name", list(HTTP_USER))
def test_failure_reads_as_in_locust(run: tuple[str, Result, int], name: str) -> None:
    kind, result, port = run
    expected = f"GET {name}: " + EXPECTED[kind][name].replace("PORT", str(port))
    found = [text for text in result.tables.errors if text.startswith(f"GET {name}: ")]
    assert found == [expected]
    assert result.tables.errors[expected] == 1


def test_every_failure_is_a_request_and_none_is_raised_in_the_task(run: tuple[str, Result, int]) -> None:
    _, result, _ = run
    assert "Traceback" not in result.stderr
    assert (result.total.requests, result.total.failures) == (len(HTTP_USER), len(HTTP_USER))
    assert result.probe["exceptions"] == []
    assert result.returncode == 1


@pytest.mark.parametrize("kind", list(EXPECTED))
def test_server_that_speaks_first_is_never_taken_for_one_that_hangs_up(kind: str) -> None:
    """The banner may come before the request has been written; the failure is the same a hundred times."""
    with ScriptedServer(greeting=(BANNER, wait_for_gate("never"))) as ssh:
        result = run_locust(FILE.replace("KIND", kind).replace("TARGETS", repr([("/", "/")] * 100)), "-H", ssh.url)
        assert result.errors == {"GET /: " + EXPECTED[kind]["/garbage"]: 100}


def test_exit_code_of_failed_requests_can_be_chosen() -> None:
    with ScriptedServer(ROUTES) as server:
        file = FILE.replace("KIND", "HttpUser").replace("TARGETS", repr([("/404", "/404")]))
        assert run_locust(file, "-H", server.url, "--exit-code-on-error", "0").returncode == 0
        assert run_locust(file, "-H", server.url, "--exit-code-on-error", "5").returncode == 5


def test_failure_that_repeats_is_one_line_with_a_count() -> None:
    with ScriptedServer(ROUTES) as server:
        file = FILE.replace("KIND", "HttpUser").replace("TARGETS", repr([("/404", "/404")] * 3 + [("/500", "/500")]))
        result = run_locust(file, "-H", server.url)
        assert list(result.tables.errors.items()) == [
            ("GET /404: " + HTTP_USER["/404"], 3),
            ("GET /500: " + HTTP_USER["/500"], 1),
        ]

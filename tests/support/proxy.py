"""Proxies for tests: real ones on loopback, with a journal of what clients asked of them.

An `HttpProxy` forwards requests in absolute form and opens tunnels for `CONNECT`; a `SocksProxy` speaks SOCKS 4, 4a and 5. Both look
names up in a table of their own first (`hosts`), so that a test can tell who resolved a name, and both can be told to answer
something else (`answer`) or nothing at all.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

DEADLINE_S = 20.0
"""How long anything here may last. Generous: it is only ever used up by a failure."""


@dataclass
class Passage:
    """One request of a client to a proxy.

    Attributes:
        connection: The number of the client's connection, from 1.
        kind: `forward`, `connect`, `socks4`, `socks4a`, `socks5` (the client resolved) or `socks5h` (the proxy is to).
        line: The request line as it came; empty for SOCKS.
        host: Where to, as the client named it.
        headers: As sent, in order.
        credentials: `user:password`, if any were given.
    """

    connection: int
    kind: str
    line: str
    host: str
    port: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    credentials: str | None = None

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case; None when there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class _Proxy(ABC):
    """Listens, gives every connection a thread, and keeps the journal."""

    def __init__(
        self,
        *,
        credentials: str | None = None,
        hosts: Mapping[str, str] | None = None,
        answer: bytes | None = None,
        is_silent: bool = False,
        certificate: Path | str = "",
    ) -> None:
        self.journal: list[Passage] = []
        self._credentials, self._answer, self._is_silent = credentials, answer, is_silent
        self._hosts = dict(hosts or {})
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.connection_count = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._has_ended = threading.Event()
        self._tls: ssl.SSLContext | None = None
        if certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)

    def __enter__(self) -> _Proxy:
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._has_ended.set()
        with self._lock:
            for one in (self._listener, *self._open):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
        self._thread.join(DEADLINE_S)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connection_count += 1
            threading.Thread(target=self._converse, args=(client, self.connection_count), daemon=True).start()

    def _converse(self, client: socket.socket, number: int) -> None:
        self._keep(client)
        try:
            with contextlib.suppress(OSError, EOFError, http.client.HTTPException):
                if self._tls is not None:
                    client = self._tls.wrap_socket(client, server_side=True)
                    self._keep(client)
                if self._is_silent:
                    self._has_ended.wait(DEADLINE_S)
                else:
                    self._serve(client, number)
        finally:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()

    @abstractmethod
    def _serve(self, client: socket.socket, number: int) -> None: ...

    def _keep(self, one: socket.socket) -> socket.socket:
        with self._lock:
            self._open.add(one)
        return one

    def _dial(self, host: str, port: int) -> socket.socket:
        return self._keep(socket.create_connection((self._hosts.get(host, host), port), DEADLINE_S))

    def _tunnel(self, client: socket.socket, upstream: socket.socket, early: bytes = b"") -> None:
        upstream.sendall(early)
        back = threading.Thread(target=_pump, args=(upstream, client), daemon=True)
        back.start()
        _pump(client, upstream)
        back.join(DEADLINE_S)
        upstream.close()


class HttpProxy(_Proxy):
    """An HTTP proxy; with a certificate, one that clients speak TLS to. Use it in a `with`.

    Args:
        credentials: `user:password` that every request must bring; without them the answer is 407.
        hosts: Names that this proxy knows, and their addresses.
        answer: Said in place of what the client wants; then the connection is closed.
        is_silent: Whether it never says anything.
        certificate: A PEM file with chain and key.
    """

    def __enter__(self) -> HttpProxy:
        super().__enter__()
        return self

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def _serve(self, client: socket.socket, number: int) -> None:
        stream = client.makefile("rb")
        if not stream.peek(1)[:1].isalpha():
            client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return
        while (line := stream.readline().decode("latin-1").rstrip("\r\n")) != "":
            headers = _read_headers(stream)
            passage = self._note(number, line, headers)
            if self._answer is not None:
                client.sendall(self._answer)
                return
            if self._credentials is not None and passage.credentials != self._credentials:
                client.sendall(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
                )
                continue
            if passage.kind == "connect":
                try:
                    upstream = self._dial(passage.host, passage.port)
                except OSError:
                    client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                    continue
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._tunnel(client, upstream)
                return
            length = int(passage.header("Content-Length") or 0)
            client.sendall(self._forwarded(passage, stream.read(length)))

    def _note(self, number: int, line: str, headers: list[tuple[str, str]]) -> Passage:
        method, where, _ = line.split(" ")
        is_tunnel = method == "CONNECT"
        parts = urlsplit(f"//{where}" if is_tunnel else where)
        passage = Passage(
            number, "connect" if is_tunnel else "forward", line, parts.hostname or "", parts.port or 80, headers
        )
        scheme, _, encoded = (passage.header("Proxy-Authorization") or "").partition(" ")
        if scheme == "Basic":
            # What is no base64 is told as it came.
            with contextlib.suppress(ValueError):
                passage.credentials = base64.b64decode(encoded, validate=True).decode("latin-1")
        self.journal.append(passage)
        return passage

    def _forwarded(self, passage: Passage, body: bytes) -> bytes:
        method, where, _ = passage.line.split(" ")
        parts = urlsplit(where)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        upstream = http.client.HTTPConnection(
            self._hosts.get(passage.host, passage.host), passage.port, timeout=DEADLINE_S
        )
        try:
            upstream.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in passage.headers:
                if not name.lower().startswith("proxy-"):
                    upstream.putheader(name, value)
            upstream.endheaders(body or None)
            answer = upstream.getresponse()
            content = answer.read()
        except ConnectionRefusedError:
            return b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
        finally:
            upstream.close()
        head = [f"HTTP/1.1 {answer.status} {answer.reason}", "Via: 1.1 test"]
        head += [f"{name}: {value}" for name, value in answer.headers.items() if name.lower() != "transfer-encoding"]
        if answer.headers["Content-Length"] is None:
            head.append(f"Content-Length: {len(content)}")
        return "\r\n".join([*head, "", ""]).encode("latin-1") + content


class SocksProxy(_Proxy):
    """A SOCKS proxy. Use it in a `with`.

    Args:
        credentials: `user:password` that SOCKS 5 clients must bring.
        hosts: Names that this proxy knows, and their addresses.
        answer: Said to the first bytes of a client, in place of what it wants; then the connection is closed.
        is_silent: Whether it never says anything.
    """

    #: What SOCKS 5 answers when the target cannot be reached.
    GENERAL_FAILURE, REFUSED, UNKNOWN_HOST = 1, 5, 4

    def __enter__(self) -> SocksProxy:
        super().__enter__()
        return self

    def _serve(self, client: socket.socket, number: int) -> None:
        read = client.makefile("rb", buffering=0).read
        version = _exactly(read, 1)[0]
        if self._answer is not None:
            client.sendall(self._answer)
        elif version == 5:
            self._serve_5(client, number, read)
        elif version == 4:
            self._serve_4(client, number, read)

    def _serve_5(self, client: socket.socket, number: int, read: Callable[[int], bytes]) -> None:
        methods = _exactly(read, _exactly(read, 1)[0])
        credentials = None
        if self._credentials is not None:
            if 2 not in methods:
                client.sendall(b"\x05\xff")
                return
            client.sendall(b"\x05\x02")
            _exactly(read, 1)
            user = _exactly(read, _exactly(read, 1)[0])
            password = _exactly(read, _exactly(read, 1)[0])
            credentials = f"{user.decode()}:{password.decode()}"
            is_known = credentials == self._credentials
            client.sendall(b"\x01\x00" if is_known else b"\x01\x01")
            if not is_known:
                return
        else:
            client.sendall(b"\x05\x00")
        kind = _exactly(read, 4)[3]
        if kind == 3:
            host = _exactly(read, _exactly(read, 1)[0]).decode()
        else:
            family, length = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, _exactly(read, length))
        port = int.from_bytes(_exactly(read, 2), "big")
        name = "socks5h" if kind == 3 else "socks5"
        self.journal.append(Passage(number, name, "", host, port, credentials=credentials))
        try:
            upstream = self._dial(host, port)
        except OSError as error:
            reply = self.REFUSED if isinstance(error, ConnectionRefusedError) else self.UNKNOWN_HOST
            client.sendall(bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]))
            return
        client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        self._tunnel(client, upstream)

    def _serve_4(self, client: socket.socket, number: int, read: Callable[[int], bytes]) -> None:
        _exactly(read, 1)
        port = int.from_bytes(_exactly(read, 2), "big")
        address = _exactly(read, 4)
        user = _until_zero(read).decode()
        kind, host = "socks4", socket.inet_ntoa(address)
        if address[:3] == b"\0\0\0" and address[3]:
            kind, host = "socks4a", _until_zero(read).decode()
        self.journal.append(Passage(number, kind, "", host, port, credentials=user or None))
        try:
            upstream = self._dial(host, port)
        except OSError:
            client.sendall(b"\x00\x5b" + bytes(6))
            return
        client.sendall(b"\x00\x5a" + bytes(6))
        self._tunnel(client, upstream)


def _read_headers(stream: socket.SocketIO) -> list[tuple[str, str]]:
    headers = []
    while line := stream.readline().decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        headers.append((name, value.strip()))
    return headers


def _exactly(read: Callable[[int], bytes], count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = read(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def _until_zero(read: Callable[[int], bytes]) -> bytes:
    data = b""
    while (byte := _exactly(read, 1)) != b"\0":
        data += byte
    return data


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65_536):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


__all__ = ["DEADLINE_S", "HttpProxy", "Passage", "SocksProxy"]

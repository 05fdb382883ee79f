"""A real nginx on loopback, for what only another implementation can prove. Debian has it as `nginx`."""

from __future__ import annotations

import socket
import subprocess
import time
from collections import Counter
from pathlib import Path
from types import TracebackType

from support.daemon import find_program, free_port

_CONFIGURATION = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    log_format counted '$connection $server_protocol $status $request_uri $ssl_session_reused';
    access_log {folder}/access.log counted;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests {keepalive_requests};
    server {{
        listen 127.0.0.1:{port}{listen};
        {tls}
        location / {{ return 200 "hello, world"; }}
    }}
}}
"""


class Nginx:
    """An nginx that answers everything with 200. Use it in a `with`.

    Args:
        folder: For its files.
        http2: Whether it speaks HTTP/2: without a certificate, nothing else.
        certificate: A PEM file with chain and key, to speak TLS.
        keepalive_requests: After so many requests it ends a connection; with HTTP/2 by a GOAWAY.
    """

    def __init__(
        self, folder: Path, *, http2: bool = True, certificate: Path | None = None, keepalive_requests: int = 1_000_000
    ) -> None:
        self._program = find_program("nginx")
        self._folder = folder
        self.port = free_port()
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        listen = (" ssl" if certificate else "") + (" http2" if http2 else "")
        tls = f"ssl_certificate {certificate}; ssl_certificate_key {certificate};" if certificate else ""
        text = _CONFIGURATION.format(
            folder=folder, port=self.port, listen=listen, tls=tls, keepalive_requests=keepalive_requests
        )
        (folder / "nginx.conf").write_text(text)

    def __enter__(self) -> Nginx:
        log = str(self._folder / "error.log")
        self._process = subprocess.Popen(
            [self._program, "-e", log, "-p", str(self._folder), "-c", str(self._folder / "nginx.conf")],
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while True:
            assert self._process.poll() is None, (self._folder / "error.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            assert time.monotonic() < deadline, "nginx does not listen"
            time.sleep(0.01)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; its log is complete afterwards."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def requests(self) -> list[list[str]]:
        """Each request, when nginx has ended: connection, protocol, status, URI, and `r` for a TLS session resumed."""
        self.stop()
        return [line.split() for line in (self._folder / "access.log").read_text().splitlines()]

    def requests_by_connection(self) -> Counter[str]:
        """How many requests each connection carried."""
        return Counter(connection for connection, *_ in self.requests())

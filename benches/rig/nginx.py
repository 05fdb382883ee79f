"""The one real target of the bench: nginx, one worker, counted by nginx itself.

Thirteen bytes on every path, a little JSON below `/api/`, the same over TLS on a second port. Must not know who asks.
Its folder is temporary and its port free; it is ended by its process id.
"""

from __future__ import annotations

import functools
import http.client
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from rig import process

CONFIGURATION = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections {files}; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    keepalive_time 24h;
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        listen 127.0.0.1:{tls_port} ssl backlog=8192;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        location / {{ default_type text/plain; return 200 "Hello, World!"; }}
        location /api/ {{ default_type application/json; return 200 '{json}'; }}
        location = /api/login {{
            default_type application/json;
            add_header Set-Cookie "session=0123456789abcdef; Path=/; HttpOnly";
            return 200 '{json}';
        }}
        location = /status {{ stub_status; }}
    }}
}}
"""

JSON = '{"id": 17, "name": "hammer", "price": 9.95, "tags": ["tool", "steel"], "stock": {"here": 3, "there": 20}}'


class Status(NamedTuple):
    """One reading of nginx's own books, without the readings themselves."""

    at_s: float
    requests: int
    connections: int


def free_port() -> int:
    """Give a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Nginx:
    """A running nginx; a context manager. Its folder is temporary and goes with it."""

    def __init__(self, files: int = 16_384) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-nginx-")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        tls_port = free_port()
        self.tls_url = f"https://127.0.0.1:{tls_port}"
        folder = Path(self._folder.name)
        #: What a client must trust to believe the TLS port.
        self.certificate = make_certificate(folder)
        configuration = folder / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(files=files, folder=folder, port=self.port, tls_port=tls_port, json=JSON)
        )
        self._process = subprocess.Popen(
            [program(), "-p", self._folder.name, "-c", str(configuration)],
            start_new_session=True,
            # By SIGTERM the master takes its worker with it; by SIGKILL it would leave it behind.
            preexec_fn=functools.partial(process.die_with_parent, signal.SIGTERM),
        )
        self._readings = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def __enter__(self) -> Nginx:
        deadline = time.monotonic() + 10
        while True:
            try:
                self._connection.connect()
            except ConnectionRefusedError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("nginx did not start; its message is above.") from None
                time.sleep(0.02)
            else:
                return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """The master's process id; the worker is its child."""
        return self._process.pid

    def status(self) -> Status:
        """Ask nginx how many requests it has read; the question itself is taken off, and its connection too."""
        before = time.monotonic()
        self._connection.request("GET", "/status")
        words = self._connection.getresponse().read().split()
        after = time.monotonic()
        # "Active connections: N  server accepts handled requests  A H R  Reading: ..."
        self._readings += 1
        return Status(at_s=(before + after) / 2, requests=int(words[9]) - self._readings, connections=int(words[2]) - 1)

    def settled(self) -> Status:
        """Wait until nginx has read all that was already sent to it (the clients being stopped)."""
        last = self.status()
        while True:
            time.sleep(0.005)
            now = self.status()
            if now.requests == last.requests:
                return now
            last = now


def make_certificate(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1 that vouches for itself, and its key; good for a day."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise SystemExit("openssl is missing: run `make debian-packages`.")
    certificate = folder / "certificate.pem"
    command = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
    ]
    subject = [
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=CA:FALSE",
    ]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(certificate)]
    made = subprocess.run([*command, *subject, *files], capture_output=True, text=True, check=False)
    if made.returncode:
        raise SystemExit(f"openssl made no certificate: {made.stderr.strip()}")
    return certificate


def program() -> str:
    """Find nginx, which Debian keeps where ordinary users do not look."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
    if found is None:
        raise SystemExit("nginx is missing: run `make debian-packages`.")
    return found

"""Bodies that are streamed take the memory of a few pieces, however large they are."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "seeds" / "stream_much.py"
#: `ROCUST_TEST_STREAM_BYTES=1073741824` for a gibibyte; the bound is the same.
SIZE = int(os.environ.get("ROCUST_TEST_STREAM_BYTES", 256 << 20))
BOUND = 24 << 20
BLOCK = bytes(256 * 1024)


def _answer(connection, body_bytes):
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {body_bytes}\r\nContent-Type: application/octet-stream\r\n\r\n"
    connection.sendall(head.encode())
    while body_bytes > 0:
        connection.sendall(BLOCK[:body_bytes])
        body_bytes -= len(BLOCK)


def _swallow(reader):
    """Read a body in chunks; returns its size."""
    size = 0
    while (length := int(reader.readline(), 16)) > 0:
        size += length
        left = length + 2
        while left:
            left -= len(reader.read1(left))
    reader.readline()
    return size


def _serve(listener):
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as reader:
        while request := reader.readline():
            while reader.readline() != b"\r\n":
                pass
            path = request.split()[1]
            if path == b"/sink":
                told = str(_swallow(reader)).encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))
            else:
                _answer(connection, SIZE if path == b"/much" else 10)


@pytest.fixture
def url():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_serve, args=(listener,), daemon=True)
        server.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.join(10)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", ["down", "up"])
@pytest.mark.parametrize("client", ["http", "fast"])
def test_large_body_takes_little_memory(url, client, way):
    command = [sys.executable, str(PROGRAM), url, client, way, str(SIZE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=550)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    print(client, way, told)
    assert told["passed"] == SIZE
    assert told["growth"] < BOUND

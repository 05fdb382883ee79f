"""A gRPC server that echoes, a program for `daemon.program_with_port`: it prints its port, and ends with its standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc


def say(request: bytes, _context: Any) -> bytes:
    """Send back what came."""
    return request


def repeat(request: bytes, _context: Any) -> Iterator[bytes]:
    """Send each byte of the request as a message of its own."""
    for number in request:
        yield bytes([number])


def main() -> None:
    """Serve until standard input ends."""
    methods = {
        "Say": grpc.unary_unary_rpc_method_handler(say),
        "Repeat": grpc.unary_stream_rpc_method_handler(repeat),
    }
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Echo", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(None)


main()

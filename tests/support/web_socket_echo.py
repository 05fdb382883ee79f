"""A WebSocket server that echoes, a program for `daemon.program_with_port`: it prints its port, and ends with its standard input."""

from __future__ import annotations

import asyncio
import sys

import websockets


async def echo(socket: websockets.ServerConnection) -> None:
    """Send back what comes."""
    async for message in socket:
        await socket.send(message)


async def main() -> None:
    """Serve until standard input ends."""
    async with websockets.serve(echo, "127.0.0.1", 0) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())

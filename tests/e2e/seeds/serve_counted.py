"""Serve a FastAPI application under uvicorn, unchanged, and tell at the end how often each path was asked for.

Usage: serve_counted.py FILE. The counting is around the application, not in it. Ends when stdin does.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def load_application(path: str) -> Application:
    """The `app` of the file."""
    spec = importlib.util.spec_from_file_location("seed_application", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    application: Application = module.app
    return application


def counted(application: Application, seen: Counter[str]) -> Application:
    """The application, with a stroke for each HTTP request it is given."""

    async def count(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            seen[scope["path"]] += 1
        await application(scope, receive, send)

    return count


async def serve(path: str) -> None:
    """Serve on a free port of 127.0.0.1 until stdin ends."""
    seen: Counter[str] = Counter()
    config = uvicorn.Config(counted(load_application(path), seen), host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)

    def stop_with_stdin() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=stop_with_stdin, daemon=True).start()
    serving = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(port, flush=True)
    await serving
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))

"""100,000 GETs at concurrency 1,000 against one nginx: `AsyncClient.map` beside aiohttp, on asyncio and on uvloop.

`python benches/hundred_thousand.py` in an environment with a release build of rocust, aiohttp and uvloop. Contenders take turns, each
in a process of its own, so that a busy machine is everybody's; nginx counts what it answered; the kernel's books say what a process
took. `--only` runs some of them, `--slow-target` shows what a producer of a million URLs costs a client whose target is slow.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rig import needs

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUESTS = 100_000
CONCURRENCY = 1_000


async def with_map(url: str, requests: int) -> int:
    import rocust

    succeeded = 0
    async with rocust.AsyncClient(limit=CONCURRENCY) as client:
        async for response in client.map((url for _ in range(requests)), concurrency=CONCURRENCY):
            succeeded += response.status_code == 200 and len(response.content) > 0
    return succeeded


async def with_gather(url: str, requests: int) -> int:
    """As aiohttp's users write it: a task for each request, and a semaphore."""
    import rocust

    semaphore = asyncio.Semaphore(CONCURRENCY)
    async with rocust.AsyncClient(limit=CONCURRENCY) as client:

        async def fetch() -> bool:
            async with semaphore:
                response = await client.get(url)
                return response.status_code == 200 and len(response.content) > 0

        return sum(await asyncio.gather(*(fetch() for _ in range(requests))))


async def with_aiohttp(url: str, requests: int) -> int:
    import aiohttp

    semaphore = asyncio.Semaphore(CONCURRENCY)
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def fetch() -> bool:
            async with semaphore, session.get(url) as response:
                return response.status == 200 and len(await response.read()) > 0

        return sum(await asyncio.gather(*(fetch() for _ in range(requests))))


async def with_aiohttp_workers(url: str, requests: int) -> int:
    """aiohttp at its best: no task for a request, but a thousand that each make a hundred."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work(share: int) -> int:
            succeeded = 0
            for _ in range(share):
                async with session.get(url) as response:
                    succeeded += response.status == 200 and len(await response.read()) > 0
            return succeeded

        return sum(await asyncio.gather(*(work(requests // CONCURRENCY) for _ in range(CONCURRENCY))))


#: By name: what is run, and whether on uvloop.
CONTENDERS: dict[str, tuple[Any, bool]] = {
    "aiohttp, asyncio": (with_aiohttp, False),
    "aiohttp, uvloop": (with_aiohttp, True),
    "aiohttp in workers, asyncio": (with_aiohttp_workers, False),
    "aiohttp in workers, uvloop": (with_aiohttp_workers, True),
    "Rocust map, asyncio": (with_map, False),
    "Rocust map, uvloop": (with_map, True),
    "Rocust get, asyncio": (with_gather, False),
    "Rocust get, uvloop": (with_gather, True),
}


def contend(name: str, url: str, requests: int) -> None:
    """Be one contender, and print what it took as JSON."""
    work, is_on_uvloop = CONTENDERS[name]
    if is_on_uvloop:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    else:
        runner = asyncio.Runner()
    with runner:
        before, began_at = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        succeeded = runner.run(work(url, requests))
        took_s, after = time.perf_counter() - began_at, resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"succeeded": succeeded, "took_s": took_s, "cpu_s": cpu_s, "peak_kib": after.ru_maxrss}))


def measure(name: str, url: str, requests: int, status: Any) -> dict[str, Any]:
    """Run one contender and hold nginx's count against its own."""
    before = status().requests
    told = subprocess.run(
        [sys.executable, __file__, "--contend", name, "--url", url, "--requests", str(requests)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=600,
    )
    found: dict[str, Any] = json.loads(told.stdout)
    # The readings are requests too: this one.
    found["counted"] = status().requests - before
    found["rate"] = requests / found["took_s"]
    found["cpu_us"] = found["cpu_s"] / requests * 1e6
    return found


def table(found: dict[str, list[dict[str, Any]]], requests: int) -> str:
    """What was found, in Markdown: medians over the rounds."""
    lines = [
        "| contender | succeeded | counted by nginx | requests/s | CPU a request | peak memory |",
        "|---|---|---|---|---|---|",
    ]
    for name, rounds in found.items():
        rate, cpu, peak = (statistics.median(turn[key] for turn in rounds) for key in ("rate", "cpu_us", "peak_kib"))
        counts = " ".join(sorted({f"{turn['succeeded']:,}" for turn in rounds}))
        nginx = " ".join(sorted({f"{turn['counted']:,}" for turn in rounds}))
        lines.append(f"| {name} | {counts} | {nginx} | {rate:,.0f} | {cpu:,.1f} µs | {peak / 1024:,.0f} MiB |")
    rates = {name: statistics.median(turn["rate"] for turn in rounds) for name, rounds in found.items()}
    for ours in (name for name in rates if name.startswith("Rocust")):
        for theirs in (name for name in rates if name.startswith("aiohttp")):
            lines.append(f"\n{ours} over {theirs}: {rates[ours] / rates[theirs]:.1f} times." if theirs in rates else "")
    return "\n".join(lines)


class SlowTarget:
    """A server that answers so many requests a second, whoever asks."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._turns: asyncio.Queue[None] = asyncio.Queue()

    async def __aenter__(self) -> SlowTarget:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self._giver = asyncio.create_task(self._give_turns())
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._giver.cancel()
        self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await self._turns.get()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _give_turns(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            for _ in range(self._rate // 10):
                self._turns.put_nowait(None)


async def slow_target(seconds: float, rate: int) -> None:
    """A million URLs for a target that answers `rate` a second: how memory behaves meanwhile."""
    import rocust

    taken = done = 0

    def urls(base: str) -> Iterator[str]:
        nonlocal taken
        for number in range(1_000_000):
            taken += 1
            yield f"{base}/item/{number}"

    began_at = told_at = time.perf_counter()
    async with SlowTarget(rate) as target, rocust.AsyncClient(limit=CONCURRENCY, timeout=None) as client:
        async for _ in client.map(urls(target.url), concurrency=CONCURRENCY):
            done += 1
            now = time.perf_counter()
            if now - told_at >= seconds / 6:
                print(f"{now - began_at:6.1f} s: {done:,} answers of {taken:,} URLs taken, {resident_mib():.1f} MiB")
                told_at = now
            if now - began_at >= seconds:
                break


def resident_mib() -> float:
    """The memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--slow-target", type=float, metavar="SECONDS", help="instead, a target of 100 requests/s")
    parser.add_argument("--contend", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    needs.open_files()
    if options.contend:
        contend(options.contend, options.url, options.requests)
        return
    if options.slow_target:
        asyncio.run(slow_target(options.slow_target, 100))
        return
    from rig.nginx import Nginx

    found: dict[str, list[dict[str, Any]]] = {name: [] for name in options.only}
    with Nginx() as nginx:
        for turn in range(options.rounds):
            for name, rounds in found.items():
                rounds.append(measure(name, nginx.url, options.requests, nginx.status))
                print(f"round {turn + 1}, {name}: {rounds[-1]['rate']:,.0f} requests/s", file=sys.stderr)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("rocust", "aiohttp", "uvloop"))
    print(f"{versions}, Python {sys.version.split()[0]}\n")
    print(table(found, options.requests))


if __name__ == "__main__":
    main()

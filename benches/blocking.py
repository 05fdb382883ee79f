"""`rocust.Client` beside `requests.Session` and `httpx.Client` in one thread, and `map` beside threads that share a session.

`python benches/blocking.py` in an environment with a release build of rocust and httpx. One process and one nginx; contenders take turns
in slices of a second or so, so that a busy machine is everybody's, and ratios are taken within a round. nginx counts what it answered.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import resource
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import requests
import rocust
from requests.adapters import HTTPAdapter
from rig import needs
from rig.nginx import Nginx

if TYPE_CHECKING:
    from collections.abc import Callable

CONCURRENCY = 100
#: What a body is.
EXPECTED = b"Hello, World!"


def one_after_another(client: Any, url: str, count: int) -> int:
    return sum(client.get(url).content == EXPECTED for _ in range(count))


def in_threads(client: Any, url: str, count: int) -> int:
    with ThreadPoolExecutor(CONCURRENCY) as threads:
        return sum(response.content == EXPECTED for response in threads.map(client.get, [url] * count))


def mapped(client: rocust.Client, url: str, count: int) -> int:
    return sum(response.content == EXPECTED for response in client.map([url] * count, concurrency=CONCURRENCY))


def session_for_threads() -> requests.Session:
    """A session that keeps a connection for each thread."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=CONCURRENCY))
    return session


def client_for_threads() -> httpx.Client:
    return httpx.Client(limits=httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY))


#: What is compared: by name what makes the client, and what it does; the first one is ours.
RACES: dict[str, dict[str, tuple[Callable[[], Any], Callable[[Any, str, int], int]]]] = {
    "one thread, one request after another": {
        "rocust.Client": (rocust.Client, one_after_another),
        "requests.Session": (requests.Session, one_after_another),
        "httpx.Client": (httpx.Client, one_after_another),
    },
    f"{CONCURRENCY} at once": {
        "rocust.Client.map": (rocust.Client, mapped),
        f"rocust.Client in {CONCURRENCY} threads": (rocust.Client, in_threads),
        f"requests.Session in {CONCURRENCY} threads": (session_for_threads, in_threads),
        f"httpx.Client in {CONCURRENCY} threads": (client_for_threads, in_threads),
    },
}


def cpu_s() -> float:
    """What this process took so far, all its threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def race(contenders: dict[str, Any], nginx: Nginx, rounds: int, count: int) -> dict[str, list[tuple[float, float]]]:
    """Requests a second and microseconds of CPU a request, by contender and round."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    with_clients = {name: (make(), work) for name, (make, work) in contenders.items()}
    try:
        for name, (client, work) in with_clients.items():
            # Connections are made before anything is measured.
            assert work(client, nginx.url + "/", CONCURRENCY) == CONCURRENCY, name
        for _ in range(rounds):
            for name, (client, work) in with_clients.items():
                counted, cpu, began_at = nginx.status().requests, cpu_s(), time.perf_counter()
                succeeded = work(client, nginx.url + "/", count)
                took_s, took_cpu_s = time.perf_counter() - began_at, cpu_s() - cpu
                assert succeeded == count == nginx.status().requests - counted, name
                found[name].append((count / took_s, took_cpu_s / count * 1e6))
    finally:
        for client, _ in with_clients.values():
            client.close()
    return found


def table(title: str, found: dict[str, list[tuple[float, float]]]) -> str:
    """What was found, in Markdown: medians over the rounds, and the medians of the rounds' ratios."""
    ours = next(iter(found))
    lines = [f"| {title} | requests/s | CPU a request | {ours} over it |", "|---|---|---|---|"]
    for name, turns in found.items():
        rate, cpu = (statistics.median(turn[place] for turn in turns) for place in (0, 1))
        ratios = [mine[0] / theirs[0] for mine, theirs in zip(found[ours], turns, strict=True)]
        spread = "" if name == ours else f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
        lines.append(f"| {name} | {rate:,.0f} | {cpu:,.0f} µs | {spread} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2_000, help="of a slice")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    needs.open_files()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("rocust", "requests", "httpx"))
    print(f"{versions}, Python {sys.version.split()[0]}")
    with Nginx() as nginx:
        for title, contenders in RACES.items():
            print("\n" + table(title, race(contenders, nginx, options.rounds, options.requests)), flush=True)


if __name__ == "__main__":
    main()

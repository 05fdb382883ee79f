"""100,000 requests at concurrency 1,000: aiohttp on asyncio, aiohttp on uvloop and Rocust, one after the other.

    python examples/asyncio/hundred_thousand.py
    python examples/asyncio/hundred_thousand.py --requests 20000 --url http://127.0.0.1:8000/

Without `--url` it starts `rocust demo-target`. What is not installed (`pip install aiohttp uvloop`) is left out, and said so.
"""

import argparse
import asyncio
import re
import subprocess
import sys
import time

import rocust


class Tally:
    """Counts answers, and says after each tenth how far it is."""

    def __init__(self, title, requests):
        self.title, self.requests = title, requests
        self.done = self.good = 0
        self.spent_s = 0.0
        self.began_at = time.perf_counter()

    def note(self, is_good, took_s):
        self.done += 1
        self.good += is_good
        self.spent_s += took_s
        if self.done % max(1, self.requests // 10) == 0:
            rate = self.done / (time.perf_counter() - self.began_at)
            print(f"  {self.done:,} of {self.requests:,}: {self.good / self.done:.1%} good, {rate:,.0f} requests/s")

    def line(self):
        rate = self.done / (time.perf_counter() - self.began_at)
        mean_ms = self.spent_s / max(1, self.done) * 1000
        return f"{self.title}: {self.good / max(1, self.done):.2%} good, {rate:,.0f} requests/s, mean {mean_ms:.1f} ms"


async def by_aiohttp(url, concurrency, tally):
    import aiohttp

    limit = asyncio.Semaphore(concurrency)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

        async def fetch():
            async with limit:
                began_at = time.perf_counter()
                try:
                    async with session.get(url) as response:
                        await response.read()
                        is_good = response.status == 200
                except aiohttp.ClientError:
                    is_good = False
                tally.note(is_good, time.perf_counter() - began_at)

        await asyncio.gather(*(fetch() for _ in range(tally.requests)))


async def by_rocust(url, concurrency, tally):
    async with rocust.AsyncClient(limit=concurrency) as client:
        urls = (url for _ in range(tally.requests))
        async for response in client.map(urls, concurrency=concurrency, progress=False):
            tally.note(response.status_code == 200, response.elapsed.total_seconds())


def run(title, loop_factory, work, options):
    print(f"{title}:")
    tally = Tally(title, options.requests)
    loop = loop_factory()
    try:
        loop.run_until_complete(work(options.url, options.concurrency, tally))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
    return tally.line()


def contenders():
    try:
        import aiohttp  # noqa: F401
    except ImportError:
        print("aiohttp is not installed: only Rocust runs.")
    else:
        yield "aiohttp on asyncio", asyncio.new_event_loop, by_aiohttp
        try:
            import uvloop
        except ImportError:
            print("uvloop is not installed: aiohttp runs on asyncio alone.")
        else:
            yield "aiohttp on uvloop", uvloop.new_event_loop, by_aiohttp
    yield "Rocust on asyncio", asyncio.new_event_loop, by_rocust


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--concurrency", type=int, default=1_000)
    parser.add_argument("--url")
    options = parser.parse_args()
    target = None
    if options.url is None:
        command = [sys.executable, "-m", "rocust", "demo-target", "--port", "0"]
        target = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        options.url = re.search(r"http://\S+:\d+", target.stdout.readline())[0] + "/"
    try:
        lines = [run(*contender, options) for contender in contenders()]
    finally:
        if target is not None:
            target.terminate()
            target.wait()
            target.stdout.close()
    print("\n".join(["", *lines]))


if __name__ == "__main__":
    main()

"""Batches of a thousand with progress, and so many requests a second.

python examples/asyncio/batches.py http://127.0.0.1:8000
"""

import asyncio
import sys

import rocust


def tell(progress):
    print(f"{progress.done:,} of {progress.total:,}, {progress.failed} failed, {progress.rate:,.0f} a second")


async def main(target):
    async with rocust.AsyncClient(target) as client:
        urls = [f"/item/{number}" for number in range(3_500)]
        async for batch in client.map(urls, batch=1_000, on_progress=tell):
            assert all(response.ok for response in batch)
    async with rocust.AsyncClient(target, rate=100) as client:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        async for _ in client.map(["/"] * 101):
            pass
        print(f"rate: 100 a second made 101 requests take {loop.time() - began_at:.1f} s")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

"""Producers that are faster than the target: a queue between two watermarks, and `map`, which has that built in.

python examples/asyncio/back_pressure.py http://127.0.0.1:8000
"""

import asyncio
import sys

import rocust

HIGH, LOW = 200, 50


class Reservoir:
    """A queue that stops its producers at the high watermark and lets them go on at the low one."""

    def __init__(self):
        self.items = asyncio.Queue()
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.fullest = 0

    async def put(self, item):
        await self.is_open.wait()
        self.items.put_nowait(item)
        self.fullest = max(self.fullest, self.items.qsize())
        if self.items.qsize() >= HIGH:
            self.is_open.clear()

    async def drained(self):
        while (item := await self.items.get()) is not None:
            if self.items.qsize() <= LOW:
                self.is_open.set()
            yield item


async def main(target, items=1_000):
    reservoir = Reservoir()

    async def produce():
        for number in range(items):
            await reservoir.put(f"/item/{number}?delay=2")
        await reservoir.put(None)

    async with rocust.AsyncClient(target) as client:
        producer = asyncio.create_task(produce())
        answered = 0
        async for response in client.map(reservoir.drained(), concurrency=20):
            answered += response.ok
        await producer
        print(f"queue: {answered} answered, never more than {reservoir.fullest} waited")

        taken = 0

        def urls():
            nonlocal taken
            for number in range(1_000_000):
                taken += 1
                yield f"/item/{number}"

        answered = 0
        async for response in client.map(urls(), concurrency=20):
            answered += response.ok
            if answered == items:
                break
        print(f"map: {answered} answered, {taken - answered} of a million taken beyond them")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

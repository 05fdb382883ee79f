"""A data collector: many sources read at once, a few at a time, with a limit on each and a summary at the end.

rocust -f examples/asyncio/data_collector/locustfile.py --headless -H http://127.0.0.1:8000 -u 2 -t 10s
"""

import asyncio

from locust import constant, task
from rocust import AsyncHttpUser

SOURCES = [f"/source/{number}" for number in range(20)]


class Collector(AsyncHttpUser):
    wait_time = constant(0.5)

    async def on_start(self):
        self.limit = asyncio.Semaphore(5)

    async def collect(self, source):
        async with self.limit:
            response = await asyncio.wait_for(self.client.get(source, name="/source"), timeout=10)
        return source, len(response.content)

    @task
    async def collect_all(self):
        collected = dict(await asyncio.gather(*(self.collect(source) for source in SOURCES)))
        assert list(collected) == SOURCES

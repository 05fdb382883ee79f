"""Producer and consumers inside one user, and a limit that all users share: `Queue`, `Semaphore`, `Lock`, `Event`.

rocust -f examples/asyncio/queues/locustfile.py --headless -H http://127.0.0.1:8000 -u 5 -t 10s
"""

import asyncio

from locust import constant, task
from rocust import AsyncHttpUser

NOTHING_MORE = object()


class Crawler(AsyncHttpUser):
    wait_time = constant(0.1)
    #: At most four requests at once of all crawlers together.
    limit = asyncio.Semaphore(4)

    async def on_start(self):
        self.lock = asyncio.Lock()
        self.has_begun = asyncio.Event()
        self.crawled = 0

    async def consume(self, queue):
        await self.has_begun.wait()
        while (number := await queue.get()) is not NOTHING_MORE:
            async with self.limit:
                await self.client.get(f"/page/{number}", name="/page")
            async with self.lock:
                self.crawled += 1
            queue.task_done()
        queue.task_done()

    @task
    async def crawl(self):
        queue = asyncio.Queue(maxsize=5)
        before = self.crawled
        consumers = [asyncio.create_task(self.consume(queue)) for _ in range(3)]
        self.has_begun.set()
        for number in range(12):
            await queue.put(number)  # waits while the queue is full
        for _ in consumers:
            await queue.put(NOTHING_MORE)
        await queue.join()
        await asyncio.gather(*consumers)
        assert self.crawled - before == 12

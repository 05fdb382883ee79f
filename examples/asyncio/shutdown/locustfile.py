"""What runs when a user is stopped in the middle of a task: `CancelledError`, `finally`, then `on_stop`.

A task that waits is cancelled at the end of the run (`-s 5` gives it five seconds to finish first). Its requests are closed, and are
counted as aborted rather than as failures. What it does not clean up in time is named in the log and left alone.

    rocust -f examples/asyncio/shutdown/locustfile.py --headless -H http://127.0.0.1:8000 -u 5 -t 10s
"""

import asyncio

from locust import constant, task
from rocust import AsyncHttpUser


class Listener(AsyncHttpUser):
    wait_time = constant(0.1)

    async def on_start(self):
        # A task of the user's own, which ends with it.
        self.heart = asyncio.create_task(self.beat())
        self.open_carts = 0

    async def beat(self):
        while True:
            await self.client.get("/heartbeat")
            await asyncio.sleep(0.2)

    async def on_stop(self):
        assert self.open_carts == 0

    @task
    async def shop(self):
        self.open_carts += 1
        try:
            await self.client.post("/cart")
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            await self.client.delete("/cart")
            raise
        finally:
            self.open_carts -= 1

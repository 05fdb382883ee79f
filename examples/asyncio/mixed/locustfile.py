"""`async def` users and ordinary ones in one run, with weights, tags, waits and hooks as ever.

Run it against the built-in target (`rocust demo-target --port 8000` in another terminal), with either loop:

    rocust -f examples/asyncio/mixed/locustfile.py --headless -H http://127.0.0.1:8000 -u 5 -t 10s --loop uvloop
"""

import asyncio

from locust import HttpUser, TaskSet, between, constant, tag, task
from rocust import AsyncHttpUser


class Reader(AsyncHttpUser):
    weight = 2
    wait_time = between(0.05, 0.2)

    async def on_start(self):
        await self.client.get("/login")

    async def on_stop(self):
        await self.client.get("/logout")

    @tag("reading")
    @task(3)
    async def read(self):
        async with self.client.get("/article", catch_response=True) as response:
            if not response.text:
                response.failure("an empty article")

    @task
    class Comments(TaskSet):
        @task(2)
        async def comment(self):
            await self.client.post("/comment", json={"text": "hello"})

        @task
        async def leave(self):
            await asyncio.sleep(0.01)
            self.interrupt()


class Editor(HttpUser):
    wait_time = constant(0.1)

    @task
    def edit(self):
        self.client.get("/edit")

"""Other asynchronous libraries in a task: `self.measure` counts whatever they do.

Needs aiohttp and httpx (`pip install aiohttp httpx`).

    rocust -f examples/asyncio/other_libraries/locustfile.py --headless -H http://127.0.0.1:8000 -u 5 -t 10s
"""

import aiohttp
import httpx
from locust import constant, task
from rocust import AsyncUser


class Caller(AsyncUser):
    wait_time = constant(0.1)

    async def on_start(self):
        self.aiohttp = aiohttp.ClientSession(self.host)
        self.httpx = httpx.AsyncClient(base_url=self.host)

    async def on_stop(self):
        await self.aiohttp.close()
        await self.httpx.aclose()

    @task
    async def by_aiohttp(self):
        async with self.measure("aiohttp", "/") as m, self.aiohttp.get("/") as response:
            m["response_length"] = len(await response.read())

    @task
    async def by_httpx(self):
        async with self.measure("httpx", "/") as m:
            response = await self.httpx.get("/")
            m["response_length"] = len(response.content)

"""A scheduler: jobs at intervals of their own inside one user, until the user stops.

rocust -f examples/asyncio/scheduler/locustfile.py --headless -H http://127.0.0.1:8000 -u 1 -t 10s
"""

import asyncio

from locust import constant, task
from rocust import AsyncHttpUser


class Scheduler(AsyncHttpUser):
    wait_time = constant(0)
    jobs = {"/report": 0.5, "/metrics": 0.2, "/health": 0.1}

    async def every(self, seconds, path):
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self.client.get(path)
            due += seconds
            await asyncio.sleep(max(0, due - loop.time()))

    @task
    async def run_jobs(self):
        await asyncio.gather(*(self.every(seconds, path) for path, seconds in self.jobs.items()))

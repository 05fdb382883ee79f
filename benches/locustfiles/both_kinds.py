"""The same request by both kinds of users."""

from locust import HttpUser, task
from rocust import AsyncHttpUser


class Plain(HttpUser):
    @task
    def get(self):
        self.client.get("/plain")


class Asynchronous(AsyncHttpUser):
    @task
    async def get(self):
        await self.client.get("/async")

"""As many requests as it can, under a thousand names. Run unchanged by Locust and Rocust."""

from random import randrange

from locust import HttpUser, task


class Browsing(HttpUser):
    @task
    def look(self) -> None:
        self.client.get(f"/item/{randrange(1000)}")

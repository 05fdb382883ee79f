"""As many requests as it can: `HttpUser`, one GET per task, no wait. Run unchanged by Locust and Rocust."""

from locust import HttpUser, task


class Plain(HttpUser):
    @task
    def hello(self) -> None:
        self.client.get("/")

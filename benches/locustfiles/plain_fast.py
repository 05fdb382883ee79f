"""As many requests as it can: `FastHttpUser`, one GET per task, no wait. Run unchanged by Locust and Rocust."""

from locust import FastHttpUser, task


class Plain(FastHttpUser):
    @task
    def hello(self) -> None:
        self.client.get("/")

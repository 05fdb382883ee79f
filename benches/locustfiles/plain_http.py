"""As many requests as one client can make: `HttpUser`, one GET per task, no wait. Run unchanged by Locust and Rocust."""

from locust import HttpUser, task


class Plain(HttpUser):
    @task
    def hello(self):
        self.client.get("/")

"""As many requests as one client can make: `FastHttpUser`, one GET per task, no wait. Run unchanged by Locust and Rocust."""

from locust import FastHttpUser, task


class Plain(FastHttpUser):
    @task
    def hello(self):
        self.client.get("/")

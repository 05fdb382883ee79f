"""As many requests as it can, each judged in a `with` block. Run unchanged by Locust and Rocust."""

from locust import HttpUser, task


class Judge(HttpUser):
    @task
    def hello(self) -> None:
        with self.client.get("/", catch_response=True) as response:
            if response.text != "Hello, World!":
                response.failure("something else was said")

"""Users who make a request a minute and keep their connections meanwhile. Run unchanged by Locust and Rocust."""

from locust import HttpUser, constant_pacing, task


class Resting(HttpUser):
    wait_time = constant_pacing(60)

    @task
    def hello(self) -> None:
        self.client.get("/")

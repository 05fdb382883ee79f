"""A steady load of many patient users: each starts one task every ten seconds. Run unchanged by Locust and Rocust."""

from locust import HttpUser, constant_throughput, task


class Patient(HttpUser):
    wait_time = constant_throughput(0.1)

    @task
    def hello(self) -> None:
        self.client.get("/")

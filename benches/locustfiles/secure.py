"""As many requests as it can over TLS, to a server whose certificate vouches for itself. Run unchanged by Locust and Rocust."""

import os

from locust import HttpUser, task


class Secure(HttpUser):
    def on_start(self) -> None:
        self.client.verify = os.environ["BENCH_CERTIFICATE"]

    @task
    def hello(self) -> None:
        self.client.get("/")

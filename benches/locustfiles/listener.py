"""As many requests as it can, with a listener that is told of each. Run unchanged by Locust and Rocust."""

from locust import HttpUser, events, task

seen = {"requests": 0, "bytes": 0}


@events.request.add_listener
def note(request_type, name, response_time, response_length, exception, **_) -> None:
    seen["requests"] += 1
    seen["bytes"] += response_length


class Listened(HttpUser):
    @task
    def hello(self) -> None:
        self.client.get("/")

"""Tasks that belong together, in a TaskSet, and tags to choose among them.

Run it against the built-in target (`rocust demo-target --port 8000` in another terminal):

    rocust -f examples/tasks_and_tags/locustfile.py --headless -H http://127.0.0.1:8000 -T reading -t 10s
"""

from locust import HttpUser, TaskSet, constant, tag, task


class Forum(TaskSet):
    """A user who has come here does these tasks until it interrupts."""

    @tag("reading")
    @task(5)
    def read_thread(self):
        self.client.get("/thread/1", name="/thread/[id]")

    @tag("writing")
    @task(1)
    def answer(self):
        self.client.post("/thread/1/answer", data={"text": "Me too!"}, name="/thread/[id]/answer")

    @tag("reading", "writing")
    @task(2)
    def leave(self):
        self.interrupt()


class Member(HttpUser):
    wait_time = constant(0.05)
    tasks = {Forum: 1}

    @tag("reading")
    @task
    def front_page(self):
        self.client.get("/")

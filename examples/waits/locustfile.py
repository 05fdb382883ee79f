"""How long a user waits between two tasks: the ways there are, one class each.

Run it against the built-in target (`rocust demo-target --port 8000` in another terminal):

    rocust -f examples/waits/locustfile.py --headless -H http://127.0.0.1:8000 -u 10 -t 10s
"""

import random

from locust import HttpUser, between, constant, constant_pacing, constant_throughput, task


class Visitor(HttpUser):
    abstract = True  # never started itself; the classes below are

    @task
    def visit(self):
        self.client.get("/", name=type(self).__name__)


class Steady(Visitor):
    wait_time = constant(0.2)  # 0.2 s after the end of each task


class Human(Visitor):
    wait_time = between(0.1, 0.4)  # anything between, all equally likely


class Clockwork(Visitor):
    wait_time = constant_pacing(0.25)  # a task starts every 0.25 s, however long it takes


class Metered(Visitor):
    wait_time = constant_throughput(4)  # the same, said as tasks a second


class Moody(Visitor):
    def wait_time(self):  # anything of your own that returns seconds
        return random.expovariate(5)

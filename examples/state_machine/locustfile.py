"""A user whose steps are the transitions of a state machine: `pip install python-statemachine`.

What may follow what is said once, in the machine; a step that may not be taken raises. Each user has a machine of its own.

Run it against the built-in target (`rocust demo-target --port 8000` in another terminal):

    rocust -f examples/state_machine/locustfile.py --headless -H http://127.0.0.1:8000 -u 5 -t 10s
"""

import random

from locust import HttpUser, between, task
from statemachine import State, StateMachine


class Visit(StateMachine):
    outside = State(initial=True)
    browsing = State()
    paying = State()

    enter = outside.to(browsing)
    look_around = browsing.to.itself()
    buy = browsing.to(paying)
    leave = browsing.to(outside) | paying.to(outside)

    def __init__(self, client):
        self.client = client
        super().__init__()

    def on_enter_browsing(self):
        self.client.get("/", name="browse")

    def on_enter_paying(self):
        self.client.post("/", name="pay")


class Shopper(HttpUser):
    wait_time = between(0.05, 0.2)

    def on_start(self):
        self.visit = Visit(self.client)

    @task
    def next_step(self):
        possible = [event.id for event in self.visit.allowed_events]
        self.visit.send(random.choice(possible))

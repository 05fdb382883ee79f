"""Data that no two users share, made up by Faker: `pip install faker`.

One generator for each user, so that each has its own series.

Run it against the built-in target (`rocust demo-target --port 8000` in another terminal):

    rocust -f examples/made_up_data/locustfile.py --headless -H http://127.0.0.1:8000 -u 5 -t 10s
"""

from faker import Faker
from locust import HttpUser, between, task


class Newcomer(HttpUser):
    wait_time = between(0.1, 0.3)

    def on_start(self):
        self.fake = Faker("ko_KR")

    @task
    def sign_up(self):
        person = {"name": self.fake.name(), "email": self.fake.unique.email(), "company": self.fake.catch_phrase()}
        self.client.post("/", json=person, name="sign up")

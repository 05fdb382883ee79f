"""A first locustfile: each iteration asks for both greetings."""

from locust import HttpUser, task


class GreetingUser(HttpUser):
    @task
    def greet(self):
        self.client.get("/hello")
        self.client.get("/world")

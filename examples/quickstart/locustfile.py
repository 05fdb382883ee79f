"""The first load test: people who look around in a shop, and now and then put something into their basket.

Run it against the built-in target (`rocust demo-target --port 8000` in another terminal):

    rocust -f examples/quickstart/locustfile.py --headless -H http://127.0.0.1:8000 -u 50 -r 10 -t 30s
"""

from locust import HttpUser, between, task


class Shopper(HttpUser):
    # Seconds to wait after each task. People need longer, between(1, 5) say; short waits make a lively demo.
    wait_time = between(0.005, 0.015)

    def on_start(self):
        """Runs once for each user, before its first task."""
        self.client.post("/login", json={"name": "newcomer"})

    @task(3)  # three times as often as the other
    def look_around(self):
        self.client.get("/")
        self.client.get("/products", params={"page": 2}, name="/products")  # the statistics list it under this name

    @task
    def put_into_basket(self):
        # With catch_response you decide what counts as a success.
        with self.client.post("/basket", json={"product": 7}, catch_response=True) as response:
            if not response.text:
                response.failure("the basket came back empty")

"""FastHttpUser: a leaner client with an interface of its own. `rest` sends and reads JSON.

Run it against the built-in target (`rocust demo-target --port 8000` in another terminal):

    rocust -f examples/fast_http/locustfile.py --headless -H http://127.0.0.1:8000 -u 10 -t 10s
"""

from locust import FastHttpUser, constant, task


class Reader(FastHttpUser):
    wait_time = constant(0.05)

    @task(2)
    def read(self):
        response = self.client.get("/page")
        if response.status_code == 200:
            self.client.get("/page/picture", headers={"Accept": "image/*"})

    @task
    def count(self):
        with self.rest("GET", "/count") as response:
            if "requests" not in response.js:
                response.failure("this is not the count")

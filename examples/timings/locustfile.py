"""Where the time goes: `response.timings` has the parts of one response time, `--timings` prints their averages.

Run it against the built-in target (`rocust demo-target --port 8000` in another terminal):

    rocust -f examples/timings/locustfile.py --headless --timings -H http://127.0.0.1:8000 -u 10 -t 10s

`first_byte` is mostly the server's own time, `body` the size of what it says; `connect` and `tls` are zero while a
connection is kept open. `queue` is not the server's: it grows when the load generator itself has too much to do.
"""

from locust import HttpUser, constant, task


class Stopwatch(HttpUser):
    wait_time = constant(0.05)

    @task
    def wait_for_a_slow_answer(self):
        with self.client.get("/slow?delay=20", catch_response=True) as response:
            if response.timings.first_byte < 19:
                response.failure("the server did not take the time that was asked for")

    @task
    def say_hello(self):
        timings = self.client.get("/").timings
        assert timings.queue >= 0
        assert timings.total > 0

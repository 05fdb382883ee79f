"""A protocol of your own: do the work, take the time, and fire `events.request`; the statistics take it from there.

Here a "request" is a TCP connection, opened and closed. Whatever waits for a socket lets the other users go on.

Run it against the built-in target (`rocust demo-target --port 8000` in another terminal):

    rocust -f examples/custom_client/locustfile.py --headless -H http://127.0.0.1:8000 -u 5 -t 10s
"""

import socket
import time
from urllib.parse import urlsplit

from locust import User, constant, events, task


class KnockingClient:
    def __init__(self, host):
        address = urlsplit(host)
        self.address = (address.hostname, address.port or 80)

    def knock(self):
        exception = None
        start = time.perf_counter()
        try:
            socket.create_connection(self.address, timeout=5).close()
        except OSError as error:
            exception = error
        events.request.fire(
            request_type="TCP",
            name="knock",
            response_time=(time.perf_counter() - start) * 1000,  # milliseconds
            response_length=0,
            exception=exception,
            context={},
        )


class Knocker(User):
    wait_time = constant(0.1)

    def __init__(self, environment):
        super().__init__(environment)
        self.client = KnockingClient(self.host)

    @task
    def knock(self):
        self.client.knock()

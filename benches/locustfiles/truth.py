"""HTTP users to be timed, and one user that keeps Python busy beside them. Run unchanged by Locust and Rocust.

The classes to run are named on the command line: `truth.py HttpVisitor`, `truth.py HttpVisitor Cruncher`.
"""

import time

from locust import FastHttpUser, HttpUser, User, constant, task

CHUNK_S = 0.050


class HttpVisitor(HttpUser):
    @task
    def visit(self) -> None:
        self.client.get("/")


class FastVisitor(FastHttpUser):
    @task
    def visit(self) -> None:
        self.client.get("/")


class Cruncher(User):
    """Computes in pure Python, 50 ms at a time, and lets the others run for a moment in between.

    Without any wait stock's users would hardly be woken at all, and there would be no times to compare.
    """

    fixed_count = 1
    wait_time = constant(0.001)

    @task
    def crunch(self) -> None:
        end = time.perf_counter() + CHUNK_S
        total = 0
        while time.perf_counter() < end:
            for number in range(500):
                total += number * number

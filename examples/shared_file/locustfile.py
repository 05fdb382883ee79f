"""One data file for several processes, no line taken twice, with filelock: `pip install filelock`.

Start this several times at once: each user takes the next line of `customers.txt` in the working directory, whoever
runs it.

Run it against the built-in target (`rocust demo-target --port 8000` in another terminal):

    rocust -f examples/shared_file/locustfile.py --headless -H http://127.0.0.1:8000 -u 5 -t 10s
"""

from pathlib import Path

from filelock import FileLock
from locust import HttpUser, between, task
from locust.exception import StopUser

CUSTOMERS = Path("customers.txt")
TAKEN = CUSTOMERS.with_suffix(".taken")


def next_customer():
    """The first line that nobody has taken, or None; how many were taken is noted in a file beside it."""
    with FileLock(f"{TAKEN}.lock"):
        if not CUSTOMERS.exists():
            CUSTOMERS.write_text("".join(f"customer-{number}\n" for number in range(10_000)))
        taken = int(TAKEN.read_text()) if TAKEN.exists() else 0
        lines = CUSTOMERS.read_text().splitlines()
        if taken >= len(lines):
            return None
        TAKEN.write_text(str(taken + 1))
        return lines[taken]


class Customer(HttpUser):
    wait_time = between(0.1, 0.3)

    @task
    def shop(self):
        name = next_customer()
        if name is None:
            raise StopUser
        self.client.get(f"/?customer={name}", name="/?customer=[name]")

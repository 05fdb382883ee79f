"""Users who have one turn and then wait for an hour. Run unchanged by Locust and Rocust.

When the last one has had its turn, the time since the start of the test is written.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from locust import User, constant, events, task

began_s = 0.0
turns = 0


class Waiting(User):
    wait_time = constant(3600)

    @task
    def count(self) -> None:
        global turns
        turns += 1
        if turns == self.environment.parsed_options.num_users:
            path = Path(os.environ["BENCH_NOTES"])
            unfinished = path.with_suffix(".unfinished")
            unfinished.write_text(json.dumps({"all_waiting_after_s": time.monotonic() - began_s}))
            unfinished.replace(path)


@events.test_start.add_listener
def begin(**_: Any) -> None:
    global began_s
    began_s = time.monotonic()

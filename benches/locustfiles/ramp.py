"""Users who come and go at the rate that was asked for, and note when they did. Run unchanged by Locust and Rocust.

When all are there and five seconds have passed, they go again at the same rate; what was noted is written then. Twenty of them are
sentinels: they come first, leave last, want to be woken every 0.1 s, and note how late they were.
"""

import json
import os
import time
from array import array
from pathlib import Path
from typing import Any

import gevent
from locust import User, constant, constant_pacing, events, task

STAY_S = 5
WATCH_EVERY_S = 0.1

arrivals, departures, delays = array("d"), array("d"), array("d")


class Noted(User):
    abstract = True

    def on_start(self) -> None:
        arrivals.append(time.monotonic())

    def on_stop(self) -> None:
        departures.append(time.monotonic())


class Patient(Noted):
    wait_time = constant_pacing(10)

    @task
    def nothing(self) -> None:
        pass


class Sentinel(Noted):
    fixed_count = 20
    wait_time = constant(WATCH_EVERY_S)
    slept_at_s = 0.0

    @task
    def look(self) -> None:
        now = time.monotonic()
        if self.slept_at_s:
            delays.append(now - self.slept_at_s - WATCH_EVERY_S)
        self.slept_at_s = time.monotonic()


@events.init.add_listener
def prepare(environment: Any, **_: Any) -> None:
    def turn(user_count: int, **_: Any) -> None:
        if user_count:
            gevent.spawn_later(STAY_S, environment.runner.start, 0, environment.parsed_options.spawn_rate)
        else:
            write({"arrivals": list(arrivals), "departures": list(departures), "delays": list(delays)})

    environment.events.spawning_complete.add_listener(turn)


def write(notes: dict[str, Any]) -> None:
    path = Path(os.environ["BENCH_NOTES"])
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(notes))
    unfinished.replace(path)

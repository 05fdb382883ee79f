"""A step of many users, spread over the time that the step has.

Locust's dispatcher changes the number of users once a second, by the spawn rate. Of 500 users a second that is 500 at once, and
then nothing: the users in between are held up, and half of the time there are some hundred more than the rate allows. So what
the dispatcher wants done in one step is done in parts, evenly, as the rate says. Small steps are done at once, as in Locust.
"""

from __future__ import annotations

from math import ceil
from time import perf_counter
from typing import TYPE_CHECKING

from rocust._kernel.green import give_way, sleep

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Up to so many users a step is done at once. Above it Locust itself warns of the rate.
AT_ONCE = 100
#: Between two parts of a step, in seconds: short beside what a user waits, long beside what it takes to start one.
_INTERVAL_S = 0.02


def spread_s(users: int, spawn_rate: float) -> float:
    """How long a step of so many users may take; zero when it is to be done at once.

    A dispatcher of the user's own may step by more than the rate: it knows why.
    """
    return users / spawn_rate if AT_ONCE < users <= spawn_rate else 0.0


def paced_parts(orders: dict[str, int], duration_s: float) -> Iterator[dict[str, int]]:
    """Parts of `orders`, which together are the whole, each at its time from now on.

    A part that is late comes as soon as everything else has had its turn. No part waits after the last one.
    """
    began_at = perf_counter()
    parts = max(1, ceil(duration_s / _INTERVAL_S))
    for number in range(parts):
        wait_s = began_at + duration_s * number / parts - perf_counter()
        if wait_s > 0:
            sleep(wait_s)
        elif number:
            give_way()
        part = {name: count * (number + 1) // parts - count * number // parts for name, count in orders.items()}
        yield {name: count for name, count in part.items() if count}

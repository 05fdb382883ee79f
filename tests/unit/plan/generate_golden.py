"""Writes golden_dispatch.json: what stock Locust's dispatcher does in many random situations, step by step.

Run it with a Python that has Locust installed: `python tests/unit/plan/generate_golden.py`. The same seed writes the
same file. A scenario is a list of actions; what Locust answered is recorded next to each. Two states are left out
because Locust is stuck or confused in them and we are not: users lost in a rebalancing that Locust goes on counting,
and a dispatch dropped in the very step that found nobody to start (Locust ends the next one too early).
"""

from __future__ import annotations

import json
import random
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import gevent
from locust import dispatch

SCENARIOS = 220
SEED = 20240


class Skip(Exception):
    """The scenario ran into a state that is left out."""


def random_class(rng, name):
    weight = rng.choice([1, 1, 1, 2, 3, 5, 10, 100, 0.1, 0.25, 1.5, round(rng.uniform(0.01, 9), 3), 0])
    fixed_count = rng.choice([0, 0, 0, 0, 1, 2, 5, rng.randint(1, 12)])
    return {"name": name, "weight": weight, "fixed_count": fixed_count}


def random_workers(rng):
    names = [f"{host}_{number}" for host in ("alpha", "beta", "gamma") for number in range(4)] + ["solo", "7", "10"]
    rng.shuffle(names)
    return names[: rng.choice([1, 1, 2, 3, 4, 6])], names


class Recording:
    """One scenario while it is played on the stock dispatcher."""

    def __init__(self, rng):
        self.rng = rng
        self.workers, self.names = random_workers(rng)
        names = rng.sample(["Admin", "Buyer", "Clerk", "Driver", "editor", "Zed2", "Zed10"], rng.randint(1, 6))
        self.specs = [random_class(rng, name) for name in names]
        self.classes = {spec["name"]: type(spec["name"], (), dict(spec)) for spec in self.specs}
        self.nodes = [SimpleNamespace(id=worker) for worker in self.workers]
        self.dispatcher = dispatch.UsersDispatcher(list(self.nodes), list(self.classes.values()))
        self.names = [name for name in self.names if name not in self.workers]
        self.sleeps = 0
        self.actions = []
        #: The largest scenario still easy to read.
        self.largest = rng.choice([8, 20, 60, 300])

    def sleep(self, _seconds):
        self.sleeps += 1

    def play(self):
        self.new_dispatch()
        for _ in range(self.rng.randint(2, 9)):
            action = self.rng.choices(
                [self.new_dispatch, self.advance, self.drain, self.add_worker, self.remove_worker, self.edit],
                [4, 4, 6, 2, 2, 1],
            )[0]
            action()
        self.drain()

    def new_dispatch(self):
        if self.dispatcher._no_user_to_spawn:
            raise Skip
        target = self.rng.choice([0, 1, self.rng.randint(0, self.largest), self.rng.randint(0, self.largest)])
        slow, fast = self.largest / 12, self.largest * 1.5
        odd, whole = round(self.rng.uniform(slow, fast), 2), self.rng.randint(int(slow) + 1, self.largest)
        rate = self.rng.choice([odd, whole, 0.5 if target < 8 else 9])
        names = None
        if self.rng.random() < 0.2:
            names = self.rng.sample(list(self.classes), self.rng.randint(1, len(self.classes)))
        self.dispatcher.new_dispatch(target, rate, names and [self.classes[name] for name in names])
        wait = self.dispatcher._wait_between_dispatch
        self.actions.append(["dispatch", target, rate, names, wait])

    def next(self):
        self.sleeps = 0
        try:
            users = next(self.dispatcher)
        except StopIteration:
            self.actions.append(["end"])
            return False
        counts = [[worker, list(row.values())] for worker, row in users.items()]
        assert all(list(row) == sorted(self.classes) for row in users.values())
        self.actions.append(["next", self.sleeps, counts])
        return True

    def advance(self):
        for _ in range(self.rng.randint(1, 4)):
            self.next()

    def drain(self):
        for _ in range(60):
            if not self.next():
                return
        raise Skip

    def add_worker(self):
        if self.names:
            name = self.names.pop()
            self.workers.append(name)
            self.dispatcher.add_worker(SimpleNamespace(id=name))
            self.actions.append(["add", name, self.rebalanced()])

    def remove_worker(self):
        if self.workers:
            name = self.workers.pop(self.rng.randrange(len(self.workers)))
            self.dispatcher.remove_worker(SimpleNamespace(id=name))
            self.actions.append(["remove", name, self.rebalanced()])

    def rebalanced(self):
        if self.dispatcher._current_user_count != self.dispatcher.get_current_user_count():
            raise Skip
        return self.dispatcher._rebalance

    def edit(self):
        """As a user may in the web page: other numbers for a class. They are read when the next dispatch begins."""
        spec = random_class(self.rng, self.rng.choice(list(self.classes)))
        one = self.classes[spec["name"]]
        if bool(one.fixed_count) == bool(spec["fixed_count"]):
            one.weight, one.fixed_count = spec["weight"], spec["fixed_count"]
            self.actions.append(["edit", spec])
            self.new_dispatch()


def record(seed):
    recording = Recording(random.Random(seed))
    with mock.patch.object(gevent, "sleep", recording.sleep):
        recording.play()
    workers = [node.id for node in recording.nodes]
    return {"seed": seed, "workers": workers, "classes": recording.specs, "actions": recording.actions}


def main():
    scenarios = []
    seed = SEED
    while len(scenarios) < SCENARIOS:
        seed += 1
        try:
            scenarios.append(record(seed))
        except Skip:
            continue
    lines = ",\n".join(json.dumps(scenario, separators=(",", ":")) for scenario in scenarios)
    text = f'{{"locust":"{version("locust")}","scenarios":[\n{lines}\n]}}\n'
    Path(__file__).with_name("golden_dispatch.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

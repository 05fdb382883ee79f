"""Our dispatcher against what Locust's did in the same situations, recorded by tests/unit/plan/generate_golden.py."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from rocust._run import dispatch

GOLDEN = Path(__file__).parents[1] / "unit" / "plan" / "golden_dispatch.json"
SCENARIOS = json.loads(GOLDEN.read_text(encoding="utf-8"))["scenarios"]


class Replay:
    """One recorded scenario, played on our dispatcher. Each action checks what Locust answered."""

    def __init__(self, scenario):
        self.classes = {spec["name"]: type(spec["name"], (), dict(spec)) for spec in scenario["classes"]}
        workers = [SimpleNamespace(id=worker) for worker in scenario["workers"]]
        self.dispatcher = dispatch.UsersDispatcher(workers, list(self.classes.values()))

    def on_dispatch(self, target, rate, names, wait):
        classes = names and [self.classes[name] for name in names]
        self.dispatcher.new_dispatch(target, rate, classes)
        assert self.dispatcher._wait_between_dispatch == wait
        # The waits themselves are test_dispatch_pace's; here it only counts whether there is one.
        self.dispatcher._wait_between_dispatch = 0

    def on_next(self, sleeps, counts):
        pauses = []
        self.dispatcher._pause = lambda: pauses.append(1)
        users = next(self.dispatcher)
        assert [[worker, list(row.values())] for worker, row in users.items()] == counts
        assert all(list(row) == sorted(self.classes) for row in users.values())
        assert len(pauses) == sleeps
        assert self.dispatcher.get_current_user_count() == sum(sum(row) for _, row in counts)
        for name in self.classes:
            assert self.dispatcher._get_user_current_count(name) == sum(row[name] for row in users.values())

    def on_end(self):
        assert next(self.dispatcher, "end") == "end"
        assert not self.dispatcher.dispatch_in_progress

    def on_add(self, worker, is_rebalanced):
        self.dispatcher.add_worker(SimpleNamespace(id=worker))
        assert self.dispatcher._rebalance is is_rebalanced

    def on_remove(self, worker, is_rebalanced):
        self.dispatcher.remove_worker(SimpleNamespace(id=worker))
        assert self.dispatcher._rebalance is is_rebalanced

    def on_edit(self, spec):
        self.classes[spec["name"]].weight = spec["weight"]
        self.classes[spec["name"]].fixed_count = spec["fixed_count"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario["seed"]))
def test_dispatch_equals_locust_step_by_step(scenario):
    replay = Replay(scenario)
    for name, *arguments in scenario["actions"]:
        getattr(replay, f"on_{name}")(*arguments)


def test_golden_tables_reach_every_situation():
    kinds = {action[0] for scenario in SCENARIOS for action in scenario["actions"]}
    assert kinds == {"dispatch", "next", "end", "add", "remove", "edit"}
    classes = [spec for scenario in SCENARIOS for spec in scenario["classes"]]
    assert any(spec["fixed_count"] for spec in classes)
    assert any(spec["weight"] % 1 for spec in classes)
    assert any(len(scenario["workers"]) > 3 for scenario in SCENARIOS)

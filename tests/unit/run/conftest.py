"""An environment with what happened in it, and a runner that is gone after the test."""

from __future__ import annotations

import pytest
from rocust._kernel.green import Event, Timeout
from rocust._run.environment import Environment

LIMIT_S = 20.0


@pytest.fixture
def make_runner():
    """Makes local runners; they are quit after the test."""
    runners = []

    def make(*user_classes, **settings):
        environment = Environment(user_classes=list(user_classes), **settings)
        runner = environment.create_local_runner()
        runners.append(runner)
        runner.happened = []
        for name in ("test_start", "spawning_complete", "test_stopping", "test_stop"):
            getattr(environment.events, name).add_listener(lambda name=name, **_: runner.happened.append(name))
        return runner

    yield make
    for runner in runners:
        runner.environment.stop_timeout = 0
        runner.quit()
        assert runner.user_count == 0


@pytest.fixture
def ramp():
    """Starts, or changes, a test and returns when the ramp is over."""

    def go(runner, users, rate=1000.0, **kwargs):
        runner.start(users, rate, **kwargs)
        runner.spawning_greenlet.join(LIMIT_S)
        assert runner.spawning_greenlet.ready()

    return go


class Signal(Event):
    """An event that must come."""

    def expect(self):
        assert self.wait(LIMIT_S), "it never happened"


@pytest.fixture
def signal():
    return Signal


@pytest.fixture(autouse=True)
def _limited():
    with Timeout(LIMIT_S * 2):
        yield

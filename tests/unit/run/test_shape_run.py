"""Load shapes: what they know, and a runner that follows one."""

from __future__ import annotations

import logging

import pytest
from rocust import LoadTestShape, User, constant, task
from rocust._run import runner as runner_room


class Busy(User):
    wait_time = constant(3600)

    @task
    def work(self):
        pass


class Other(Busy):
    pass


class Scripted(LoadTestShape):
    """Says what it was given, tick by tick."""

    def __init__(self, *ticks):
        super().__init__()
        self.left = list(ticks)
        self.counts = []

    def tick(self):
        self.counts.append(self.get_current_user_count())
        return self.left.pop(0)


@pytest.fixture(autouse=True)
def _ask_often(monkeypatch):
    monkeypatch.setattr(runner_room, "_SHAPE_INTERVAL_S", 0.01)


def test_class_is_abstract_only_when_its_body_says_so():
    class Base(Scripted):
        abstract = True

    class Usable(Base):
        pass

    assert (LoadTestShape.abstract, Base.abstract, Usable.abstract) == (True, True, False)
    assert LoadTestShape.use_common_options is False


def test_shape_without_tick_cannot_be_made():
    class Silent(LoadTestShape):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Silent()


def test_shape_without_a_runner_counts_nobody():
    shape = Scripted()
    assert shape.get_current_user_count() == 0
    shape.start_time -= 5
    assert shape.get_run_time() == pytest.approx(5, abs=1)
    shape.reset_time()
    assert shape.get_run_time() < 1


def test_runner_follows_its_shape_to_the_end(make_runner, caplog):
    caplog.set_level(logging.INFO, "locust.runners")
    shape = Scripted((3, 1000), (3, 1000), (1, 1000), (2, 1000.0, [Other]), None)
    runner = make_runner(Busy, Other, shape_class=shape)
    starts = []
    original = runner.start

    def start(**kwargs):
        starts.append((kwargs["user_count"], kwargs["user_classes"]))
        original(**kwargs)
        runner.spawning_greenlet.join()

    runner.start = start
    runner.start_shape()
    worker = runner.shape_greenlet
    runner.start_shape()
    assert "There is an ongoing shape test running. Editing is disabled" in caplog.text
    worker.join()
    assert starts == [(3, None), (1, None), (2, [Other])]
    assert shape.counts == [0, 3, 3, 1, 2]
    assert (runner.state, runner.user_count, runner.shape_greenlet, runner.shape_last_tick) == (
        "stopped",
        0,
        None,
        None,
    )
    for line in ("Shape test starting.", "Shape test updating to 3 users at 1000.00 spawn rate", "Shape test stopping"):
        assert line in caplog.text


def test_end_of_a_shape_quits_a_headless_run(make_runner):
    class Options:
        headless = True
        stop_timeout = 0
        tags = exclude_tags = None

    runner = make_runner(Busy, shape_class=Scripted(None), parsed_options=Options())
    runner.start_shape()
    runner.greenlet.join()
    assert runner.state == "stopped"


def test_stop_ends_the_shape_too(make_runner):
    runner = make_runner(Busy, shape_class=Scripted(*[(2, 1000)] * 1000))
    runner.start_shape()
    while runner.user_count < 2:
        runner_room.sleep(0.001)
    worker = runner.shape_greenlet
    runner.stop()
    assert (worker.dead, runner.shape_greenlet, runner.user_count) == (True, None, 0)


def test_shape_that_raises_is_logged(make_runner, caplog):
    runner = make_runner(Busy, shape_class=Scripted())
    runner.start_shape()
    runner.shape_greenlet.join()
    assert "IndexError" in caplog.text

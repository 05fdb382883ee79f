"""Hooks: who is called, in which order, and which exceptions get out."""

from __future__ import annotations

import logging
from typing import Any

import gevent
import pytest
from rocust import _events, event, log
from rocust._errors import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)


@pytest.fixture(autouse=True)
def _unflagged(monkeypatch):
    monkeypatch.setattr(log, "unhandled_greenlet_exception", False)


def test_listeners_are_called_in_order_with_the_arguments():
    hook, calls = event.EventHook(), []
    hook.add_listener(lambda **kwargs: calls.append(("first", kwargs)))
    hook.add_listener(lambda **kwargs: calls.append(("second", kwargs)))
    hook.fire(amount=12)
    assert calls == [("first", {"amount": 12}), ("second", {"amount": 12})]


def test_reverse_calls_the_last_added_first():
    hook, calls = event.EventHook(), []
    for name in ("first", "second", "third"):
        hook.add_listener(lambda name=name, **_: calls.append(name))
    hook.fire(reverse=True)
    assert calls == ["third", "second", "first"]


def test_add_listener_returns_the_handler_so_that_it_decorates():
    hook = event.EventHook()

    @hook.add_listener
    def handler(**_: Any) -> str:
        return "still a function"

    assert handler() == "still a function"
    hook.remove_listener(handler)
    assert hook._handlers == []


def test_removing_a_listener_that_was_never_added_raises():
    with pytest.raises(ValueError, match="list"):
        event.EventHook().remove_listener(print)


def test_a_listener_may_remove_itself_and_add_others_while_the_hook_fires():
    hook, calls = event.EventHook(), []

    def once(**_: Any) -> None:
        calls.append("once")
        hook.remove_listener(once)
        hook.add_listener(lambda **_: calls.append("added"))

    hook.add_listener(once)
    hook.add_listener(lambda **_: calls.append("second"))
    hook.fire()
    assert calls == ["once", "second"]
    hook.fire()
    assert calls == ["once", "second", "second", "added"]


def test_an_exception_is_logged_flagged_and_does_not_stop_the_others(caplog):
    hook, calls = event.EventHook(), []
    hook.add_listener(lambda **_: 1 / 0)
    hook.add_listener(lambda **_: calls.append("still called"))
    with caplog.at_level(logging.ERROR):
        hook.fire()
    assert calls == ["still called"]
    (record,) = caplog.records
    assert record.name == "root"
    assert record.getMessage().startswith("Uncaught exception in event handler: \nTraceback")
    assert "ZeroDivisionError" in record.getMessage()
    assert log.unhandled_greenlet_exception


@pytest.mark.parametrize(
    "steering",
    [StopUser, StopTest, RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet],
    ids=lambda e: e.__name__,
)
def test_exceptions_that_steer_a_user_escape(steering):
    hook = event.EventHook()

    @hook.add_listener
    def steer(**_: Any) -> None:
        raise steering()

    with pytest.raises(steering):
        hook.fire()
    assert not log.unhandled_greenlet_exception


def test_a_greenlet_that_is_killed_in_a_listener_calls_the_others():
    hook, called = event.EventHook(), []

    def waits(**_):
        called.append("waits")
        gevent.sleep(3600)

    async def never(**_):
        called.append("never")

    def plain(**_):
        called.append("plain")

    for listener in (waits, never, plain):
        hook.add_listener(listener)
    firing = gevent.spawn(hook.fire)
    while not called:
        gevent.sleep(0)
    firing.kill()
    assert called == ["waits", "plain"]


def test_measure_fires_with_the_time_the_block_took(monkeypatch):
    ticks = iter([10.0, 10.25])
    monkeypatch.setattr(_events.time, "perf_counter", lambda: next(ticks))
    hook, fired = event.EventHook(), []
    hook.add_listener(lambda **kwargs: fired.append(kwargs))
    with hook.measure("SQL", "select", context={"user": "a"}) as request_meta:
        request_meta["response_length"] = 7
    (told,) = fired
    assert told.pop("start_time") > 1e9
    assert told == {
        "request_type": "SQL",
        "name": "select",
        "response_time": 250.0,
        "response_length": 7,
        "context": {"user": "a"},
        "exception": None,
    }


def test_measure_swallows_the_exception_of_the_block_and_tells_it():
    hook, fired = event.EventHook(), []
    hook.add_listener(lambda **kwargs: fired.append(kwargs))
    with hook.measure("SQL", "select"):
        raise KeyError("missing")
    assert isinstance(fired[0]["exception"], KeyError)


def test_deprecated_hook_warns_who_listens(caplog):
    hook = event.DeprecatedEventHook("use another")
    hook.add_listener(print)
    assert [record.getMessage() for record in caplog.records] == ["use another"]
    assert hook._handlers == [print]


LOCUSTS_HOOKS = [
    "request", "user_error", "report_to_master", "worker_report", "worker_connect", "spawning_complete", "quitting",
    "quit", "init", "init_command_line_parser", "test_start", "test_stopping", "test_stop", "reset_stats",
    "cpu_warning", "heartbeat_sent", "heartbeat_received", "usage_monitor",
]  # fmt: skip


def test_events_has_exactly_locusts_hooks_and_each_object_its_own():
    first, second = event.Events(), event.Events()
    assert sorted(vars(first)) == sorted(LOCUSTS_HOOKS)
    assert all(type(hook) is event.EventHook for hook in vars(first).values())
    assert first.request is not second.request


def test_a_subclass_declares_hooks_and_keeps_the_inherited_ones():
    class ShopEvents(event.Events):
        checkout: event.EventHook
        older = "EventHook"

    events = ShopEvents()
    for name in (*LOCUSTS_HOOKS, "checkout", "older"):
        assert type(getattr(events, name)) is event.EventHook


def test_global_events_are_read_anew_each_time(monkeypatch):
    import rocust

    first, second = event.Events(), event.Events()
    monkeypatch.setattr(rocust, "events", first, raising=False)
    assert _events.global_events() is first
    monkeypatch.setattr(rocust, "events", second)
    assert _events.global_events() is second

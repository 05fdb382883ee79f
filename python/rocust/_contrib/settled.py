"""Calls whose outcome is told twice: to the caller as a dictionary, and to the statistics as a request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rocust._events import EventHook

#: What the users of vector databases return: `success`, `response_time` (milliseconds), then `result` or `exception`, and more.
Outcome = dict[str, Any]


def attempt(call: Callable[[], Any]) -> Outcome:
    """Make the call; its result or its exception, and the milliseconds it took."""
    started_at = time.perf_counter()
    try:
        result = call()
    except Exception as error:  # it is the failure that is reported
        return {"success": False, "response_time": (time.perf_counter() - started_at) * 1000, "exception": error}
    return {"success": True, "response_time": (time.perf_counter() - started_at) * 1000, "result": result}


def note_emptiness(outcome: Outcome, is_empty: Callable[[Any], bool]) -> Outcome:
    """Have a search that went well and found nothing say `empty`, and be no `success`; in the statistics it is no failure."""
    if "result" in outcome:
        empty = is_empty(outcome["result"])
        outcome.update(success=not empty, empty=empty)
    return outcome


def report(request_event: EventHook, request_type: str, name: str, outcome: Outcome) -> None:
    """Tell the statistics of an outcome."""
    request_event.fire(
        request_type=request_type,
        name=name,
        response_time=float(outcome["response_time"]),
        response_length=0,
        exception=outcome.get("exception"),
        context={},
    )

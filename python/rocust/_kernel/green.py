"""What the other rooms may use of gevent, by name: one import site, so that a second loop stays possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import gevent
from gevent import Greenlet, GreenletExit, Timeout, getcurrent, joinall, killall, sleep, spawn, spawn_later
from gevent.event import AsyncResult, Event
from gevent.hub import Hub, get_hub
from gevent.lock import RLock
from gevent.pool import Group

if TYPE_CHECKING:
    #: A greenlet of whatever function.
    AnyGreenlet: TypeAlias = Greenlet[..., Any]
else:
    AnyGreenlet = Greenlet

signal_handler = gevent.signal_handler

__all__ = [
    "AnyGreenlet",
    "AsyncResult",
    "Event",
    "Greenlet",
    "GreenletExit",
    "Group",
    "Hub",
    "RLock",
    "Timeout",
    "get_hub",
    "getcurrent",
    "joinall",
    "killall",
    "signal_handler",
    "sleep",
    "spawn",
    "spawn_later",
]

"""Locust's event hooks, under Locust's name."""

from __future__ import annotations

from rocust._events import DeprecatedEventHook, EventHook, Events

__all__ = ["DeprecatedEventHook", "EventHook", "Events"]

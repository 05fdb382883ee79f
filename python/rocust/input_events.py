"""Keys on the terminal, under Locust's name."""

from __future__ import annotations

from rocust._cli.keyboard import input_listener

__all__ = ["input_listener"]

"""Telling addresses from paths, under Locust's name."""

from __future__ import annotations

from rocust._cli.locustfile import is_url

__all__ = ["is_url"]

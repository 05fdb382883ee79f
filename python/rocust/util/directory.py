"""Finding files, under Locust's name."""

from __future__ import annotations

from rocust._cli.locustfile import get_abspaths_in

__all__ = ["get_abspaths_in"]

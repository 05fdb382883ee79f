"""Importing locustfiles, under Locust's name."""

from __future__ import annotations

from rocust._cli.loading import is_shape_class, is_user_class, load_locustfile

__all__ = ["is_shape_class", "is_user_class", "load_locustfile"]

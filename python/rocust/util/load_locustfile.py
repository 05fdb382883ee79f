"""Importing locustfiles, under Locust's name."""

from __future__ import annotations

from rocust._cli.loading import is_shape_class, is_user_class, load_locustfile
from rocust._cli.pytest_files import load_locustfile_pytest

__all__ = ["is_shape_class", "is_user_class", "load_locustfile", "load_locustfile_pytest"]

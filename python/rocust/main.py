"""Locust's command, under Locust's name."""

from __future__ import annotations

from rocust._cli.command import COMMON_OPTIONS, create_environment
from rocust._cli.entry import main
from rocust._cli.loading import load_locustfile, merge_locustfiles_content
from rocust._cli.pytest_files import load_locustfile_pytest

__all__ = [
    "COMMON_OPTIONS",
    "create_environment",
    "load_locustfile",
    "load_locustfile_pytest",
    "main",
    "merge_locustfiles_content",
]

"""Which Rocust this is, and which Locust it speaks."""

from __future__ import annotations

import os

import rocust

#: Where this package is installed.
PACKAGE_DIRECTORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def version_sentence(directory: str, python_version: str) -> str:
    """What `--version` prints."""
    return (
        f"rocust {rocust.__version__} from {directory} (Python {python_version}), "
        f"with the Python API of Locust {rocust.LOCUST_API_VERSION}"
    )


def start_message() -> str:
    """The first line of the log; it begins as Locust's does, since wrappers wait for it."""
    return f"Starting Locust {rocust.LOCUST_API_VERSION} (Rocust {rocust.__version__})"

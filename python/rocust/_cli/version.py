"""Which Rocust this is, and which Locust it speaks."""

from __future__ import annotations

import os

#: The Locust whose names, options, log lines and exit codes we have.
LOCUST_VERSION = "2.47.0"

#: Where this package is installed.
PACKAGE_DIRECTORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def rocust_version() -> str:
    """The version of the installed wheel; says so when there is none."""
    from importlib import metadata  # late: it is slow to import, and most runs need it once

    try:
        return metadata.version("rocust")
    except metadata.PackageNotFoundError:
        return "0 (not installed)"


def version_sentence(directory: str, python_version: str) -> str:
    """What `--version` prints."""
    return (
        f"rocust {rocust_version()} from {directory} (Python {python_version}), "
        f"with the Python API of Locust {LOCUST_VERSION}"
    )


def start_message() -> str:
    """The first line of the log; it begins as Locust's does, since wrappers wait for it."""
    return f"Starting Locust {LOCUST_VERSION} (Rocust {rocust_version()})"

"""What must be there before anything is measured, and one sentence for what is not.

Stock Locust comes from PyPI into `.venvs/stock` of the checkout; nginx and wrk are Debian's packages.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
FILES = 16_384


def stock_locust() -> Path:
    """Give stock Locust's command, installing it for this interpreter if it is not there yet."""
    made = subprocess.run(
        [sys.executable, CHECKOUT / "scripts" / "stock.py"], stdout=subprocess.PIPE, text=True, check=False
    )
    if made.returncode:
        raise SystemExit("Stock Locust could not be installed; what went wrong is above.")
    return Path(made.stdout.strip())


def wrk() -> Path:
    """Give wrk's command."""
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit("wrk is missing: run `make debian-packages`.")
    return Path(found)


def open_files() -> None:
    """Raise the limit of open files, which the contenders and nginx inherit, to what 5,000 users need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= FILES:
        return
    if hard != resource.RLIM_INFINITY and hard < FILES:
        raise SystemExit(f"At most {hard} files may be open here and the bench needs {FILES}: raise `ulimit -Hn`.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))

"""What must be there before anything is measured, and one sentence for what is not.

Stock Locust comes from PyPI into `.venvs/stock` of the checkout; nginx and wrk are Debian's packages.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
LOCUST = "2.47.0"
FILES = 16_384


def stock_locust() -> Path:
    """Give stock Locust's command, installing it for this interpreter if it is not there yet."""
    home = CHECKOUT / ".venvs" / "stock"
    command = home / "bin" / "locust"
    if not is_stock(command):
        print(f"  installing locust=={LOCUST} into .venvs/stock", file=sys.stderr)
        venv.create(home, clear=True, with_pip=True)
        install = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, f"locust=={LOCUST}"], check=True, stdout=sys.stderr)
    return command


def is_stock(command: Path) -> bool:
    """Say whether this is the Locust that the comparison is about."""
    if not command.exists():
        return False
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=False).stdout
    return said.startswith(f"locust {LOCUST} ")


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

"""Build the web pages from `web/`, or check that the committed ones are what the sources give.

Usage: web.py build | check

Node is needed for this alone: the built pages are committed inside the package, so `pip install` needs none. The check builds into a
folder of its own and compares; it also runs the type checker and the linter. Without npm it says that it was left out.
"""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
PAGES = ROOT / "python" / "rocust" / "_report" / "pages"
LOCK = WEB / "package-lock.json"
#: What is installed, as npm notes it: newer than the lock when nothing is to be done.
INSTALLED = WEB / "node_modules" / ".package-lock.json"


def run(*command: str) -> None:
    """Run npm in `web/`; its failure is ours."""
    npm = shutil.which("npm")
    assert npm is not None
    done = subprocess.run([npm, *command], cwd=WEB, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def install() -> None:
    """Install what the lock says, unless it is there."""
    if '"resolved"' in LOCK.read_text(encoding="utf-8"):
        sys.exit(
            "web/package-lock.json names hosts. hint: rm -r web/node_modules web/package-lock.json && npm install, in web/"
        )
    if not INSTALLED.exists() or INSTALLED.stat().st_mtime < LOCK.stat().st_mtime:
        run("ci", "--no-progress", "--loglevel=error")


def check() -> None:
    """Types, lint, and whether the committed pages are current."""
    run("run", "--silent", "check")
    with tempfile.TemporaryDirectory() as folder:
        run("run", "--silent", "build", "--", "--outDir", folder, "--logLevel", "error")
        built = {path.name for path in Path(folder).iterdir()}
        committed = {path.name for path in PAGES.iterdir()}
        _, differing, missing = filecmp.cmpfiles(folder, PAGES, built | committed, shallow=False)
        if differing or missing:
            sys.exit(
                f"{PAGES.relative_to(ROOT)} is not what web/ gives: {', '.join(differing + missing)}. hint: make web"
            )


def main() -> None:
    """As the command line says."""
    action = sys.argv[1]
    if shutil.which("npm") is None:
        if action == "check":
            print("npm is missing, so web/ is not checked. hint: install Node 20.19 or newer", file=sys.stderr)
            return
        sys.exit("npm is missing. hint: install Node 20.19 or newer")
    install()
    if action == "check":
        check()
    else:
        run("run", "--silent", "build", "--", "--logLevel", "warn")


main()

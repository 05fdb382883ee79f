"""Environments beside `.venv`, each in a folder of `.venvs`, made from a lock of its own with this interpreter.

`python scripts/homes.py NAME...` makes those that are not there or are not what their lock says, and prints their interpreters; with
`--optional`, one that this machine cannot have is said and left out.

`stock`     stock Locust, alone: whom the bench and the twins compare us with (`scripts/stock.py` knows its command)
`contrib`   Rocust with its extras, the servers that tests/e2e/contrib talks to, and a notebook's kernel
`plugins`   Rocust with locust-plugins, and so with stock Locust beside it
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
"""The oldest Python that Locust 2.47.0 runs on, and that the libraries are locked for; we run on an older one too."""


@dataclass(frozen=True)
class Home:
    """One environment.

    Attributes:
        name: Its folder in `.venvs`, and its lock: `requirements-<name>.txt`.
        has_rocust: Whether the Rocust of this checkout can be imported there, as `make develop` has built it.
    """

    name: str
    has_rocust: bool = True

    @property
    def folder(self) -> Path:
        """Where it is."""
        return CHECKOUT / ".venvs" / self.name

    @property
    def lock(self) -> Path:
        """What it is made from."""
        return CHECKOUT / f"requirements-{self.name}.txt"

    def program(self, name: str) -> Path:
        """A program that is installed there."""
        return self.folder / ("Scripts" if os.name == "nt" else "bin") / (f"{name}.exe" if os.name == "nt" else name)

    @property
    def _stamp(self) -> Path:
        return self.folder / "made-from"

    def _wanted_stamp(self) -> str:
        return f"{sys.version}\n{hashlib.sha256(self.lock.read_bytes()).hexdigest()}\n"

    def is_ready(self) -> bool:
        """Whether it is there, and is what the lock says, for this interpreter."""
        return self._stamp.exists() and self._stamp.read_text() == self._wanted_stamp()

    def why_not(self) -> str | None:
        """Why this machine cannot have it, or None."""
        if sys.version_info < OLDEST:
            return f"{self.lock.name} is for Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}"
        return None

    def make(self) -> Path:
        """Give its interpreter, making it first if need be.

        Raises:
            SystemExit: This machine cannot have it.
            subprocess.CalledProcessError: pip could not install what the lock says; it has said why.
        """
        python = self.program("python")
        if self.is_ready():
            return python
        if reason := self.why_not():
            raise SystemExit(f"no .venvs/{self.name}: {reason}")
        print(f"  installing {self.lock.name} into .venvs/{self.name}", file=sys.stderr)
        venv.create(self.folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*pip, "-r", str(self.lock)], check=True, stdout=sys.stderr)
        if self.has_rocust:
            site = subprocess.run(
                [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            (Path(site.stdout.strip()) / "rocust.pth").write_text(f"{CHECKOUT / 'python'}\n")
        self._stamp.write_text(self._wanted_stamp())
        return python


STOCK = Home("stock", has_rocust=False)
CONTRIB = Home("contrib")
PLUGINS = Home("plugins")
ALL = {home.name: home for home in (STOCK, CONTRIB, PLUGINS)}


def main() -> None:
    """Make the homes that the command line names."""
    names = [argument for argument in sys.argv[1:] if argument != "--optional"]
    unknown = [name for name in names if name not in ALL]
    if unknown or not names:
        raise SystemExit(f"which homes? There are: {', '.join(ALL)}")
    for name in names:
        home = ALL[name]
        if "--optional" in sys.argv and (reason := home.why_not()):
            print(f"  no .venvs/{name}, and its tests are skipped: {reason}", file=sys.stderr)
        else:
            print(home.make())


if __name__ == "__main__":
    main()

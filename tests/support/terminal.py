"""A terminal for the command to be started from, and somebody who types; and one that somebody looks at."""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import termios
import threading
from typing import Any

# What a shell does for a command: makes the terminal its own, and puts the command in front, or into the background.
_SHELL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if sys.argv[1] == "in the background":
    command = os.fork()
    if command:
        _, status = os.waitpid(command, 0)
        sys.exit(os.waitstatus_to_exitcode(status))
    os.setpgid(0, 0)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Terminal:
    """A pseudo-terminal. Give it to `start_locust`, in a `with`.

    Args:
        in_background: Whether a command is started as by `command &`.
    """

    def __init__(self, in_background: bool = False) -> None:
        self._side = "in the background" if in_background else "in front"
        self._keyboard, self.device = os.openpty()
        self._settings_at_first = self.settings

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._keyboard)
        os.close(self.device)

    def led_by(self, arguments: list[str]) -> list[str]:
        """The command line that starts the command of `arguments` from this terminal."""
        return [sys.executable, "-c", _SHELL, self._side, *arguments]

    def press(self, keys: str) -> None:
        """Type, as somebody at the keyboard would; `\\x03` is Ctrl-C."""
        os.write(self._keyboard, keys.encode())

    @property
    def settings(self) -> list[Any]:
        """How the terminal is set at present."""
        return termios.tcgetattr(self.device)

    @property
    def is_as_at_first(self) -> bool:
        """Whether it is set as it was before anybody used it."""
        return self.settings == self._settings_at_first


class Screen:
    """A pseudo-terminal of 120 columns that is looked at while a program draws on its `device`; use it in a `with`."""

    def __init__(self) -> None:
        self._eye, self.device = os.openpty()
        fcntl.ioctl(self.device, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
        self._seen = bytearray()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Screen:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.device)
        # The watcher has seen everything once nobody has the device any more.
        self._watcher.join()
        os.close(self._eye)

    def text(self) -> str:
        """What was drawn, with all that moves the cursor; whole after the `with`."""
        return self._seen.decode()

    def _watch(self) -> None:
        while True:
            try:
                piece = os.read(self._eye, 4096)
            except OSError:
                # Linux's word for the end.
                return
            if not piece:
                return
            self._seen += piece

"""A terminal for the command to be started from, and somebody who types."""

from __future__ import annotations

import os
import sys
import termios
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

"""Keys that are pressed in the terminal while a test runs: more users, fewer users.

The terminal is switched to handing out each key as it is pressed, without showing it, and is given back at the end of the
process, however that comes. Ctrl-C stays what it is.

Only the terminal's foreground process group may read from it or change it; any other is stopped by the system for
trying. A test that was started by `&`, or sent to the background later, therefore keeps its hands off until it is in
front.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from rocust._kernel.green import give_way, sleep, wait_readable

logger = logging.getLogger("locust.main")

#: More keys than anybody presses at once.
_READ_BYTES = 1024
#: How often a test in the background looks whether it is in front, and one on Windows whether a key was pressed.
_LOOK_S = 0.5


def input_listener(key_to_func_map: Mapping[str, Callable[[], object]]) -> Callable[[], None]:
    """A function for a greenlet, which waits for keys on the terminal and calls what belongs to them.

    It returns at once when standard input is no terminal, and when the terminal has gone. What a call raises is logged.

    Args:
        key_to_func_map: A character to what is called, without arguments, when it comes.

    Differs from Locust: a test in the background is not stopped by it, and a key is seen at once, not within 0.2 seconds.
    """

    def listen() -> None:
        if sys.stdin is None or not sys.stdin.isatty():
            logger.debug("Terminal was not a tty. Keyboard input disabled")
            return
        for key in _keys():
            action = key_to_func_map.get(key)
            if action is None:
                continue
            try:
                action()
            except Exception:  # whatever the key does: the next one is heard
                logger.exception("The key %r could not be obeyed", key)
            # What it has begun should be under way when the next key asks how things are.
            give_way()

    return listen


def give_back_terminal() -> None:
    """Have the terminal as it was before; harmless when it was never taken. To be called where nothing else is run any more."""
    if _Taken.file is not None:
        import termios

        file, _Taken.file = _Taken.file, None
        with suppress(termios.error):
            termios.tcsetattr(file, termios.TCSANOW, _Taken.settings)


class _Taken:
    """The terminal as it was; there is one a process."""

    file: int | None = None
    settings: Any = None


def _keys() -> Iterator[str]:
    return _keys_of_windows() if os.name == "nt" else _keys_of_terminal(sys.stdin.fileno())


def _keys_of_terminal(file: int) -> Iterator[str]:
    import termios

    atexit.register(give_back_terminal)
    try:
        while True:
            while not _is_in_front(file):
                sleep(_LOOK_S)
            _take(file)
            wait_readable(file)
            if not _is_in_front(file):
                continue  # the keys are somebody else's
            pressed = os.read(file, _READ_BYTES)
            if not pressed:
                return
            yield from pressed.decode(errors="replace")
    except (OSError, termios.error) as error:
        logger.debug("The terminal has gone, keyboard input disabled: %s", error)
    finally:
        give_back_terminal()


def _is_in_front(file: int) -> bool:
    """Whether this process may read from the terminal and change it."""
    try:
        return os.tcgetpgrp(file) == os.getpgrp()
    except OSError:
        return True  # not the terminal that this process is controlled by, so nobody stops it for using that


def _take(file: int) -> None:
    import termios
    import tty

    if _Taken.file is None:
        _Taken.settings = termios.tcgetattr(file)
        _Taken.file = file
    tty.setcbreak(file, termios.TCSANOW)


def _keys_of_windows() -> Iterator[str]:
    import msvcrt

    while True:
        while msvcrt.kbhit():  # type: ignore[attr-defined,unused-ignore]
            yield msvcrt.getwch()  # type: ignore[attr-defined,unused-ignore]
        sleep(_LOOK_S)

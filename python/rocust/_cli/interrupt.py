"""Ctrl-C and SIGTERM, while a test runs.

The first one asks for an orderly end; SIGTERM sets a limit to it, and a second Ctrl-C ends at once. The handlers are
Python's own, not the loop's, so that the second Ctrl-C works even if a user computes without end and the loop never
turns; they touch nothing but what may be called from a signal handler. Neither is delivered as an exception: a task with
a bare `except:` would swallow it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from rocust._cli.keyboard import give_back_terminal
from rocust._cli.refusal import EXIT_INTERRUPTED, program_name
from rocust._kernel.green import get_hub

#: Shows the cursor and wraps lines again, in case a table was being redrawn.
_PLAIN_TERMINAL = "\x1b[?25h\x1b[?7h"


class Interrupts:
    """Listens to SIGINT and SIGTERM from `listen()` on, and says which one came first.

    Args:
        ask_to_end: Called in the loop, once, when the first of them comes.
        hurry: Called in the signal handler whenever SIGTERM comes.
    """

    def __init__(self, ask_to_end: Callable[[], None], hurry: Callable[[], None]) -> None:
        self._ask_to_end = ask_to_end
        self._hurry = hurry
        #: The first signal that came; None as long as none did.
        self.received: signal.Signals | None = None

    def listen(self) -> None:
        """Take both signals over.

        A SIGINT that is ignored (the command was started in the background by a shell) or that the locustfile handles
        itself is left alone.
        """
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, number: int, _frame: Any) -> None:
        if number == signal.SIGTERM:
            self._hurry()
        if self.received is None:
            self.received = signal.Signals(number)
            get_hub().loop.run_callback_threadsafe(self._ask_to_end)
        elif number == signal.SIGINT:
            end_at_once()


def end_at_once() -> None:
    """End the process now, whatever its users are doing: no `on_stop`, no events, no tables."""
    give_back_terminal()
    plain_terminal = _PLAIN_TERMINAL if sys.stderr.isatty() else ""
    sentence = f"{program_name()}: interrupted again, ending at once: users were not stopped, results are not printed."
    os.write(
        sys.__stderr__.fileno() if sys.__stderr__ else 2,
        f"{plain_terminal}\n{sentence}\n".encode(),
    )
    os._exit(EXIT_INTERRUPTED)

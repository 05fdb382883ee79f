"""How the command says no: one sentence on stderr (what happened, to whom, what to do next) and an exit code."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable
from typing import NoReturn

#: Something in the locustfile or its surroundings makes a test impossible.
EXIT_CANNOT_RUN = 1
#: The command line (or environment variable, or configuration file) is wrong.
EXIT_USAGE = 2
#: The compiled module has panicked: Rocust's own fault.
EXIT_PANIC = 2
#: Ended by Ctrl-C before, or without, an orderly end: 128 + SIGINT, as shells say it.
EXIT_INTERRUPTED = 130


def program_name() -> str:
    """What the command was called as, for messages: `rocust`, also for `python -m rocust`."""
    name = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "rocust"
    return "rocust" if name in ("__main__.py", "-m", "-c") else name


def refuse(sentence: str, exit_code: int = EXIT_CANNOT_RUN) -> NoReturn:
    """Write the sentence to stderr and end the process with `exit_code`."""
    sys.stderr.write(sentence.rstrip("\n") + "\n")
    sys.exit(exit_code)


def refuse_usage(sentence: str) -> NoReturn:
    """Refuse a command line, in the form every command line tool has: `rocust: error: sentence`, exit code 2."""
    refuse(f"{program_name()}: error: {sentence}", EXIT_USAGE)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, whatever its case; None when nothing is close."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    matches = difflib.get_close_matches(word.casefold(), by_folded, n=1)
    return by_folded[matches[0]] if matches else None

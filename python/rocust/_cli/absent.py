"""What the command cannot do yet, and says so rather than pretend.

Options whose work is done by a room that does not exist yet are accepted by the parser, so that a command line written
for Locust is understood, and refused here by one sentence. A row goes when its room comes.
"""

from __future__ import annotations

from typing import Any

from rocust._cli.refusal import refuse_usage

_DISTRIBUTED = "running a test in several processes is not there yet"

#: Destination of the option -> (the option, what is missing, what to do instead).
_ABSENT = {
    "master": (
        "--master",
        _DISTRIBUTED,
        "Remove it to run the test in this process alone.",
    ),
    "worker": (
        "--worker",
        _DISTRIBUTED,
        "Remove it to run the test in this process alone.",
    ),
    "processes": (
        "--processes",
        _DISTRIBUTED,
        "Remove it to run the test in this process alone.",
    ),
}

_NO_WEB_PAGE = (
    "the web page is not there yet: add --headless to start the test at once from the command line, "
    "with -u, -r and -t for the number of users, the spawn rate and the run time."
)


def refuse_absent_options(options: Any) -> None:
    """End the process with exit code 2 if one of the options asks for what is not there yet."""
    for destination, (option, missing, instead) in _ABSENT.items():
        if getattr(options, destination, None):
            refuse_usage(f"argument {option}: {missing}. {instead}")


def refuse_web_page() -> None:
    """End the process with exit code 2: a run without `--headless` was asked for."""
    refuse_usage(_NO_WEB_PAGE)

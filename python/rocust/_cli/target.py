"""`rocust demo-target`: the small HTTP server of the wheel, something to shoot at without installing anything."""

from __future__ import annotations

import argparse

from rocust._cli.refusal import program_name, refuse

_HIGHEST_PORT = 65_535
_LONGEST_DELAY_MS = 3_600_000


def serve(arguments: list[str]) -> None:
    """Parse the arguments of the subcommand and serve until Ctrl-C or SIGTERM."""
    options = _parser().parse_args(arguments)
    from rocust import _core

    try:
        _core.demo_target(options.host, options.port, options.delay, options.status, _announce)
    except OSError as error:
        refuse(
            f"{program_name()} demo-target: error: cannot listen on {options.host}:{options.port}: {error}. "
            "hint: choose another --port."
        )


def _announce(url: str) -> None:
    print(f"Answering at {url} until Ctrl-C.", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program_name()} demo-target",
        description="A small HTTP server to try load tests on. It answers 13 bytes to everything, and at /count how "
        "many requests it has served.",
    )
    parser.add_argument(
        "--port",
        type=_port,
        required=True,
        metavar="<port>",
        help="Where it listens; 0: wherever there is room.",
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="<ip>", help="Defaults to 127.0.0.1.")
    parser.add_argument(
        "--delay",
        type=_milliseconds,
        default=0,
        metavar="<ms>",
        help="How long each answer takes. Defaults to 0.",
    )
    parser.add_argument("--status", type=_status, default=200, metavar="<code>", help="Defaults to 200.")
    return parser


def _port(text: str) -> int:
    return _integer_between(text, 0, _HIGHEST_PORT, "a port")


def _milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _LONGEST_DELAY_MS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of milliseconds (0 to {_LONGEST_DELAY_MS})")
    return value


def _status(text: str) -> int:
    return _integer_between(text, 200, 599, "an HTTP status")


def _integer_between(text: str, lowest: int, highest: int, what: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = lowest - 1
    if not lowest <= value <= highest:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what} ({lowest} to {highest})")
    return value

"""The ways in: the command `rocust`, `python -m rocust`, and what else they can run than a load test."""

from __future__ import annotations

import os
import runpy
import signal
import sys
import traceback
from typing import NoReturn

from rocust import _core
from rocust._cli.refusal import EXIT_INTERRUPTED, EXIT_PANIC, program_name, refuse

_DEMO_TARGET = "demo-target"
_PLUGINS = "locust_plugins"


def main() -> NoReturn:
    """The command: run a load test, or `demo-target`; ends the process. Same as Locust."""
    if sys.argv[1:2] == [_DEMO_TARGET]:
        # Before anything is patched: it serves from threads, and knows nothing of greenlets.
        from rocust._cli.target import serve

        serve(sys.argv[2:])
        sys.exit(0)
    _become_locust()
    from rocust._cli.command import run_command

    try:
        _import_plugins()
        run_command()
    except KeyboardInterrupt:
        refuse(
            f"\n{program_name()}: interrupted before the test had started.",
            EXIT_INTERRUPTED,
        )
    except _core.Panic:
        traceback.print_exc()
        refuse(
            f"{program_name()}: Rocust itself has failed, in its compiled module; please report this, with the traceback above.",
            EXIT_PANIC,
        )
    finally:
        _keep_exit_code()


def run_module() -> NoReturn:
    """`python -m rocust`: the command, or, if a Python file comes first, that file, with Rocust as its `locust`."""
    if sys.argv[1:] and sys.argv[1].endswith(".py"):
        run_script(sys.argv[1], sys.argv[2:])
        sys.exit(0)
    main()


def run_script(path: str, arguments: list[str]) -> None:
    """Run a Python file as `python path arguments` would, but with Rocust under the name of Locust.

    Args:
        path: The file.
        arguments: What it finds in `sys.argv[1:]`.
    """
    if not os.path.isfile(path):
        refuse(
            f"{program_name()}: error: can't open file '{path}': there is no such file.",
            2,
        )
    _become_locust()
    sys.argv[:] = [path, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    runpy.run_path(path, run_name="__main__")


def _become_locust() -> None:
    """What `import locust` does, and a bare `import rocust` does not: patch, and answer to that name."""
    from rocust._kernel import patch

    patch.apply()
    from rocust._compat.alias import install
    from rocust._compat.deprecated import show_deprecations

    install()
    show_deprecations()


def _keep_exit_code() -> None:
    """Have no Ctrl-C change the exit code any more, now that it is decided; a test that has run listens to it by itself."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _import_plugins() -> None:
    """Import locust-plugins if it is installed, so that it can add its options; its own errors are not hidden."""
    try:
        __import__(_PLUGINS)
    except ModuleNotFoundError as error:
        if error.name != _PLUGINS:
            raise

"""The progress bar of `AsyncClient.map`: drawn on a real terminal, by either library, and never into a pipe."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import run_python
from support.script import Route
from support.server import ScriptedServer
from support.terminal import Screen

pytestmark = pytest.mark.ours("has no asynchronous client")

# Arguments: the server, the library that is there, and what `progress` is.
SCRIPT = """
import asyncio
import sys

url, library, progress = sys.argv[1:]
for other in {"tqdm", "rich"} - {library}:
    sys.modules[other] = None  # As if it were not installed.

import rocust

async def main():
    async with rocust.AsyncClient(url) as client:
        paths = ["/"] * 30 + ["/missing"] * 10
        settings = {} if progress == "by default" else {"progress": progress == "True"}
        print("ANSWERED", len([response async for response in client.map(paths, **settings)]))

asyncio.run(main())
"""
TERMINAL = {"TERM": "xterm-256color", "PYTHONUTF8": "1"}


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with ScriptedServer({"/": Route(), "/missing": Route(status=404)}) as server:
        yield server.url


def on_a_terminal(directory: Path, target: str, library: str, progress: str = "by default") -> str:
    """What the script draws on the terminal that its standard error is."""
    script = directory / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with Screen() as screen:
        ended = subprocess.run(
            [sys.executable, str(script), target, library, progress],
            stdout=subprocess.PIPE, stderr=screen.device, env={**os.environ, **TERMINAL}, text=True, timeout=60, check=False,
        )  # fmt: skip
    drawn = screen.text()
    assert (ended.returncode, ended.stdout) == (0, "ANSWERED 40\n"), drawn
    return drawn


@pytest.mark.parametrize(
    ("library", "last"),
    [("tqdm", r"100%\|█+\| 40/40 \[.*requests/s, failed=10\]"), ("rich", r"requests .*━+.* .*100%")],
)
def test_it_is_drawn_on_a_terminal(tmp_path: Path, target: str, library: str, last: str) -> None:
    drawn = on_a_terminal(tmp_path, target, library)
    assert re.search(last, drawn), drawn
    assert re.search(r"\b0%", drawn), "it is there from the beginning"


def test_it_is_not_drawn_where_it_is_not_wanted(tmp_path: Path, target: str) -> None:
    assert on_a_terminal(tmp_path, target, "tqdm", "False") == ""


def test_a_terminal_without_a_library_for_it_stays_empty(tmp_path: Path, target: str) -> None:
    assert on_a_terminal(tmp_path, target, "neither") == ""


@pytest.mark.parametrize("library", ["tqdm", "rich"])
def test_nothing_is_printed_into_a_pipe(target: str, library: str) -> None:
    result = run_python(SCRIPT, target, library, "by default", env=TERMINAL)
    assert (result.returncode, result.stdout, result.stderr) == (0, "ANSWERED 40\n", "\n")


def test_it_is_drawn_into_a_pipe_that_asks_for_it(target: str) -> None:
    result = run_python(SCRIPT, target, "tqdm", "True", env=TERMINAL)
    assert result.returncode == 0, result.stderr
    assert "40/40" in result.stderr


def test_who_asks_for_it_hears_what_is_missing(target: str) -> None:
    result = run_python(SCRIPT, target, "neither", "True")
    assert result.returncode == 1
    assert "ImportError: A progress bar needs tqdm or rich. hint: pip install 'rocust[progress]'" in result.stderr

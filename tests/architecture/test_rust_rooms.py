"""Where things may stand in `src/`: imports go down only, Python is known to the bindings alone.

A reader of text, not of Rust: it looks for `crate::<room>` outside comments, which is how rooms name each other here.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
FILES = sorted(SOURCE.rglob("*.rs"))
MAY_USE = {
    "bindings": {"engine", "http", "stats", "plan", "demo", "error", "ids"},
    "engine": {"http", "stats", "plan", "error", "ids"},
    "http": {"error", "ids"},
    "stats": {"error", "ids"},
    "plan": {"error", "ids"},
    "demo": set(),
    "error": set(),
    "ids": set(),
}
GROUP = re.compile(r"crate::\{([^;]*)\};")
NAMED = re.compile(r"\bcrate::(\w+)")


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".rs")


def code_of(path: Path) -> str:
    """The file without its comments."""
    return re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))


def rooms_named_in(code: str) -> set[str]:
    """Rooms after `crate::`, singly or in braces."""
    grouped = [re.sub(r"\{[^{}]*\}", "", inside) for inside in GROUP.findall(code)]
    return set(NAMED.findall(code)) | {
        re.split(r"\W", part.strip())[0] for inside in grouped for part in inside.split(",") if part.strip()
    }


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.name != "lib.rs"], ids=lambda path: str(path.relative_to(SOURCE))
)
def test_imports_go_down_only(path: Path) -> None:
    room = room_of(path)
    assert room in MAY_USE, f"{room} is no room: give it a place in ARCHITECTURE.md and here"
    assert rooms_named_in(code_of(path)) - {room} <= MAY_USE[room]


def test_the_reader_sees_both_ways_of_naming() -> None:
    code = "use crate::stats::Sample;\nuse crate::{http::{Request, Response}, plan::Wait, ids};\n"
    assert rooms_named_in(code) == {"stats", "http", "plan", "ids"}


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if room_of(path) not in ("bindings", "lib")],
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_only_the_bindings_know_python(path: Path) -> None:
    assert "pyo3" not in code_of(path)


def test_the_bindings_have_no_tests_of_their_own() -> None:
    """They would have to link libpython, which many Pythons lack: `cargo test` would not run them, so Python does."""
    assert [path for path in FILES if room_of(path) == "bindings" and "#[test]" in code_of(path)] == []

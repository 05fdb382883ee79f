"""Where things may stand in `python/rocust`: rooms under faces, gevent in one room, exits in another."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "python"
PACKAGE = PYTHON / "rocust"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = [path for path in MODULES if path.relative_to(PACKAGE).parts[0].startswith("_") and path.parent != PACKAGE]
ROOMS += [
    path for path in MODULES if path.parent == PACKAGE and path.stem.startswith("_") and not path.stem.startswith("__")
]
# `rocust/__init__.py` imports names when they are first used, `__main__.py` is a program: both are more than a face.
FACES = [
    path for path in MODULES if path not in ROOMS and path not in (PACKAGE / "__init__.py", PACKAGE / "__main__.py")
]


def name_of(path: Path) -> str:
    parts = path.relative_to(PYTHON).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FACE_NAMES = {name_of(path) for path in FACES}

MAY_EXIT_TOO = {
    "rocust._stats.settings": "Locust's public validate_stats_configuration ends the process itself",
}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported_by(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of whatever the module imports, inside functions and for type checkers too."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def test_both_kinds_are_found() -> None:
    assert {"rocust.stats", "rocust.runners", "rocust.contrib.fasthttp"} <= FACE_NAMES
    assert {"_cli", "_run", "_kernel", "_errors.py"} <= {room_of(path) for path in ROOMS}


def test_rooms_import_downwards_only() -> None:
    lint = [Path(sys.executable).with_name("lint-imports"), "--config", ROOT / "pyproject.toml", "--no-cache"]
    environment = os.environ | {"NO_COLOR": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        lint, cwd=PYTHON, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("path", ROOMS, ids=name_of)
def test_a_room_imports_no_face(path: Path) -> None:
    # The face itself, or a name out of it: `from rocust import stats`, `from rocust.stats import x`.
    found = [(line, name) for line, name in imported_by(path) if {name, name.rpartition(".")[0]} & FACE_NAMES]
    assert found == []


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) != "_kernel"], ids=name_of)
def test_only_the_kernel_imports_gevent(path: Path) -> None:
    assert [(line, name) for line, name in imported_by(path) if name.split(".")[0] == "gevent"] == []


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) != "_cli"], ids=name_of)
def test_only_the_command_ends_the_process(path: Path) -> None:
    if name_of(path) in MAY_EXIT_TOO:
        return
    endings = {"sys.exit", "os._exit", "exit", "quit"}
    found = []
    for node in ast.walk(tree_of(path)):
        if (isinstance(node, ast.Call) and ast.unparse(node.func) in endings) or (
            isinstance(node, ast.Raise) and node.exc is not None and ast.unparse(node.exc).startswith("SystemExit")
        ):
            found.append((node.lineno, ast.unparse(node)))
    assert found == []


def is_face_statement(node: ast.stmt) -> bool:
    """A docstring, an import, or a name that gets a value: settings are assigned to, so the face holds them."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())) | ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(targets=[ast.Name()]) | ast.AnnAssign(target=ast.Name()):
            return not any(isinstance(part, ast.Lambda | ast.IfExp | ast.comprehension) for part in ast.walk(node))
        case ast.If(test=ast.Name("TYPE_CHECKING"), orelse=[]):
            return all(isinstance(part, ast.Import | ast.ImportFrom) for part in node.body)
        case _:
            return False


@pytest.mark.parametrize("path", FACES, ids=name_of)
def test_a_face_holds_no_logic(path: Path) -> None:
    tree = tree_of(path)
    assert ast.get_docstring(tree), "a face says what it shows"
    assert [ast.unparse(node) for node in tree.body if not is_face_statement(node)] == []


@pytest.mark.parametrize("path", FACES, ids=name_of)
def test_a_face_lists_what_it_shows(path: Path) -> None:
    # ruff holds the order of `__all__`; here, that it is there and true.
    tree = tree_of(path)
    if len(tree.body) == 1:
        return  # a docstring alone: a package that holds other faces
    lists = [n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__"]
    assert len(lists) == 1
    listed = ast.literal_eval(lists[0])
    bound = {
        alias.asname or alias.name for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom) for alias in n.names
    }
    bound |= {ast.unparse(n.targets[0]) for n in tree.body if isinstance(n, ast.Assign)}
    bound |= {ast.unparse(n.target) for n in tree.body if isinstance(n, ast.AnnAssign)}
    assert set(listed) <= bound
    assert len(set(listed)) == len(listed)


def test_pytest_plugin_loads_without_the_package() -> None:
    """Every run of pytest in an environment that has Rocust loads it."""
    told = subprocess.run(
        [sys.executable, "-c", "import sys, pytest_rocust.plugin; print(*sys.modules)"],
        cwd=PYTHON, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert {"rocust", "gevent", "requests", "pytest"}.isdisjoint(told.stdout.split())

"""Seed rows A1 and A4: installed by pip into an empty environment, and started without a page.

The wheel is built with the profile of `make develop` into the same `target`, so nothing is compiled twice; what is tested is
the packing, the metadata and the installed command, which the release profile does not change.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from support.script import Route
from support.server import ScriptedServer

CHECKOUT = Path(__file__).parents[2]
MATURIN = Path(sys.executable).with_name("maturin")
LIMIT_S = 1_200
VERSION = r"rocust (\S+) from (\S+) \(Python (\d+\.\d+\.\d+)\), with the Python API of Locust 2\.47\.0\n"

LOCUSTFILE = """
from locust import HttpUser, constant, task

class Visitor(HttpUser):
    wait_time = constant(0.1)

    @task
    def look(self):
        self.client.get("/hello")
"""


def run(*command: str | Path, directory: Path, limit_s: float = LIMIT_S) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with nothing of this checkout in its environment."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LOCUST_", "PYTHON")) and name != "VIRTUAL_ENV"
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=directory, env=inherited | {"HOME": str(directory)} if command[0] != MATURIN else inherited,
        capture_output=True, text=True, timeout=limit_s, check=False,
    )  # fmt: skip


@pytest.fixture(name="wheel", scope="module")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not MATURIN.exists() or shutil.which("cargo") is None:
        pytest.skip("maturin and cargo are needed to build a wheel")
    out = tmp_path_factory.mktemp("dist")
    options = ["--locked", "--profile", "fast", "--interpreter", sys.executable, "--out", out]
    built = run(MATURIN, "build", *options, directory=CHECKOUT)
    assert built.returncode == 0, built.stderr
    (wheel,) = out.glob("rocust-*.whl")
    return wheel


@pytest.fixture(name="home", scope="module")
def _home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that was empty, and has the wheel in it by now."""
    home = tmp_path_factory.mktemp("empty") / "env"
    venv.create(home, with_pip=True)
    bin_directory = home / ("Scripts" if os.name == "nt" else "bin")
    installed = subprocess.run(
        [bin_directory / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel],
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr
    return bin_directory


@pytest.mark.timeout(LIMIT_S)
def test_seed_a1_a_wheel_installs_and_tells_its_version(home: Path, wheel: Path, tmp_path: Path) -> None:
    told = run(home / "rocust", "-V", directory=tmp_path)
    assert told.returncode == 0, told.stderr
    match = re.fullmatch(VERSION, told.stdout)
    assert match, told.stdout
    version, path, python = match.groups()
    assert version == wheel.name.split("-")[1]
    assert Path(path) == Path(path).resolve()
    assert Path(path).is_relative_to(home.parent.resolve()), "it is not the one that was installed"
    assert python == ".".join(map(str, sys.version_info[:3]))
    assert run(home / "python", "-m", "pip", "check", directory=tmp_path).returncode == 0
    plugins = run(home / "python", "-m", "pytest", "--help", directory=tmp_path).stdout
    assert "--host" in plugins, "pytest finds the plugin that makes users of test functions"


@pytest.mark.timeout(LIMIT_S)
def test_seed_a4_started_without_a_page(home: Path, tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    with ScriptedServer({"/hello": Route()}) as server:
        options = ["--headless", "--users", "5", "--spawn-rate", "5", "-t", "2", "-s", "10", "-H", server.url]
        done = run(home / "rocust", *options, directory=tmp_path, limit_s=120)
        server.settle()
        asked = server.count("/hello")
    assert done.returncode == 0, done.stderr
    assert 'All users spawned: {"Visitor": 5} (5 total users)' in done.stderr
    (aggregated,) = set(re.findall(r"Aggregated +(\d+) +0\(0\.00%\)", done.stderr[done.stderr.rindex("failures/s") :]))
    assert int(aggregated) == asked > 5

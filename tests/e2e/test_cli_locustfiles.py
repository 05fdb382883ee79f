"""Where locustfiles come from: several files, directories, the web, the environment, configuration files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.command import COMMAND, run_locust
from support.script import Route
from support.server import RefusingPort, ScriptedServer

USER = """
from locust import User, constant, events, task

class {name}(User):
    fixed_count = 1
    wait_time = constant(30)

    @task
    def work(self):
        print("{name} works", flush=True)
"""
LISTED = "Available Users:\n"


def listed(locustfile: str, directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What `-f locustfile --list` says, called from `directory`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    environment |= {"HOME": str(directory), "TMPDIR": str(directory)} | variables
    return subprocess.run(
        [*COMMAND, *(["-f", locustfile] if locustfile else []), "--list"],
        cwd=directory, env=environment, capture_output=True, text=True, timeout=40, check=False,
    )  # fmt: skip


def names_in(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    assert LISTED in done.stdout
    return sorted(line.strip() for line in done.stdout.partition(LISTED)[2].splitlines())


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> Path:
    (tmp_path / "locustfile.py").write_text(USER.format(name="Standard"))
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "deep").mkdir()
    (tmp_path / "shop" / "buyer.py").write_text("import prices\n" + USER.format(name="Buyer"))
    (tmp_path / "shop" / "prices.py").write_text("price = 3\n")
    (tmp_path / "shop" / "_helpers.py").write_text("raise AssertionError('it begins with an underscore')\n")
    (tmp_path / "shop" / "notes.txt").write_text("not Python\n")
    (tmp_path / "shop" / "deep" / "seller.py").write_text(USER.format(name="Seller"))
    return tmp_path


@pytest.mark.parametrize(
    ("locustfile", "names"),
    [
        ("", ["Standard"]),
        ("locustfile.py, shop/deep/seller.py", ["Seller", "Standard"]),
        ("shop", ["Buyer", "Seller"]),
        ("shop/deep,locustfile.py", ["Seller", "Standard"]),
    ],
)
def test_files_and_directories(files: Path, locustfile: str, names: list[str]) -> None:
    assert names_in(listed(locustfile, files)) == names


def test_the_environment_and_configuration_files_name_it_too(files: Path) -> None:
    assert names_in(listed("", files, LOCUST_LOCUSTFILE="shop/deep/seller.py")) == ["Seller"]
    (files / "locust.conf").write_text("locustfile = shop/buyer.py\n")
    assert names_in(listed("", files)) == ["Buyer"]
    (files / "pyproject.toml").write_text('[tool.locust]\nlocustfile = "shop"\n')
    assert names_in(listed("", files)) == ["Buyer", "Seller"]
    assert names_in(listed("locustfile.py", files)) == ["Standard"]


def test_one_class_found_by_two_ways_counts_once_and_two_of_a_name_are_refused(files: Path) -> None:
    (files / "again.py").write_text("from locustfile import Standard\n")
    assert names_in(listed("locustfile.py,again.py", files)) == ["Standard"]
    (files / "other.py").write_text(USER.format(name="Standard"))
    done = listed("locustfile.py,other.py", files)
    assert done.returncode == 1
    assert "Duplicate user class names: Standard is defined in both" in done.stderr


def test_a_file_on_the_web_is_fetched_and_removed(files: Path) -> None:
    own = USER.format(name="Remote") + "print(f'loaded from {__file__}')\n# gr\xfc\xdfe\n"
    routes = {"/tests/remote.py": Route(body=own.encode().decode("latin-1"), headers=(("Content-Type", "text/plain"),))}
    with ScriptedServer(routes) as server:
        done = listed(f"{server.url}/tests/remote.py,locustfile.py", files)
        assert server.count() == 1
    assert names_in(done) == ["Remote", "Standard"]
    path = Path(done.stdout.partition("loaded from ")[2].splitlines()[0])
    assert path.name == "remote.py"
    assert not path.exists()


@pytest.mark.ours("files of one name beside each other")
def test_files_of_one_name_on_the_web_do_not_overwrite_each_other(files: Path) -> None:
    routes = {f"/{name}/locustfile.py": Route(body=USER.format(name=name)) for name in ("One", "Two")}
    with ScriptedServer(routes) as server:
        done = listed(f"{server.url}/One/locustfile.py,{server.url}/Two/locustfile.py", files)
    assert names_in(done) == ["One", "Two"]
    assert not list(files.glob("rocust-*")), "a directory was left behind"


@pytest.mark.parametrize(
    ("route", "sentence"),
    [
        pytest.param(Route(status=404, body="x = 1"), "404", marks=pytest.mark.ours("heeding the status")),
        (Route(body="<html>log in first</html>"), "Response was not valid python code: '<html>log in"),
    ],
    ids=["an error page", "not Python"],
)
def test_what_is_no_locustfile_on_the_web_is_refused(files: Path, route: Route, sentence: str) -> None:
    with ScriptedServer({"/locustfile.py": route}) as server:
        done = listed(f"{server.url}/locustfile.py", files)
    assert done.returncode == 1
    assert "Failed to get locustfile from: http://127.0.0.1" in done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_not_there_is_named(files: Path) -> None:
    with RefusingPort() as refusing:
        done = listed(f"{refusing.url}/locustfile.py", files)
    assert done.returncode == 1
    assert "Failed to get locustfile from: http://127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_user_classes_are_chosen_by_name(files: Path) -> None:
    result = run_locust(files / "shop", "-t", "1", "-u", "2", "-r", "2", "Seller", "--headless", headless=False)
    assert result.returncode == 0, result.stderr
    assert "Seller works" in result.stdout
    assert "Buyer works" not in result.stdout
    result = run_locust(files / "shop", "-t", "1", "-u", "2", "-r", "2", env={"LOCUST_USER_CLASSES": "Buyer Seller"})
    assert {"Buyer works", "Seller works"} <= set(result.stdout.splitlines())

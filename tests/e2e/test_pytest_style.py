"""Locustfiles in pytest's style: one file that the command runs as users, and pytest as tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.command import PACKAGE, PYTHON, Result, run_locust
from support.script import Route
from support.server import ScriptedServer

ROUTES = {"/": Route(), "/absent": Route(status=404), "/never": Route()}

# Ends the run when the statistics have seen so many requests.
ENDING = """
import gevent
from locust import events

@events.init.add_listener
def init(environment, **_):
    def count(**_):
        if environment.stats.total.num_requests == LIMIT:
            gevent.spawn(environment.runner.quit)
    environment.events.request.add_listener(count)
"""

TESTS = (
    """
def test_first(session):
    session.get("/").raise_for_status()
    session.get("/absent").raise_for_status()
    session.get("/never")

def test_second(fastsession):
    with fastsession.get("/", catch_response=True, name="judged") as response:
        response.failure("not good enough")
    response.raise_for_status()
    fastsession.get("/never")

def helper(session):
    session.get("/never")
"""
    + ENDING
)


def run_pytest(file: Path, *args: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run pytest on a file, as its user would."""
    return subprocess.run(
        [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", *args, str(file)],
        cwd=file.parent, env={"PYTHONPATH": str(path or ""), "PATH": "", "HOME": str(file.parent)},
        capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip


def test_functions_are_users_and_begin_again_where_a_request_failed() -> None:
    with ScriptedServer(ROUTES) as server:
        result = run_locust(TESTS.replace("LIMIT", "30"), "-H", server.url, "-u", "2", "-r", "2")
        assert server.count("/never") == 0
    assert result.log_lines("INFO", "locust.runners")[1] == (
        'All users spawned: {"test_first": 1, "test_second": 1} (2 total users)'
    )
    first, absent, judged = result.entry("/"), result.entry("/absent"), result.entry("judged")
    assert first.failures == 0
    assert absent.failures == absent.requests
    assert judged.failures == judged.requests > 1
    assert first.requests - absent.requests in (0, 1)
    assert "Traceback" not in result.stderr
    assert result.returncode == 1


def test_positional_names_choose_the_functions() -> None:
    with ScriptedServer(ROUTES) as server:
        result = run_locust(TESTS.replace("LIMIT", "5"), "-H", server.url, "-u", "2", "-r", "2", "test_second")
    assert {entry["name"] for entry in result.probe["entries"]} == {"judged"}


def test_functions_are_listed_as_users() -> None:
    result = run_locust(TESTS.replace("LIMIT", "5"), "--list")
    assert [line.strip() for line in result.stdout.splitlines() if line.strip()] == [
        "Available Users:",
        "test_first",
        "test_second",
    ]


def test_file_with_a_user_class_is_not_asked_for_tests() -> None:
    user = "\nfrom locust import User\nclass Real(User):\n    pass\n"
    result = run_locust(TESTS.replace("LIMIT", "5") + user, "--list")
    assert "Real" in result.stdout
    assert "test_first" not in result.stdout


def test_pytest_runs_the_same_file_as_tests(tmp_path: Path) -> None:
    file = tmp_path / "test_pages.py"
    file.write_text(TESTS.replace("LIMIT", "5").replace("locust", PACKAGE))
    with ScriptedServer(ROUTES) as server:
        ended = run_pytest(file, "-H", server.url)
        asked = [exchange.path for exchange in server.journal()]
    assert asked == ["/", "/absent", "/"]
    assert "2 failed" in ended.stdout, ended.stdout + ended.stderr
    assert "404" in ended.stdout
    assert "CatchResponseError: not good enough" in ended.stdout


def test_without_a_host_whole_urls_are_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "test_pages.py"
    with ScriptedServer(ROUTES) as server:
        file.write_text(
            "def test_page(session, fastsession):\n"
            "    assert not session.base_url and not fastsession.base_url\n"
            f"    session.base_url = '{server.url}'\n"
            "    assert session.get('/').status_code == 200\n"
            f"    assert fastsession.get('{server.url}/').status_code == 200\n"
        )
        ended = run_pytest(file)
        assert server.count("/") == 2
    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr


def failing(body: str, *args: str) -> Result:
    """A run of one function, beside one that ends the run."""
    return run_locust(
        body + "\nimport time\ndef test_other(session):\n    time.sleep(0.01)\n    session.get('/')\n"
        + ENDING.replace("LIMIT", "10"), "-u", "2", "-r", "2", *args,
    )  # fmt: skip


@pytest.mark.ours("prints the traceback and forgets the exception")
@pytest.mark.parametrize(
    "statement", ["assert 1 == 2, 'arithmetic'", "raise ValueError('arithmetic')", "pytest.fail('arithmetic')"]
)
def test_other_exception_ends_the_user_and_is_in_the_books(statement: str) -> None:
    with ScriptedServer(ROUTES) as server:
        result = failing(f"import pytest\ndef test_wrong(session):\n    {statement}\n", "-H", server.url)
    (exception,) = result.probe["exceptions"]
    assert exception["count"] == 1
    assert "arithmetic" in exception["msg"]
    assert statement in exception["traceback"]
    assert statement in result.stderr
    assert result.returncode == 1
    assert result.total.requests >= 10, "the other user goes on"


@pytest.mark.ours("prints the traceback of a skip")
def test_skipped_function_ends_its_user_quietly() -> None:
    with ScriptedServer(ROUTES) as server:
        result = failing(
            "import pytest\ndef test_not_here(session):\n    pytest.skip('no such page')\n", "-H", server.url
        )
    assert "A test_not_here was skipped and ends: no such page" in result.log_lines("INFO", "locust.user.users")
    assert result.probe["exceptions"] == []
    assert result.returncode == 0


FIXTURES = """
import pytest, time

@pytest.fixture
def of_the_user(user=None):
    yield "user" if user is not None else "pytest"

@pytest.fixture
def logged_in(session):
    session.post("/login")
    yield session
    session.post("/logout")

@pytest.mark.parametrize("page", ["/a"])
def test_pages(logged_in, of_the_user, page):
    logged_in.get(page, name=of_the_user)
    time.sleep(0.2)
    logged_in.get("/last")
"""


@pytest.mark.ours("calls fixtures with the user, whatever they ask for")
def test_fixtures_are_made_for_each_user_and_cleaned_up_when_it_ends() -> None:
    """The user is told to stop in the middle of its function, and ends when that returns."""
    with ScriptedServer({path: Route() for path in ("/login", "/logout", "/a", "/last")}) as server:
        result = run_locust(
            FIXTURES + ENDING.replace("LIMIT", "4"), "-H", server.url, "-u", "1", "-s", "20",
        )  # fmt: skip
        asked = [exchange.path for exchange in server.journal()]
    assert asked == ["/login", "/a", "/last", "/a", "/last", "/logout"]
    assert result.entry("user").requests == 2
    assert result.returncode == 0


def test_the_same_fixtures_serve_pytest(tmp_path: Path) -> None:
    file = tmp_path / "test_pages.py"
    file.write_text(FIXTURES)
    with ScriptedServer({path: Route() for path in ("/login", "/logout", "/a", "/last")}) as server:
        ended = run_pytest(file, "--host", server.url)
        assert [exchange.path for exchange in server.journal()] == ["/login", "/a", "/last", "/logout"]
    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr


@pytest.mark.ours("ends with a traceback")
@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("nothing", "Could not find fixture for parameter 'nothing' in test_page"),
        ("tmp_path", "The fixture 'tmp_path' that test_page asks for is pytest's own"),
    ],
)
def test_argument_that_cannot_be_made_is_refused(argument: str, sentence: str) -> None:
    result = run_locust(f"def test_page({argument}):\n    pass\n", probe=False)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.ours("has no sentence of its own for it")
def test_file_that_pytest_cannot_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "test_page.py"
    file.write_text("def test_page(session):\n    pass\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('broken house')\n")
    result = run_locust(file)
    assert result.returncode == 1
    assert "broken house" in result.stderr
    assert "no tests ran" not in result.stdout
    assert result.stderr.splitlines()[-1] == f"Could not load '{file}' as a file of pytest tests, see above."


@pytest.mark.parametrize(
    "setting",
    [
        "addopts = --no-such-option",
        pytest.param("filterwarnings = error", marks=pytest.mark.ours("is itself warned of")),
    ],
)
def test_settings_for_runs_of_tests_are_no_hindrance(setting: str, tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{setting}\n")
    file = tmp_path / "test_page.py"
    file.write_text(TESTS.replace("LIMIT", "3"))
    with ScriptedServer(ROUTES) as server:
        result = run_locust(file, "-H", server.url, "-u", "2", "-r", "2", "--exit-code-on-error", "0")
        assert server.count() >= 3
    assert result.returncode == 0, result.stderr


@pytest.mark.ours("patches when a fixture is used")
def test_plugin_imports_nothing_until_a_fixture_is_used_and_never_patches(tmp_path: Path) -> None:
    file = tmp_path / "test_house.py"
    file.write_text(
        "import sys\n"
        "def test_before(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.has_plugin('rocust')\n"
        "    assert {'rocust', 'gevent', 'requests'}.isdisjoint(sys.modules)\n"
        "def test_then(session):\n"
        "    from gevent import monkey\n"
        "    assert 'rocust' in sys.modules and not monkey.is_module_patched('socket')\n"
    )
    ended = run_pytest(file, "-W", "error")
    assert "2 passed" in ended.stdout, ended.stdout + ended.stderr


@pytest.mark.ours("has another plugin")
def test_option_of_somebody_else_is_used(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(
        "def pytest_addoption(parser):\n    parser.getgroup('theirs').addoption('--host', default='http://theirs')\n"
    )
    file = tmp_path / "test_house.py"
    file.write_text("def test_page(session):\n    assert session.base_url == 'http://theirs'\n")
    ended = run_pytest(file, "-p", "theirs", path=tmp_path)
    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr


# As stock Locust's: found by the name "locust" among the entry points, with an option and fixtures of the same names.
NEIGHBOUR = """
import pytest

@pytest.fixture
def session(user=None):
    yield "the neighbour's"

def pytest_addoption(parser):
    try:
        parser.addoption("--host", "-H", default=None)
    except ValueError as error:
        assert "already added" in str(error)
"""


@pytest.mark.ours("is the neighbour")
def test_stock_locust_may_be_installed_beside_it(tmp_path: Path) -> None:
    installed = tmp_path / "site"
    (installed / "locust-2.47.0.dist-info").mkdir(parents=True)
    (installed / "locust-2.47.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: locust\nVersion: 2.47.0\n"
    )
    (installed / "locust-2.47.0.dist-info" / "entry_points.txt").write_text(
        "[pytest11]\nlocust = the_neighbours_plugin\n"
    )
    (installed / "the_neighbours_plugin.py").write_text(NEIGHBOUR)
    file = tmp_path / "test_house.py"
    file.write_text(
        "def test_host(pytestconfig):\n"
        "    assert pytestconfig.getoption('--host') == 'http://somewhere'\n"
        "    assert pytestconfig.pluginmanager.has_plugin('rocust')\n"
        "def test_session(session):\n"
        '    assert session == "the neighbour\'s"\n'
    )
    ended = run_pytest(file, "-H", "http://somewhere", path=installed)
    assert "2 passed" in ended.stdout, ended.stdout + ended.stderr
    with ScriptedServer(ROUTES) as server:
        result = run_locust(
            "def test_page(session):\n    session.get('/')\n" + ENDING.replace("LIMIT", "3"),
            "-H", server.url, env={"PYTHONPATH": str(installed)},
        )  # fmt: skip
        assert server.count("/") >= 3
    assert result.returncode == 0, result.stderr

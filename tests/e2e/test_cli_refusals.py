"""Bad input, as a user types it: one sentence that says what to do next, the right exit code, no traceback of ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import Result, run_locust

pytestmark = pytest.mark.ours("its own sentences and exit codes for bad input")

SHOP = """
from locust import HttpUser, User, task, tag

class Buyer(HttpUser):
    host = "http://127.0.0.1:9"

    @tag("cart")
    @task
    def buy(self):
        raise AssertionError("no user may be born")

class Seller(User):
    @tag("offer")
    @task
    def sell(self):
        raise AssertionError("no user may be born")
"""

HOMELESS = """
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    def look(self):
        raise AssertionError("no user may be born")
"""


def refused(result: Result, exit_code: int, *sentences: str) -> None:
    assert result.returncode == exit_code, result.stderr
    for sentence in sentences:
        assert sentence in result.stderr
    assert "no user may be born" not in result.stderr
    assert "rocust/_" not in result.stderr, "a traceback of ours"
    assert result.told is None, "the test was started"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        (["-u", "abc"], 2, "argument -u/--users: invalid int value: 'abc'"),
        (["-u", "-5"], 2, "argument -u/--users: must be 0 or more"),
        (["-r", "0"], 2, "argument -r/--spawn-rate: must be > 0"),
        (["-r", "nan"], 2, "argument -r/--spawn-rate: must be a finite number"),
        (["-t", "-5"], 2, "argument -t/--run-time: Invalid time span format"),
        (["-t", "soon"], 2, "argument -t/--run-time: Invalid time span format"),
        (["--user", "1", "--headles5"], 2, "Did you mean '--headless'?"),
        (["--xyzzy"], 2, "unrecognized arguments: --xyzzy"),
        (["-H", "localhost:8000"], 2, "did you mean 'http://localhost:8000'?"),
        (["-H", "htp://x"], 2, "did you mean 'http://x'?"),
        (["--config", "gone.conf"], 2, "Unable to open config file: gone.conf"),
        (["--logfile", "/dev/null/log"], 2, "unable to write to '/dev/null/log'"),
        (
            ["--config-users", '{"weight": 1}'],
            2,
            "The user config must specify a user_class_name",
        ),
        (
            ["--config-users", '{"user_class_name": "Byuer"}'],
            255,
            "Did you mean 'Buyer'?",
        ),
        (["--csv-full-history"], 2, "'--csv-full-history' requires '--csv'."),
        (["--csv", "/dev/null/results"], 2, "argument --csv: unable to write to '/dev/null/results'"),
        (["--html", "/dev/null/report.html"], 2, "argument --html: unable to write to '/dev/null/report.html'"),
        (["--json-file", "/dev/null/out"], 2, "argument --json-file: unable to write to '/dev/null/out'"),
        (
            ["--master"],
            2,
            "argument --master: running a test in several processes is not there yet",
        ),
        (
            ["--worker"],
            2,
            "argument --worker: running a test in several processes is not there yet",
        ),
        (
            ["--processes", "2"],
            2,
            "argument --processes: running a test in several processes is not there yet",
        ),
        (
            ["--autoquit", "3"],
            1,
            "--autoquit is only meaningful in combination with --autostart",
        ),
        (["Byuer"], 1, "Unknown User(s): Byuer. Did you mean 'Buyer'?"),
        (["shop.py"], 1, "A locustfile is given with -f:"),
        (
            ["--tags", "crat"],
            1,
            "No tasks defined on Buyer, Seller are left to run with --tags crat. The tags there are: cart, offer.",
        ),
        (
            ["--exclude-tags", "cart", "offer"],
            1,
            "No tasks defined on Buyer, Seller are left to run with --exclude-tags cart offer.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_command_line(arguments: list[str], exit_code: int, sentence: str) -> None:
    refused(run_locust(SHOP, *arguments), exit_code, sentence)


def test_missing_file() -> None:
    refused(
        run_locust(Path("gone.py")),
        1,
        "Could not find 'gone.py'. Ensure your locustfile ends with '.py'",
    )


def test_not_a_python_file(tmp_path: Path) -> None:
    path = tmp_path / "shop.txt"
    path.write_text(SHOP)
    refused(
        run_locust(path),
        1,
        f"Could not find '{path}' as a Python file",
        "ends with '.py'",
    )


def test_directory_without_locustfiles(tmp_path: Path) -> None:
    refused(
        run_locust(tmp_path),
        1,
        f"Could not find any locustfiles in directory '{tmp_path}'",
    )


@pytest.mark.parametrize(
    ("text", "own_words", "sentence"),
    [
        ("class Buyer(:\n", "SyntaxError", "it is not valid Python, see line 1 above."),
        (
            "import not_installed_anywhere\n",
            "ModuleNotFoundError",
            "pip install not_installed_anywhere",
        ),
        (
            "def shop():\n    raise ValueError('closed')\nshop()\n",
            "ValueError: closed",
            "raised ValueError",
        ),
    ],
    ids=["syntax error", "missing module", "exception"],
)
def test_locustfile_that_raises_keeps_its_own_traceback(text: str, own_words: str, sentence: str) -> None:
    result = run_locust(text, probe=False)
    refused(result, 1, own_words, 'locustfile.py", line ', sentence)
    assert "importlib" not in result.stderr


def test_no_user_class() -> None:
    result = run_locust("from locust import User\n\nclass Base(User):\n    abstract = True\n")
    refused(
        result,
        1,
        "No User class found! locustfile.py declares none that can be spawned",
    )


def test_no_weight_left() -> None:
    result = run_locust("from locust import User\n\nclass Idle(User):\n    weight = 0\n")
    refused(result, 1, "There are no users with weight > 0.")


def test_no_host() -> None:
    refused(
        run_locust(HOMELESS, "-t", "1"),
        1,
        "You must specify the base host.",
        "Visitor",
        "--host",
    )


def test_no_web_page_yet() -> None:
    refused(
        run_locust(SHOP, headless=False),
        2,
        "the web page is not there yet: add --headless",
    )


def test_wrong_environment_variable() -> None:
    refused(
        run_locust(SHOP, env={"LOCUST_USERS": "many"}),
        2,
        "argument -u/--users: invalid int value: 'many'",
    )


def test_wrong_option_of_a_locustfile() -> None:
    text = (
        "from locust import events\n"
        "@events.init_command_line_parser.add_listener\n"
        "def add(parser, **_):\n"
        "    parser.add_argument('--shop-size', type=int)\n" + SHOP
    )
    refused(
        run_locust(text, "--shop-size", "big"),
        2,
        "argument --shop-size: invalid int value: 'big'",
    )
    refused(run_locust(text, "--shop-sise", "3"), 2, "Did you mean '--shop-size'?")


def test_init_listener_that_raises() -> None:
    text = (
        "from locust import events\n"
        "@events.init.add_listener\n"
        "def prepare(environment, **_):\n"
        "    raise RuntimeError('no database')\n" + SHOP
    )
    result = run_locust(text, "-t", "1")
    assert result.returncode == 1, result.stderr
    assert "Uncaught exception in event handler" in result.stderr
    assert "RuntimeError: no database" in result.stderr
    assert "no user may be born" not in result.stderr

"""The other ways in: `python -m rocust script.py`, the demo target, and a bare import."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from support.command import COMMAND

pytestmark = pytest.mark.ours("its own ways in")


@pytest.fixture(name="run")
def _run(tmp_path: Path):
    """Run the command with just these arguments, in a directory of its own."""

    def run(*arguments: str, command: list[str] = COMMAND) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )

    return run


def test_a_script_runs_with_locust_meaning_rocust(run, tmp_path) -> None:
    (tmp_path / "neighbour.py").write_text("price = 3\n")
    script = tmp_path / "library_use.py"
    script.write_text(
        "import sys\n"
        "import locust, rocust, neighbour\n"
        "from gevent import monkey\n"
        "print(__name__, locust is rocust, neighbour.price, sys.argv[1:], monkey.is_module_patched('socket'))\n"
        "sys.exit(5)\n"
    )
    result = run(str(script), "--headless", "x")
    assert result.stdout == "__main__ True 3 ['--headless', 'x'] True\n", result.stderr
    assert result.returncode == 5


def test_a_script_that_is_not_there(run) -> None:
    result = run("gone.py")
    assert result.returncode == 2
    assert "can't open file 'gone.py'" in result.stderr


def test_a_bare_import_patches_nothing(run) -> None:
    result = run(
        "import rocust, sys\n"
        "from gevent import monkey\n"
        "print(monkey.is_module_patched('socket'), 'locust' in sys.modules)\n",
        command=[sys.executable, "-c"],
    )
    assert result.stdout == "False False\n", result.stderr


def test_the_command_patches_before_anything_is_imported_that_must_be_patched(run, tmp_path) -> None:
    locustfile = tmp_path / "shop.py"
    locustfile.write_text(
        "import ssl, urllib3.util.ssl_\n"
        "from locust import User\n"
        "class Buyer(User):\n"
        "    pass\n"
        "print(urllib3.util.ssl_.SSLContext is ssl.SSLContext, ssl.SSLContext.__module__)\n"
    )
    result = run("-f", str(locustfile), "--list")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("True gevent.ssl\n"), "TLS of urllib3 would block every user"
    assert "MonkeyPatchWarning" not in result.stderr, "gevent warns when it comes too late"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: --port"),
        (["--port", "http"], "'http' is not a port (0 to 65535)"),
        (["--port", "70000"], "'70000' is not a port (0 to 65535)"),
        (["--port", "0", "--status", "20"], "'20' is not an HTTP status (200 to 599)"),
        (["--port", "0", "--delay", "-1"], "'-1' is not a number of milliseconds"),
    ],
)
def test_demo_target_with_wrong_arguments(run, arguments: list[str], sentence: str) -> None:
    result = run("demo-target", *arguments)
    assert result.returncode == 2
    assert sentence in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_demo_target_answers_counts_and_ends(tmp_path: Path, number: signal.Signals) -> None:
    command = [
        *COMMAND,
        "demo-target",
        "--port",
        "0",
        "--status",
        "203",
        "--delay",
        "20",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as target:
        try:
            assert target.stdout is not None
            announced = re.fullmatch(
                r"Answering at (http://127\.0\.0\.1:\d+) until Ctrl-C\.\n",
                target.stdout.readline(),
            )
            assert announced is not None
            url = announced[1]
            for _ in range(3):
                started_at = time.perf_counter()
                with urllib.request.urlopen(f"{url}/anything") as response:
                    assert response.status == 203
                    assert len(response.read()) == 13
                assert time.perf_counter() - started_at >= 0.02
            with urllib.request.urlopen(f"{url}/count") as response:
                assert json.loads(response.read()) == {"requests": 3}
            target.send_signal(number)
            assert target.wait(10) == 0
        finally:
            target.kill()


def test_demo_target_on_a_port_that_is_taken(run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("demo-target", "--port", str(port))
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr
    assert "Traceback" not in result.stderr

"""Every file in `examples/` runs, for two seconds, without a failure: an example that does not run is a bug."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import program
from support.command import demo_target, run_locust, start_locust
from support.daemon import program_with_port

EXAMPLES = Path(__file__).parents[2] / "examples"
LOCUSTFILES = sorted(EXAMPLES.rglob("locustfile.py"))
#: Those that talk to something else than the demo target, or need more than two seconds; contrib/test_postgres.py runs that of a database.
OTHERS = {
    "asyncio/browser/locustfile.py", "asyncio/grpc_aio/locustfile.py", "asyncio/postgres/locustfile.py",
    "asyncio/web_sockets/locustfile.py",
}  # fmt: skip


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with demo_target() as url:
        yield url


@pytest.mark.ours("has no demo target")
@pytest.mark.parametrize(
    "path",
    [path for path in LOCUSTFILES if path.relative_to(EXAMPLES).as_posix() not in OTHERS],
    ids=lambda path: str(path.relative_to(EXAMPLES)),
)
def test_example_runs_without_a_failure(path: Path, target: str) -> None:
    if "asyncio" in path.parts and "other_libraries" in path.parts:
        pytest.importorskip("aiohttp")
        pytest.importorskip("httpx")
    result = run_locust(path, "--host", target, "-u", "5", "-r", "5", "-t", "2s")
    assert result.returncode == 0, result.stderr
    assert result.tables.total.requests > 0, result.stderr
    assert result.tables.total.failures == 0, result.stderr


@pytest.mark.ours("has no asynchronous users")
def test_example_of_web_sockets_runs_without_a_failure() -> None:
    pytest.importorskip("websockets")
    echo = Path(__file__).parents[1] / "support" / "web_socket_echo.py"
    with program_with_port([sys.executable, str(echo)]) as port:
        path = EXAMPLES / "asyncio" / "web_sockets" / "locustfile.py"
        result = run_locust(path, "--host", f"ws://127.0.0.1:{port}", "-u", "5", "-r", "5", "-t", "2s")
    assert result.returncode == 0, result.stderr
    echoes = result.tables.rows["WS", "echo"]
    assert echoes.requests > 0 == echoes.failures, result.stderr


@pytest.mark.ours("has no asynchronous users")
def test_example_of_grpc_aio_runs_without_a_failure() -> None:
    pytest.importorskip("grpc")
    echo = Path(__file__).parents[1] / "support" / "grpc_echo.py"
    with program_with_port([sys.executable, str(echo)]) as port:
        path = EXAMPLES / "asyncio" / "grpc_aio" / "locustfile.py"
        result = run_locust(path, "--host", f"127.0.0.1:{port}", "-u", "5", "-r", "5", "-t", "2s")
    assert result.returncode == 0, result.stderr
    said = result.tables.rows["gRPC", "/Echo/Say"]
    assert said.requests > 0 == said.failures, result.stderr


@pytest.mark.ours("has no asynchronous users")
@pytest.mark.timeout(150)
def test_example_of_a_browser_runs_without_a_failure(target: str) -> None:
    program()
    path = EXAMPLES / "asyncio" / "browser" / "locustfile.py"
    # The browser takes its time to start: the run ends after the first page.
    with start_locust(path, "--host", target, "-u", "1", "-s", "30") as run:
        run.wait_for_line(r"^page +/ +[1-9]", timeout=60)
        run.send_signal(signal.SIGINT)
        result = run.wait(60)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert result.tables.total.failures == 0, result.stderr


def test_each_example_is_a_directory_with_a_locustfile() -> None:
    assert len(LOCUSTFILES) >= 5
    # The scripts beside those are run by seeds/test_c_client.py, which holds that it runs all, and by the test below.
    others = set(EXAMPLES.rglob("*.py")) - set(LOCUSTFILES)
    assert {path.parent.name for path in others} <= {"asyncio", "client"}
    assert {path.name for path in others if path.parent.name == "client"} == {"many_urls.py"}


@pytest.mark.ours("has no client without users")
def test_example_of_the_blocking_client(target: str) -> None:
    path = EXAMPLES / "client" / "many_urls.py"
    ended = subprocess.run(
        [sys.executable, "-W", "error", str(path), target], capture_output=True, text=True, timeout=50, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr
    call, line, *failed, threads, counted = ended.stdout.splitlines()
    assert (call, line) == ("call: 200", "line: Hello, World!")
    assert sorted(failed) == ["failed: /?status=404, 404", "failed: http://nowhere.invalid/, ConnectionError"]
    assert threads == "threads: 40 answered"
    # What failed to connect was tried three times.
    assert counted == "counted: 2046, 4 failed"

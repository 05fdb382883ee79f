"""Every file in `examples/` runs, for two seconds, without a failure: an example that does not run is a bug."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import COMMAND, run_locust

EXAMPLES = Path(__file__).parents[2] / "examples"
LOCUSTFILES = sorted(EXAMPLES.rglob("locustfile.py"))


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with subprocess.Popen([*COMMAND, "demo-target", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            announced = re.search(r"http://\S+:\d+", process.stdout.readline())
            assert announced is not None
            yield announced[0]
        finally:
            process.terminate()


@pytest.mark.ours("has no demo target")
@pytest.mark.parametrize("path", LOCUSTFILES, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_example_runs_without_a_failure(path: Path, target: str) -> None:
    if "asyncio" in path.parts and "other_libraries" in path.parts:
        pytest.importorskip("aiohttp")
        pytest.importorskip("httpx")
    result = run_locust(path, "--host", target, "-u", "5", "-r", "5", "-t", "2s")
    assert result.returncode == 0, result.stderr
    assert result.tables.total.requests > 0, result.stderr
    assert result.tables.total.failures == 0, result.stderr


def test_each_example_is_a_directory_with_a_locustfile() -> None:
    assert len(LOCUSTFILES) >= 5
    # The scripts beside those are run by seeds/test_c_client.py, which holds that it runs all.
    others = set(EXAMPLES.rglob("*.py")) - set(LOCUSTFILES)
    assert {path.parent.name for path in others} <= {"asyncio"}

"""The first thing anybody tries (row A2 of the seeds): a FastAPI application under uvicorn and a first locustfile, both left as they are.

What uvicorn was asked is what is reported. With `ROCUST_SEEDS` naming the folder of the seed documents, the very code
blocks of the Locust notes are run too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.command import Result, run_locust
from support.seeds import SEEDS, code_blocks

HERE = Path(__file__).parent / "seeds"


class UvicornServer:
    """Uvicorn in a process of its own, and what it has been asked."""

    def __init__(self, application: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "serve_counted.py"), str(application)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        assert first.strip().isdigit(), f"uvicorn did not start: {first!r}"
        self.url = f"http://127.0.0.1:{first.strip()}"

    def __enter__(self) -> UvicornServer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def stop(self) -> Counter[str]:
        """End it; how often each path was asked for."""
        rest, _ = self._process.communicate(timeout=20)
        return Counter(json.loads(rest))


def run_greetings(locustfile: Path, host: str) -> Result:
    """Five users for two seconds, all of whom may finish."""
    return run_locust(locustfile, "-H", host, "--users", "5", "--spawn-rate", "5", "-t", "2", "-s", "5")


def assert_uvicorn_agrees(result: Result, seen: Counter[str]) -> None:
    """What was reported is what uvicorn was asked, and all of it was right."""
    assert set(seen) == {"/hello", "/world"}
    for path in ("/hello", "/world"):
        row = result.tables.rows["GET", path]
        assert (row.requests, row.failures) == (seen[path], 0)
    assert result.tables.total.requests == seen.total() > 50
    assert result.returncode == 0


def test_a2_uvicorn_counts_what_is_reported() -> None:
    with UvicornServer(HERE / "greeting_app.py") as server:
        assert_uvicorn_agrees(run_greetings(HERE / "greeting_locustfile.py", server.url), server.stop())


@pytest.mark.skipif(not SEEDS, reason="ROCUST_SEEDS does not name the folder of the seed documents")
def test_a2_code_blocks_of_the_notes_run_unchanged(tmp_path: Path) -> None:
    blocks = code_blocks("locust-notes.md")
    (application,) = [block for block in blocks if "app = FastAPI()" in block and "/hello" in block]
    (locustfile,) = [block for block in blocks if "class HelloWorldUser(HttpUser)" in block]
    (tmp_path / "app.py").write_text(application, encoding="utf-8")
    (tmp_path / "locustfile.py").write_text(locustfile, encoding="utf-8")
    with UvicornServer(tmp_path / "app.py") as server:
        assert_uvicorn_agrees(run_greetings(tmp_path / "locustfile.py", server.url), server.stop())

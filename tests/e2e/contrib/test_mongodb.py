"""`MongoDBUser` and a real server, where a `mongod` is on the path: Debian has none, and so only who has installed one sees that test run.

That a server is not there needs none.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import run_locust
from support.daemon import daemon, free_port
from support.home import CONTRIB, command_of

LOCUSTFILE = """
from locust import task
from locust.contrib.mongodb import MongoDBUser
import gevent

class Reader(MongoDBUser):
    conn_string = "mongodb://127.0.0.1:PORT/?serverSelectionTimeoutMS=TIMEOUT"
    db_name = "test"

    @task
    def work(self):
        PREPARE
        self.client.execute_query("people", {"name": "Ada"})
        FAIL
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder: Path = tmp_path_factory.mktemp("mongodb")
    number = free_port()
    program = shutil.which("mongod")
    if program is None:
        pytest.skip("no MongoDB server: mongod is not installed, and Debian has no package of it")
    arguments = [program, "--dbpath", str(folder), "--port", str(number), "--bind_ip", "127.0.0.1"]
    with daemon(arguments, number):
        yield number


def run(port: int, timeout_ms: int, prepare: str, fail: str):
    text = LOCUSTFILE.replace("PORT", str(port)).replace("TIMEOUT", str(timeout_ms))
    text = text.replace("PREPARE", prepare).replace("FAIL", fail)
    return run_locust(text, "-u", "1", "-t", "20s", command=command_of(CONTRIB))


def test_queries_are_reported(port: int) -> None:
    prepare = 'self.client.db["people"].insert_many([{"name": "Ada"}, {"name": "Bob"}])'
    result = run(port, 10_000, prepare, 'self.client.execute_query("people", {"$nonsense": 1})')
    entry = result.entry("QUERY", "MONGODB")
    assert (entry.requests, entry.failures) == (2, 1), result.stderr
    assert "OperationFailure" in str(result.errors)


def test_a_server_that_is_not_there_is_a_failed_query() -> None:
    result = run(free_port(), 300, "pass", "pass")
    entry = result.entry("QUERY", "MONGODB")
    assert (entry.requests, entry.failures) == (1, 1), result.stderr
    assert entry.maximum_ms >= 300
    assert "ServerSelectionTimeoutError" in str(result.errors)

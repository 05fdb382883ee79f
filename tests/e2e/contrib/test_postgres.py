"""`PostgresUser` and a real PostgreSQL."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import run_locust
from support.daemon import daemon, find_program, free_port
from support.home import CONTRIB, command_of

HEAD = """
import gevent
from locust import User, task
from locust.contrib.postgres import PostgresUser
import gevent

CONNECTION = "URL"
"""

QUERIES = """
class Reader(PostgresUser):
    conn_string = CONNECTION

    @task
    def work(self):
        self.client.execute_query("CREATE TEMPORARY TABLE numbers (number integer)")
        self.client.execute_query("INSERT INTO numbers VALUES (1), (2)")
        self.client.execute_query("SELECT pg_sleep(0.2)")
        print("ROWS", self.client.connection.execute("SELECT sum(number) FROM numbers").fetchone()[0])
        self.client.execute_query("SELECT * FROM nowhere")
        self.client.execute_query("SELECT 1")
        self.client.connection.rollback()
        self.client.execute_query("SELECT 1")
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)
"""

# The first user waits in the server for what the second gives away only when it has seen it waiting.
SIDE_BY_SIDE = """
class Waiting(PostgresUser):
    conn_string = CONNECTION
    fixed_count = 1

    @task
    def wait_for_lock(self):
        while not Holding.holds:
            gevent.sleep(0.01)
        self.client.execute_query("SELECT pg_advisory_lock(7)")
        print("GOT", 1)
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)

class Holding(PostgresUser):
    conn_string = CONNECTION
    fixed_count = 1
    holds = False

    @task
    def hold(self):
        connection = self.client.connection
        connection.autocommit = True
        connection.execute("SELECT pg_advisory_lock(7)")
        Holding.holds = True
        while not connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone()[0]:
            gevent.sleep(0.01)
        connection.execute("SELECT pg_advisory_unlock(7)")
        gevent.sleep(60)
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    places = glob.glob("/usr/lib/postgresql/*/bin")
    initdb, postgres = find_program("initdb", *places), find_program("postgres", *places)
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    # It refuses to run as root.
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
        identity = {"user": "nobody", "group": os.stat(folder).st_gid, "extra_groups": [], "cwd": folder}
    data, port = folder / "data", free_port()
    try:
        subprocess.run(
            [initdb, "-D", str(data), "-A", "trust", "-U", "tester", "--no-sync", "--locale=C", "-E", "UTF8"],
            check=True, stdout=subprocess.DEVNULL, **identity,
        )  # fmt: skip
        arguments = [postgres, "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F"]
        with daemon(arguments, port, **identity):
            yield f"postgresql://tester@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(text: str, url: str, *args: str):
    return run_locust((HEAD + text).replace("URL", url), "-r", "10", "-t", "20s", *args, command=command_of(CONTRIB))


def test_queries_are_reported_with_their_time_and_their_failures(url: str) -> None:
    result = run(QUERIES, url, "-u", "1")
    assert result.printed("ROWS") == [3], result.stderr
    success = result.entry("execute_query", "postgres_success")
    assert (success.requests, success.failures) == (4, 0)
    assert success.maximum_ms >= 200
    failed = result.entry("execute_query", "postgres_failure")
    assert (failed.requests, failed.failures) == (2, 2)
    errors = "\n".join(result.errors)
    assert 'relation "nowhere" does not exist' in errors
    assert "current transaction is aborted" in errors
    assert result.returncode == 1


def test_a_query_that_waits_in_the_server_holds_up_its_own_user_only(url: str) -> None:
    result = run(SIDE_BY_SIDE, url, "-u", "2")
    assert result.printed("GOT") == [1], result.stderr
    assert result.entry("execute_query", "postgres_success").requests == 1


@pytest.mark.ours("an AttributeError")
def test_a_user_without_a_server_says_what_is_missing(url: str) -> None:
    result = run("class Reader(PostgresUser):\n    @task\n    def work(self): pass\n", url, "-u", "1", "-t", "1s")
    assert "Reader does not say where its server is. hint: conn_string" in result.stderr


# One task waits in the server for what another one gives away only when it has seen it waiting; the two share the loop.
ASYNC = """
import asyncio, asyncpg
from rocust import AsyncUser

class Reader(AsyncUser):
    async def on_start(self):
        self.pool = await asyncpg.create_pool(CONNECTION, min_size=2, max_size=2)

    async def on_stop(self):
        await self.pool.close()

    async def wait_for_lock(self):
        async with self.measure("SQL", "lock"), self.pool.acquire() as connection:
            await connection.execute("SELECT pg_advisory_lock(8)")
            await connection.execute("SELECT pg_advisory_unlock(8)")

    @task
    async def work(self):
        async with self.pool.acquire() as connection:
            await connection.execute("SELECT pg_advisory_lock(8)")
            waiting = asyncio.create_task(self.wait_for_lock())
            while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
                await asyncio.sleep(0.01)
            await connection.execute("SELECT pg_advisory_unlock(8)")
        await waiting
        async with self.measure("SQL", "sum") as m:
            rows = await self.pool.fetch("SELECT sum(n) AS total FROM generate_series(1, 4) AS n")
            m["response_length"] = rows[0]["total"]
        async with self.measure("SQL", "nowhere"):
            await self.pool.fetch("SELECT * FROM nowhere")
        self.environment.runner.quit()
        await asyncio.sleep(60)
"""


@pytest.mark.ours("has no asynchronous users")
def test_asyncpg_in_the_task_of_an_asynchronous_user(url: str) -> None:
    result = run(ASYNC, url, "-u", "1")
    assert result.entry("lock", "SQL").requests == 1, result.stderr
    total = result.entry("sum", "SQL")
    assert (total.requests, total.content_bytes, total.failures) == (1, 10, 0)
    assert (result.total.requests, result.total.failures) == (3, 1)
    (error,) = result.errors
    assert 'relation "nowhere" does not exist' in error
    assert result.returncode == 1


EXAMPLE = Path(__file__).parents[3] / "examples" / "asyncio" / "postgres" / "locustfile.py"


@pytest.mark.ours("has no asynchronous users")
def test_example_of_asyncpg_runs_without_a_failure(url: str) -> None:
    settings = ["--host", url, "-u", "5", "-r", "5", "-t", "2s", "-s", "5"]
    result = run_locust(EXAMPLE, *settings, command=command_of(CONTRIB))
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    rows = {name: result.tables.rows["SQL", name] for name in ("numbers", "words", "order")}
    assert all(row.requests > 0 == row.failures for row in rows.values()), result.stderr
    assert rows["numbers"].requests == rows["words"].requests
    assert result.tables.total.failures == 0

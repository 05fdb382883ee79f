"""`QdrantUser` and Qdrant as the client's own library has it (its local mode); there is no server to be had from a package index."""

from __future__ import annotations

from support.command import run_locust
from support.daemon import free_port
from support.home import CONTRIB, command_of

LOCUSTFILE = """
from qdrant_client.models import Distance, PointStruct, PointIdsList, VectorParams
from locust import task
from locust.contrib.qdrant import QdrantUser
import gevent

class Searcher(QdrantUser):
    url = None
    client_kwargs = {"location": ":memory:"}
    collection_name = "words"
    vectors_config = VectorParams(size=2, distance=Distance.COSINE)

    @task
    def work(self):
        nothing = self.search([1.0, 0.0])
        print("NOTHING", 1 if nothing["empty"] and not nothing["success"] else 0)
        assert self.upsert([PointStruct(id=1, vector=[1.0, 0.1]), PointStruct(id=2, vector=[0.0, 1.0])])["success"]
        print("NEAREST", self.search([1.0, 0.0], limit=1)["result"].points[0].id)
        page = self.scroll(limit=1)
        print("PAGE", [len(page["result"]), page["next_offset"]])
        assert self.delete(PointIdsList(points=[1]))["success"]
        failed = self.search([1.0, 0.0, 0.5])
        print("FAILED", 1 if not failed["success"] and failed["response_time"] > 0 else 0)
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)
"""

UNREACHABLE = """
from locust import task
from locust.contrib.qdrant import QdrantUser
import gevent

class Searcher(QdrantUser):
    url = "http://127.0.0.1:PORT"
    client_kwargs = {"check_compatibility": False}
    collection_name = "words"

    @task
    def work(self):
        self.search([1.0, 0.0])
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)
"""


def test_calls_are_reported_under_their_names() -> None:
    result = run_locust(LOCUSTFILE, "-u", "1", "-t", "20s", command=command_of(CONTRIB))
    assert result.printed("NOTHING") == [1], result.stderr
    assert result.printed("NEAREST") == [1]
    assert result.printed("PAGE") == [[1, 2]]
    assert result.printed("FAILED") == [1]
    figures = {
        name: (entry.requests, entry.failures)
        for name in ("search", "upsert", "scroll", "delete")
        for entry in [result.entry(name, "qdrant")]
    }
    assert figures == {"search": (3, 1), "upsert": (1, 0), "scroll": (1, 0), "delete": (1, 0)}


def test_a_server_that_is_not_there_is_a_failed_call() -> None:
    text = UNREACHABLE.replace("PORT", str(free_port()))
    result = run_locust(text, "-u", "1", "-t", "20s", command=command_of(CONTRIB))
    assert (result.entry("search", "qdrant").requests, result.entry("search", "qdrant").failures) == (1, 1), (
        result.stderr
    )
    assert "Connection refused" in str(result.errors)

"""`MilvusUser` and Milvus Lite as a server: the real client's gRPC, under gevent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import run_locust
from support.daemon import program_with_port
from support.home import CONTRIB, command_of, python_of

LOCUSTFILE = """
import json
from pymilvus import DataType, MilvusClient
from locust import task
from locust.contrib.milvus import MilvusUser
import gevent

class Searcher(MilvusUser):
    def __init__(self, environment):
        schema = MilvusClient.create_schema()
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
        index = MilvusClient.prepare_index_params()
        index.add_index("vector", index_type="FLAT", metric_type="L2")
        super().__init__(environment, uri="http://127.0.0.1:PORT", collection_name="words", schema=schema, index_params=index)

    @task
    def work(self):
        inserted = self.insert([{"id": 1, "vector": [1.0, 0.0]}, {"id": 2, "vector": [0.0, 1.0]}])
        assert inserted["success"], inserted
        assert self.upsert([{"id": 3, "vector": [5.0, 5.0]}])["success"]
        self.client.client.load_collection("words")
        found = self.search([[1.0, 0.1]], "vector", 2, calculate_recall=True, ground_truth=[1, 3])
        print("FOUND", json.dumps([hit["id"] for hit in found["result"][0]]))
        print("RECALL", found["recall"])
        print("ROWS", len(self.query("id > 1")["result"]))
        assert self.delete("id == 3")["success"]
        print("EMPTY", json.dumps(self.query("id == 3")["empty"]))
        assert not self.query("no such filter (")["success"]
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = Path(__file__).parent / "servers" / "milvus_server.py"
    with program_with_port([python_of(CONTRIB), str(server)]) as number:
        yield number


def test_calls_are_reported_under_their_names(port: int) -> None:
    result = run_locust(
        LOCUSTFILE.replace("PORT", str(port)), "-u", "1", "-t", "40s", timeout=50, command=command_of(CONTRIB)
    )
    assert result.printed("FOUND") == [[1, 2]], result.stderr
    assert result.printed("RECALL") == [0.5]
    assert result.printed("ROWS") == [2]
    assert result.printed("EMPTY") == [True]
    figures = {
        name: (entry.requests, entry.failures)
        for name in ("insert", "upsert", "search", "query", "delete")
        for entry in [result.entry(name, "milvus")]
    }
    assert figures == {"insert": (1, 0), "upsert": (1, 0), "search": (1, 0), "query": (3, 1), "delete": (1, 0)}
    assert result.entry("recall", "milvus").maximum_ms == 50

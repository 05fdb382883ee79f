"""Without its library, a contrib module says what to install, and nothing else of Rocust needs any."""

from __future__ import annotations

import importlib.util

import pytest
from support.command import run_locust

LIBRARIES = {
    "dns": "dns",
    "milvus": "pymilvus",
    "mongodb": "pymongo",
    "mqtt": "paho",
    "oai": "openai",
    "postgres": "psycopg",
    "qdrant": "qdrant_client",
    "socketio": "socketio",
}


@pytest.mark.ours("shows the traceback of the missing module")
@pytest.mark.parametrize("module", LIBRARIES)
def test_missing_library_is_one_sentence_with_a_hint(module: str) -> None:
    if importlib.util.find_spec(LIBRARIES[module]) is not None:
        pytest.skip(f"{LIBRARIES[module]} is installed here")
    result = run_locust(f"import locust.contrib.{module}\n", "-t", "1s")
    assert result.returncode != 0
    assert f"rocust.contrib.{module} needs " in result.stderr
    assert f"pip install 'rocust[{module}]'" in result.stderr

"""What a type checker makes of scripts that use the clients: verbs give what `request` gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

pytestmark = pytest.mark.ours("has no clients without users")

SCRIPT = """
import rocust

async def awaited() -> None:
    async with rocust.AsyncClient() as client:
        response = await client.get("/")
        reveal_type(response)
        async with client.post("/", {"a": 1}) as entered:
            reveal_type(entered)

def blocking() -> None:
    with rocust.Client("http://localhost", timeout=rocust.Timeout(total=1)) as client:
        reveal_type(client.get("/"))
        reveal_type(client.post("/", {"a": 1}, name="own"))
        assert all(response.ok for response in client.map(["/"]))
        with client.stream("GET", "/") as response:
            print(list(response.iter_lines()))
"""


def test_clients_are_typed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    said, trouble, code = api.run(["--strict", "--cache-dir", str(tmp_path / "cache"), str(script)])
    assert (code, trouble) == (0, ""), said
    found = [
        line.rpartition("is ")[2].strip('"').rpartition(".")[2] for line in said.splitlines() if "Revealed" in line
    ]
    assert found == ["AsyncResponse", "AsyncResponse", "ClientResponse", "ClientResponse"]

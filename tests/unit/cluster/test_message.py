"""A message survives its bytes, and they are the ones that Locust's nodes read."""

from __future__ import annotations

from datetime import datetime

import msgpack
import pytest
from rocust._cluster.message import Message


def test_message_survives_its_bytes() -> None:
    data = {"text": "ü", "numbers": {1: 2, 20: 3.5}, "nothing": None, "when": datetime(2026, 1, 2, 3, 4, 5, 678)}
    got = Message.unserialize(Message("stats", data, "node_1").serialize())
    assert (got.type, got.data, got.node_id) == ("stats", data, "node_1")
    assert repr(got) == "<Message stats:node_1>"


def test_bytes_are_an_array_of_three() -> None:
    raw = Message("spawn", {"when": datetime(2026, 1, 2, 3, 4, 5)}, "node").serialize()
    marked = {"when": {"__datetime__": True, "as_str": "20260102T03:04:05.000000"}}
    assert msgpack.unpackb(raw) == ["spawn", marked, "node"]


def test_what_no_message_can_hold_is_named() -> None:
    with pytest.raises(TypeError, match="a message cannot hold"):
        Message("own", object(), "node").serialize()


def test_bytes_of_something_else_are_refused() -> None:
    with pytest.raises(ValueError, match="extra data"):
        Message.unserialize(b"\x01\x02")


def test_object_id_needs_bson_and_survives_with_it() -> None:
    raw = msgpack.packb(("own", {"__ObjectId__": True, "as_str": "5f9b3b3b3b3b3b3b3b3b3b3b"}, "node"))
    try:
        from bson import ObjectId
    except ImportError:
        with pytest.raises(ImportError, match="install pymongo"):
            Message.unserialize(raw)
        return
    got = Message.unserialize(raw)
    assert got.data == ObjectId("5f9b3b3b3b3b3b3b3b3b3b3b")
    assert Message.unserialize(got.serialize()).data == got.data

"""One message between nodes, and its bytes: MessagePack, an array of type, data and node, as Locust has it on the wire.

A run in one process has no use for the bytes: what makes them is loaded when they are.
"""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

_DATETIME_MARK, _OBJECT_ID_MARK, _TEXT = "__datetime__", "__ObjectId__", "as_str"
_DATETIME_FORMAT = "%Y%m%dT%H:%M:%S.%f"


class Message:
    """A message of some type, with data, from or for a node. Same as Locust."""

    def __init__(self, message_type: str, data: Any, node_id: str) -> None:
        """Make a message.

        Args:
            message_type: What the listeners of `register_message` are registered for.
            data: Anything that MessagePack knows, a `datetime` without time zone, or an `ObjectId` of `bson`.
            node_id: Whose message it is, or who shall get it.
        """
        self.type = message_type
        self.data = data
        self.node_id = node_id

    def __repr__(self) -> str:
        return f"<Message {self.type}:{self.node_id}>"

    def serialize(self) -> bytes:
        """The message as bytes.

        Raises:
            TypeError: When the data holds something that MessagePack does not know.

        Same as Locust.
        """
        import msgpack

        packed: bytes = msgpack.packb((self.type, self.data, self.node_id), default=_marked)
        return packed

    @classmethod
    def unserialize(cls, data: bytes) -> Message:
        """The message that `serialize` made these bytes of; keys of dictionaries that were numbers are numbers again.

        Raises:
            ValueError: When these are not the bytes of one message.

        Same as Locust.
        """
        import msgpack

        return cls(*msgpack.unpackb(data, raw=False, strict_map_key=False, object_hook=_unmarked))


@functools.cache
def _object_id() -> Any:
    """The class `ObjectId`, where pymongo (or bson alone) is installed. Looked for when the first message needs to know."""
    try:
        from bson import ObjectId
    except ImportError:
        return None
    return ObjectId


def _marked(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_DATETIME_MARK: True, _TEXT: value.strftime(_DATETIME_FORMAT)}
    object_id = _object_id()
    if object_id is not None and isinstance(value, object_id):
        return {_OBJECT_ID_MARK: True, _TEXT: str(value)}
    raise TypeError(f"a message cannot hold {value!r}: {type(value).__name__} is nothing that MessagePack knows")


def _unmarked(table: dict[Any, Any]) -> Any:
    if _DATETIME_MARK in table:
        return datetime.strptime(table[_TEXT], _DATETIME_FORMAT)
    if _OBJECT_ID_MARK in table:
        object_id = _object_id()
        if object_id is None:
            raise ImportError("the message holds an ObjectId. hint: install pymongo, or bson, to receive it")
        return object_id(table[_TEXT])
    return table

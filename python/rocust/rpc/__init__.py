"""Messages between nodes, by Locust's names."""

from rocust._cluster.message import Message

__all__ = ["Message"]

"""`QdrantUser` and its client, by Locust's names. Needs `rocust[qdrant]`."""

from rocust._contrib.qdrant import QdrantLocustClient, QdrantUser

__all__ = ["QdrantLocustClient", "QdrantUser"]

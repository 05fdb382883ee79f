"""`MilvusUser` and its client, by Locust's names. Needs `rocust[milvus]`."""

from rocust._contrib.milvus import BaseClient, MilvusUser, MilvusV2Client

__all__ = ["BaseClient", "MilvusUser", "MilvusV2Client"]

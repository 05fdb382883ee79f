"""`MongoDBUser` and its client, by Locust's names. Needs `rocust[mongodb]`."""

from rocust._contrib.mongodb import MongoDBClient, MongoDBUser

__all__ = ["MongoDBClient", "MongoDBUser"]

"""`PostgresUser` and its client, by Locust's names. Needs `rocust[postgres]`."""

from rocust._contrib.postgres import PostgresClient, PostgresUser

__all__ = ["PostgresClient", "PostgresUser"]

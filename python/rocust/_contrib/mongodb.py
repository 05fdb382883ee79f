"""MongoDB, by way of pymongo."""

from __future__ import annotations

import time
from typing import Any

from rocust._contrib.library import library_of
from rocust._errors import LocustError
from rocust._events import EventHook, global_events
from rocust._users.user import User

with library_of("mongodb", "pymongo"):
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError


class MongoDBClient(MongoClient):
    """pymongo's client, with one database at hand as `db`.

    Args:
        conn_string: Where: `mongodb://host:27017`. Nothing is connected before the first query.
        db_name: The database.
        request_event: The hook that is told of queries; that of `rocust.events` when not given.

    Same as Locust; `request_event` is ours.
    """

    def __init__(self, conn_string: str, db_name: str, request_event: EventHook | None = None) -> None:
        super().__init__(conn_string)
        self.db = self[db_name]
        self._request_event = request_event

    def execute_query(self, collection_name: str, query: Any) -> None:
        """Find all documents that match, fetch them, and report that as `MONGODB QUERY`.

        Documents are not returned; for those use `db` and report with `events.request.measure`.

        Args:
            collection_name: The collection of `db`.
            query: What `find` takes.

        Raises:
            Exception: Whatever pymongo did not raise as its own `PyMongoError`; that one is a failed request.

        Differs from Locust: the time is not cut to whole milliseconds.
        """
        exception = None
        started_at = time.perf_counter()
        try:
            list(self.db[collection_name].find(query))  # the query is sent when somebody asks for documents
        except PyMongoError as error:
            exception = error
        response_time = (time.perf_counter() - started_at) * 1000
        (self._request_event or global_events().request).fire(
            request_type="MONGODB",
            name="QUERY",
            response_time=response_time,
            response_length=0,
            exception=exception,
            context={},
        )


class MongoDBUser(User):
    """A user with a pymongo client of its own, as `client`.

    Example:
        class Reader(MongoDBUser):
            conn_string = "mongodb://localhost:27017"
            db_name = "loadtesting"

            @task
            def find(self):
                self.client.execute_query("users", {"name": "Ada"})

    Same as Locust, and it reports to the environment's own events, which in a script may not be `rocust.events`.
    """

    abstract = True

    conn_string: str | None = None
    """Where the server is: `mongodb://host:27017`. Has to be given."""

    db_name: str | None = None
    """The database. Has to be given."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        if self.conn_string is None or self.db_name is None:
            raise LocustError(
                f"{type(self).__name__} does not say where its database is. "
                "hint: conn_string = 'mongodb://host:27017' and db_name = 'test' on the class"
            )
        self.client = MongoDBClient(self.conn_string, self.db_name, environment.events.request)

    def on_stop(self) -> None:
        """Close the client's connections. Same as Locust."""
        self.client.close()

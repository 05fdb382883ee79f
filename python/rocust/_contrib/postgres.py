"""PostgreSQL, by way of psycopg."""

from __future__ import annotations

import time
from typing import Any

from rocust._contrib.library import library_of
from rocust._errors import LocustError
from rocust._events import EventHook, global_events
from rocust._users.user import User

with library_of("postgres", "psycopg"):
    import psycopg


class PostgresClient:
    """One connection to a PostgreSQL server.

    Args:
        conn_string: Where, as libpq reads it: `postgresql://user:password@host:5432/database`.
        request_event: The hook that is told of queries; that of `rocust.events` when not given.

    Raises:
        psycopg.OperationalError: Nobody answered there, or refused.

    Same as Locust; `request_event` is ours.
    """

    def __init__(self, conn_string: str, request_event: EventHook | None = None) -> None:
        self.connection = psycopg.connect(conn_string)
        self._request_event = request_event

    def execute_query(self, query: Any) -> None:
        """Run a query and report it, as `postgres_success` or `postgres_failure` under the name `execute_query`.

        All queries of a user are one transaction of its connection: after one has failed the server refuses the next ones too, until
        `connection.rollback()`. Rows are not returned; for those use `connection` and report with `events.request.measure`.

        Args:
            query: SQL as text, or as psycopg composes it.

        Differs from Locust: the time is not cut to whole milliseconds.
        """
        exception = None
        started_at = time.perf_counter()
        try:
            self.connection.execute(query)
        except Exception as error:  # it is the failure that is reported
            exception = error
        response_time = (time.perf_counter() - started_at) * 1000
        (self._request_event or global_events().request).fire(
            request_type="postgres_success" if exception is None else "postgres_failure",
            name="execute_query",
            response_time=response_time,
            response_length=0,
            exception=exception,
            context={},
        )

    def close(self) -> None:
        """Close the connection. Same as Locust."""
        self.connection.close()


class PostgresUser(User):
    """A user with a connection of its own to a PostgreSQL server, as `client`.

    Example:
        class Reader(PostgresUser):
            conn_string = "postgresql://postgres@localhost:5432/loadtesting"

            @task
            def count(self):
                self.client.execute_query("SELECT count(*) FROM users")

    Same as Locust, and it reports to the environment's own events, which in a script may not be `rocust.events`.
    """

    abstract = True

    conn_string: str | None = None
    """Where the server is, as libpq reads it. Has to be given."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        if self.conn_string is None:
            raise LocustError(
                f"{type(self).__name__} does not say where its server is. "
                "hint: conn_string = 'postgresql://user:password@host:5432/database' on the class"
            )
        self.client = PostgresClient(self.conn_string, environment.events.request)

    def on_stop(self) -> None:
        """Close the connection. Same as Locust."""
        self.client.close()

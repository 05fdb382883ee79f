"""Qdrant, by way of qdrant-client."""

from __future__ import annotations

from typing import Any

from rocust._contrib.library import library_of
from rocust._contrib.settled import Outcome, attempt, note_emptiness, report
from rocust._users.user import User

with library_of("qdrant", "qdrant-client"):
    from qdrant_client import QdrantClient
    from qdrant_client.models import VectorParams


class QdrantLocustClient:
    """One collection of a Qdrant server; the library's client is `client`.

    Its calls raise nothing. They return a dictionary: `success`, `response_time` (milliseconds), and `result` or `exception`; those that
    look for something also `empty`, and are no success when they found nothing.

    Args:
        url: Where the server is.
        collection_name: The collection.
        api_key: The server's key.
        timeout: Seconds.
        **kwargs: What else `QdrantClient` takes.

    Same as Locust.
    """

    def __init__(
        self, url: str | None, collection_name: str, api_key: str | None = None, timeout: int = 60, **kwargs: Any
    ) -> None:
        self.url = url
        self.collection_name = collection_name
        self.api_key = api_key
        self.timeout = timeout
        self.client = QdrantClient(url=url, api_key=api_key, timeout=timeout, **kwargs)

    def close(self) -> None:
        """Close the client. Same as Locust."""
        self.client.close()

    def create_collection(self, vectors_config: Any, **kwargs: Any) -> None:
        """Make the collection unless it is there. Same as Locust."""
        if not self.client.collection_exists(collection_name=self.collection_name):
            self.client.create_collection(collection_name=self.collection_name, vectors_config=vectors_config, **kwargs)

    def upsert(self, points: Any) -> Outcome:
        """Write points. Same as Locust."""
        return attempt(lambda: self.client.upsert(collection_name=self.collection_name, points=points))

    def search(
        self, query: Any, limit: int = 10, query_filter: Any = None, search_params: Any = None, with_payload: Any = True
    ) -> Outcome:
        """Find the points nearest to a vector. Same as Locust."""
        outcome = attempt(
            lambda: self.client.query_points(
                collection_name=self.collection_name,
                query=query,
                limit=limit,
                query_filter=query_filter,
                search_params=search_params,
                with_payload=with_payload,
            )
        )
        return note_emptiness(outcome, lambda result: not result.points)

    def scroll(self, scroll_filter: Any = None, limit: int = 10, with_payload: Any = True) -> Outcome:
        """Read points in their order; `next_offset` says where to go on. Same as Locust."""
        outcome = attempt(
            lambda: self.client.scroll(
                collection_name=self.collection_name,
                scroll_filter=scroll_filter,
                limit=limit,
                with_payload=with_payload,
            )
        )
        if "result" in outcome:
            outcome["result"], outcome["next_offset"] = outcome["result"]
        return note_emptiness(outcome, lambda result: not result)

    def delete(self, points_selector: Any) -> Outcome:
        """Remove points. Same as Locust."""
        return attempt(
            lambda: self.client.delete(collection_name=self.collection_name, points_selector=points_selector)
        )


class QdrantUser(User):
    """A user of one collection of a Qdrant server; its calls are requests of type `qdrant`, named after the call.

    Example:
        class Searcher(QdrantUser):
            url = "http://localhost:6333"
            collection_name = "words"

            @task
            def search(self):
                super().search([0.1, 0.2, 0.3], limit=5)

    Same as Locust, save that times are not cut to whole milliseconds and the environment's own events are told, which in a script may
    not be `rocust.events`.
    """

    abstract = True

    url: str = "http://localhost:6333"
    api_key: str | None = None
    collection_name: str | None = None
    """The collection. Has to be given."""
    timeout: int = 60
    vectors_config: VectorParams | None = None
    """What the collection holds; when given, the collection is made unless it is there."""
    client_kwargs: dict[str, Any] | None = None
    """What else `QdrantClient` takes."""
    collection_kwargs: dict[str, Any] | None = None
    """What else `create_collection` takes."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        if self.collection_name is None:
            raise ValueError(
                "'collection_name' must be provided for QdrantUser. "
                f"hint: collection_name = 'words' on {type(self).__name__}"
            )
        self.client_type = "qdrant"
        self.client = QdrantLocustClient(
            url=self.url,
            api_key=self.api_key,
            collection_name=self.collection_name,
            timeout=self.timeout,
            **(self.client_kwargs or {}),
        )
        if self.vectors_config is not None:
            self.client.create_collection(vectors_config=self.vectors_config, **(self.collection_kwargs or {}))

    def _reported(self, name: str, outcome: Outcome) -> Outcome:
        report(self.environment.events.request, self.client_type, name, outcome)
        return outcome

    def upsert(self, points: Any) -> Outcome:
        """Write points, and report that. Same as Locust."""
        return self._reported("upsert", self.client.upsert(points))

    def search(
        self, query: Any, limit: int = 10, query_filter: Any = None, search_params: Any = None, with_payload: Any = True
    ) -> Outcome:
        """Find the points nearest to a vector, and report that. Same as Locust."""
        return self._reported(
            "search",
            self.client.search(
                query=query,
                limit=limit,
                query_filter=query_filter,
                search_params=search_params,
                with_payload=with_payload,
            ),
        )

    def scroll(self, scroll_filter: Any = None, limit: int = 10, with_payload: Any = True) -> Outcome:
        """Read points in their order, and report that. Same as Locust."""
        return self._reported("scroll", self.client.scroll(scroll_filter, limit=limit, with_payload=with_payload))

    def delete(self, points_selector: Any) -> Outcome:
        """Remove points, and report that. Same as Locust."""
        return self._reported("delete", self.client.delete(points_selector))

    def on_stop(self) -> None:
        """Close the client. Same as Locust."""
        self.client.close()

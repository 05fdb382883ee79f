"""Milvus, by way of pymilvus."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from rocust._contrib.library import library_of
from rocust._contrib.settled import Outcome, attempt, note_emptiness, report
from rocust._kernel.patch import make_grpc_cooperative
from rocust._users.user import User

with library_of("milvus", "pymilvus"):
    make_grpc_cooperative()  # before pymilvus opens a channel
    from pymilvus import CollectionSchema, MilvusClient
    from pymilvus.milvus_client import IndexParams


def _found_nothing(result: Any) -> bool:
    """Whether a search for several vectors found nothing for any."""
    return len(result) == 0 or all(len(hits) == 0 for hits in result)


class BaseClient(ABC):
    """What a client of a vector database can do for a user.

    Its calls raise nothing. They return a dictionary: `success`, `response_time` (milliseconds), and `result` or `exception`; those that
    look for something also `empty`, and are no success when they found nothing. Same as Locust.
    """

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    @abstractmethod
    def create_collection(self, schema: Any, index_params: Any, **kwargs: Any) -> None:
        """Make the collection."""

    @abstractmethod
    def insert(self, data: Any) -> Outcome:
        """Write new rows."""

    @abstractmethod
    def upsert(self, data: Any) -> Outcome:
        """Write rows, new or not."""

    @abstractmethod
    def search(
        self,
        data: Any,
        anns_field: str,
        limit: int,
        filter: str = "",
        search_params: Any = None,
        output_fields: Any = None,
        calculate_recall: bool = False,
        ground_truth: Any = None,
    ) -> Outcome:
        """Find the rows nearest to vectors."""

    @abstractmethod
    def hybrid_search(self, reqs: Any, ranker: Any, limit: int, output_fields: Any = None) -> Outcome:
        """Find rows by several vectors at once."""

    @abstractmethod
    def query(self, filter: str, output_fields: Any = None) -> Outcome:
        """Read rows by what they hold."""

    @abstractmethod
    def delete(self, filter: str) -> Outcome:
        """Remove rows by what they hold."""


class MilvusV2Client(BaseClient):
    """One collection of a Milvus server; the library's client is `client`.

    Args:
        uri: Where the server is; a path that ends with `.db` is Milvus Lite's file.
        collection_name: The collection.
        token: `user:password`.
        db_name: The database.
        timeout: Seconds.

    Same as Locust.
    """

    def __init__(
        self, uri: str, collection_name: str, token: str = "root:Milvus", db_name: str = "default", timeout: int = 60
    ) -> None:
        self.uri = uri
        self.collection_name = collection_name
        self.token = token
        self.db_name = db_name
        self.timeout = timeout
        self.client = MilvusClient(uri=uri, token=token, db_name=db_name, timeout=timeout)

    def close(self) -> None:
        """Close the connection. Same as Locust."""
        self.client.close()

    def create_collection(self, schema: Any, index_params: Any, **kwargs: Any) -> None:
        """Make the collection and load it. Same as Locust."""
        self.client.create_collection(
            collection_name=self.collection_name, schema=schema, index_params=index_params, **kwargs
        )

    def insert(self, data: Any) -> Outcome:
        """Write new rows. Same as Locust."""
        return attempt(lambda: self.client.insert(collection_name=self.collection_name, data=data))

    def upsert(self, data: Any) -> Outcome:
        """Write rows, new or not. Same as Locust."""
        return attempt(lambda: self.client.upsert(collection_name=self.collection_name, data=data))

    def search(
        self,
        data: Any,
        anns_field: str,
        limit: int,
        filter: str = "",
        search_params: Any = None,
        output_fields: Any = None,
        calculate_recall: bool = False,
        ground_truth: Any = None,
    ) -> Outcome:
        """Find the rows nearest to vectors.

        Args:
            data: The vectors.
            anns_field: The field they are compared with.
            limit: How many rows for each.
            filter: What else the rows must be.
            search_params: Milvus's own.
            output_fields: What of the rows is wanted; `["id"]` if not given.
            calculate_recall: Whether to tell, as `recall`, how many of the right rows were found for the first vector: from 0 to 1.
            ground_truth: The ids of the right rows, nearest first.

        Same as Locust.
        """
        outcome = attempt(
            lambda: self.client.search(
                collection_name=self.collection_name,
                data=data,
                anns_field=anns_field,
                filter=filter,
                limit=limit,
                search_params=search_params,
                output_fields=["id"] if output_fields is None else output_fields,
            )
        )
        note_emptiness(outcome, _found_nothing)
        if calculate_recall and ground_truth is not None and outcome["success"]:
            outcome["recall"] = self.get_recall(outcome["result"], ground_truth, limit)
        return outcome

    def hybrid_search(self, reqs: Any, ranker: Any, limit: int, output_fields: Any = None) -> Outcome:
        """Find rows by several vectors at once. Same as Locust."""
        outcome = attempt(
            lambda: self.client.hybrid_search(
                collection_name=self.collection_name,
                reqs=reqs,
                ranker=ranker,
                limit=limit,
                output_fields=["id"] if output_fields is None else output_fields,
                timeout=self.timeout,
            )
        )
        return note_emptiness(outcome, _found_nothing)

    @staticmethod
    def get_recall(search_results: Any, ground_truth: Any, limit: int | None = None) -> float:
        """Which part of the first `limit` right rows is among those found for the first vector.

        0.0 when it cannot be told: fewer right rows are known than `limit`, or the results are no results. Same as Locust.
        """
        try:
            found = {hit.get("id") for hit in search_results[0]}
            wanted = len(found) if limit is None else limit
            right = set(ground_truth[:wanted])
            return len(found & right) / len(right) if len(ground_truth) >= wanted else 0.0
        except Exception:
            return 0.0

    def query(self, filter: str, output_fields: Any = None) -> Outcome:
        """Read rows by what they hold. Same as Locust."""
        outcome = attempt(
            lambda: self.client.query(
                collection_name=self.collection_name,
                filter=filter,
                output_fields=["id"] if output_fields is None else output_fields,
            )
        )
        return note_emptiness(outcome, lambda result: not result)

    def delete(self, filter: str) -> Outcome:
        """Remove rows by what they hold. Same as Locust."""
        return attempt(lambda: self.client.delete(collection_name=self.collection_name, filter=filter))


class MilvusUser(User):
    """A user of one collection of a Milvus server; its calls are requests of type `milvus`, named after the call.

    A search that calculates recall is also a request `recall`, whose "time" is the recall in percent.

    Args:
        environment: The environment.
        uri: Where the server is.
        token: `user:password`.
        collection_name: The collection.
        db_name: The database.
        timeout: Seconds.
        schema: What the collection holds; when given, the collection is made.
        index_params: How it is indexed.
        **kwargs: What else `create_collection` takes.

    Example:
        class Searcher(MilvusUser):
            def __init__(self, environment):
                super().__init__(environment, uri="http://localhost:19530", collection_name="words")

            @task
            def search(self):
                super().search([[0.1, 0.2, 0.3]], anns_field="vector", limit=5)

    Same as Locust, save that times are not cut to whole milliseconds and the environment's own events are told, which in a script may
    not be `rocust.events`. Importing it makes `grpcio` cooperative; it does not patch the standard library, which the command has done.
    """

    abstract = True

    def __init__(
        self,
        environment: Any,
        uri: str = "http://localhost:19530",
        token: str = "root:Milvus",
        collection_name: str = "test_collection",
        db_name: str = "default",
        timeout: int = 60,
        schema: CollectionSchema | None = None,
        index_params: IndexParams | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(environment)
        for given, name in ((uri, "uri"), (collection_name, "collection_name")):
            if given is None:
                raise ValueError(f"'{name}' must be provided for MilvusUser")
        self.client_type = "milvus"
        self.client = MilvusV2Client(
            uri=uri, token=token, collection_name=collection_name, db_name=db_name, timeout=timeout
        )
        if schema is not None:
            self.client.create_collection(schema=schema, index_params=index_params, **kwargs)

    def _reported(self, name: str, outcome: Outcome) -> Outcome:
        report(self.environment.events.request, self.client_type, name, outcome)
        return outcome

    def insert(self, data: Any) -> Outcome:
        """Write new rows, and report that. Same as Locust."""
        return self._reported("insert", self.client.insert(data))

    def upsert(self, data: Any) -> Outcome:
        """Write rows, new or not, and report that. Same as Locust."""
        return self._reported("upsert", self.client.upsert(data))

    def search(
        self,
        data: Any,
        anns_field: str,
        limit: int,
        filter: str = "",
        search_params: Any = None,
        output_fields: Any = None,
        calculate_recall: bool = False,
        ground_truth: Any = None,
    ) -> Outcome:
        """Find the rows nearest to vectors, and report that; the arguments are those of `MilvusV2Client.search`. Same as Locust."""
        outcome = self.client.search(
            data,
            anns_field,
            limit,
            filter=filter,
            search_params=search_params,
            output_fields=output_fields,
            calculate_recall=calculate_recall,
            ground_truth=ground_truth,
        )
        self._reported("search", outcome)
        if "recall" in outcome:
            self._reported("recall", {"response_time": int(outcome["recall"] * 100)})
        return outcome

    def hybrid_search(self, reqs: Any, ranker: Any, limit: int, output_fields: Any = None) -> Outcome:
        """Find rows by several vectors at once, and report that. Same as Locust."""
        return self._reported("hybrid_search", self.client.hybrid_search(reqs, ranker, limit, output_fields))

    def query(self, filter: str, output_fields: Any = None) -> Outcome:
        """Read rows by what they hold, and report that. Same as Locust."""
        return self._reported("query", self.client.query(filter, output_fields))

    def delete(self, filter: str) -> Outcome:
        """Remove rows by what they hold, and report that. Same as Locust."""
        return self._reported("delete", self.client.delete(filter))

    def on_stop(self) -> None:
        """Close the connection. Same as Locust."""
        self.client.close()

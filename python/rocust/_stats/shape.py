"""What statistics look like on the wire and in JSON: Locust's keys."""

from __future__ import annotations

from typing import Protocol, TypedDict


class StatsBaseDict(TypedDict):
    """What names an entry or a failure. Same as Locust."""

    name: str
    method: str


class StatsEntryDict(StatsBaseDict):
    """A serialised `StatsEntry`. Same as Locust."""

    last_request_timestamp: float | None
    start_time: float
    num_requests: int
    num_none_requests: int
    num_failures: int
    total_response_time: float
    max_response_time: float
    min_response_time: float | None
    total_content_length: int
    response_times: dict[int, int]
    num_reqs_per_sec: dict[int, int]
    num_fail_per_sec: dict[int, int]


class StatsErrorDict(StatsBaseDict):
    """A serialised `StatsError`. Same as Locust."""

    error: str
    occurrences: int
    first_seen: float | None
    last_seen: float | None


class StatsHolder(Protocol):
    """Anything with a name and a method. Same as Locust."""

    name: str
    method: str


#: The keys of a serialised entry that carry figures, in Locust's order.
FIGURE_KEYS = tuple(key for key in StatsEntryDict.__annotations__ if key not in StatsBaseDict.__annotations__)

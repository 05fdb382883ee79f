"""The names by which spans and metrics of HTTP calls tell what they tell.

OpenTelemetry has old names and new ones; `OTEL_SEMCONV_STABILITY_OPT_IN` says which are wanted (`http`: the new ones,
`http/dup`: both), to all its instrumentations.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: What is known of a call: `method`, `url`, `scheme`, `host`, `port`, `status`, `version`, `error`.
Facts = dict[str, Any]


@dataclass(frozen=True)
class Convention:
    """One set of names. Each maps what is known of a call to what that is called; what it does not name is not told."""

    in_spans: Mapping[str, tuple[str, ...]]
    in_metrics: Mapping[str, tuple[str, ...]]
    #: The metric of how long calls took, and its unit.
    duration: str
    unit: str
    description: str
    #: So many of that unit are a millisecond.
    per_millisecond: float
    buckets: tuple[float, ...]


OLD = Convention(
    in_spans={"method": ("http.method",), "url": ("http.url",), "status": ("http.status_code",)},
    in_metrics={
        "method": ("http.method",),
        "scheme": ("http.scheme",),
        "host": ("http.host", "net.peer.name"),
        "port": ("net.peer.port",),
        "status": ("http.status_code",),
        "version": ("http.flavor",),
    },
    duration="http.client.duration",
    unit="ms",
    description="measures the duration of the outbound HTTP request",
    per_millisecond=1.0,
    buckets=(0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000),
)

_NEW_IN_METRICS = {
    "method": ("http.request.method",),
    "host": ("server.address",),
    "port": ("server.port",),
    "status": ("http.response.status_code",),
    "version": ("network.protocol.version",),
    "error": ("error.type",),
}

NEW = Convention(
    in_spans={
        **_NEW_IN_METRICS,
        "url": ("url.full",),
        "host": ("server.address", "network.peer.address"),
        "port": ("server.port", "network.peer.port"),
    },
    in_metrics=_NEW_IN_METRICS,
    duration="http.client.request.duration",
    unit="s",
    description="Duration of HTTP client requests.",
    per_millisecond=0.001,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)


def conventions_in_use() -> tuple[Convention, ...]:
    """The sets of names that are wanted."""
    wanted = {word.strip() for word in os.environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "").lower().split(",")}
    if "http/dup" in wanted:
        return OLD, NEW
    return (NEW,) if "http" in wanted else (OLD,)


def named(facts: Facts, names: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """What is known of a call, by these names."""
    return {name: facts[fact] for fact, own in names.items() if fact in facts for name in own}

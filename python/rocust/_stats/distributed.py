"""How statistics travel from workers to their master: as differences, by two events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rocust._stats.entry import StatsEntry
from rocust._stats.error import StatsError

if TYPE_CHECKING:
    from rocust._events import Events
    from rocust._stats.request_stats import RequestStats
    from rocust._stats.shape import StatsErrorDict


def setup_distributed_stats_event_listeners(events: Events, stats: RequestStats) -> None:
    """Let `stats` be reported by `events.report_to_master`, and add what `events.worker_report` brings.

    Same as Locust.
    """

    def report(client_id: str, data: dict[str, Any]) -> None:
        with stats.still():
            data["stats"] = stats.serialize_stats()
            data["stats_total"] = stats.total.get_stripped_report()
            data["errors"] = stats.serialize_errors()
            stats.errors = {}

    def receive(client_id: str, data: dict[str, Any]) -> None:
        for entry_data in data["stats"]:
            _add_entry(stats, StatsEntry.unserialize(entry_data, stats))
        for key, error_data in data["errors"].items():
            _add_failure(stats, key, error_data)
        stats.total.extend(StatsEntry.unserialize(data["stats_total"], stats))

    events.report_to_master.add_listener(report)
    events.worker_report.add_listener(receive)


def _add_entry(stats: RequestStats, received: StatsEntry) -> None:
    key = (received.name, received.method)
    if key not in stats.entries:
        stats.entries[key] = StatsEntry(stats, received.name, received.method, use_response_times_cache=True)
    stats.entries[key].extend(received)


def _add_failure(stats: RequestStats, key: str, received: StatsErrorDict) -> None:
    if key not in stats.errors:
        stats.errors[key] = StatsError.unserialize(received)
        return
    known = stats.errors[key]
    known.occurrences += received["occurrences"]
    if first_seen := received.get("first_seen"):
        known.first_seen = min(known.first_seen or first_seen, first_seen)
    if last_seen := received.get("last_seen"):
        known.last_seen = max(known.last_seen or last_seen, last_seen)

"""The statistics as JSON, as `--json` prints them and `--json-file` writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rocust._stats import RequestStats


def stats_json(stats: RequestStats) -> str:
    """All entries that have counted something, and not the total, as a JSON array."""
    with stats.still():
        counted = [entry for entry in stats.entries.values() if entry.num_requests or entry.num_failures]
        return json.dumps([entry.serialize() for entry in counted], indent=4)


def print_stats_json(stats: RequestStats) -> None:
    """Print all entries as JSON.

    Differs from Locust: the entries stay as they are; there they are reset, and every report that is made afterwards is empty.
    """
    print(stats_json(stats))


def save_stats_json(stats: RequestStats, filename: str) -> None:
    """Write all entries to `filename`.json.

    Differs from Locust: the entries stay as they are; there they are reset.
    """
    with open(f"{filename}.json", "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(stats_json(stats))

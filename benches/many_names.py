"""What the statistics weigh with many names, and what looking at them costs: `python benches/many_names.py [names] [requests of each]`.

Prints, in MiB of resident memory above what there was before: after the requests, and after Python's views of all entries were made.
"""

from __future__ import annotations

import resource
import sys
import time
from types import SimpleNamespace

from rocust.html import get_html_report
from rocust.stats import RequestStats, get_stats_summary, update_stats_history


def resident_mib() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def main() -> None:
    names = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    before = resident_mib()
    stats = RequestStats()
    for turn in range(each):
        for number in range(names):
            stats.log_request("GET", f"/item/{number}", 10 + number % 50 + turn * 3.3, 100)
    assert stats.total.num_requests == names * each
    print(f"{names:,} names, {each} requests of each: {resident_mib() - before:.0f} MiB")
    assert len(stats.entries) == names
    print(f"with Python's views of all entries: {resident_mib() - before:.0f} MiB")
    runner = SimpleNamespace(
        stats=stats, state="running", user_count=1, user_classes=[], user_classes_count={}, exceptions={}
    )
    environment = SimpleNamespace(runner=runner, host="", locustfile="", profile=None, user_classes=[])
    for what, look in (
        ("a note for the charts", lambda: update_stats_history(runner)),
        ("the table", lambda: get_stats_summary(stats)),
        ("the HTML report", lambda: get_html_report(environment)),
    ):
        began = time.perf_counter()
        look()
        print(f"{what}: {(time.perf_counter() - began) * 1e3:.0f} ms")


main()

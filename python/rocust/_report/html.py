"""The HTML report: one file with everything in it, made from the template that `make web` builds out of `web/`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rocust import _core
from rocust._compat.date import format_duration, format_utc_timestamp
from rocust._compat.knobs import knob
from rocust._stats.history import update_stats_history
from rocust._stats.percentile import sort_stats
from rocust._users.ratio import get_ratio

if TYPE_CHECKING:
    from rocust._stats import RequestStats, StatsEntry

#: Where the built pages are.
DEFAULT_BUILD_PATH = str(Path(__file__).parent / "pages")

#: What the template has in the places of the figures and of the theme: see `web/report.html`.
_ARGS_PLACE = '"__TEMPLATE_ARGS__"'
_THEME_PLACE = '"__THEME__"'

_AFTER_THE_TEST = ("stopping", "stopped")


def process_html_filename(options: Any) -> None:
    """Put users, spawn rate and run time in the places of `{u}`, `{r}` and `{t}` in `options.html_file`.

    What is not known stays as it is; whole numbers have no fraction. Same as Locust.
    """
    for place, value in (("{u}", options.num_users), ("{r}", options.spawn_rate), ("{t}", options.run_time)):
        if value is not None:
            text = str(int(value)) if float(value).is_integer() else str(value)
            options.html_file = options.html_file.replace(place, text)


def render_template_from(file: str, build_path: str = DEFAULT_BUILD_PATH, **kwargs: Any) -> str:
    """The text of a built page with values put in.

    Args:
        file: The name of the page.
        build_path: The directory it is in.
        kwargs: `template_args`, which becomes `window.templateArgs`, and `theme`.

    Differs from Locust: the page is one of ours, and no Jinja template.
    """
    page = Path(build_path, file).read_text(encoding="utf-8")
    page = page.replace(_THEME_PLACE, _script_literal(kwargs.get("theme", "")))
    return page.replace(_ARGS_PLACE, _script_literal(kwargs.get("template_args")))


def get_html_report(environment: Any, show_download_link: bool = True, theme: str = "") -> str:
    """The HTML report of a test, running or over.

    Args:
        environment: Whose statistics are shown; it needs a runner.
        show_download_link: Whether the page offers itself for download.
        theme: `"dark"` or `"light"`; otherwise it is what the reader's browser prefers. It can be changed on the page.

    Returns:
        A page that needs no other file and no network.

    Differs from Locust: there are charts of each entry, timings, and without a theme the reader's own preference.
    """
    return render_template_from(
        "report.html",
        template_args=_template_args(environment, show_download_link),
        theme=theme if theme in ("dark", "light") else "",
    )


def _template_args(environment: Any, show_download_link: bool) -> dict[str, Any]:
    runner = environment.runner
    stats: RequestStats = runner.stats
    end = stats.last_request_timestamp or stats.start_time
    end_time = format_utc_timestamp(end)
    if not stats.history or stats.history[-1]["time"] < end_time:
        update_stats_history(runner, end_time)
    with stats.still():
        entries = [*sort_stats(stats.entries), stats.total]
        return {
            "is_report": True,
            "requests_statistics": [entry.to_dict() for entry in entries],
            "failures_statistics": [failure.to_dict() for failure in sort_stats(stats.errors)],
            "exceptions_statistics": [
                {**raised, "nodes": ", ".join(sorted(raised["nodes"]))} for raised in runner.exceptions.values()
            ],
            "response_time_statistics": [_response_times(entry) for entry in entries],
            "start_time": format_utc_timestamp(stats.start_time),
            "end_time": end_time,
            "duration": format_duration(stats.start_time, end),
            "host": str(_host(environment)),
            "history": stats.history,
            "show_download_link": show_download_link,
            "locustfile": str(environment.locustfile),
            "tasks": _task_ratios(environment),
            "percentiles_to_chart": knob("stats", "PERCENTILES_TO_CHART"),
            "profile": str(environment.profile) if environment.profile else None,
            # What Locust's has not.
            "version": _core.__version__,
            "num_aborted": stats.num_aborted,
            "timings_statistics": [_timings(entry) for entry in entries if entry.num_timed_requests],
            "entry_history": _entry_history(stats),
        }


def _response_times(entry: StatsEntry) -> dict[str, Any]:
    shares = knob("html", "PERCENTILES_FOR_HTML_REPORT")
    row: dict[str, Any] = {"name": entry.name, "method": entry.method or ""}
    row |= {str(share): entry.get_response_time_percentile(share) for share in shares}
    if not knob("stats", "LOCUST_ROUNDING") and (exact := entry.exact_percentiles(list(shares))) is not None:
        row["exact"] = {str(share): value for share, value in zip(shares, exact, strict=True)}
    return row


def _timings(entry: StatsEntry) -> dict[str, Any]:
    average, longest = entry.timings, entry.max_timings
    return {
        "name": entry.name,
        "method": entry.method or "",
        "num_requests": entry.num_timed_requests,
        "average": average._asdict() if average else {},
        "max": longest._asdict() if longest else {},
    }


def _entry_history(stats: RequestStats) -> dict[str, Any]:
    noted = stats.entry_history
    return {
        "times": noted.times,
        "percentiles": [str(share) for share in noted.shares],
        "num_entries": len(stats.entries),
        "entries": [
            {"name": name, "method": method, "rps": rps, "fails": fails, "response_times": response_times}
            for (name, method), (rps, fails, *response_times) in noted.rows()
        ],
    }


def _host(environment: Any) -> str | None:
    """The host of the test, when all its users have the same."""
    if environment.host:
        host: str = environment.host
        return host
    hosts = {user_class.host for user_class in environment.runner.user_classes}
    return hosts.pop() if len(hosts) == 1 else None


def _task_ratios(environment: Any) -> dict[str, Any]:
    runner = environment.runner
    is_over = runner.state in _AFTER_THE_TEST
    # A master knows its users from what the workers report.
    running = getattr(runner, "reported_user_classes_count", None) or runner.user_classes_count
    spawned: Mapping[str, int] = runner.final_user_classes_count if is_over else running
    classes = environment.user_classes
    return {
        "per_class": get_ratio(classes, dict(spawned), False),
        "total": get_ratio(classes, dict(spawned), True),
    }


def _script_literal(value: Any) -> str:
    """A value as JavaScript that may stand inside a `<script>`, whatever names and failures hold."""
    text = json.dumps(_without_nan(value), sort_keys=True, default=str)
    for character in "<>&'":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _without_nan(value: Any) -> Any:
    """The value with null for what JSON has no number for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(inner) for inner in value]
    return value

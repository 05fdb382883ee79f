"""The HTML report's figures, and that nothing in a name can leave its script."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
import rocust.html
import rocust.stats
from rocust import User, task
from rocust.html import get_html_report, process_html_filename
from rocust.stats import RequestStats


class Visitor(User):
    host = "http://here"

    @task
    def look(self) -> None: ...


def environment_of(stats: RequestStats, state: str = "stopped") -> Any:
    runner = SimpleNamespace(
        stats=stats,
        state=state,
        user_count=2,
        user_classes=[Visitor],
        user_classes_count={"Visitor": 2},
        final_user_classes_count={"Visitor": 4},
        exceptions={1: {"count": 1, "msg": "m", "traceback": "t", "nodes": {"b", "a"}}},
    )
    return SimpleNamespace(runner=runner, host=None, locustfile="shop.py", profile=None, user_classes=[Visitor])


def args_of(page: str) -> dict[str, Any]:
    found = re.search(r"window\.templateArgs = (.*?);\n", page)
    assert found is not None
    args: dict[str, Any] = json.loads(found[1])
    return args


def test_the_report_has_locusts_figures() -> None:
    stats = RequestStats()
    stats.log_request("GET", "/a", 12.345, 10)
    stats.log_error("GET", "/a", "broken")
    args = args_of(get_html_report(environment_of(stats), show_download_link=False))
    assert args["is_report"] is True
    assert args["show_download_link"] is False
    assert (args["host"], args["locustfile"], args["profile"]) == ("http://here", "shop.py", None)
    assert [row["name"] for row in args["requests_statistics"]] == ["/a", "Aggregated"]
    assert args["failures_statistics"][0]["occurrences"] == 1
    assert args["exceptions_statistics"] == [{"count": 1, "msg": "m", "traceback": "t", "nodes": "a, b"}]
    assert args["response_time_statistics"][0]["0.95"] == 12
    assert args["response_time_statistics"][0]["exact"]["1.0"] == 12.345
    assert args["tasks"]["per_class"] == {"Visitor": {"ratio": 1.0, "tasks": {"look": {"ratio": 1.0}}}}
    assert args["percentiles_to_chart"] == [0.5, 0.95]
    assert [note["user_count"][1] for note in args["history"]] == [2]
    assert args["entry_history"]["entries"][0]["name"] == "/a"


def test_with_locusts_rounding_there_is_nothing_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rocust.stats, "LOCUST_ROUNDING", True)
    monkeypatch.setattr(rocust.html, "PERCENTILES_FOR_HTML_REPORT", [0.25])
    stats = RequestStats()
    stats.log_request("GET", "/a", 123.4, 10)
    row = args_of(get_html_report(environment_of(stats)))["response_time_statistics"][0]
    assert row == {"name": "/a", "method": "GET", "0.25": 120}


def test_no_name_or_failure_can_leave_the_script() -> None:
    stats = RequestStats()
    hostile = "</script><script>alert('x')</script><!-- \u2028"
    stats.log_request("GET", hostile, 1, 1)
    stats.log_error("GET", hostile, hostile)
    page = get_html_report(environment_of(stats))
    assert "alert('x')" not in page
    assert args_of(page)["requests_statistics"][0]["name"] == hostile
    page.encode("utf-8")


@pytest.mark.parametrize(("theme", "literal"), [("dark", '"dark"'), ("light", '"light"'), ("", '""'), ("x", '""')])
def test_the_theme_is_the_one_asked_for(theme: str, literal: str) -> None:
    assert f"window.theme = {literal};" in get_html_report(environment_of(RequestStats()), theme=theme)


def test_the_page_asks_for_no_other_file() -> None:
    page = get_html_report(environment_of(RequestStats()))
    assert not re.search(r"<(?:script|link|img)[^>]*(?:src|href)=(?!\"data:)", page)
    assert len(page) < 400_000


@pytest.mark.parametrize(
    ("users", "rate", "time", "expected"),
    [(11, 5.0, 1, "u11_r5_t1"), (1, 0.5, None, "u1_r0.5_t{t}"), (None, None, None, "u{u}_r{r}_t{t}")],
)
def test_the_file_name_tells_the_options(users: Any, rate: Any, time: Any, expected: str) -> None:
    options = SimpleNamespace(num_users=users, spawn_rate=rate, run_time=time, html_file="u{u}_r{r}_t{t}")
    process_html_filename(options)
    assert options.html_file == expected

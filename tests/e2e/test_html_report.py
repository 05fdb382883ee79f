"""The HTML report in a real browser: what its reader sees, from a run of the command, without a network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from rocust import User, task
from rocust.html import get_html_report
from rocust.stats import RequestStats, update_stats_history
from support.browser import chromium
from support.command import run_locust
from support.script import Route
from support.server import ScriptedServer

# A browser may take its time to start on a busy machine.
pytestmark = [pytest.mark.ours("the page is ours"), pytest.mark.timeout(180)]

SHOP = """
import rocust.stats
from locust import HttpUser, constant, task

rocust.stats.HISTORY_STATS_INTERVAL_SEC = 0.5

class Buyer(HttpUser):
    wait_time = constant(0.02)

    @task(3)
    def look(self):
        self.client.get("/look")

    @task
    def gone(self):
        self.client.get("/gone")

    @task
    def break_down(self):
        raise RuntimeError("<b>broken</b>")
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def opened(browser: Browser, path: Path, scheme: Any = "light") -> Page:
    """The report, in a browser without a network; whatever it complains of fails the test."""
    page = browser.new_page(offline=True, color_scheme=scheme)
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: pytest.fail(f"the page failed: {error}"))
    page.on("console", lambda message: message.type != "error" or pytest.fail(message.text))
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    expect(page.get_by_role("heading", name="Load test report")).to_be_visible(timeout=60_000)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    return page


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    script = {"/look": Route(), "/gone": Route(status=404)}
    with ScriptedServer(script) as server:
        run = run_locust(SHOP, "-H", server.url, "-u", "3", "-r", "3", "-t", "4", "--html", str(path))
    assert run.returncode == 1, run.stderr
    assert run.total.requests > 10
    return path


def cells(page: Page, table: str, row: str) -> list[str]:
    return page.locator(f"#{table} tr", has_text=row).first.locator("td").all_inner_texts()


def test_the_figures_are_on_the_page(browser: Browser, report: Path) -> None:
    page = opened(browser, report)
    total = int(cells(page, "requests", "Aggregated")[2].replace(",", ""))
    looks, gone = (cells(page, "requests", name) for name in ("/look", "/gone"))
    assert int(looks[2]) + int(gone[2]) == total
    assert (looks[3], gone[3], gone[4]) == ("0", gone[2], "100%")
    titles = page.locator("#response-times th").all_inner_texts()
    assert titles == ["Type", "Name", "50%", "60%", "70%", "80%", "90%", "95%", "99%", "100% (max)"]
    percentiles = [float(cell.replace(",", "")) for cell in cells(page, "response-times", "/look")[2:]]
    assert percentiles == sorted(percentiles)
    assert percentiles[0] > 0
    assert page.locator("#timings tbody tr").count() == 2
    assert "404" in cells(page, "failures", "/gone")[3]
    # What a test writes is text, never markup.
    assert cells(page, "exceptions", "broken")[1] == "<b>broken</b>"
    assert "60% look" in page.locator(".ratio").first.inner_text()
    page.close()


def test_charts_are_drawn_of_the_total_and_of_each_entry(browser: Browser, report: Path) -> None:
    page = opened(browser, report)
    charts = page.locator(".chart canvas")
    expect(charts).to_have_count(3)
    drawn = """canvas => {
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return pixels.some(value => value !== 0);
    }"""
    assert all(chart.evaluate(drawn) for chart in charts.all())
    before = charts.first.evaluate("canvas => canvas.toDataURL()")
    page.locator("#entry").select_option(label="GET /gone")
    page.wait_for_function(
        "before => document.querySelector('.chart canvas')?.toDataURL() !== before", arg=before, timeout=60_000
    )
    expect(charts).to_have_count(3)
    assert page.locator("#entry option").all_inner_texts() == ["all requests", "GET /gone", "GET /look"]
    page.close()


def test_rows_are_sorted_by_their_titles(browser: Browser, report: Path) -> None:
    page = opened(browser, report)
    names = page.locator("#requests tbody td:nth-child(2)")
    assert names.all_inner_texts() == ["/gone", "/look"]
    page.locator("#requests th button", has_text="# requests").click()
    expect(page.locator("#requests th[aria-sort=descending]")).to_have_text("# requests")
    assert names.all_inner_texts() == ["/look", "/gone"]
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_reader_and_can_be_changed(browser: Browser, report: Path, scheme: str) -> None:
    page = opened(browser, report, scheme)
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", scheme)
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").click()
    expect(root).to_have_attribute("data-theme", "light" if scheme == "dark" else "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.close()


class Visitor(User):
    @task
    def look(self) -> None: ...


def test_a_long_run_with_a_thousand_names_stays_workable(browser: Browser, tmp_path: Path) -> None:
    stats = RequestStats()
    runner = SimpleNamespace(
        stats=stats,
        state="running",
        user_count=5,
        user_classes=[Visitor],
        user_classes_count={"Visitor": 5},
        exceptions={},
    )
    environment = SimpleNamespace(
        runner=runner, host="http://x", locustfile="x.py", profile=None, user_classes=[Visitor]
    )
    # An hour, a note every five seconds.
    for number in range(720):
        for name in range(number % 4, 1_000, 4):
            stats.log_request("GET", f"/{name:03d}", 5 + name % 9, 10)
        update_stats_history(runner, f"2026-01-01T{number // 720:02d}:{number * 5 // 60:02d}:{number * 5 % 60:02d}Z")
    text = get_html_report(environment)
    assert len(text) < 12_000_000
    path = tmp_path / "long.html"
    path.write_text(text, encoding="utf-8")
    page = opened(browser, path)
    assert page.locator("#requests tbody tr").count() == 200
    page.get_by_label("Search requests").fill("/99")
    expect(page.locator("#requests tbody tr")).to_have_count(10)
    page.get_by_label("Search requests").fill("")
    page.get_by_role("button", name=re.compile("Show all 1,000 rows")).first.click()
    expect(page.locator("#requests tbody tr")).to_have_count(1_000)
    page.locator("#entry").select_option(label="GET /500")
    expect(page.locator(".chart canvas")).to_have_count(3)
    page.close()

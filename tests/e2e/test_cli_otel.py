"""`--otel`: what a collector receives of a run, and what the system under test is told."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from support.command import Result, run_locust, start_locust
from support.server import Exchange, RefusingPort, ScriptedServer

pytest.importorskip("opentelemetry.sdk", reason="the extra 'otel' is not installed")
from support.collector import Collector
from support.script import Route, redirect

PROTOCOLS = ("grpc", "http/protobuf")
QUIET = {"OTEL_LOGS_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}

BOTH_CLIENTS = """
import logging
from locust import FastHttpUser, HttpUser, constant, task

class Requests(HttpUser):
    fixed_count = 1
    wait_time = constant(30)

    @task
    def work(self):
        self.client.get("/page?id=1", headers={"X-Own": "yes"})
        self.client.get("/broken", name="a broken one")
        self.client.get("http://127.0.0.1:REFUSING/refused")
        logging.getLogger("shop").info("all asked")

class Fast(FastHttpUser):
    fixed_count = 1
    wait_time = constant(30)

    @task
    def work(self):
        self.client.get("/page?id=2")
        with self.client.rename_request("renamed"):
            self.client.post("/missing", json={"a": 1})
        self.client.get("http://127.0.0.1:REFUSING/refused")
"""

ONE_BY_ONE = """
from locust import HttpUser, constant, task

class Visitor(HttpUser):
    wait_time = constant(30)

    @task
    def work(self):
        {steps}
        self.environment.runner.quit()
"""


def run_both_clients(server: ScriptedServer, env: dict[str, str], *arguments: str) -> Result:
    with RefusingPort() as refusing:
        text = BOTH_CLIENTS.replace("REFUSING", str(refusing.port))
        return run_locust(text, "-u", "2", "-r", "2", "-t", "3", "-H", server.url, "--otel", *arguments, env=env)


def run_steps(server: ScriptedServer, steps: str, env: dict[str, str], before: str = "") -> Result:
    return run_locust(before + ONE_BY_ONE.format(steps=steps), "-H", server.url, "--otel", env=env)


def in_hex(text: str) -> str:
    """An id, which protobuf's JSON writes in base 64, as `traceparent` has it."""
    return base64.b64decode(text).hex()


def told_to(exchange: Exchange) -> tuple[str, str] | None:
    """The ids of trace and span that the server was told, in hex; None when it was told of none."""
    header = exchange.header("traceparent")
    if header is None:
        return None
    version, trace_id, span_id, flags = header.split("-")
    assert version == "00"
    assert int(flags, 16) & 1, "it is not sampled"
    return trace_id, span_id


@pytest.fixture(name="server")
def _server():
    routes = {
        "/page": Route(),
        "/broken": Route(status=503),
        "/moved": redirect("/page"),
        "/slow": Route(delay_s=1.0),
        "/never": Route(gate="never"),
    }
    with ScriptedServer(routes) as server:
        yield server


@pytest.mark.ours("tracing FastHttpUser")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_collector_receives_all_and_the_server_is_told(server: ScriptedServer, protocol: str) -> None:
    with Collector() as collector:
        result = run_both_clients(server, collector.environment(protocol), "--profile", "nightly")
        way = "grpc" if protocol == "grpc" else "http"
        assert collector.ways() == {(signal, way) for signal in ("traces", "metrics", "logs")}
        spans, resources, logs = collector.spans(), collector.resources(), collector.logs()
        durations, users = collector.points("locust.client.duration"), collector.points("locust.users.count")
    assert result.returncode == 1, result.stderr
    assert re.match(r"Starting Locust 2\.47\.0.*, OpenTelemetry enabled$", result.log_lines("INFO")[0])

    assert sorted(span["name"] for span in spans) == [
        "GET /page", "GET /page", "GET /refused", "GET /refused", "GET a broken one", "POST renamed",
    ]  # fmt: skip
    assert {span["kind"] for span in spans} == {"SPAN_KIND_CLIENT"}
    by_url = {(span["attributes"]["http.url"], span["name"]): span for span in spans}
    page = by_url[f"{server.url}/page?id=1", "GET /page"]
    assert page["attributes"]["http.method"] == "GET"
    assert page["attributes"]["http.status_code"] == 200
    assert page["status"] == {}
    broken = by_url[f"{server.url}/broken", "GET a broken one"]
    assert (broken["attributes"]["http.status_code"], broken["status"]) == (503, {"code": "STATUS_CODE_ERROR"})
    for span in spans:
        if span["name"] == "GET /refused":
            assert span["status"]["code"] == "STATUS_CODE_ERROR"
            assert "refused" in span["status"]["message"]
            assert [event["name"] for event in span["events"]] == ["exception"]

    told = {(e.target, told_to(e)) for e in server.journal()}
    answered = [span for span in spans if "http.status_code" in span["attributes"]]
    assert told == {
        (span["attributes"]["http.url"].removeprefix(server.url), (in_hex(span["traceId"]), in_hex(span["spanId"])))
        for span in answered
    }
    assert len(told) == len(answered) == 4
    (own,) = [e for e in server.journal("/page") if e.query == "id=1"]
    assert own.header("X-Own") == "yes"

    counts = {(p["attributes"]["name"], p["attributes"].get("error.type")): int(p["count"]) for p in durations}
    assert counts == {
        ("/page?id=1", None): 1, ("/page?id=2", None): 1,
        ("a broken one", "HTTPError"): 1, ("renamed", "LocustBadStatusCode"): 1,
        ("/refused", "ConnectionRefusedError"): 1,
        (next(name for name, _ in counts if name.startswith("http")), "ConnectionRefusedError"): 1,
    }  # fmt: skip
    assert {p["attributes"]["user_class"] for p in users} == {"Requests", "Fast"}
    assert "all asked" in logs
    assert any(line.startswith("Starting Locust") for line in logs)
    for resource in resources:
        assert resource["service.name"] == "locust"
        assert resource["profile"] == "nightly"
        assert resource["filename"].endswith("locustfile.py")


def test_what_is_printed_by_the_console_exporters(server: ScriptedServer) -> None:
    console = {f"OTEL_{signal}_EXPORTER": "console" for signal in ("TRACES", "METRICS", "LOGS")}
    result = run_both_clients(server, {**console, "OTEL_METRIC_EXPORT_INTERVAL": "500"})
    assert '"name": "GET a broken one"' in result.stdout
    assert '"body": "Starting Locust' in result.stdout
    assert '"name": "locust.client.duration"' in result.stdout
    told = re.findall(
        r'"user_class": "(\w+)"\s*},\s*"start_time_unix_nano": [^,]*,\s*"time_unix_nano": \d+,\s*"value": (\d+)',
        result.stdout,
    )
    assert {("Requests", "1"), ("Fast", "1")} <= set(told)


def spans_of(result: Result) -> list[dict[str, Any]]:
    """The spans that the console exporter has printed."""
    decoder = json.JSONDecoder()
    found = [decoder.raw_decode(result.stdout, match.start())[0] for match in re.finditer(r"^\{", result.stdout, re.M)]
    return [one for one in found if "kind" in one]


CONSOLE = {**QUIET, "OTEL_TRACES_EXPORTER": "console"}


@pytest.mark.parametrize(
    ("steps", "names", "asked"),
    [
        ("self.client.get('/moved')", ["GET /moved"], 2),
        ("self.client.post('/page', files={'a': b'x'}, name='upload')", ["POST upload"], 1),
        ("__import__('requests').get(self.host + '/page')", ["GET /page"], 1),
        ("__import__('urllib3').request('GET', self.host + '/page')", ["GET"], 1),
        ("self.client.send(self.client.prepare_request(__import__('requests').Request('GET', self.host + '/page')))", ["GET /page"], 1),
    ],
    ids=["redirects", "run by requests", "the locustfile's own requests", "its own urllib3", "a prepared request"],
)  # fmt: skip
def test_one_span_for_a_call_whoever_runs_it(server: ScriptedServer, steps: str, names: list[str], asked: int) -> None:
    result = run_steps(server, steps, CONSOLE)
    spans = spans_of(result)
    assert [span["name"] for span in spans] == names, result.stderr
    context = spans[0]["context"]
    ids = context["trace_id"].removeprefix("0x"), context["span_id"].removeprefix("0x")
    assert [told_to(exchange) for exchange in server.journal()] == [ids] * asked


@pytest.mark.ours("tracing FastHttpUser")
def test_a_request_that_is_sent_again_has_one_span(server: ScriptedServer) -> None:
    text = ONE_BY_ONE.format(steps='self.client.get("/slow")')
    text = text.replace("HttpUser", "FastHttpUser").replace(
        "wait_time", "network_timeout, max_retries = 0.3, 1\n    wait_time"
    )
    (span,) = spans_of(run_locust(text, "-H", server.url, "--otel", env=CONSOLE))
    assert span["status"]["status_code"] == "ERROR"
    told = [told_to(exchange) for exchange in server.journal()]
    assert len(told) == 2
    assert len(set(told)) == 1


def test_a_request_that_nobody_waits_for_any_more_has_a_span(server: ScriptedServer) -> None:
    text = ONE_BY_ONE.format(steps='self.client.get("/never")')
    (span,) = spans_of(run_locust(text, "-H", server.url, "--otel", "-t", "2", env=CONSOLE))
    assert span["name"] == "GET /never"
    assert "http.status_code" not in span["attributes"]


def test_a_call_within_a_span_of_the_locustfile_is_its_child(server: ScriptedServer) -> None:
    steps = """
        from opentelemetry import trace
        with trace.get_tracer("shop").start_as_current_span("checkout"):
            self.client.get("/page")"""
    call, checkout = spans_of(run_steps(server, steps, CONSOLE))
    assert (call["name"], checkout["name"]) == ("GET /page", "checkout")
    assert call["parent_id"] == checkout["context"]["span_id"]


def test_what_is_excluded_is_not_traced(server: ScriptedServer) -> None:
    steps = """
        from opentelemetry.instrumentation.utils import suppress_http_instrumentation
        self.client.get("/page?health")
        with suppress_http_instrumentation():
            self.client.get("/page?hidden")
        self.client.get("/page?seen")"""
    result = run_steps(server, steps, {**CONSOLE, "OTEL_PYTHON_EXCLUDED_URLS": "health"})
    assert [span["attributes"]["http.url"] for span in spans_of(result)] == [f"{server.url}/page?seen"], result.stderr
    assert [e.query for e in server.journal() if e.header("traceparent")] == ["seen"]


def test_the_new_names_of_attributes(server: ScriptedServer) -> None:
    steps = 'self.client.get("/broken")'
    (span,) = spans_of(run_steps(server, steps, {**CONSOLE, "OTEL_SEMCONV_STABILITY_OPT_IN": "http"}))
    attributes = span["attributes"]
    assert attributes["url.full"] == f"{server.url}/broken"
    assert (attributes["http.request.method"], attributes["http.response.status_code"]) == ("GET", 503)
    assert (attributes["server.address"], attributes["server.port"]) == ("127.0.0.1", server.port)
    assert attributes["error.type"] == "503"
    assert "http.url" not in attributes


@pytest.mark.ours("times that a busy generator does not lengthen")
def test_a_span_ends_with_the_response_not_with_pythons_turn(server: ScriptedServer) -> None:
    steps = """
        import time, gevent
        asking = gevent.spawn(self.client.get, "/page")
        gevent.sleep(0)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            pass
        asking.join()"""
    (span,) = spans_of(run_steps(server, steps, CONSOLE))
    started, ended = (span[key].rpartition(":")[2].rstrip("Z") for key in ("start_time", "end_time"))
    assert (float(ended) - float(started)) % 60 < 2


@pytest.mark.ours("more than 20 names")
def test_names_have_series_of_their_own_up_to_a_bound(server: ScriptedServer) -> None:
    steps = """
        for number in range(50):
            self.client.get("/page", name=f"page {number}")"""
    with Collector() as collector:
        env = {**collector.environment("http/protobuf"), "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
        assert run_steps(server, steps, env).returncode == 0
        assert {p["attributes"]["name"] for p in collector.points("locust.client.duration")} == {
            f"page {number}" for number in range(50)
        }
    bounded = "from locust import opentelemetry\nopentelemetry.MAX_REQUEST_NAMES = 3\n"
    with Collector() as collector:
        env = {**collector.environment("http/protobuf"), "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
        result = run_steps(server, steps, env, before=bounded)
        counts = {p["attributes"]["name"]: int(p["count"]) for p in collector.points("locust.client.duration")}
    assert counts == {"page 0": 1, "page 1": 1, "page 2": 1, "Too many unique request names": 47}
    (warning,) = result.log_lines("WARNING", "locust.opentelemetry")
    assert warning.startswith("Requests have more than 3 names")
    assert "name=" in warning


@pytest.mark.ours("users that are not held up by gRPC")
def test_a_collector_that_takes_its_time_holds_up_nobody(server: ScriptedServer) -> None:
    looping = ONE_BY_ONE.format(steps='self.client.get("/page")').replace("constant(30)", "constant(0.01)")
    looping = looping.replace("self.environment.runner.quit()", "pass")
    with Collector(holds=True) as collector:
        env = {**collector.environment("grpc"), **QUIET, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with start_locust(looping, "-H", server.url, "--otel", "-t", "60", env=env) as running:
            collector.wait_for(lambda: bool(collector.ways()), "the first spans")
            server.wait_for_requests(server.count() + 100)
            collector.answer()
            running.send_signal(2)
            assert running.wait().returncode == 0
        names = [span["name"] for span in collector.spans()]
    assert len(names) == server.count()


@pytest.mark.ours("an end that a missing collector delays by five seconds only")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_collector_that_is_not_there_costs_nothing_but_a_warning(server: ScriptedServer, protocol: str) -> None:
    with RefusingPort() as refusing:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": refusing.url, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        result = run_steps(server, 'self.client.get("/page")', {**env, "OTEL_EXPORTER_OTLP_INSECURE": "true"})
    assert result.returncode == 0
    assert result.tables.total.requests == 1
    assert "the rest could not be sent within 5 seconds" in result.stderr
    assert "Traceback" not in result.stderr


def test_nothing_to_be_sent_is_nothing_to_be_traced(server: ScriptedServer) -> None:
    nothing = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
    result = run_steps(server, 'self.client.get("/page")', nothing)
    assert "No OpenTelemetry exporters configured, opentelemetry not enabled" in result.log_lines("INFO")
    assert "OpenTelemetry enabled" not in result.stderr
    assert [told_to(exchange) for exchange in server.journal()] == [None]


def test_unknown_exporters_and_protocols_are_named(server: ScriptedServer) -> None:
    env = {"OTEL_TRACES_EXPORTER": "zipkin,console", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "none"}
    result = run_steps(server, 'self.client.get("/page")', {**env, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "carrier"})
    warnings = result.log_lines("WARNING", "locust.opentelemetry")
    assert any("Unknown traces exporter 'zipkin'" in line for line in warnings)
    assert any("Unknown OpenTelemetry otlp exporter protocol 'carrier'" in line for line in warnings)
    assert [span["name"] for span in spans_of(result)] == ["GET /page"]


def test_without_the_packages_the_test_runs_and_says_so(server: ScriptedServer) -> None:
    missing = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
    del sys.modules[name]
sys.meta_path.insert(0, Missing())
"""
    result = run_steps(server, 'self.client.get("/page")', {}, before=missing)
    assert result.returncode == 0
    (error,) = result.log_lines("ERROR")
    assert error.startswith("OpenTelemetry SDK is not installed, opentelemetry not enabled. Run 'pip install ")


@pytest.mark.ours("calls that stay the engine's")
def test_plain_calls_stay_the_engines(server: ScriptedServer) -> None:
    steps = """
        self.client.get("/page")
        self.client.post("/page", json={"a": 1})
        self.client.post("/page", files={"a": b"x"})
        print("PATHS", __import__("json").dumps(self.client.paths))"""
    result = run_steps(server, steps, CONSOLE)
    assert result.printed("PATHS") == [{"rust": 2, "prepared": 1, "adapter": 0}]

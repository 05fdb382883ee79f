"""The test's side of a collector of OpenTelemetry: a real one, in a process of its own, at ports of its own.

What it has received stays as protobuf's JSON; the methods pick out what tests ask for. The program is `collector_process.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from support import child

DEADLINE_S = 30.0


def plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    """Attributes as a dictionary; integers, which protobuf's JSON writes as text, are numbers."""
    values: dict[str, Any] = {}
    for attribute in attributes:
        ((kind, value),) = attribute.get("value", {"stringValue": ""}).items() or (("stringValue", ""),)
        values[attribute["key"]] = int(value) if kind == "intValue" else value
    return values


class Collector:
    """A collector. Use it in a `with`.

    Args:
        holds: Whether it answers nobody until `answer` is called.
    """

    def __init__(self, holds: bool = False) -> None:
        self._arguments = ["hold"] if holds else []

    def __enter__(self) -> Collector:
        self._changed = threading.Condition()
        self._received: list[dict[str, Any]] = []
        self._ports: dict[str, int] = {}
        self._has_ended = False
        program = Path(__file__).with_name("collector_process.py")
        self._process = subprocess.Popen(
            [sys.executable, str(program), *self._arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._wait_for(lambda: bool(self._ports), "the collector to start")
        return self

    def __exit__(self, *_: object) -> None:
        child.end(self._process, self._listener, DEADLINE_S)

    def answer(self) -> None:
        """Answer those who wait, and everybody from now on."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def environment(self, protocol: str) -> dict[str, str]:
        """The variables that send everything here: by `grpc` or by `http/protobuf`."""
        way = "grpc" if protocol == "grpc" else "http"
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._ports[way]}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_INSECURE": "true",
        }

    def ways(self) -> set[tuple[str, str]]:
        """Which signals have come, and by which way."""
        return {(message["signal"], message["way"]) for message in self._all()}

    def resources(self) -> list[dict[str, Any]]:
        """Who has sent: the attributes of each resource."""
        outer = ("resourceSpans", "resourceMetrics", "resourceLogs")
        return [
            plain(part["resource"]["attributes"])
            for message in self._all()
            for key in outer
            for part in message["message"].get(key, [])
        ]

    def spans(self) -> list[dict[str, Any]]:
        """All spans, their attributes as a dictionary."""
        return [
            {**span, "attributes": plain(span.get("attributes", []))}
            for scope in self._parts("traces", "resourceSpans", "scopeSpans")
            for span in scope["spans"]
        ]

    def logs(self) -> list[str]:
        """The texts of all log records."""
        return [
            record["body"].get("stringValue", "")
            for scope in self._parts("logs", "resourceLogs", "scopeLogs")
            for record in scope["logRecords"]
        ]

    def points(self, metric: str) -> list[dict[str, Any]]:
        """All points of a metric, in the order in which they came, their attributes as a dictionary."""
        return [
            {**point, "attributes": plain(point.get("attributes", []))}
            for scope in self._parts("metrics", "resourceMetrics", "scopeMetrics")
            for found in scope["metrics"]
            if found["name"] == metric
            for kind in ("histogram", "gauge", "sum")
            for point in found.get(kind, {}).get("dataPoints", [])
        ]

    def wait_for(self, predicate: Callable[[], bool], what: str) -> None:
        """Block until `predicate` holds; it is asked again whenever something is received."""
        self._wait_for(predicate, what)

    def _all(self) -> list[dict[str, Any]]:
        with self._changed:
            return list(self._received)

    def _parts(self, signal: str, outer: str, inner: str) -> Iterator[dict[str, Any]]:
        for message in self._all():
            if message["signal"] == signal:
                for part in message["message"].get(outer, []):
                    yield from part.get(inner, [])

    def _wait_for(self, predicate: Callable[[], bool], what: str) -> None:
        with self._changed:
            in_time = self._changed.wait_for(lambda: predicate() or self._has_ended, DEADLINE_S)
            assert in_time, f"waited {DEADLINE_S:.0f} s for {what}"
            assert predicate(), f"the collector ended before {what}"

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            facts = json.loads(line)
            with self._changed:
                if facts.pop("event") == "ready":
                    self._ports = facts
                else:
                    self._received.append(facts)
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

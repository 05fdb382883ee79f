"""Where traces, metrics and logs go: what OpenTelemetry's environment variables say, as exporters.

For each signal `OTEL_{TRACES,METRICS,LOGS}_EXPORTER` lists exporters by name (`otlp`, the default, `console` and `none`).
OTLP goes by gRPC, or by HTTP where `OTEL_EXPORTER_OTLP_PROTOCOL`, or the variable of that one signal, says so. All else
(endpoint, headers, certificates, limits) the exporters read from their own variables.
"""

from __future__ import annotations

import importlib
import logging
import os
from dataclasses import dataclass
from typing import Any

from rocust._kernel import patch

logger = logging.getLogger("locust.opentelemetry")

_CONSOLE, _OTLP, _NONE = "console", "otlp", "none"
_PACKAGES = {"grpc": "grpc", "http/protobuf": "http", "http": "http"}


@dataclass(frozen=True)
class Signal:
    """One of the three kinds of things that are told."""

    name: str
    #: Module and class of its exporter in a package of OTLP.
    otlp: tuple[str, str]
    #: Module and class of the exporter that prints.
    console: tuple[str, str]

    @property
    def exporter_names(self) -> list[str]:
        """Which exporters are asked for, each once."""
        listed = os.environ.get(f"OTEL_{self.name.upper()}_EXPORTER", _OTLP).split(",")
        return list(dict.fromkeys(word for name in listed if (word := name.strip().lower())))

    @property
    def goes_nowhere(self) -> bool:
        """Whether none was asked for, in so many words."""
        return self.exporter_names == [_NONE]

    @property
    def protocol(self) -> str:
        """What OTLP is spoken over."""
        of_all = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        return os.environ.get(f"OTEL_EXPORTER_OTLP_{self.name.upper()}_PROTOCOL", of_all).strip().lower()


TRACES = Signal(
    "traces", ("trace_exporter", "OTLPSpanExporter"), ("opentelemetry.sdk.trace.export", "ConsoleSpanExporter")
)
METRICS = Signal(
    "metrics",
    ("metric_exporter", "OTLPMetricExporter"),
    ("opentelemetry.sdk.metrics.export", "ConsoleMetricExporter"),
)
LOGS = Signal(
    "logs", ("_log_exporter", "OTLPLogExporter"), ("opentelemetry.sdk._logs.export", "ConsoleLogRecordExporter")
)


@dataclass(frozen=True)
class Exporter:
    """One exporter, and whether it may take its time."""

    exporter: Any
    #: Whether it talks to somebody else, so that what it is given should be collected and sent together.
    is_remote: bool


def exporters_of(signal: Signal) -> list[Exporter]:
    """The exporters of a signal; what cannot be made is told in a warning and left out."""
    made = []
    for name in signal.exporter_names:
        if name == _CONSOLE:
            made.append(Exporter(_load(*signal.console)(), is_remote=False))
        elif name == _OTLP:
            exporter = _otlp(signal)
            if exporter is not None:
                made.append(Exporter(exporter, is_remote=True))
        elif name != _NONE:
            logger.warning("Unknown %s exporter '%s'. Ignored. There is: otlp, console, none.", signal.name, name)
            continue
        logger.debug("Configured %s exporter: %s", signal.name, name)
    return made


def _otlp(signal: Signal) -> Any:
    package = _PACKAGES.get(signal.protocol)
    if package is None:
        logger.warning(
            "Unknown OpenTelemetry otlp exporter protocol '%s'. Use 'grpc' or 'http/protobuf'", signal.protocol
        )
        return None
    module, name = signal.otlp
    try:
        if package == "grpc":
            patch.make_grpc_cooperative()
        exporter = _load(f"opentelemetry.exporter.otlp.proto.{package}.{module}", name)
    except ImportError:
        logger.warning(
            "OpenTelemetry otlp exporter for '%s' is not available. Please install the required package: "
            "opentelemetry-exporter-otlp-proto-%s",
            signal.protocol,
            package,
        )
        return None
    return exporter()


def _load(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)

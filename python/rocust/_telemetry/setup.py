"""OpenTelemetry, set up for a run as its environment variables say."""

from __future__ import annotations

import atexit
import logging
import os
import socket
from typing import TYPE_CHECKING, Any

import rocust
from rocust._events import global_events
from rocust._kernel.green import joinall, spawn
from rocust._telemetry.exporters import LOGS, METRICS, TRACES, exporters_of

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

logger = logging.getLogger("locust.opentelemetry")

#: How long the end of the process waits for the rest to be sent. A collector that is there takes milliseconds.
FLUSH_LIMIT_S = 5.0


def setup_opentelemetry(locustfile: str, profile: str | None) -> bool:
    """Have traces, metrics and the log of this process sent as OpenTelemetry's environment variables say.

    What is sent: a span for every call of `HttpUser` and `FastHttpUser`, and for what a locustfile does with `requests` and
    urllib3 itself; the metrics `locust.client.duration` (seconds, by name and kind of error) and `locust.users.count` (by
    class); the lines of the log. To be called before the run's `init` event.

    Args:
        locustfile: Becomes the attribute `filename` of everything that is sent.
        profile: Becomes its attribute `profile`.

    Returns:
        Whether it was set up: not when the packages are missing, which is told in the log, or when nothing is to be sent.

    Differs from Locust: `FastHttpUser` is traced too; spans end when the response was there, not when Python had its turn;
    `locust.client.duration` has a series for each name up to `MAX_REQUEST_NAMES`, and buckets of fractions of a second; an
    OTLP exporter over gRPC does not hold up the users.
    """
    try:
        import opentelemetry.sdk.resources  # noqa: F401 - whether it is there
    except ImportError:
        logger.error("OpenTelemetry SDK is not installed, opentelemetry not enabled. Run 'pip install rocust[otel]'")
        return False
    if all(signal.goes_nowhere for signal in (TRACES, METRICS, LOGS)):
        logger.info("No OpenTelemetry exporters configured, opentelemetry not enabled")
        return False
    resource = _resource(locustfile, profile)
    providers = [_set_up_traces(resource)]
    if not METRICS.goes_nowhere:
        providers.append(_set_up_metrics(resource))
    if not LOGS.goes_nowhere:
        providers.append(_set_up_logs(resource))
    _follow_http()
    atexit.register(_flush, providers)
    return True


def _flush(providers: list[Any]) -> None:
    """Have everybody send the rest, at the same time; a collector that does not answer delays the end by a few seconds only.

    Left to themselves they would do so one after the other, each for as long as an exporter tries.
    """
    flushing = [spawn(provider.shutdown) for provider in providers]
    if len(joinall(flushing, timeout=FLUSH_LIMIT_S)) < len(flushing):
        logger.warning(
            "OpenTelemetry: the rest could not be sent within %.0f seconds and is lost. hint: is the collector there?",
            FLUSH_LIMIT_S,
        )


def _resource(locustfile: str, profile: str | None) -> Resource:
    from opentelemetry.sdk.resources import Resource

    return Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME", "locust"),
            "service.version": rocust.LOCUST_API_VERSION,
            "host.name": socket.gethostname(),
            "filename": locustfile,
            "profile": profile or "",
        }
    )


def _set_up_traces(resource: Resource) -> Any:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for made in exporters_of(TRACES):
        processor = BatchSpanProcessor if made.is_remote else SimpleSpanProcessor
        provider.add_span_processor(processor(made.exporter))
    trace.set_tracer_provider(provider)
    return provider


def _set_up_metrics(resource: Resource) -> Any:
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    from rocust._telemetry.metrics import observe

    readers = [PeriodicExportingMetricReader(made.exporter) for made in exporters_of(METRICS)]
    provider = MeterProvider(resource=resource, metric_readers=readers, shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    observe(global_events(), provider.get_meter("locust"))
    return provider


def _set_up_logs(resource: Resource) -> Any:
    from opentelemetry import _logs
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor

    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    for made in exporters_of(LOGS):
        processor = BatchLogRecordProcessor if made.is_remote else SimpleLogRecordProcessor
        provider.add_log_record_processor(processor(made.exporter))
    _logs.set_logger_provider(provider)
    handler = LoggingHandler(logger_provider=provider)
    handler.name = "opentelemetry"
    # Locust's own loggers hand nothing on to the root.
    for name in ("", "locust"):
        logging.getLogger(name).addHandler(handler)
    return provider


def _follow_http() -> None:
    try:
        from rocust._telemetry.spans import follow_http
    except ImportError:
        logger.info(
            "OpenTelemetry 'requests' instrumentation is not installed. Please install 'opentelemetry-instrumentation-requests'"
        )
        return
    follow_http()

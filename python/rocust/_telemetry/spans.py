"""A span for every call of `HttpUser` and `FastHttpUser`, and a header that tells the server which one it is part of.

Calls that the engine runs alone are followed here (`_http.tracing`); those that `requests` has to run are followed by
OpenTelemetry's instrumentation of `requests`, as are the locustfile's own. Both give the same spans: `METHOD path`, or
`METHOD name` for a call with a `name=`, one for a call whatever redirects it followed.

A span ends where the response time ends, on the lane, not when the user's greenlet has its turn again.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from opentelemetry.metrics import get_meter
from opentelemetry.propagate import inject
from opentelemetry.trace import SpanKind, Status, StatusCode, get_tracer, set_span_in_context
from opentelemetry.util.http import get_excluded_urls, redact_url, sanitize_method

from rocust._http import paths, tracing
from rocust._telemetry.conventions import Facts, conventions_in_use, named

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from rocust import _core

logger = logging.getLogger("locust.opentelemetry")

_FIRST_FAILING_STATUS = 400
_HTTP_2 = 20
_NS_PER_MS = 1_000_000


def follow_http() -> None:
    """Have all HTTP calls traced from now on, and how long they took told: those of users, of `requests` and of urllib3.

    If the locustfile has instrumented `requests` itself, calls of `HttpUser` are traced by its instrumentation alone.
    """
    is_untouched = requests.Session.send is paths.SESSION_SEND
    # Without its check of versions, which fails for releases of requests that it works with.
    RequestsInstrumentor().instrument(request_hook=_rename, skip_dep_check=True)
    tracing.follow_with(SpanTracer(requests.Session.send if is_untouched else None))
    _follow_urllib3()


def _follow_urllib3() -> None:
    try:
        from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
    except ImportError:
        logger.info(
            "OpenTelemetry 'urllib3' instrumentation is not installed. Please install 'opentelemetry-instrumentation-urllib3'"
        )
        return
    URLLib3Instrumentor().instrument(skip_dep_check=True)


def _rename(span: Span, request: requests.PreparedRequest) -> None:
    """Name a span that the instrumentation has made."""
    span.update_name(_name_of(str(request.method), str(request.url), getattr(request, "_explicit_name", None)))


def _name_of(method: str, url: str, name: str | None) -> str:
    return f"{method} {name or urlsplit(url).path or '/'}"


class SpanTracer:
    """Follows the calls that the engine runs."""

    def __init__(self, own_send: Any) -> None:
        """Make one, for the providers of traces and metrics that are set.

        Args:
            own_send: The function in the place of `requests.Session.send` that follows calls as this does; None when there
                is none.
        """
        self._own_send = own_send
        self._tracer = get_tracer("rocust")
        self._excluded = get_excluded_urls("REQUESTS")
        self._conventions = conventions_in_use()
        meter = get_meter("rocust")
        self._durations = [
            (
                convention,
                meter.create_histogram(
                    convention.duration,
                    unit=convention.unit,
                    description=convention.description,
                    explicit_bucket_boundaries_advisory=convention.buckets,
                ),
            )
            for convention in self._conventions
        ]

    def is_own(self, send: Any) -> bool:
        """Whether `send` is the instrumentation that this tracer stands beside."""
        return send is self._own_send

    def begin(self, call: tracing.Call) -> SpanOfCall | None:
        """Start the span of a call; None when its URL is excluded, or the locustfile has suppressed tracing."""
        if self._excluded.url_disabled(call.url) or not is_http_instrumentation_enabled():
            return None
        facts: Facts = {"method": sanitize_method(call.method), "url": redact_url(call.url)}
        attributes = self._in_span(facts)
        agent = next((value for name, value in call.headers if name.lower() == "user-agent"), None)
        if agent is not None:
            attributes["user_agent.original"] = agent.decode("latin-1")
        started_ns = time.time_ns()
        span = self._tracer.start_span(
            _name_of(call.method, call.url, call.name),
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=started_ns,
        )
        return SpanOfCall(self, span, facts, _headers_with(span, call.headers), started_ns)

    def _in_span(self, facts: Facts) -> dict[str, Any]:
        return {
            name: value for convention in self._conventions for name, value in named(facts, convention.in_spans).items()
        }

    def _record(self, facts: Facts, response_time_ms: float) -> None:
        for convention, duration in self._durations:
            duration.record(response_time_ms * convention.per_millisecond, named(facts, convention.in_metrics))


def _headers_with(span: Span, headers: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The headers of a call, and those that tell the server which span it is part of."""
    added: dict[str, str] = {}
    inject(added, set_span_in_context(span))
    names = {name.lower() for name in added}
    own = [header for header in headers if header[0].lower() not in names]
    return [*own, *((name, value.encode()) for name, value in added.items())]


class SpanOfCall:
    """The span of one call."""

    __slots__ = ("_facts", "_span", "_started_ns", "_tracer", "headers")

    def __init__(
        self, tracer: SpanTracer, span: Span, facts: Facts, headers: list[tuple[str, bytes]], started_ns: int
    ) -> None:
        """Hold a span that has started; `facts` is what is known of the call."""
        self._tracer, self._span, self._facts, self._started_ns = tracer, span, facts, started_ns
        self.headers = headers

    def end(self, exchange: _core.Exchange, error: BaseException | None) -> None:
        """Say how the call went, and end the span when the call ended."""
        facts, span = self._facts, self._span
        _add_address(facts, exchange.first_url)
        if error is None:
            facts["status"] = exchange.status
            facts["version"] = "2" if exchange.version == _HTTP_2 else f"{exchange.version / 10:.1f}"
            if exchange.status >= _FIRST_FAILING_STATUS:
                facts["error"] = str(exchange.status)
                span.set_status(Status(StatusCode.ERROR))
        else:
            facts["error"] = type(error).__qualname__
            self._note(error)
        span.set_attributes(self._tracer._in_span(facts))
        response_time = exchange.response_time
        ended_ns = int((exchange.started_at * 1000 + response_time) * _NS_PER_MS)
        span.end(max(ended_ns, self._started_ns))
        self._tracer._record(facts, response_time)

    def break_off(self, error: BaseException) -> None:
        """End the span now: the user was stopped, or has run out of patience."""
        if isinstance(error, Exception):
            self._note(error)
        self._span.end()

    def _note(self, error: BaseException) -> None:
        self._span.record_exception(error)
        self._span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))


def _add_address(facts: Facts, url: str) -> None:
    """Take note of where a call went at first."""
    if not url:
        return
    parts = urlsplit(url)
    facts["url"] = redact_url(url)
    facts["scheme"] = parts.scheme
    if parts.hostname:
        facts["host"] = parts.hostname
    if parts.port:
        facts["port"] = parts.port

"""OpenTelemetry, under Locust's name."""

from __future__ import annotations

from rocust._telemetry.setup import setup_opentelemetry

#: How many names of requests have a time series of their own in `locust.client.duration`; may be assigned.
MAX_REQUEST_NAMES = 2_000

__all__ = ["MAX_REQUEST_NAMES", "setup_opentelemetry"]

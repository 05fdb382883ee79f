"""What a run tells OpenTelemetry: spans of its requests, how long they took, how many users there are, and the log.

`setup` puts it together, `exporters` knows where it goes, `spans` follows HTTP calls, `metrics` listens to events. The
packages of OpenTelemetry are an extra (`rocust[otel]`) and are imported here only, when `--otel` asks for it.
"""

"""The program of a collector of OpenTelemetry: OTLP over HTTP and over gRPC, each at a port of its own.

It writes a line of JSON to stdout for whatever it receives, as protobuf's own JSON, and ends when its stdin does. With `hold` as its
argument it answers nobody until a line comes on stdin.
"""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

MESSAGES = {
    "/v1/traces": trace_service_pb2.ExportTraceServiceRequest,
    "/v1/metrics": metrics_service_pb2.ExportMetricsServiceRequest,
    "/v1/logs": logs_service_pb2.ExportLogsServiceRequest,
}
ANSWERS = {
    "traces": trace_service_pb2.ExportTraceServiceResponse,
    "metrics": metrics_service_pb2.ExportMetricsServiceResponse,
    "logs": logs_service_pb2.ExportLogsServiceResponse,
}
_writing = threading.Lock()
_may_answer = threading.Event()


def tell(event: str, **facts: Any) -> None:
    with _writing:
        print(json.dumps({"event": event, **facts}), flush=True)


def note(way: str, signal: str, message: Any) -> None:
    tell("received", way=way, signal=signal, message=MessageToDict(message))
    _may_answer.wait()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = MESSAGES[self.path]()
        message.ParseFromString(body)
        signal = self.path.rpartition("/")[2]
        note("http", signal, message)
        answer = ANSWERS[signal]().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


class Service:
    def __init__(self, signal: str) -> None:
        self._signal = signal

    def Export(self, request: Any, _context: Any) -> Any:
        note("grpc", self._signal, request)
        return ANSWERS[self._signal]()


def main() -> None:
    http = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    rpc = grpc.server(ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Service("traces"), rpc)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Service("metrics"), rpc)
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(Service("logs"), rpc)
    rpc_port = rpc.add_insecure_port("127.0.0.1:0")
    rpc.start()
    tell("ready", http=http.server_address[1], grpc=rpc_port)
    if sys.argv[1:] == ["hold"]:
        sys.stdin.readline()
    _may_answer.set()
    sys.stdin.read()
    rpc.stop(None)


if __name__ == "__main__":
    main()

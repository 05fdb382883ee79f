"""What is not HTTP (row A15 of the seeds): a gRPC user, with a real `grpcio` server and client in one process under gevent."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.command import Result, run_locust
from support.daemon import free_port
from support.home import CONTRIB, command_of, python_of
from support.seeds import SEEDS, code_blocks

PROTO = """
syntax = "proto3";
package greeting;
service Greeter {
  rpc Greet (GreetRequest) returns (GreetReply) {}
  rpc Refuse (GreetRequest) returns (GreetReply) {}
}
message GreetRequest { string name = 1; }
message GreetReply { string text = 1; }
"""

LOCUSTFILE = """
import time
from concurrent import futures

import gevent
import grpc
import grpc.experimental.gevent as grpc_gevent
from locust import User, events, task

grpc_gevent.init_gevent()

import greeting_pb2
import greeting_pb2_grpc


class Greeter(greeting_pb2_grpc.GreeterServicer):
    def Greet(self, request, context):
        time.sleep(0.3)
        return greeting_pb2.GreetReply(text=f"Hello, {request.name}!")

    def Refuse(self, request, context):
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")


@events.init.add_listener
def serve(environment, **_):
    environment.server = grpc.server(futures.ThreadPoolExecutor(max_workers=10))
    greeting_pb2_grpc.add_GreeterServicer_to_server(Greeter(), environment.server)
    environment.server.add_insecure_port("127.0.0.1:PORT")
    environment.server.start()


class ReportingStub:
    def __init__(self, environment, stub):
        self.environment = environment
        self.stub = stub

    def __getattr__(self, name):
        method = getattr(self.stub, name)

        def call(request):
            meta = {"request_type": "grpc", "name": name, "start_time": time.time(), "response_length": 0, "exception": None,
                    "context": None, "response": None}
            started = time.perf_counter()
            try:
                meta["response"] = method(request)
                meta["response_length"] = len(meta["response"].text)
            except grpc.RpcError as error:
                meta["exception"] = error
            meta["response_time"] = (time.perf_counter() - started) * 1000
            self.environment.events.request.fire(**meta)
            return meta["response"]

        return call


class Guest(User):
    host = "127.0.0.1:PORT"
    at_work = most_at_work = 0

    def __init__(self, environment):
        super().__init__(environment)
        self.channel = grpc.insecure_channel(self.host)
        self.client = ReportingStub(environment, greeting_pb2_grpc.GreeterStub(self.channel))

    @task
    def greet(self):
        Guest.at_work += 1
        Guest.most_at_work = max(Guest.most_at_work, Guest.at_work)
        assert self.client.Greet(greeting_pb2.GreetRequest(name="you")).text == "Hello, you!"
        Guest.at_work -= 1
        assert self.client.Refuse(greeting_pb2.GreetRequest(name="you")) is None
        counted["done"] += 1
        if counted["done"] == 5:
            print("TOGETHER", Guest.most_at_work)
            gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)


counted = {"done": 0}
"""


def compile_proto(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.proto").write_text(text)
    subprocess.run(
        [python_of(CONTRIB), "-m", "grpc_tools.protoc", "-I.", "--python_out=.", "--grpc_python_out=.", f"{name}.proto"],
        cwd=folder, check=True,
    )  # fmt: skip


def test_a15_a_grpc_user_reports_calls_and_failures_and_holds_up_nobody(tmp_path: Path) -> None:
    compile_proto(tmp_path, "greeting", PROTO)
    text = LOCUSTFILE.replace("PORT", str(free_port()))
    result = run_locust(
        text, "-u", "5", "-r", "5", "-t", "20s", env={"PYTHONPATH": str(tmp_path)}, command=command_of(CONTRIB)
    )
    assert result.printed("TOGETHER") == [5], result.stderr  # all were waiting for the server at once
    greeted, refused = result.entry("Greet", "grpc"), result.entry("Refuse", "grpc")
    assert (greeted.requests, greeted.failures, greeted.content_bytes) == (5, 0, 5 * len("Hello, you!"))
    assert greeted.minimum_ms is not None
    assert greeted.minimum_ms >= 300
    assert (refused.requests, refused.failures) == (5, 5)
    assert "PERMISSION_DENIED" in str(result.errors)


@pytest.mark.skipif(not SEEDS, reason="ROCUST_SEEDS does not name the folder of the seed documents")
def test_a15_the_notes_grpc_user_runs_unchanged(tmp_path: Path) -> None:
    blocks = code_blocks("locust-notes.md", "python", "protobuf")
    (proto,) = [block for block in blocks if "service HelloService" in block]
    (server,) = [block for block in blocks if "class HelloServiceServicer(" in block]
    (locustfile,) = [block for block in blocks if "class HelloGrpcUser(GrpcUser)" in block]
    compile_proto(tmp_path, "hello", proto)
    (tmp_path / "hello_server.py").write_text(server, encoding="utf-8")
    (tmp_path / "locustfile.py").write_text(locustfile, encoding="utf-8")
    result: Result = run_locust(
        tmp_path / "locustfile.py",
        "-u",
        "3",
        "-r",
        "3",
        "-t",
        "5s",
        env={"PYTHONPATH": str(tmp_path)},
        command=command_of(CONTRIB),
    )
    row = result.tables.rows["grpc", "SayHello"]
    assert row.requests >= 3, result.stderr
    assert row.failures == 0

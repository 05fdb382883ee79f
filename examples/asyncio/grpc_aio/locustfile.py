"""gRPC with `grpc.aio`: one channel for each user, and each call counted by `self.measure`.

Needs grpcio (`pip install grpcio`) and a server with the method that is called; generated stubs take a channel in the same way.

    rocust -f examples/asyncio/grpc_aio/locustfile.py --headless -H 127.0.0.1:50051 -u 5 -t 10s
"""

import grpc
from locust import constant, task
from rocust import AsyncUser


class Caller(AsyncUser):
    wait_time = constant(0.1)

    async def on_start(self):
        self.channel = grpc.aio.insecure_channel(self.host)
        self.say = self.channel.unary_unary("/Echo/Say")

    async def on_stop(self):
        await self.channel.close()

    @task
    async def call(self):
        async with self.measure("gRPC", "/Echo/Say") as m:
            m["response_length"] = len(await self.say(b"hello"))

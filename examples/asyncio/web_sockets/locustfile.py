"""A WebSocket for each user, kept open between its tasks; `self.measure` counts each message and its echo.

Needs websockets (`pip install websockets`) and a server that echoes.

    rocust -f examples/asyncio/web_sockets/locustfile.py --headless -H ws://127.0.0.1:8765 -u 5 -t 10s
"""

import websockets
from locust import constant, task
from rocust import AsyncUser


class Talker(AsyncUser):
    wait_time = constant(0.1)

    async def on_start(self):
        self.socket = await websockets.connect(self.host, proxy=None)

    async def on_stop(self):
        await self.socket.close()

    @task
    async def echo(self):
        async with self.measure("WS", "echo") as m:
            await self.socket.send("hello")
            answer = await self.socket.recv()
            m["response_length"] = len(answer)
            assert answer == "hello"

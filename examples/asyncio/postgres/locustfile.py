"""Queries of a database in asynchronous users: a pool for each, several queries at once, and a transaction.

Needs asyncpg (`pip install asyncpg`). With the address of your own server:

    rocust -f examples/asyncio/postgres/locustfile.py --headless -H postgresql://tester@127.0.0.1:5432/postgres -u 5 -t 10s
"""

import asyncio

import asyncpg
from locust import constant, task
from rocust import AsyncUser


class Reader(AsyncUser):
    wait_time = constant(0.1)

    async def on_start(self):
        # Temporary tables belong to a connection: each that the pool makes gets one of its own.
        self.pool = await asyncpg.create_pool(self.host, min_size=1, max_size=3, init=self.prepare)

    async def on_stop(self):
        await self.pool.close()

    async def prepare(self, connection):
        await connection.execute("CREATE TEMPORARY TABLE orders (number integer, price integer)")

    async def fetch(self, name, query, *arguments):
        async with self.measure("SQL", name) as m:
            rows = await self.pool.fetch(query, *arguments)
            m["response_length"] = len(rows)
            return rows

    @task(3)
    async def read_side_by_side(self):
        numbers, words = await asyncio.gather(
            self.fetch("numbers", "SELECT n FROM generate_series(1, $1::integer) AS n", 100),
            self.fetch("words", "SELECT upper(word) AS word FROM unnest($1::text[]) AS word", ["one", "two"]),
        )
        assert len(numbers) == 100
        assert [row["word"] for row in words] == ["ONE", "TWO"]

    @task
    async def order(self):
        async with self.measure("SQL", "order"), self.pool.acquire() as connection, connection.transaction():
            await connection.executemany("INSERT INTO orders VALUES ($1, $2)", [(1, 10), (2, 20)])
            assert await connection.fetchval("SELECT sum(price) FROM orders") % 30 == 0

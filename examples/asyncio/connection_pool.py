"""A pool of connections: how many at once in all and at each host, kept alive, and how long names are remembered.

python examples/asyncio/connection_pool.py http://127.0.0.1:8000
"""

import asyncio
import sys

import rocust


async def main(target):
    async with rocust.AsyncClient(target, limit=100, limit_per_host=5, dns_ttl=60) as client:
        # A thousand at once: five are under way, the others wait for their turn, in order.
        responses = await asyncio.gather(*(client.get("/", name="hello") for _ in range(1_000)))
        print(f"{sum(response.ok for response in responses)} answered over at most 5 connections")
        print(f"median {client.stats.get('hello', 'GET').median_response_time} ms, the wait for a turn included")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

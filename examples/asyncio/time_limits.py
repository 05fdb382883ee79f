"""Limits of time and retries: what has passed is told by the exception, and what failed for now is tried again.

python examples/asyncio/time_limits.py http://127.0.0.1:8000
"""

import asyncio
import sys

import requests
import rocust


async def main(target):
    limits = rocust.Timeout(total=2.0, connect=1.0, read=0.2)
    again = rocust.Retry(attempts=3, backoff=0.05, on=(503,))
    async with rocust.AsyncClient(target, timeout=limits, retries=again) as client:
        try:
            await client.get("/?delay=1000")
        except requests.exceptions.ReadTimeout:
            print("read: the server was silent for too long")
        try:
            await client.get("/?delay=1000", timeout=rocust.Timeout(total=0.2))
        except rocust.TotalTimeout:
            print("total: the request took too long")
        try:
            # asyncio's own limits end a request too: it is closed on the wire, and no failure.
            await asyncio.wait_for(client.get("/?delay=1000"), 0.1)
        except asyncio.TimeoutError:
            print("asyncio: called off")
        response = await client.get("/?status=503", name="busy")
        print(f"retries: {response.status_code} after {client.stats.get('busy', 'GET').num_requests} attempts")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

"""The blocking client in an ordinary script: a call, a body that is read line by line, many requests at once, threads.

python examples/client/many_urls.py http://127.0.0.1:8000
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import rocust


def main(target):
    limits = rocust.Timeout(total=10, connect=2)
    with rocust.Client(target, limit=100, timeout=limits, retries=rocust.Retry(attempts=3)) as client:
        print(f"call: {client.get('/').status_code}")
        with client.stream("GET", "/") as response:
            for line in response.iter_lines():
                print(f"line: {line}")

        # No threads are needed for these: a hundred are under way at once, and the others wait for their turn.
        urls = [f"/item/{number}" for number in range(2_000)] + ["/?status=404", "http://nowhere.invalid/"]
        for response in client.map(urls, name="item"):
            if response.error or not response.ok:
                print(f"failed: {response.item}, {response.status_code or type(response.error).__name__}")

        # Threads that are there anyway may share the client.
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(client.get, ["/"] * 40))
        print(f"threads: {sum(answer.ok for answer in answers)} answered")
        print(f"counted: {client.stats.total.num_requests}, {client.stats.total.num_failures} failed")


if __name__ == "__main__":
    main(sys.argv[1])

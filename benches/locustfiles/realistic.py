"""A shop as people write it: weighted tasks, a login, JSON both ways, names, headers, cookies, judged responses; 20 names.

Run unchanged by Locust and Rocust.
"""

import random

from locust import HttpUser, task

WORDS = ("hammer", "nail", "screw driver", "saw & blade", "glue")
PAGES = (
    "about",
    "help",
    "terms",
    "privacy",
    "jobs",
    "press",
    "blog",
    "news",
    "stores",
    "returns",
    "shipping",
    "contact",
)


class Shopper(HttpUser):
    def on_start(self) -> None:
        answer = self.client.post("/api/login", json={"user": "ann", "password": "secret"}, name="log in").json()
        self.client.headers["Authorization"] = f"Bearer {answer['name']}"

    @task(10)
    def browse(self) -> None:
        self.client.get(f"/api/items?page={random.randint(1, 50)}", name="/api/items?page=[n]")

    @task(6)
    def look_at(self) -> None:
        item = self.client.get(f"/api/items/{random.randint(1, 1000)}", name="/api/items/[id]").json()
        assert item["price"] > 0

    @task(3)
    def search(self) -> None:
        word = random.choice(WORDS)
        self.client.get("/api/search", params={"q": word, "limit": 10}, name="/api/search")

    @task(3)
    def put_into_cart(self) -> None:
        order = {"item": random.randint(1, 1000), "count": 2, "note": "as a gift"}
        with self.client.post("/api/cart", json=order, name="/api/cart", catch_response=True) as response:
            if response.json()["id"] != 17:
                response.failure("another item is in the cart")

    @task(2)
    def translated(self) -> None:
        headers = {"Accept-Language": "de-DE,de;q=0.8", "X-Trace": "bench"}
        self.client.get("/api/offers", headers=headers, name="/api/offers (de)")

    @task(1)
    def in_the_dark(self) -> None:
        self.client.get("/api/theme", cookies={"theme": "dark"})

    @task(1)
    def pay(self) -> None:
        self.client.post("/api/pay", data={"card": "4111 1111", "amount": "19.90"}, name="pay")

    @task(4)
    def read_a_page(self) -> None:
        self.client.get(f"/pages/{random.choice(PAGES)}")

"""Users that go through proxies: what the proxy saw is what was reported, and its failures read as Locust's."""

from __future__ import annotations

from support.command import run_locust
from support.proxy import HttpProxy, SocksProxy
from support.script import Route
from support.server import ScriptedServer

LOCUSTFILE = """
from locust import FastHttpUser, HttpUser, constant, task

class Visitor(HttpUser):
    fixed_count = 1
    wait_time = constant(0)

    @task
    def work(self):
        proxies = {"http": "HTTP_PROXY"}
        for _ in range(5):
            self.client.get("/", name="forwarded", proxies=proxies)
        self.client.get("/", name="socks", proxies={"http": "SOCKS_PROXY"})
        self.client.get("https://target.test/", name="tunnel", proxies={"https": "HTTP_PROXY"})
        print("PATHS", self.client.paths)
        self.environment.runner.quit()

class Fast(FastHttpUser):
    fixed_count = 1
    proxy_host = "127.0.0.1"
    proxy_port = PORT
    wait_time = constant(60)

    def on_start(self):
        self.client.get("/", name="fast")

    @task
    def rest(self):
        pass
"""


def test_users_go_through_their_proxies_and_report_what_the_proxy_saw() -> None:
    hosts = {"target.test": "127.0.0.1"}
    with (
        ScriptedServer({"/": Route(body="hello")}) as server,
        HttpProxy(hosts=hosts) as proxy,
        SocksProxy(hosts=hosts) as socks,
    ):
        text = LOCUSTFILE.replace("HTTP_PROXY", proxy.url).replace("SOCKS_PROXY", f"socks5h://127.0.0.1:{socks.port}")
        result = run_locust(
            text.replace("PORT", str(proxy.port)),
            "--host",
            server.url.replace("127.0.0.1", "target.test"),
            "--users",
            "2",
            "--spawn-rate",
            "100",
        )
    outcome = {entry["name"]: (entry["requests"], entry["failures"]) for entry in result.probe["entries"]}
    # Nobody listens at target.test:443, which the proxy says.
    assert outcome == {"forwarded": (5, 0), "socks": (1, 0), "tunnel": (1, 1), "fast": (1, 0)}
    assert result.errors == {"GET tunnel: OSError('Tunnel connection failed: 502 Bad Gateway')": 1}
    assert sorted(passage.kind for passage in proxy.journal) == ["connect"] + ["forward"] * 6
    assert [passage.kind for passage in socks.journal] == ["socks5h"]
    assert "PATHS {'rust': 7, 'prepared': 0, 'adapter': 0}" in result.stdout
    assert server.count("/") == 7

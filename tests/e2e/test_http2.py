"""HTTP/2 against nginx: what nginx counted."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from support.command import run_locust
from support.nginx import Nginx

pytestmark = pytest.mark.ours("Locust speaks HTTP/1.1")

USERS, ROUNDS, AT_ONCE = 3, 4, 10

# Each user makes AT_ONCE requests at once, ROUNDS times.
CROWD = f"""
import gevent
from locust import HttpUser, FastHttpUser, task

class Crowd(KIND):
    ATTRIBUTES

    @task
    def work(self):
        for number in range({ROUNDS}):
            jobs = [gevent.spawn(self.client.get, f"/{{number}}/{{job}}") for job in range({AT_ONCE})]
            gevent.joinall(jobs, raise_error=True)
            for job in jobs:
                assert job.value.text == "hello, world", job.value.text
                if "HttpUser" == "KIND":
                    assert job.value.raw.version == VERSION, job.value.raw.version
                    assert all(name == name.lower() for name in job.value.headers) == (VERSION == 20)
        gevent.sleep(3600)

from locust import events

@events.init.add_listener
def stop_when_done(environment, **_):
    def wait():
        while environment.stats.total.num_requests < {USERS * ROUNDS * AT_ONCE}:
            gevent.sleep(0.02)
        environment.runner.quit()
    gevent.spawn(wait)
"""


def crowd(kind: str, attributes: str = "http2 = True", version: int = 20) -> str:
    """The locustfile of users of this kind."""
    return CROWD.replace("KIND", kind).replace("ATTRIBUTES", attributes).replace("VERSION", str(version))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file of a server's certificate with its key."""
    path = tmp_path / "server.pem"
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


@pytest.mark.parametrize("kind", ["HttpUser", "FastHttpUser"])
@pytest.mark.parametrize("is_tls", [False, True])
def test_each_user_has_one_connection_that_its_requests_share(
    kind: str, is_tls: bool, tmp_path: Path, certificate: Path
) -> None:
    attributes = "http2 = True" + ("\n\n    def on_start(self):\n        self.client.verify = False" if is_tls else "")
    with Nginx(tmp_path, certificate=certificate if is_tls else None) as nginx:
        result = run_locust(crowd(kind, attributes), "-u", str(USERS), "-r", "10", "-H", nginx.url)
        assert result.returncode == 0, result.stderr
        assert {protocol for _, protocol, *_ in nginx.requests()} == {"HTTP/2.0"}
        assert sorted(nginx.requests_by_connection().values()) == [ROUNDS * AT_ONCE] * USERS
    assert (result.total.requests, result.total.failures) == (USERS * ROUNDS * AT_ONCE, 0)


def test_the_command_line_asks_for_it_and_a_server_without_it_gets_http_1(tmp_path: Path, certificate: Path) -> None:
    with Nginx(tmp_path, http2=False, certificate=certificate) as nginx:
        text = crowd("FastHttpUser", "pass")
        result = run_locust(text, "--http2", "-u", str(USERS), "-r", "10", "-H", nginx.url)
        assert result.returncode == 0, result.stderr
        assert {protocol for _, protocol, *_ in nginx.requests()} == {"HTTP/1.1"}
    assert (result.total.requests, result.total.failures) == (USERS * ROUNDS * AT_ONCE, 0)


def test_what_nginx_leaves_undone_at_its_goaway_is_sent_again_and_nothing_twice(tmp_path: Path) -> None:
    with Nginx(tmp_path, keepalive_requests=7) as nginx:
        result = run_locust(crowd("FastHttpUser"), "-u", str(USERS), "-r", "10", "-H", nginx.url)
        assert result.returncode == 0, result.stderr
        requests = nginx.requests()
    assert (result.total.requests, result.total.failures) == (len(requests), 0) == (USERS * ROUNDS * AT_ONCE, 0)
    assert len({connection for connection, *_ in requests}) > USERS

"""`DNSUser` asks a real name server, by UDP and by TCP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import run_locust
from support.daemon import program_with_port
from support.home import CONTRIB, command_of, python_of

LOCUSTFILE = """
import dns.message, dns.rdatatype
from locust import task
from locust.contrib.dns import DNSUser
import gevent

class Asker(DNSUser):
    @task
    def ask(self):
        known = dns.message.make_query("known.test", dns.rdatatype.A)
        for way in (self.client.udp, self.client.tcp):
            answer = way(known, "127.0.0.1", port=PORT)
            print("ANSWER", '"%s"' % answer.answer[0][0])
        self.client.udp(known, "127.0.0.1", port=PORT, name="by name")
        assert not self.client.udp(dns.message.make_query("other.test", "A"), "127.0.0.1", port=PORT, name="unknown").answer
        assert self.client.udp(dns.message.make_query("silent.test", "A"), "127.0.0.1", port=PORT, timeout=0.3, name="silent") is None
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = Path(__file__).parent / "servers" / "dns_server.py"
    with program_with_port([python_of(CONTRIB), str(server)]) as number:
        yield number


def test_names_are_asked_for_and_reported(port: int) -> None:
    result = run_locust(LOCUSTFILE.replace("PORT", str(port)), "-u", "1", "-t", "20s", command=command_of(CONTRIB))
    assert result.printed("ANSWER") == ["127.0.0.9", "127.0.0.9"], result.stderr
    assert [result.entry(name, "DNS").failures for name in ("udp", "tcp", "by name", "unknown", "silent")] == [
        0, 0, 0, 1, 1,
    ]  # fmt: skip
    assert result.total.requests == 5
    assert result.entry("silent", "DNS").maximum_ms >= 300
    assert set(result.errors) == {
        "DNS unknown: LocustError('No answer in DNS response')",
        next(error for error in result.errors if error.startswith("DNS silent: ")),
    }
    assert "LifetimeTimeout" in str(result.errors) or "Timeout" in str(result.errors)
    assert result.returncode == 1

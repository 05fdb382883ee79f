"""`MqttUser` and a real Mosquitto."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import Result, run_locust
from support.daemon import daemon, find_program, free_port
from support.home import CONTRIB, command_of

LOCUSTFILE = """
import gevent
import paho.mqtt.client as mqtt
from locust import task
from locust.contrib.mqtt import MqttUser
import gevent

class Talker(MqttUser):
    host, port = "127.0.0.1", PORT
    protocol = mqtt.PROTOCOL
    use_loop_selectors = SELECTORS

    def wait_until(self, happened):
        while not happened():
            gevent.sleep(0.01)

    @task
    def talk(self):
        came = []
        self.client.on_message = lambda client, userdata, message: came.append(message.payload.decode())
        self.wait_until(self.client.is_connected)
        print("NAMED", '"%s"' % self.client.client_id)
        self.client.subscribe("news/#", qos=2)
        self.client.subscribe(("other/topic", OPTIONS))
        self.wait_until(lambda: self.environment.stats.total.num_requests == 3)
        for qos in (0, 1, 2):
            for number in range(10):
                self.client.publish("news/today", f"{qos}-{number}", qos=qos)
        self.wait_until(lambda: len(came) == 30)
        self.wait_until(lambda: self.environment.stats.total.num_requests == 33)
        print("CAME", len(set(came)))
        self.client.disconnect()
        self.wait_until(lambda: self.environment.stats.total.num_requests == 34)
        self.client.publish("news/late", "never", qos=0)
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    number = free_port()
    configuration: Path = tmp_path_factory.mktemp("mosquitto") / "mosquitto.conf"
    as_root = "user root\n" if os.geteuid() == 0 else ""
    configuration.write_text(
        f"{as_root}listener {number} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest none\n"
    )
    with daemon([find_program("mosquitto"), "-c", str(configuration)], number):
        yield number


def run(text: str, port: int) -> Result:
    return run_locust(text.replace("PORT", str(port)), "-u", "1", "-t", "20s", command=command_of(CONTRIB))


@pytest.mark.ours("names a subscription that is a tuple after its topic's first letter")
@pytest.mark.parametrize("selectors", [False, True], ids=["select", "selectors"])
@pytest.mark.parametrize("protocol", ["MQTTv311", "MQTTv5"])
def test_each_message_and_subscription_is_one_request(port: int, protocol: str, selectors: bool) -> None:
    text = LOCUSTFILE.replace("PROTOCOL", protocol).replace("SELECTORS", str(selectors))
    text = text.replace("OPTIONS", "mqtt.SubscribeOptions(qos=1)" if protocol == "MQTTv5" else "1")
    result = run(text, port)
    assert result.printed("CAME") == [30], result.stderr
    assert result.printed("NAMED")[0].startswith("locust-")
    for qos in (0, 1, 2):
        sent = result.entry(f"publish:{qos}:news/today", "MQTT")
        assert (sent.requests, sent.failures, sent.content_bytes) == (10, 0, 30)
    for name in ("connect", "disconnect", "subscribe:2:news/#", "subscribe:1:other/topic"):
        assert (result.entry(name, "MQTT").requests, result.entry(name, "MQTT").failures) == (1, 0)
    late = result.entry("publish:0:news/late", "MQTT")
    assert (late.requests, late.failures) == (1, 1)
    assert result.total.requests == 35
    assert result.returncode == 1


NAMED = """
import gevent
from locust import task
from locust.contrib.mqtt import MqttUser, MqttClient
import gevent

class Named(MqttClient):
    def _generate_event_name(self, event_type, qos, topic):
        return f"{event_type}:{topic.split('/')[0]}"

class Talker(MqttUser):
    host, port = "127.0.0.1", PORT
    client_cls = Named

    @task
    def talk(self):
        while not self.client.is_connected():
            gevent.sleep(0.01)
        self.client.publish("rooms/17", b"x" * 1000, qos=1)
        self.client.publish("rooms/18", 21.5, qos=1)
        while self.environment.stats.total.num_requests < 3:
            gevent.sleep(0.01)
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)
"""


def test_names_can_be_given_by_an_own_client(port: int) -> None:
    result = run(NAMED, port)
    assert result.entry("publish:rooms", "MQTT").requests == 2, result.stderr
    assert result.entry("publish:rooms", "MQTT").content_bytes == 1000
    assert result.returncode == 0

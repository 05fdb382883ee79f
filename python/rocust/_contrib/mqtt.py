"""MQTT, by way of paho-mqtt."""

from __future__ import annotations

import random
import selectors
import string
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from rocust._contrib.library import library_of
from rocust._users.user import User

with library_of("mqtt", "paho-mqtt"):
    import paho.mqtt.client as mqtt
    from paho.mqtt.enums import MQTTErrorCode

REQUEST_TYPE = "MQTT"

#: What a server before MQTT 5 grants when it does not grant a subscription.
SUBACK_FAILURE = 0x80

_ID_CHARACTERS = string.digits + string.ascii_letters
#: With `locust-` before it, as long as every server must accept.
_ID_LENGTH = 16
_WAKE_UP_BYTES = 10_000


class PublishedMessageContext(NamedTuple):
    """What is known of a message that is on its way: `start_time` in seconds since the epoch, `payload_size` in bytes."""

    qos: int
    topic: str
    start_time: float
    payload_size: int


class _Awaited(NamedTuple):
    """A message or a subscription that the server has not acknowledged yet."""

    context: dict[str, Any]
    started_at: float
    length: int


class _Pending:
    """What has been sent, by message number, until it is acknowledged.

    paho's own thread may bring the acknowledgement before the call that sent the message has returned with its number. Such an early one
    is kept until the number is known, so neither is lost. What has been reported as failed may still be sent, once there is a connection:
    its acknowledgement is no second request.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._awaited: dict[int, _Awaited | None] = {}
        self._early: dict[int, Callable[[_Awaited], None]] = {}

    def expect(self, number: int, awaited: _Awaited) -> None:
        with self._lock:
            settle = self._early.pop(number, None)
            if settle is None:
                self._awaited[number] = awaited
        if settle is not None:
            settle(awaited)

    def ignore(self, number: int | None) -> None:
        if number is not None:
            with self._lock:
                self._awaited[number] = None

    def settle(self, number: int, settle: Callable[[_Awaited], None]) -> None:
        awaited = None
        with self._lock:
            if number in self._awaited:
                awaited = self._awaited.pop(number)
            else:
                self._early[number] = settle
        if awaited is not None:
            settle(awaited)


class MqttClient(mqtt.Client):
    """paho's client, reporting what it does as requests of type `MQTT`.

    Connecting is `connect`, and losing or ending the connection `disconnect`, both without a time (0). A message is
    `publish:<qos>:<topic>`, from the call until the server has it (QoS 0: until it is written). A subscription is
    `subscribe:<qos>:<topic>`, from the call until the server grants it. The names come from `_generate_event_name`, to be overridden.

    Args:
        environment: Whose events are told.
        client_id: How the client calls itself; `locust-` and 16 random characters if not given.
        protocol: The version of MQTT.
        use_loop_selectors: Wait with `selectors` rather than `select`, which may not watch descriptors from 1024 on.
        *args: What paho's client takes.
        **kwargs: What paho's client takes.

    Same as Locust, save that an acknowledgement is never too early to be counted, and a subscription given as a tuple is named after
    its topic and QoS rather than after the topic's first letter.
    """

    def __init__(
        self,
        *args: Any,
        environment: Any,
        client_id: str | None = None,
        protocol: Any = mqtt.MQTTv311,
        use_loop_selectors: bool = False,
        **kwargs: Any,
    ) -> None:
        if not client_id:
            client_id = "locust-" + "".join(random.choices(_ID_CHARACTERS, k=_ID_LENGTH))
        super().__init__(*args, client_id=client_id, protocol=protocol, **kwargs)
        self.environment = environment
        #: Kept, because a server may give another name and paho then knows neither.
        self.client_id = client_id
        self._use_loop_selectors = use_loop_selectors
        self._published = _Pending()
        self._subscribed = _Pending()
        self.on_publish = self._on_publish_cb
        is_v5 = protocol == mqtt.MQTTv5
        self.on_connect = self._on_connect_cb_v5 if is_v5 else self._on_connect_cb_v3x
        self.on_disconnect = self._on_disconnect_cb_v5 if is_v5 else self._on_disconnect_cb_v3x
        self.on_subscribe = self._on_subscribe_cb_v5 if is_v5 else self._on_subscribe_cb_v3x

    def _generate_event_name(self, event_type: str, qos: int, topic: str) -> str:
        """What a request is called; to be overridden where topics are too many to be told apart. Same as Locust."""
        return f"{event_type}:{qos}:{topic}"

    # -- what is sent

    def publish(
        self, topic: str, payload: Any = None, qos: int = 0, retain: bool = False, properties: Any = None
    ) -> mqtt.MQTTMessageInfo:
        """Send a message, as paho's `publish` does. Same as Locust."""
        context = PublishedMessageContext(
            qos=qos,
            topic=topic,
            start_time=time.time(),  # noqa: TID251  # for showing
            payload_size=len(payload) if payload and not isinstance(payload, (int, float)) else 0,
        )
        started_at = time.perf_counter()
        info = super().publish(topic, payload=payload, qos=qos, retain=retain, properties=properties)
        if info.rc == mqtt.MQTT_ERR_SUCCESS:
            self._published.expect(info.mid, _Awaited(context._asdict(), started_at, context.payload_size))
        else:
            self._published.ignore(info.mid)
            name = self._generate_event_name("publish", qos, topic)
            self._report(name, context=context._asdict(), exception=info.rc)
        return info

    def subscribe(
        self, topic: Any, qos: int = 0, options: Any = None, properties: Any = None
    ) -> tuple[MQTTErrorCode, int | None]:
        """Ask for messages, as paho's `subscribe` does. Several topics are one request, named after the first. Same as Locust."""
        first: Any = topic[0] if isinstance(topic, list) else topic
        shown_topic = first if isinstance(first, str) else first[0]
        # A number, or with MQTT 5 options that hold it.
        asked: Any = first[1] if isinstance(first, tuple) else qos
        shown_qos = int(getattr(asked, "QoS", asked))
        start_time = time.time()  # noqa: TID251  # for showing
        context = {"qos": shown_qos, "topic": shown_topic, "start_time": start_time}
        started_at = time.perf_counter()
        result, number = super().subscribe(topic, qos, options, properties)
        if result == mqtt.MQTT_ERR_SUCCESS and number is not None:
            self._subscribed.expect(number, _Awaited(context, started_at, 0))
        else:
            self._subscribed.ignore(number)
            name = self._generate_event_name("subscribe", shown_qos, shown_topic)
            self._report(name, context=context, exception=result)
        return result, number

    # -- what comes back: on paho's own thread

    def _on_publish_cb(self, client: Any, userdata: Any, mid: int) -> None:
        ended_at = time.perf_counter()
        self._published.settle(mid, lambda awaited: self._report_awaited("publish", awaited, ended_at))

    def _on_subscribe_cb_v3x(self, client: Any, userdata: Any, mid: int, granted_qos: Any) -> None:
        ended_at = time.perf_counter()
        refusal = None
        if any(code >= SUBACK_FAILURE for code in granted_qos):
            refusal = AssertionError(f"Broker returned an error response during subscription: {list(granted_qos)}")
        self._subscribed.settle(mid, lambda awaited: self._report_awaited("subscribe", awaited, ended_at, refusal))

    def _on_subscribe_cb_v5(self, client: Any, userdata: Any, mid: int, reason_codes: Any, properties: Any) -> None:
        self._on_subscribe_cb_v3x(client, userdata, mid, [code.value for code in reason_codes])

    def _on_connect_cb(self, client: Any, userdata: Any, flags: Any, rc: Any) -> None:
        self._report("connect", exception=None if rc == 0 else Exception(str(rc)))

    def _on_connect_cb_v3x(self, client: Any, userdata: Any, flags: Any, rc: Any) -> None:
        self._on_connect_cb(client, userdata, flags, rc)

    def _on_connect_cb_v5(
        self, client: Any, userdata: Any, connect_flags: Any, reasoncode: Any, properties: Any
    ) -> None:
        self._on_connect_cb(client, userdata, connect_flags, reasoncode)

    def _on_disconnect_cb(self, client: Any, userdata: Any, rc: Any) -> None:
        self._report("disconnect", exception=None if rc == 0 else rc)

    def _on_disconnect_cb_v3x(self, client: Any, userdata: Any, rc: Any) -> None:
        self._on_disconnect_cb(client, userdata, rc)

    def _on_disconnect_cb_v5(self, client: Any, userdata: Any, rc: Any, properties: Any = None) -> None:
        self._on_disconnect_cb(client, userdata, rc)

    def _report_awaited(
        self, event_type: str, awaited: _Awaited, ended_at: float, exception: Exception | None = None
    ) -> None:
        context = awaited.context
        self._report(
            self._generate_event_name(event_type, context["qos"], context["topic"]),
            context=context,
            # An acknowledgement may be noted a moment before the call has told when it began: on two threads.
            response_time=max(0.0, (ended_at - awaited.started_at) * 1000),
            response_length=0 if exception else awaited.length,
            exception=exception,
        )

    def _report(
        self,
        name: str,
        *,
        context: dict[str, Any] | None = None,
        response_time: float = 0,
        response_length: int = 0,
        exception: Any = None,
    ) -> None:
        self.environment.events.request.fire(
            request_type=REQUEST_TYPE,
            name=name,
            response_time=response_time,
            response_length=response_length,
            exception=exception,
            context={"client_id": self.client_id, **(context or {})},
        )

    # -- waiting

    def _loop(self, timeout: float = 1.0) -> MQTTErrorCode:
        """One turn of paho's loop; with `use_loop_selectors` a turn of our own, which watches any descriptor."""
        if not self._use_loop_selectors:
            return super()._loop(timeout)
        if timeout < 0.0:
            raise ValueError("Invalid timeout.")
        connection, bell = self.socket(), self._sockpairR
        if connection is None:
            return mqtt.MQTT_ERR_CONN_LOST
        # What TLS has decrypted already, no selector tells of.
        has_bytes = bool(hasattr(connection, "pending") and connection.pending())
        try:
            ready = self._ready(connection, bell, 0.0 if has_bytes else timeout)
        except (OSError, ValueError):  # closed meanwhile
            return mqtt.MQTT_ERR_CONN_LOST
        to_write = bool(ready.get(connection, 0) & selectors.EVENT_WRITE)
        if has_bytes or ready.get(connection, 0) & selectors.EVENT_READ:
            result = self.loop_read()
            if result or self.socket() is None:
                return result
        if bell is not None and bell in ready:
            to_write = True  # somebody has something to send, who had not when the waiting began
            with suppress(BlockingIOError):
                bell.recv(_WAKE_UP_BYTES)
        if to_write:
            result = self.loop_write()
            if result or self.socket() is None:
                return result
        return self.loop_misc()

    def _ready(self, connection: Any, bell: Any, timeout: float) -> dict[Any, int]:
        """What there is to do, by socket, when there is something or the time is over."""
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.want_write() else 0)
        with selectors.DefaultSelector() as selector:
            selector.register(connection, wanted)
            if bell is not None:
                selector.register(bell, selectors.EVENT_READ)
            return {key.fileobj: events for key, events in selector.select(timeout)}


class MqttUser(User):
    """A user with an MQTT client of its own, as `client`, that connects when the user is made and keeps connected.

    Example:
        class Thermometer(MqttUser):
            host = "localhost"

            @task
            def tell(self):
                self.client.publish("rooms/1/temperature", b"21.5", qos=1)

    Same as Locust.
    """

    abstract = True

    host: str | None = "localhost"
    port = 1883
    transport = "tcp"
    """`"tcp"`, `"websockets"` or `"unix"`."""
    ws_path = "/mqtt"
    """The path of the server's WebSocket."""
    tls_context: Any = None
    """An `ssl.SSLContext`, to speak TLS."""
    client_cls: type[MqttClient] = MqttClient
    client_id: str | None = None
    username: str | None = None
    password: str | None = None
    """Sent when both are given."""
    protocol: Any = mqtt.MQTTv311
    use_loop_selectors = False
    """Whether the client waits with `selectors`."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client: MqttClient = self.client_cls(
            environment=environment,
            transport=self.transport,
            client_id=self.client_id,
            protocol=self.protocol,
            use_loop_selectors=self.use_loop_selectors,
        )
        if self.tls_context:
            self.client.tls_set_context(self.tls_context)
        if self.transport == "websockets" and self.ws_path:
            self.client.ws_set_options(path=self.ws_path)
        if self.username and self.password:
            self.client.username_pw_set(username=self.username, password=self.password)
        self.client.connect_async(host=self.host, port=self.port)
        self.client.loop_start()

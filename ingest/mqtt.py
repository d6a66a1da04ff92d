"""One connection to the broker: payloads in, acknowledged after their commit, refusals out."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.intake import Intake
from ingest.payload import Channel, Payload
from ioc.errors import ConfigError
from ioc.model import Feed, Receipt

log = logging.getLogger(__name__)

PREFIX: Final = "ioc/v1/"
TOPIC: Final = "ioc/v1/#"
ERRORS: Final = "ioc/errors"
RECEIVE_MAXIMUM: Final = 10_000
"""Payloads that may wait for their acknowledgement; it must exceed what comes during a commit."""

FeedOf = Callable[[str, str], Feed | None]
"""Agency id and feed id to the feed, if the feed belongs to the agency."""


def split_topic(topic: str) -> tuple[str, str, str | None] | None:
    """Agency, feed and the series key below them; None for a topic that is not of a feed."""
    parts = topic.removeprefix(PREFIX).split("/", 2)
    if not topic.startswith(PREFIX) or len(parts) < 2 or not parts[0] or not parts[1]:
        return None
    return parts[0], parts[1], parts[2] if len(parts) > 2 and parts[2] else None


class MqttSource:
    """Subscribes with a persistent session and acknowledges by hand.

    The client works in a thread of its own. Its callback waits while the intake is full, so that
    what cannot be taken stays in the broker. An acknowledgement is never sent for a connection
    that is gone, because the next one uses the same packet ids for other payloads.
    """

    def __init__(
        self,
        url: str,
        intake: Intake,
        *,
        feed_of: FeedOf,
        unknown: Callable[[str, bytes], None],
        now: Callable[[], datetime],
        reconnected: Callable[[], None] = lambda: None,
        client_id: str = "ioc-ingest",
    ) -> None:
        """Take from the broker at `url` (mqtt://user:password@host:port).

        `unknown` is told of payloads for feeds that do not exist, which are acknowledged.
        `reconnected` is called in the client's thread after each connection but the first, for a
        broker that must be asked to deliver again what was not acknowledged.
        """
        self._reconnected = reconnected
        self._intake = intake
        self._feed_of = feed_of
        self._unknown = unknown
        self._now = now
        self._generation = 0
        self.connected = threading.Event()
        self.subscribed = threading.Event()
        self.received = 0
        self._host, self._port, user, password = broker_address(url)
        self._five = urlsplit(url).scheme == "mqtt5"
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if self._five else False,
            protocol=MQTTProtocolVersion.MQTTv5 if self._five else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        if user:
            self._client.username_pw_set(user, password)
        self._client.max_inflight_messages_set(RECEIVE_MAXIMUM)
        self._client.reconnect_delay_set(min_delay=1, max_delay=10)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def start(self) -> None:
        """Begin to connect, and keep connecting for ever."""
        more: dict[str, Any] = {}
        if self._five:
            properties = Properties(PacketTypes.CONNECT)
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            properties.SessionExpiryInterval = 0xFFFFFFFF
            more = {"clean_start": False, "properties": properties}
        self._client.connect_async(self._host, self._port, keepalive=30, **more)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; the broker keeps the session and what is not acknowledged."""
        self._generation += 1
        self._client.disconnect()
        self._client.loop_stop()

    def refuse(self, feed: Feed, text: bytes) -> None:
        """Publish a short reason to the agency, where only the product may publish."""
        self._client.publish(f"{ERRORS}/{feed.agency}/{feed.id}", text, qos=0)

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: Any, _p: object
    ) -> None:
        if reason.is_failure:
            log.error("the broker refused the connection", extra={"reason": str(reason)})
            return
        self._generation += 1
        self.connected.set()
        client.subscribe(TOPIC, qos=1)
        if self.subscribed.is_set():
            self._reconnected()

    def _on_subscribe(
        self, _client: object, _data: object, _mid: int, reasons: list[Any], _p: object
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            log.critical("the broker refused the subscription", extra={"reason": str(reasons[0])})
            return
        self.subscribed.set()

    def _on_disconnect(self, *_: object) -> None:
        self._generation += 1
        self.connected.clear()

    def _on_message(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self.received += 1
        generation = self._generation
        mid, qos = message.mid, message.qos

        def acknowledge(_: Receipt | None = None) -> None:
            if qos and generation == self._generation:
                client.ack(mid, qos)

        topic, body = message.topic, bytes(message.payload)
        parts = split_topic(topic)
        feed = self._feed_of(parts[0], parts[1]) if parts else None
        if parts is None or feed is None:
            self._unknown(topic, body)
            acknowledge()
            return

        def answer(receipt: Receipt) -> None:
            acknowledge()
            if receipt.problems:
                self.refuse(feed, _short(receipt))

        self._intake.submit_waiting(
            Payload(
                feed_key=feed.key,
                channel=Channel.MQTT,
                content_type=_content_type(message),
                body=body,
                received_at=self._now(),
                answer=answer,
                topic_key=parts[2],
                redelivered=message.dup,
            )
        )


def _content_type(message: paho.MQTTMessage) -> str:
    named = getattr(message.properties, "ContentType", None) if message.properties else None
    return named if isinstance(named, str) else ""


def _short(receipt: Receipt) -> bytes:
    """The first refusal of a payload in one line of JSON."""
    first = receipt.problems[0]
    return msgspec.json.encode(
        {
            "reason": first.reason,
            "detail": first.detail,
            "index": first.index,
            "refused": receipt.quarantined + receipt.late,
            "received": receipt.received,
        }
    )


def broker_address(url: str) -> tuple[str, int, str, str]:
    """Host, port, user and password of mqtt://user:password@host:port (mqtt5:// for MQTT 5)."""
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtt5") or not parts.hostname:
        raise ConfigError(
            f"IOC_MQTT_URL must look like mqtt://user:password@host:1883, not {url!r}"
        )
    return (
        parts.hostname,
        parts.port or 1883,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )

"""The front door over MQTT: one agency's client; a publish is done when the broker has it."""

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from ingest.broker import BrokerAddress, trusting
from ioc.errors import IocError

log = logging.getLogger(__name__)

TOPIC: Final = "ioc/v1/{agency}/{feed}"
PATIENCE: Final = 15.0
"""Seconds of refused sign-ins after which a password is taken for no longer valid."""


class SignInRefused(IocError):
    """The broker does not let this agency in."""

    status = 401
    code = "not_signed_in"


class Publisher:
    """One agency at the broker, in paho's own thread; unacknowledged publishes are sent again."""

    def __init__(
        self, broker: BrokerAddress, agency: str, password: str, ca: Path | None = None
    ) -> None:
        """Sign in as that agency once `start` is called, and again after every loss.

        `ca` is who vouches for a broker over TLS, if not an authority that the system trusts.
        """
        self._agency = agency
        self._address = (broker.host, broker.port)
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"ioc-simulate-{agency}",
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
        )
        self._client.username_pw_set(agency, password)
        if broker.tls:
            self._client.tls_set_context(trusting(ca))  # pyright: ignore[reportUnknownMemberType]
        self._client.reconnect_delay_set(1, 5)
        self._client.on_connect = self._connected
        self._client.on_publish = self._published
        self._lock = threading.Lock()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._early: set[int] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._refusing: asyncio.TimerHandle | None = None
        self.refused = False

    def start(self) -> None:
        """Connect in the background."""
        self._loop = asyncio.get_running_loop()
        self._client.connect_async(*self._address, keepalive=30)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()

    async def publish(self, feed: str, body: bytes) -> None:
        """Publish a body for a feed; returns when the broker has acknowledged it."""
        assert self._loop is not None
        if self.refused:
            raise SignInRefused
        done: asyncio.Future[None] = self._loop.create_future()
        info = self._client.publish(TOPIC.format(agency=self._agency, feed=feed), body, qos=1)
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            raise SignInRefused(paho.error_string(info.rc))
        with self._lock:
            if info.mid in self._early:
                self._early.discard(info.mid)
                return
            self._waiting[info.mid] = done
        await done

    def _connected(
        self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        _ = client, userdata, flags, properties
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._judge, bool(reason.is_failure))

    def _judge(self, failed: bool) -> None:
        """Give up on a password that is refused for long; the agency may have a new one."""
        assert self._loop is not None
        if not failed:
            if self._refusing is not None:
                self._refusing.cancel()
                self._refusing = None
        elif self._refusing is None:
            self._refusing = self._loop.call_later(PATIENCE, self._give_up)

    def _give_up(self) -> None:
        log.warning(
            "the broker refuses agency %s; its feeds go over REST from now on", self._agency
        )
        self.refused = True
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for done in waiting.values():
            if not done.done():
                done.set_exception(SignInRefused())

    def _published(
        self, client: paho.Client, userdata: Any, mid: int, reason: Any, properties: Any
    ) -> None:
        _ = client, userdata, reason, properties
        assert self._loop is not None
        with self._lock:
            done = self._waiting.pop(mid, None)
            if done is None:
                self._early.add(mid)
                return
        self._loop.call_soon_threadsafe(_finish, done)


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)

"""The limits of the ingest: take the bytes undecoded and write prebuilt rows, or just count."""

import asyncio
import threading
from collections import deque
from typing import Any, Final, cast

import msgspec
import numpy as np
import paho.mqtt.client as paho
import psycopg
import uvloop
from paho.mqtt.enums import CallbackAPIVersion

from ioc.bench.figures import BenchFailed
from ioc.bench.observations import STEP_MS
from ioc.bench.processes import jobs, reply
from ioc.clock import monotonic
from ioc.model import Columns
from ioc.store.pool import SESSION
from ioc.store.upsert import COPY_STAGING, MERGE, SETTINGS, STAGING_DTYPE, as_copy

_ACK_LIMIT: Final = 10_000
_SECONDS: Final = 60.0


class Listen(msgspec.Struct, tag="listen"):
    """Take bodies over HTTP and write rows for each, up to `most` bodies in one transaction."""

    database_url: str
    rows: int
    series: int
    most: int
    base_ms: int


class Most(msgspec.Struct, tag="most"):
    """From now on write so many bodies in one transaction at most."""

    most: int


class Subscribe(msgspec.Struct, tag="subscribe"):
    """Subscribe with a persistent session; with a database write rows for each payload."""

    host: str
    port: int
    user: str
    password: str
    topic: str
    rows: int
    series: int
    most: int
    base_ms: int
    database_url: str | None = None


class Await(msgspec.Struct, tag="await"):
    """Wait until so many payloads have been taken and acknowledged since the last answer."""

    payloads: int


class Ready(msgspec.Struct):
    """Listening, on a port where it is HTTP."""

    port: int = 0


class Taken(msgspec.Struct):
    """When all had been taken and acknowledged (monotonic)."""

    ended: float


class Store:
    """Binary COPY into staging and the writer's own insert: one connection, no decoding."""

    def __init__(self, url: str, series: int, base_ms: int) -> None:
        """Connect; series take turns and their times go up."""
        self._conn = psycopg.connect(url, options=SESSION)
        self._conn.execute(SETTINGS)
        self._conn.commit()
        self._series = series
        self._base_us = base_ms * 1000
        self._next = 0

    def write(self, rows: int) -> None:
        """Write so many rows in one transaction."""
        place = np.arange(self._next, self._next + rows, dtype=np.int64)
        self._next += rows
        time = self._base_us + place // self._series * (STEP_MS * 1000)
        columns = Columns(
            (place % self._series + 1).astype(np.int32), time, (place % 80).astype(np.float64)
        )
        block = as_copy(STAGING_DTYPE, columns, time, np.arange(rows))
        with self._conn.cursor(binary=True) as cur:
            with cur.copy(COPY_STAGING) as copy:
                copy.write(block)
            cur.execute(MERGE)
            cur.fetchall()
        self._conn.commit()


class _HttpSink(asyncio.Protocol):
    def __init__(self, waiting: "asyncio.Queue[asyncio.Transport]") -> None:
        self._waiting = waiting
        self._missing = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            head, _, data = data.partition(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
            self._missing = int(length)
        self._missing -= len(data)
        if not self._missing and self._transport is not None:
            self._waiting.put_nowait(self._transport)


class HttpSink:
    """Answers a body once its rows are committed."""

    def __init__(self, job: Listen) -> None:
        """Open the store."""
        self._rows = job.rows
        self.most = job.most
        self.store = Store(job.database_url, job.series, job.base_ms)
        self._waiting: asyncio.Queue[asyncio.Transport] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def listen(self) -> int:
        """Listen on a free port and return it."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _HttpSink(self._waiting), "127.0.0.1", 0)
        self._task = asyncio.create_task(self._write())
        return int(server.sockets[0].getsockname()[1])

    async def _write(self) -> None:
        body = b'{"stored":%d}' % self._rows
        answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < self.most and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await asyncio.to_thread(self.store.write, len(batch) * self._rows)
            for transport in batch:
                transport.write(answer)


class MqttSink:
    """A bare paho subscriber that counts and acknowledges; with a store, after the commit."""

    def __init__(self, job: Subscribe) -> None:
        """Make the client; nothing is connected yet."""
        self._job = job
        self.most = job.most
        self.taken = 0
        self.store = (
            None if job.database_url is None else Store(job.database_url, job.series, job.base_ms)
        )
        self._waiting: deque[int] = deque()
        self._some = threading.Event()
        self._subscribed = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="bench-sink", clean_session=False,
            manual_ack=True,
        )  # fmt: skip
        self._client.username_pw_set(job.user, job.password)
        self._client.max_inflight_messages_set(_ACK_LIMIT)
        self._client.on_subscribe = self._granted
        self._client.on_message = self._count if self.store is None else self._put

    def start(self) -> None:
        """Connect and wait for the subscription."""
        self._client.connect(self._job.host, self._job.port)
        self._client.loop_start()
        self._client.subscribe(self._job.topic, qos=1)
        if not self._subscribed.wait(_SECONDS):
            raise BenchFailed("the broker does not let the sink subscribe")
        if self.store is not None:
            threading.Thread(target=self._write, args=(self.store,), daemon=True).start()

    def _granted(self, *_: object) -> None:
        self._subscribed.set()

    def _count(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        client.ack(message.mid, message.qos)
        self.taken += 1

    def _put(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._waiting.append(message.mid)
        self._some.set()

    def _write(self, store: Store) -> None:
        while True:
            self._some.wait()
            self._some.clear()
            while self._waiting:
                count = min(len(self._waiting), self.most)
                mids = [self._waiting.popleft() for _ in range(count)]
                store.write(count * self._job.rows)
                for mid in mids:
                    self._client.ack(mid, 1)
                self.taken += count


async def _awaited(sink: MqttSink, wanted: int) -> float:
    deadline = monotonic() + _SECONDS
    while sink.taken < wanted:
        if monotonic() > deadline:
            raise BenchFailed(f"of {wanted} payloads the sink has {sink.taken}")
        await asyncio.sleep(0.005)
    return monotonic()


async def main() -> None:
    """Do the jobs that come on standard input."""
    decoder: msgspec.json.Decoder[Listen | Most | Subscribe | Await] = msgspec.json.Decoder(
        Listen | Most | Subscribe | Await
    )
    http: HttpSink | None = None
    mqtt: MqttSink | None = None
    wanted = 0
    async for job in jobs(decoder):
        match job:
            case Listen():
                http = HttpSink(job)
                reply(Ready(await http.listen()))
            case Subscribe():
                mqtt = MqttSink(job)
                await asyncio.to_thread(mqtt.start)
                reply(Ready())
            case Most():
                for sink in (http, mqtt):
                    if sink is not None:
                        sink.most = job.most
            case Await():
                assert mqtt is not None
                wanted += job.payloads
                ended = await _awaited(mqtt, wanted)
                reply(Taken(ended))


if __name__ == "__main__":
    uvloop.run(main())

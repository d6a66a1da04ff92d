"""The composition root: open everything in order, join it, and close it in reverse."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Final

import msgspec

from ingest.intake import Intake
from ingest.mqtt import MqttSource, broker_address
from ioc.alerting import Alerting
from ioc.api.deps import Facts, State
from ioc.auth.tokens import hash_mosquitto_password
from ioc.boards import Boards
from ioc.clock import Clock, SystemClock
from ioc.config import Config
from ioc.embedded.broker import EmbeddedBroker
from ioc.embedded.database import EmbeddedDatabase
from ioc.embedded.process import EmbeddedError
from ioc.errors import ConfigError, Unavailable
from ioc.live.feeds import FeedHealth
from ioc.live.hub import Hub
from ioc.live.latest import Latest
from ioc.live.state import LiveState
from ioc.live.topic import LogTopic
from ioc.model import Feed, to_micros
from ioc.mosquitto import write_user_files
from ioc.pipeline import Pipeline
from ioc.resolve import Resolver
from ioc.showing import Showing
from ioc.store import city as city_store
from ioc.store import feeds, first_start, ledger, observations
from ioc.store.migrate import migrate
from ioc.store.notices import listen
from ioc.store.pool import ReadPool, WritePool, connect, open_pools
from ioc.store.registry import Registry
from ioc.store.writer import BatchWriter
from ioc.supervise import Vitals, running

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 1.0
"""How often freshness, silence and forbidden publishes are looked at."""

BOARD_SECONDS: Final = 2.0

SIMULATOR_PAUSE: Final = 5.0

FIRST_TICK_SECONDS: Final = 20.0
"""Silence is judged only after what waited in the broker has had time to come in."""


class Center:
    """Everything that runs, by name; made by `open_runtime` and known to nobody else."""

    def __init__(
        self,
        *,
        config: Config,
        clock: Clock,
        url: str,
        reads: ReadPool,
        writes: WritePool,
        facts: Facts,
        province: str,
    ) -> None:
        """Make every object; nothing runs yet."""
        self.config = config
        self.clock = clock
        self.url = url
        self.reads = reads
        self.writes = writes
        self.facts = facts
        self.province = province
        self.vitals = Vitals()
        self.registry = Registry()
        self.latest = Latest()
        # State topics start anew with the process; the log of alerts goes on with the database.
        epoch = f"{os.getpid():x}-{to_micros(clock.now()):x}"
        self.hub = Hub()
        self.live = LiveState(self.latest, epoch, clock.now)
        self.health = FeedHealth(epoch, clock.now)
        self.alerts = LogTopic("alerts", facts.identity.epoch)
        self.incidents = LogTopic("incidents", facts.identity.epoch)
        self.intake = Intake(limit_bytes=config.intake_bytes)
        self.writer = BatchWriter(url, self.latest)
        self.alerting = Alerting(
            registry=self.registry,
            state=self.live,
            health=self.health,
            latest=self.latest,
            topic=self.alerts,
            writes=writes,
            clock=clock,
            changed=self._alerts_changed,
        )
        self.showing = Showing(
            registry=self.registry,
            latest=self.latest,
            state=self.live,
            health=self.health,
            hub=self.hub,
            epoch=epoch,
        )
        self.boards = Boards(
            registry=self.registry,
            latest=self.latest,
            health=self.health,
            reads=reads,
            writes=writes,
            units_topic=self.live.topic("units"),
            epoch=epoch,
            clock=clock,
            zone=facts.zone,
        )
        self.pipeline = Pipeline(
            intake=self.intake,
            registry=self.registry,
            resolver=Resolver(self.registry, writes),
            writer=self.writer,
            readers=[self.showing, self.alerting],
            clock=clock,
        )
        self.source: MqttSource | None = None
        self.broker: EmbeddedBroker | None = None
        self.forbidden: dict[str, int] = {}
        self.unknown_topics = 0

    def _alerts_changed(self, topic: LogTopic, layers: set[str]) -> None:
        self.hub.changed(topic)
        for layer in layers:
            self.hub.changed(self.live.topic(layer))

    async def load(self) -> None:
        """Fill the memory from the database."""
        now = self.clock.now()
        await self.registry.load(self.reads)
        self.latest.reserve(self.registry.highest)
        for series, time, value, received in await observations.newest(self.reads):
            self.latest.reserve(series)
            self.latest.time[series] = to_micros(time)
            self.latest.value[series] = value
            self.latest.received[series] = to_micros(received)
            known = self.registry.series.get(series)
            if known is not None:
                self.health.seen(known.feed_key, to_micros(time), to_micros(received))
        for row in await ledger.recent(self.reads, now - timedelta(days=1)):
            self.health.restore(*row)
        names = self.facts.city.organisation.as_of(now.date())
        self.showing.refresh({unit: version.short_name for unit, version in names.items()})
        self.showing.on_new = self.alerting.refresh
        await self.alerting.load(self.reads, self.facts.city)
        self.boards.load(self.facts.city, self.province)
        self.hub.add(self.alerts)
        self.hub.add(self.incidents)
        self.hub.add(self.health.topic)
        self.hub.add(self.live.topic("units"))
        for layer in self.facts.city.layers:
            self.hub.add(self.live.topic(layer))
        for topic in self.boards.topics.values():
            self.hub.add(topic)

    async def reload(self) -> None:
        """Take feeds, keys and rights that a command has changed."""
        await self.registry.load(self.reads)
        self.showing.refresh()
        await self.set_agencies()

    async def set_agencies(self) -> None:
        """Give the broker the users of today."""
        async with self.reads.connection() as conn:
            passwords = await feeds.mqtt_passwords(conn)
        if self.broker is not None:
            try:
                await self.broker.set_agencies({agency: h[0] for agency, h in passwords.items()})
            except (EmbeddedError, OSError, TimeoutError):
                # The users' file is written first: a broker that comes back reads it.
                log.warning("the broker is away; it takes the agencies' users when it is back")
        elif self.config.mqtt_auth_dir is not None and self.config.mqtt_url is not None:
            _, _, own, password = broker_address(self.config.mqtt_url)
            hashes = {agency: h[1] for agency, h in passwords.items()}
            hashes[own] = hash_mosquitto_password(password)
            await asyncio.to_thread(write_user_files, self.config.mqtt_auth_dir, own, hashes)

    def feed_of(self, agency: str, feed: str) -> Feed | None:
        """The feed that a topic names, if it is of that agency."""
        found = self.registry.feed_by_id.get(feed)
        return found if found is not None and found.agency == agency else None

    def forbid(self, agency: str, topic: str) -> None:
        """Count a publish where the agency may not publish."""
        self.forbidden[agency] = self.forbidden.get(agency, 0) + 1

    def unknown(self, topic: str, body: bytes) -> None:
        """Count a payload for a feed that does not exist; the agency sees it as forbidden."""
        self.unknown_topics += 1
        agency = topic.split("/")[2] if topic.count("/") >= 2 else ""
        self.forbid(agency, topic)
        log.warning("a payload for an unknown feed was not stored", extra={"topic": topic[:200]})

    async def tick(self) -> None:
        """Let time pass: freshness, silence, counts of what was forbidden; for ever."""
        started = self.clock.now()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self.clock.now()
            for layer in self.live.age(now):
                self.hub.changed(self.live.topic(layer))
            self.health.age(now)
            self.hub.changed(self.health.topic)
            if now - started > timedelta(seconds=FIRST_TICK_SECONDS):
                await self.alerting.tick()
            await self._count_forbidden(now)

    async def _count_forbidden(self, now: datetime) -> None:
        counted, self.forbidden = self.forbidden, {}
        if not counted:
            return
        minute = now.replace(second=0, microsecond=0)
        try:
            async with self.writes.connection() as conn:
                for agency, count in counted.items():
                    await feeds.count_forbidden(conn, agency, count, minute)
        except Unavailable:
            for agency, count in counted.items():
                self.forbidden[agency] = self.forbidden.get(agency, 0) + count

    async def keep_boards(self) -> None:
        """Compute the boards again and again; a lost database only makes them older."""
        while True:
            try:
                for topic in await self.boards.refresh():
                    self.hub.changed(topic)
            except Exception:
                log.exception("the boards could not be computed; they stay as they are and age")
                await asyncio.sleep(BOARD_SECONDS)
            await asyncio.sleep(BOARD_SECONDS)

    def state_of_health(self) -> dict[str, object]:
        """What `/readyz` tells."""
        committed = self.writer.committed_at
        broker = self.source is None or self.source.connected.is_set()
        return {
            "database": self.writer.healthy,
            "broker": broker,
            "failed": self.vitals.failed,
            "commit_age": None
            if committed is None
            else (self.clock.now() - committed).total_seconds(),
        }

    def gauges(self) -> dict[str, tuple[str, float]]:
        """What `/metrics` tells of the present."""
        return {
            "series": ("series that are known", float(len(self.registry.series))),
            "alerts_open": ("alerts that are shown", float(len(self.alerts.items()))),
        }

    def counters(self) -> dict[str, tuple[str, float]]:
        """What `/metrics` tells of all that happened since the start."""
        return {
            "commits": ("committed flushes", float(self.writer.commits)),
            "mqtt_received": (
                "payloads received over MQTT",
                float(self.source.received if self.source else 0),
            ),
            "unknown_topics": ("payloads for unknown feeds", float(self.unknown_topics)),
        }

    def state(self) -> State:
        """What requests may ask for."""
        return State(
            config=self.config,
            clock=self.clock,
            reads=self.reads,
            writes=self.writes,
            registry=self.registry,
            intake=self.intake,
            live=self.live,
            health=self.health,
            alerting=self.alerting,
            boards=self.boards,
            hub=self.hub,
            facts=self.facts,
        )


@asynccontextmanager
async def open_runtime(config: Config, clock: Clock | None = None) -> AsyncGenerator[State]:
    """Start everything, hand out the state, and stop everything in reverse.

    Order of the start: database, migrations, city, memory, pipeline, broker, subscription, and
    only then the agencies' users, so that nothing is acknowledged that nobody would receive.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        tasks: dict[str, Callable[[], Awaitable[None]]] = {}
        url = await _database(config, stack, tasks)
        for done in await migrate(url):
            log.info("migrated: %s", done)
        facts, province = await _settle(config, url, clock)
        reads, writes = await stack.enter_async_context(open_pools(url))
        facts.city = await city_store.read(reads, clock.now().date())
        center = Center(
            config=config, clock=clock, url=url, reads=reads, writes=writes, facts=facts,
            province=province,
        )  # fmt: skip
        facts.health, facts.gauges, facts.counters = (
            center.state_of_health, center.gauges, center.counters,
        )  # fmt: skip
        await center.load()
        await center.writer.open()
        stack.push_async_callback(center.writer.close)
        center.intake.attach(asyncio.get_running_loop())
        tasks["pipeline"] = center.pipeline.run
        tasks["tick"] = center.tick
        tasks["boards"] = center.keep_boards
        tasks["notices"] = lambda: listen(url, center.reload)
        mqtt_url = await _broker(config, center, stack, tasks)
        await stack.enter_async_context(_flow(center, tasks))
        await _subscribe(center, mqtt_url)
        stack.push_async_callback(asyncio.to_thread, _stop_source, center)
        await center.set_agencies()
        if facts.identity.simulated and config.demo and config.demo_simulate:
            await stack.enter_async_context(_simulator(config, center))
        yield center.state()


async def _database(
    config: Config, stack: AsyncExitStack, tasks: dict[str, Callable[[], Awaitable[None]]]
) -> str:
    if config.database_url is not None:
        return config.database_url
    database = EmbeddedDatabase(config.data_dir)
    await database.start()
    stack.push_async_callback(database.stop)
    tasks["database"] = database.watched
    return database.url


async def _broker(
    config: Config,
    center: Center,
    stack: AsyncExitStack,
    tasks: dict[str, Callable[[], Awaitable[None]]],
) -> str:
    if config.mqtt_url is not None:
        return config.mqtt_url
    broker = EmbeddedBroker(
        config.data_dir,
        host=config.mqtt_host,
        port=config.mqtt_port,
        ack_wait=timedelta(seconds=config.mqtt_ack_wait),
        sync_always=config.mqtt_sync == "always",
        program=config.nats_server,
        on_forbidden=center.forbid,
    )
    await broker.start()
    stack.push_async_callback(broker.stop)
    tasks["broker"] = broker.watched
    center.broker = broker
    return broker.url


@asynccontextmanager
async def _flow(
    center: Center, tasks: Mapping[str, Callable[[], Awaitable[None]]]
) -> AsyncGenerator[None]:
    """Run the tasks; at the end let the pipeline store what it holds before they stop."""
    emptied = asyncio.Event()

    async def pipeline() -> None:
        await center.pipeline.run()
        emptied.set()
        await asyncio.Event().wait()

    async with running({**tasks, "pipeline": pipeline}, center.vitals):
        try:
            yield
        finally:
            center.intake.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(emptied.wait(), 5)


async def _subscribe(center: Center, url: str) -> None:
    """Connect to the broker and wait for the subscription."""
    loop = asyncio.get_running_loop()

    def reconnected() -> None:
        if center.broker is not None:
            asyncio.run_coroutine_threadsafe(center.broker.redeliver(), loop)

    source = MqttSource(
        url,
        center.intake,
        feed_of=center.feed_of,
        unknown=center.unknown,
        now=center.clock.now,
        reconnected=reconnected,
    )
    center.source = source
    source.start()
    if center.broker is not None and not await asyncio.to_thread(source.subscribed.wait, 10):
        raise ConfigError("the embedded broker does not let us subscribe; see its log in data_dir")


def _stop_source(center: Center) -> None:
    if center.source is not None:
        center.source.stop()


async def _settle(config: Config, url: str, clock: Clock) -> tuple[Facts, str]:
    """Make the database ready, and learn which one it is."""
    async with await connect(url) as conn:
        found, done = await first_start.settle(
            conn, demo=config.demo, city_dir=config.city_dir, now=clock.now()
        )
    for line in done:
        log.info("city loaded: %s", line)
    facts = Facts(
        identity=found,
        city=city_store.NOTHING,
        version=version("ioc-backend"),
        zone=found.time_zone,
        bounds=found.bounds,
        store="",
        started_at=clock.now(),
        health=dict,
        counters=dict,
        gauges=dict,
    )
    return facts, found.province or ""


@asynccontextmanager
async def _simulator(config: Config, center: Center) -> AsyncGenerator[None]:
    """Keep the simulator of the demo running as a child, and hear how far its back-fill is."""
    process: asyncio.subprocess.Process | None = None

    async def keep() -> None:
        nonlocal process
        while True:
            process = await _start_simulator(config)
            await _hear(process, center)
            status = await process.wait()
            log.error("the simulator ended with status %s; it is started again", status)
            await asyncio.sleep(SIMULATOR_PAUSE)

    keeping = asyncio.create_task(keep(), name="simulator")
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        if process is not None and process.returncode is None:
            await _end(process)


async def _start_simulator(config: Config) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "ioc", "simulate", "--child"]
    if not config.demo_backfill:
        command.append("--no-backfill")
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "IOC_DATA_DIR": str(config.data_dir.resolve())},
        # Ctrl-C reaches us first; the child is told when we are ready for it.
        start_new_session=True,
    )


async def _hear(process: asyncio.subprocess.Process, center: Center) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        with suppress(msgspec.DecodeError):
            center.facts.backfill = _progress.decode(line).backfill


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 3)
    except TimeoutError:
        process.kill()
        await process.wait()


class _Progress(msgspec.Struct):
    """What the simulator prints while it fills in the past."""

    backfill: float


_progress: Final = msgspec.json.Decoder(_Progress)

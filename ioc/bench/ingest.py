"""How fast observations become stored, against prebuilt rows and a bare subscriber."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ioc.bench.figures import Cost, Pair, Part, Report, compared, report, rounded
from ioc.bench.mqtt_sender import Publish, Published
from ioc.bench.processes import Child, Meter, child
from ioc.bench.rest_sender import Post, Posted
from ioc.bench.server import BenchFeed, Login, Server, limit_database, serving
from ioc.bench.sink import Await, Listen, Most, Ready, Subscribe, Taken
from ioc.clock import SystemClock, monotonic
from ioc.model import Domain

REST_ROWS: Final = 1_000
MQTT_ROWS: Final = 100
CONNECTIONS: Final = 8
SERIES: Final = CONNECTIONS * REST_ROWS
BATCH_WINDOW: Final = 128
SINGLE_WINDOW: Final = 4_096
SINGLE_SERIES: Final = 1_000

REST_NAME: Final = f"REST, {REST_ROWS:,} observations a body"

HOUR_MS: Final = 3_600_000
BACK_MS: Final = HOUR_MS // 2
"""How far back times begin: they never get ahead of the clock, and none is an hour late, for which
past days would be marked to be counted anew."""

WARM_REST: Final = 24
WARM_BATCHES: Final = 200
WARM_SINGLES: Final = 2_000

Measure = Callable[[int], Awaitable[float]]
"""Send so many payloads; returns payloads a second until all are stored."""


class Plan(msgspec.Struct, frozen=True):
    """How long each measurement takes, how often it is repeated, and what is left out."""

    seconds: float = 2.0
    rounds: int = 3
    sync_always: bool = True


async def run(plan: Plan) -> Report:
    """Measure all parts, the product and its limit in alternation."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving())
        limits = await stack.enter_async_context(limit_database(server))
        bench = Bench(stack, server, limits, plan)
        parts = [await bench.rest(), await bench.batches(), await bench.singles()]
    if plan.sync_always:
        parts.append(await _synced(plan))
    return report("ingest", parts)


async def _synced(plan: Plan) -> Part:
    """The rate of single observations when the broker syncs before each PUBACK."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(IOC_MQTT_SYNC="always"))
        bench = Bench(stack, server, "", plan)
        feed = await server.add_feed("single", Domain.ENVIRONMENT)
        sender = await stack.enter_async_context(child("mqtt_sender"))
        product = bench.product(sender, feed, await server.login(feed), 1)
        rate = await product.send(100)
        rate = await product.send(max(100, int(rate * plan.seconds)))
        await server.check_counts(feed, product.sent)
    return Part(
        name="MQTT, one observation a message, IOC_MQTT_SYNC=always",
        figure=rounded(rate),
        uom="msg/s",
        counts={"sent": product.sent, "stored": product.sent},
        **msgspec.structs.asdict(product.cost),
    )


@dataclass
class _Product:
    """The product at the end of one sender."""

    send: Measure
    sent: int = 0
    steps: int = 0
    cost: Cost = field(default_factory=Cost)
    rows_per_commit: float = 0.0


class Bench:
    """One server under test with its limit database beside it."""

    def __init__(self, stack: AsyncExitStack, server: Server, limits: str, plan: Plan) -> None:
        """Measure `server`; children run until `stack` ends."""
        self._stack = stack
        self._server = server
        self._limits = limits
        self._plan = plan
        self.laid = 0
        """Rows that were laid into the table past the front door."""
        self._base_ms = int(SystemClock().now().timestamp() * 1e3) - BACK_MS

    async def rest(
        self, feed: BenchFeed | None = None, *, series: int = SERIES, name: str = REST_NAME
    ) -> Part:
        """Bodies of 1,000 over kept connections, to a feed of its own or a given one."""
        feed = feed or await self._server.add_feed("rest", Domain.ENVIRONMENT)
        sender = await self._stack.enter_async_context(child("rest_sender"))
        sink = await self._stack.enter_async_context(child("sink"))
        post = Post(
            port=self._server.http_port, path=f"/api/v1/feeds/{feed.id}/observations",
            key=feed.key, bodies=0, rows=REST_ROWS, series=series, connections=CONNECTIONS,
            base_ms=self._base_ms, first_step=0,
        )  # fmt: skip

        async def send(bodies: int) -> float:
            before, meter = await self._server.commits(), self._meter(sender)
            job = msgspec.structs.replace(post, bodies=bodies, first_step=product.steps)
            posted = await sender.ask(job, Posted)
            product.cost = _cost(meter, bodies * REST_ROWS, posted)
            product.sent += bodies * REST_ROWS
            product.steps += bodies + CONNECTIONS
            commits = await self._server.commits() - before
            product.rows_per_commit = bodies * REST_ROWS / max(commits, 1)
            return bodies / (posted.ended - posted.started)

        product = _Product(send)
        warm = await send(WARM_REST)
        listening = await sink.ask(
            Listen(self._limits, REST_ROWS, series, _bodies(product, REST_ROWS), self._base_ms),
            Ready,
        )

        async def limit(bodies: int) -> float:
            await sink.tell(Most(_bodies(product, REST_ROWS)))
            job = msgspec.structs.replace(post, port=listening.port, bodies=bodies)
            posted = await sender.ask(job, Posted)
            return bodies / (posted.ended - posted.started)

        pairs = await self._alternate(send, warm, limit, await limit(WARM_REST))
        return await self._part(name, feed, product, pairs, "obs/s", REST_ROWS)

    async def batches(self) -> Part:
        """Messages of 100; the limit goes through the same broker."""
        feed = await self._server.add_feed("batch", Domain.ENVIRONMENT)
        return await self._mqtt(
            feed, f"MQTT, {MQTT_ROWS} observations a message", MQTT_ROWS, WARM_BATCHES, "obs/s",
            self._limits,
        )  # fmt: skip

    async def singles(self) -> Part:
        """Messages of one; the limit is a subscriber that counts and acknowledges."""
        feed = await self._server.add_feed("single", Domain.ENVIRONMENT)
        return await self._mqtt(
            feed, "MQTT, one observation a message", 1, WARM_SINGLES, "msg/s", None
        )

    async def _mqtt(
        self, feed: BenchFeed, name: str, rows: int, warm: int, uom: str, limits: str | None
    ) -> Part:
        sender = await self._stack.enter_async_context(child("mqtt_sender"))
        product = self.product(sender, feed, await self._server.login(feed), rows)
        rate = await product.send(warm)
        own = self._server.own_login()
        async with child("sink") as sink:
            await sink.ask(
                Subscribe(
                    own.host, own.port, own.user, own.password, "bench/#", rows, _series(rows),
                    _bodies(product, rows), self._base_ms - HOUR_MS, limits,
                ),
                Ready,
            )  # fmt: skip

            async def limit(payloads: int) -> float:
                await sink.tell(Most(_bodies(product, rows)))
                job = self._publish(own, "bench/limit", rows, payloads, 0)
                published = await sender.ask(job, Published)
                taken = await sink.ask(Await(payloads), Taken)
                return payloads / (taken.ended - published.started)

            pairs = await self._alternate(product.send, rate, limit, await limit(warm))
        return await self._part(name, feed, product, pairs, uom, rows)

    def product(self, sender: Child, feed: BenchFeed, login: Login, rows: int) -> _Product:
        """The product at the end of an MQTT sender."""

        async def send(payloads: int) -> float:
            before, meter = await self._server.commits(), self._meter(sender)
            topic = f"ioc/v1/{feed.agency}/{feed.id}"
            job = self._publish(login, topic, rows, payloads, product.steps)
            published = await sender.ask(job, Published)
            product.sent += published.rows
            product.steps += published.steps
            ended = await self._server.stored_all(feed, product.sent)
            product.cost = _cost(meter, published.rows, published)
            commits = await self._server.commits() - before
            product.rows_per_commit = published.rows / max(commits, 1)
            return payloads / (ended - published.started)

        product = _Product(send)
        return product

    def _publish(self, login: Login, topic: str, rows: int, payloads: int, first: int) -> Publish:
        return Publish(
            host=login.host, port=login.port, user=login.user, password=login.password,
            topic=topic, payloads=payloads, rows=rows, series=_series(rows),
            window=SINGLE_WINDOW if rows == 1 else BATCH_WINDOW,
            base_ms=self._base_ms, first_step=first,
        )  # fmt: skip

    def _meter(self, sender: Child) -> Meter:
        return Meter([("ioc", self._server.pid), ("sender", sender.pid)], monotonic())

    async def _alternate(
        self, send: Measure, rate: float, limit: Measure, limit_rate: float
    ) -> list[Pair]:
        """Measure product and limit in turns, each for about the planned time."""
        pairs: list[Pair] = []
        for _ in range(self._plan.rounds):
            rate = await send(max(CONNECTIONS, int(rate * self._plan.seconds)))
            limit_rate = await limit(max(CONNECTIONS, int(limit_rate * self._plan.seconds)))
            pairs.append(Pair(rate, limit_rate))
        return pairs

    async def _part(
        self,
        name: str,
        feed: BenchFeed,
        product: _Product,
        pairs: list[Pair],
        uom: str,
        rows: int,
    ) -> Part:
        await self._server.check_counts(feed, product.sent, laid=self.laid)
        return compared(
            name,
            [Pair(pair.figure * rows, pair.limit * rows) for pair in pairs],
            uom,
            cost=product.cost,
            counts={
                "sent": product.sent,
                "stored": product.sent,
                "rows_per_commit": rounded(product.rows_per_commit),
            },
        )


def _cost(meter: Meter, rows: int, sent: Posted | Published) -> Cost:
    return Cost(
        cpu=meter.cores(monotonic()),
        cpu_per_million={name: rounded(s / rows * 1e6) for name, s in meter.spent().items()},
        peak_mib=meter.peak_mib(),
        delay_ms={"p50": rounded(sent.p50 * 1e3), "p99": rounded(sent.p99 * 1e3)},
    )


def _series(rows: int) -> int:
    return SINGLE_SERIES if rows == 1 else SERIES


def _bodies(product: _Product, rows: int) -> int:
    """Bodies in one transaction of the product; the limit's are made as large."""
    return max(1, round(product.rows_per_commit / rows))

"""How many frames reach a thousand clients, how late, and what an idle client costs."""

import asyncio
from contextlib import AsyncExitStack
from statistics import median
from typing import Final

import msgspec

from ioc.bench.broadcast import Listening, Send, Sent
from ioc.bench.crowd import Connect, Count, Counted, Say
from ioc.bench.figures import BenchFailed, Cost, Pair, Part, Report, compared, report, rounded
from ioc.bench.processes import Child, Meter, allow_sockets, child, resident_bytes
from ioc.bench.server import BenchFeed, Server, authorized, serving
from ioc.clock import SystemClock, monotonic
from ioc.model import Domain

STREAM: Final = "/api/v1/stream"
OFFER_SECONDS: Final = 0.1
"""Between two changes of every item; more often than a client gets frames of a topic."""

OFFERERS: Final = 3
"""Senders of changes, so that one is under way while frames go out."""

DELAY_RATE: Final = 2.0
"""Frames a second to each client while delays are taken."""

POINTS: Final = 40
"""Places in the geometry of an item, which make its frame about 1 KB."""

GREETING: Final = 1
SETTLE_SECONDS: Final = 0.5


class Plan(msgspec.Struct, frozen=True):
    """How many clients with how many topics each, how long and how often to measure."""

    clients: int = 1_000
    topics: int = 32
    seconds: float = 3.0
    rounds: int = 3


async def run(plan: Plan) -> Report:
    """Measure the cost of an idle client, the delay, and throughput against `broadcast`."""
    allow_sockets(plan.clients * 2)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving())
        crowd = await stack.enter_async_context(child("crowd"))
        limit = await stack.enter_async_context(child("broadcast"))
        bench = _Bench(server, crowd, limit, plan)
        await bench.describe()
        memory = await bench.connect()
        delay = await bench.delay()
        throughput = await bench.throughput()
    return report("fanout", [throughput, delay, memory])


class _Bench:
    def __init__(self, server: Server, crowd: Child, limit: Child, plan: Plan) -> None:
        self._server = server
        self._crowd = crowd
        self._limit = limit
        self._plan = plan
        self._feed: BenchFeed | None = None
        self._frame_bytes = 1_000

    async def describe(self) -> None:
        """Make one item a topic, each in a box of its own."""
        feed = self._feed = await self._server.add_feed("fanout", Domain.ENVIRONMENT)
        items = [
            {
                "type": "Feature",
                "id": f"item{n}",
                "geometry": {
                    "type": "LineString",
                    "coordinates": [[_west(n) + p / 1e4, 20.5 + p / 1e4] for p in range(POINTS)],
                },
                "properties": {"name": f"Tuyến đường số {n}"},
            }
            for n in range(self._plan.topics)
        ]  # fmt: skip
        keys = [{"key": f"item{n}/flow", "uom": "/h"} for n in range(self._plan.topics)]
        await self._server.put(feed, "series", keys)
        await self._server.put(feed, "features", {"type": "FeatureCollection", "features": items})
        await self._change(range(self._plan.topics))
        await self._server.settled()

    async def _change(self, items: range) -> None:
        """Offer a new value to each of the items: the time at which it was sent."""
        assert self._feed is not None
        now = SystemClock().now().isoformat()
        body = [
            {"series": f"item{n}/flow", "time": now, "value": round(monotonic() * 1e6)}
            for n in items
        ]
        answer = await self._server.http.post(
            f"/feeds/{self._feed.id}/observations", content=msgspec.json.encode(body),
            headers=authorized(self._feed) | {"Content-Type": "application/json"},
        )  # fmt: skip
        if answer.status_code != 200 or answer.json()["stored"] != len(body):
            raise BenchFailed(f"a change was not stored: {answer.text[:300]}")

    async def connect(self) -> Part:
        """Connect all clients, with one subscription; what the server grows by is their price."""
        token = await self._server.wall_token()
        job = Connect(
            port=self._server.http_port, path=STREAM, clients=0,
            say=self._subscriptions(0, 1),
            headers={"Authorization": f"Bearer {token}", "Sec-WebSocket-Protocol": "ioc.v1"},
            await_frames=GREETING + 1,
        )  # fmt: skip
        some = max(1, self._plan.clients // 10)
        await self._crowd.ask(msgspec.structs.replace(job, clients=some), Counted)
        await asyncio.sleep(SETTLE_SECONDS)
        before, started = resident_bytes(self._server.pid), monotonic()
        others = self._plan.clients - some
        await self._crowd.ask(msgspec.structs.replace(job, clients=others), Counted)
        took = monotonic() - started
        await asyncio.sleep(SETTLE_SECONDS)
        grown = resident_bytes(self._server.pid) - before
        listening = await self._limit.answer(Listening)
        await self._crowd.ask(
            Connect(port=listening.port, path="/", clients=self._plan.clients), Counted
        )
        return Part(
            name="memory of an idle client",
            figure=rounded(grown / others / 1024),
            uom="KiB",
            counts={"clients": self._plan.clients, "connects_per_second": rounded(others / took)},
        )

    def _subscriptions(self, first: int, end: int) -> list[str]:
        """Frames that subscribe to one item each."""
        return [
            msgspec.json.encode(
                {
                    "type": "subscribe",
                    "id": f"t{n}",
                    "topic": f"layer:{Domain.ENVIRONMENT.value}",
                    "bbox": [_west(n) - 0.01, 20.0, _west(n) + 0.01, 21.0],
                }
            ).decode()
            for n in range(first, end)
        ]

    async def delay(self) -> Part:
        """From sending an observation to the arrival of its frame at every client."""
        counting = asyncio.create_task(self._count(self._plan.seconds, delays=True))
        meter = self._meter()
        changes = 0
        while not counting.done():
            changes += 1
            await self._change(range(1))
            await asyncio.sleep(1 / DELAY_RATE)
        counted = await counting
        if counted.p99 is None:
            raise BenchFailed("no frame arrived while delays were taken")
        self._frame_bytes = round(counted.bytes / counted.frames)
        return Part(
            name=f"p99 delay at {DELAY_RATE:g} frames/s each",
            figure=rounded(counted.p99),
            uom="ms",
            cpu=meter.cores(monotonic()),
            counts={
                "p50": rounded(counted.p50 or 0),
                "most": rounded(counted.most or 0),
                "changes": changes,
                "frames": counted.frames,
                "clients": counted.clients,
                "frame_bytes": self._frame_bytes,
            },
        )

    async def throughput(self) -> Part:
        """Frames a second that all clients get together when there is always something new."""
        await self._crowd.ask(Say(self._subscriptions(1, self._plan.topics)), Counted)
        pairs: list[Pair] = []
        spent: list[Pair] = []
        counted, cpu = Counted(), dict[str, float]()
        for _ in range(self._plan.rounds):
            counted, cpu = await self._offered()
            size = round(counted.bytes / counted.frames)
            sending, limit_cpu = await self._broadcast([size] * self._plan.topics)
            pairs.append(Pair(counted.frames / counted.seconds, sending.frames / sending.seconds))
            spent.append(
                Pair(
                    cpu["ioc"] * counted.seconds / counted.frames * 1e6,
                    limit_cpu["broadcast"] * sending.seconds / sending.frames * 1e6,
                )
            )
        return compared(
            f"{self._plan.clients:,} clients, frames of 1 KB",
            pairs,
            "frames/s",
            cost=Cost(cpu=cpu),
            counts={
                "clients": counted.clients,
                "topics": self._plan.topics,
                "frame_bytes": round(counted.bytes / counted.frames),
                "cpu_us_per_frame": rounded(median(pair.figure for pair in spent)),
                "limit_cpu_us_per_frame": rounded(median(pair.limit for pair in spent)),
            },
        )

    async def _offered(self) -> tuple[Counted, dict[str, float]]:
        """Count while the items change again and again; and cores in use meanwhile."""

        async def change() -> None:
            while True:
                await self._change(range(self._plan.topics))
                await asyncio.sleep(OFFER_SECONDS)

        changing = [asyncio.create_task(change()) for _ in range(OFFERERS)]
        try:
            await asyncio.sleep(SETTLE_SECONDS)
            meter = self._meter()
            counted = await self._count(self._plan.seconds)
            cpu = meter.cores(monotonic())
        finally:
            for task in changing:
                task.cancel()
            outcomes = await asyncio.gather(*changing, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BenchFailed):
                raise outcome
        if counted.clients != self._plan.clients:
            raise BenchFailed(f"of {self._plan.clients} clients {counted.clients} got frames")
        await asyncio.sleep(SETTLE_SECONDS)
        return counted, cpu

    async def _broadcast(self, sizes: list[int]) -> tuple[Counted, dict[str, float]]:
        await self._limit.tell(Send(self._plan.seconds + 2 * SETTLE_SECONDS, sizes))
        await asyncio.sleep(SETTLE_SECONDS)
        meter = Meter([("broadcast", self._limit.pid)], monotonic())
        counted = await self._count(self._plan.seconds)
        cpu = meter.cores(monotonic())
        await self._limit.answer(Sent)
        if not counted.frames:
            raise BenchFailed("no frames of the limit arrived")
        await asyncio.sleep(SETTLE_SECONDS)
        return counted, cpu

    async def _count(self, seconds: float, *, delays: bool = False) -> Counted:
        return await self._crowd.ask(Count(seconds, delays), Counted)

    def _meter(self) -> Meter:
        roots = [("ioc", self._server.pid), ("crowd", self._crowd.pid)]
        return Meter(roots, monotonic())


def _west(item: int) -> float:
    return 105.0 + item / 20

"""What rules cost while data comes in, how soon alerts are seen, and how a storm is borne."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Final

import msgspec

from ioc.bench import alert_lists
from ioc.bench.crowd import Connect, Count, Counted
from ioc.bench.fanout import STREAM
from ioc.bench.figures import BenchFailed, Pair, Part, Report, compared, percentile, report, rounded
from ioc.bench.mqtt_sender import Offer, Published
from ioc.bench.processes import Child, child, resident_bytes
from ioc.bench.rest_sender import Post, Posted
from ioc.bench.server import BenchFeed, Server, authorized, serving
from ioc.clock import SystemClock, monotonic
from ioc.model import Domain
from ioc.store import rules
from ioc.store.pool import connect
from ioc.store.registry import announce

ROWS: Final = 1_000
CONNECTIONS: Final = 8
KINDS: Final = 50
"""Observed properties, among which rules and series are divided."""

PROBES_PER_SECOND: Final = 10.0
LISTS_PER_SECOND: Final = 2.0
TAIL_SECONDS: Final = 2.0
WARM_BODIES: Final = 100
BACK_MS: Final = 1_800_000
READY_SECONDS: Final = 120.0

_KINDS: Final = "UPDATE series SET property = 'p' || (series_id %% %s) WHERE key LIKE '%%/speed'"


class Plan(msgspec.Struct, frozen=True):
    """How many rules, series, observations a second and alerts, and for how long."""

    rules: int = 1_000
    series: int = 50_000
    rate: int = 5_000
    storm: int = 10_000
    stored: int = 100_000
    seconds: float = 2.0
    rounds: int = 5
    watch: float = 30.0
    minute: float = 60.0


async def run(plan: Plan) -> Report:
    """Measure the cost of rules, the way of an alert to a wall, a storm, and lists."""
    parts = [await _cost(plan)]
    async with AsyncExitStack() as stack:
        bench = _Bench(stack, await stack.enter_async_context(serving()), plan)
        await bench.open()
        parts += [await bench.latency(), *await bench.storm()]
        parts += await alert_lists.measure(bench.server, bench.token, plan.stored)
    return report("alerts", parts)


def level_rule(name: str, observed: str, above: float) -> dict[str, Any]:
    """A rule that speaks at once when a value is above a level."""
    return {
        "kind": "threshold", "name": {"vi": name, "en": name}, "severity": "medium",
        "domain": Domain.ENVIRONMENT.value, "property": observed, "above": above,
    }  # fmt: skip


async def _put_rules(server: Server, documents: list[dict[str, Any]]) -> None:
    async with await connect(server.database_url) as conn:
        for number, document in enumerate(documents):
            await rules.write(
                conn, f"bench-{number}", document, by="bench", source="bench",
                now=SystemClock().now(),
            )  # fmt: skip


async def _cost(plan: Plan) -> Part:
    """The rate of REST bodies with rules, against a server without, in turns."""
    async with AsyncExitStack() as stack:
        sides = [await _side(stack, plan, number) for number in (plan.rules, 0)]
        for side in sides:
            await side.send(WARM_BODIES)
        pairs: list[Pair] = []
        bodies = [WARM_BODIES, WARM_BODIES]
        for _ in range(plan.rounds):
            rates = [await side.send(many) for side, many in zip(sides, bodies, strict=True)]
            bodies = [max(CONNECTIONS, int(rate * plan.seconds)) for rate in rates]
            pairs.append(Pair(rates[0] * ROWS, rates[1] * ROWS))
    name = f"REST with {plan.rules:,} rules over {plan.series:,} series, against none"
    return compared(name, pairs, "obs/s", counts={"rules": plan.rules, "series": plan.series})


class _Side:
    """One server at the end of a sender of bodies."""

    def __init__(self, server: Server, feed: BenchFeed, sender: Child, series: int) -> None:
        self._server = server
        self._sender = sender
        self._post = Post(
            port=server.http_port, path=f"/api/v1/feeds/{feed.id}/observations", key=feed.key,
            bodies=0, rows=ROWS, series=series, connections=CONNECTIONS,
            base_ms=int(SystemClock().now().timestamp() * 1e3) - BACK_MS, first_step=0,
        )  # fmt: skip
        self._steps = 0

    async def send(self, bodies: int) -> float:
        """Bodies a second until all are acknowledged."""
        job = msgspec.structs.replace(self._post, bodies=bodies, first_step=self._steps)
        self._steps += bodies + CONNECTIONS
        posted = await self._sender.ask(job, Posted)
        if posted.stored != bodies * ROWS:
            raise BenchFailed(f"{bodies * ROWS} observations were sent, {posted.stored} stored")
        await self._server.settled()
        return bodies / (posted.ended - posted.started)


async def _side(stack: AsyncExitStack, plan: Plan, many: int) -> _Side:
    """A server with so many rules, of which one in a hundred has something to say."""
    server = await stack.enter_async_context(serving())
    feed = await server.add_feed("cost", Domain.ENVIRONMENT)
    await server.make_series(feed, [f"s{number:06}/speed" for number in range(plan.series)])
    async with await connect(server.database_url) as conn:
        await conn.execute(_KINDS, [KINDS])
        await announce(conn)
    levels = [89.0 if number % 100 == 0 else 100.0 for number in range(many)]
    await _put_rules(
        server, [level_rule(f"r{n}", f"p{n % KINDS}", level) for n, level in enumerate(levels)]
    )
    await server.settled(plan.series)
    return _Side(server, feed, await stack.enter_async_context(child("rest_sender")), plan.series)


class _Bench:
    """A server whose alerts are watched: each value is the time at which it was sent, in µs."""

    def __init__(self, stack: AsyncExitStack, server: Server, plan: Plan) -> None:
        self.server = server
        self.token: dict[str, str] = {}
        self._stack = stack
        self._plan = plan

    async def open(self) -> None:
        """Make rules, series and a wall that follows the alerts."""
        server, plan = self.server, self._plan
        self._crowd = await self._stack.enter_async_context(child("crowd"))
        self._sender = await self._stack.enter_async_context(child("mqtt_sender"))
        self._feed = await server.add_feed("alerts", Domain.ENVIRONMENT)
        self._load = await server.add_feed("load", Domain.ENVIRONMENT)
        self._keys = [f"s{number:06}/speed" for number in range(plan.rate)]
        await server.make_series(self._load, self._keys)
        probes = range(int(plan.watch * PROBES_PER_SECOND * 2))
        await server.make_series(
            self._feed,
            [f"probe-{n}/alarm" for n in probes] + [f"storm-{n}/alarm" for n in range(plan.storm)],
        )
        await _put_rules(server, [level_rule("alarm", "alarm", 0.0)])
        await server.settled()
        self.token = {"Authorization": f"Bearer {await server.wall_token()}"}
        say = {"type": "subscribe", "id": "a", "topic": "alerts"}
        await self._crowd.ask(
            Connect(
                port=server.http_port, path=STREAM, clients=1,
                headers=self.token | {"Sec-WebSocket-Protocol": "ioc.v1"},
                say=[msgspec.json.encode(say).decode()], await_frames=2,
            ),
            Counted,
        )  # fmt: skip

    async def latency(self) -> Part:
        """From sending a value to its alert at a wall, against the answer after the commit."""
        plan, server = self._plan, self.server
        login = await server.login(self._load)
        offer = Offer(
            login.host, login.port, login.user, login.password,
            f"ioc/v1/{self._load.agency}/{self._load.id}", plan.rate, plan.watch, 100, self._keys,
        )  # fmt: skip
        await self._crowd.tell(Count(plan.watch + TAIL_SECONDS, delays=True))
        offered = asyncio.create_task(
            self._sender.ask(offer, Published, patience=plan.watch * 3 + 30)
        )
        answers: list[float] = []
        until = monotonic() + plan.watch
        while monotonic() < until:
            answers.append(await self._raise([f"probe-{len(answers)}/alarm"]))
            await asyncio.sleep(1 / PROBES_PER_SECOND)
        published = await offered
        counted = await self._crowd.answer(Counted, patience=plan.watch + 30)
        if counted.p50 is None or counted.p95 is None or counted.p99 is None:
            raise BenchFailed("no alert arrived at the wall")
        ordered = sorted(one * 1e3 for one in answers)
        wall = {"p50": counted.p50, "p95": counted.p95, "p99": counted.p99}
        stored = {name: percentile(ordered, int(name[1:]) / 100) for name in wall}
        return compared(
            f"sent to alert at a wall at {plan.rate:,} obs/s, p99, against sent to stored",
            [Pair(wall["p99"], stored["p99"])], "ms", lower_is_better=True,
            counts={
                "alerts": counted.values, "probes": len(answers), "sent": published.rows,
                **{f"wall_{name}": rounded(value) for name, value in wall.items()},
                **{f"stored_{name}": rounded(value) for name, value in stored.items()},
                **{f"commit_to_wall_{k}": rounded(max(0.0, wall[k] - stored[k])) for k in wall},
            },
        )  # fmt: skip

    async def storm(self) -> list[Part]:
        """Many alerts in a minute: the list and the wall meanwhile, and how memory grew."""
        plan = self._plan
        quiet = [await self._list() for _ in range(10)]
        before = resident_bytes(self.server.pid)
        await self._crowd.tell(Count(plan.minute + TAIL_SECONDS, delays=True))
        listed: list[float] = []
        began = monotonic()
        watching = asyncio.create_task(self._list_for(plan.minute, listed))
        sent = 0
        while sent < plan.storm:
            wanted = int((monotonic() - began) / plan.minute * plan.storm) + 1
            many = min(max(wanted - sent, 0), plan.storm - sent)
            if many:
                await self._raise([f"storm-{n}/alarm" for n in range(sent, sent + many)])
            sent += many
            await asyncio.sleep(0.1)
        await watching
        counted = await self._crowd.answer(Counted, patience=plan.minute + 30)
        if counted.p95 is None:
            raise BenchFailed("no alert of the storm arrived at the wall")
        grown = (resident_bytes(self.server.pid) - before) / 2**20
        name = f"storm of {plan.storm:,} alerts in {plan.minute:g} s"
        p95 = percentile(sorted(listed), 0.95) * 1e3
        calm = percentile(sorted(quiet), 0.5) * 1e3
        return [
            compared(
                f"{name}: list, p95, against the calm before", [Pair(p95, calm)], "ms",
                lower_is_better=True, counts={"asked": len(listed)},
            ),
            Part(
                name=f"{name}: sent to alert at a wall, p95", figure=rounded(counted.p95), uom="ms",
                counts={"alerts": counted.values, "frames": counted.frames},
            ),
            Part(
                name=f"{name}: memory that the server grew by", figure=rounded(max(grown, 0.001)),
                uom="MiB", counts={"before": rounded(before / 2**20)},
            ),
        ]  # fmt: skip

    async def _raise(self, series: list[str]) -> float:
        """Send values that raise alerts at once; returns how long the answer took, s."""
        time = SystemClock().now().isoformat()
        began = monotonic()
        value = began * 1e6
        body = [{"series": key, "time": time, "value": value} for key in series]
        answer = await self.server.http.post(
            f"/feeds/{self._feed.id}/observations", content=msgspec.json.encode(body),
            headers=authorized(self._feed) | {"Content-Type": "application/json"},
        )  # fmt: skip
        took = monotonic() - began
        if answer.status_code != 200 or answer.json()["stored"] != len(series):
            raise BenchFailed(f"{answer.status_code}: {answer.text[:400]}")
        return took

    async def _list_for(self, seconds: float, listed: list[float]) -> None:
        until = monotonic() + seconds
        while monotonic() < until:
            listed.append(await self._list())
            await asyncio.sleep(1 / LISTS_PER_SECOND)

    async def _list(self) -> float:
        return await alert_lists.asked(self.server, self.token, {"limit": 100})

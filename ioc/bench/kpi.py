"""Dossiers in through the front door, and the procedures board over millions of them."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final

import msgspec

from ioc.bench.figures import (
    BenchFailed,
    Cost,
    Pair,
    Part,
    Report,
    compared,
    percentile,
    report,
    rounded,
)
from ioc.bench.server import BenchFeed, Server, authorized, limit_database, serving
from ioc.clock import SystemClock, monotonic
from ioc.model import Domain
from ioc.store.pool import connect
from ioc.store.registry import announce

BODY: Final = 5_000
"""Dossiers in one body."""

SENDERS: Final = 2
MONTHS: Final = 24
PROCEDURES: Final = 2_000
WAIT_SECONDS: Final = 900.0
LOOK_SECONDS: Final = 0.02
BOARD: Final = "procedures"

_UNITS: Final = """
    WITH made AS (
        INSERT INTO unit (id) SELECT 'bench-unit-' || n FROM generate_series(1, %(many)s) AS n
        RETURNING unit_key, id
    )
    INSERT INTO unit_version (unit_key, validity, name, short_name, level, parent_key)
    SELECT unit_key, daterange('2000-01-01', NULL), id, id, 'department',
           (SELECT unit_key FROM unit WHERE id = (SELECT province FROM identity))
      FROM made
"""

_TODAY: Final = "SELECT count(*) FROM unit_version WHERE upper_inf(validity)"

# As loading would have left them: in the order of their receipt, all but the newest resolved.
_FILL: Final = """
    INSERT INTO dossier (dossier_id, feed_key, code, procedure_code, field, received_unit,
           handling_unit, channel, received_at, due_at, resolved_at, outcome, changed_at,
           stored_at, level, digitised, result_file, timeliness, due_effective, received_day,
           resolved_day, overdue_day)
    SELECT gen_random_uuid(), %(feed)s, 'F' || n, '1.' || n %% %(procedures)s,
           'Lĩnh vực ' || n %% 40, unit, unit,
           (ARRAY['direct', 'online', 'post', 'online'])[1 + n %% 4], received,
           received + interval '10 days', resolved,
           CASE WHEN resolved IS NOT NULL THEN 'granted' END,
           COALESCE(resolved, received), %(now)s, 'full', n %% 3 = 0, n %% 2 = 0,
           CASE WHEN resolved IS NULL THEN NULL WHEN n %% 12 > 10 THEN 'late'
                WHEN n %% 12 = 10 THEN 'on_time' ELSE 'early' END,
           received + interval '10 days', (received AT TIME ZONE %(zone)s)::date,
           (resolved AT TIME ZONE %(zone)s)::date,
           CASE WHEN resolved IS NULL OR n %% 12 > 10
                THEN ((received + interval '10 days') AT TIME ZONE %(zone)s)::date END
      FROM (SELECT n, (%(units)s::int[])[1 + (n * 7919) %% cardinality(%(units)s::int[])] AS unit,
                   r.received,
                   CASE WHEN r.received + days < %(now)s THEN r.received + days END AS resolved
              FROM generate_series(%(first)s::bigint, %(last)s) AS n
              CROSS JOIN LATERAL (SELECT %(since)s::timestamptz
                     + (%(now)s::timestamptz - %(since)s) * (n::float8 / %(of)s) AS received,
                     (n %% 12) * interval '1 day' AS days) AS r) AS rows
"""

_MARK: Final = """
    INSERT INTO dossier_change
    SELECT handling_unit, received_day FROM dossier
     UNION SELECT handling_unit, resolved_day FROM dossier WHERE resolved_day IS NOT NULL
     UNION SELECT handling_unit, overdue_day FROM dossier WHERE overdue_day IS NOT NULL
"""

_MARKS: Final = "SELECT count(*) FROM dossier_change"

_COPY: Final = """
    COPY dossier (dossier_id, feed_key, code, procedure_code, field, received_unit, handling_unit,
         channel, source, received_at, due_at, resolved_at, outcome, changed_at, stored_at,
         digitised, result_file, timeliness, due_effective, received_day, resolved_day)
    FROM STDIN
"""

_COUNT: Final = "SELECT count(*) FROM dossier"


class Plan(msgspec.Struct, frozen=True):
    """How many dossiers are sent, and over how many the board is shown."""

    sent: int = 150_000
    stored: tuple[int, ...] = (400_000, 4_000_000)
    units: int = 300
    asked: int = 60
    updates: int = 10


async def run(plan: Plan) -> Report:
    """Load dossiers, then look at the board over more and more of them."""
    parts: list[Part] = []
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving())
        limits = await stack.enter_async_context(limit_database(server))
        bench = _Bench(server, limits, plan)
        await bench.prepare()
        if plan.sent:
            parts.append(await bench.load())
        boards: list[Part] = []
        for stored in plan.stored:
            await bench.fill(stored)
            boards.append(await bench.board(stored))
            parts += [boards[-1], await bench.freshness(stored)]
        for part in boards:
            part.counts["of_first_figure"] = round(part.figure / boards[0].figure, 3)
    return report("kpi", parts)


class _Bench:
    def __init__(self, server: Server, limits: str, plan: Plan) -> None:
        self._server, self._limits, self._plan = server, limits, plan
        self._now = SystemClock().now()
        self._since = self._now - timedelta(days=MONTHS * 30.4)
        self._feed = BenchFeed("", "", "")
        self._units: dict[str, int] = {}
        self._filled = 0
        self._fresh = 0
        self._token: dict[str, str] = {}

    async def prepare(self) -> None:
        """Make feed and units; the server knows them before this returns."""
        self._feed = await self._server.add_feed("kpi", Domain.SERVICE)
        async with await connect(self._server.database_url) as conn:
            row = await (await conn.execute(_TODAY)).fetchone()
            assert row is not None
            await conn.execute(_UNITS, {"many": max(self._plan.units - row[0], 10)})
            rows = await (await conn.execute("SELECT id, unit_key FROM unit")).fetchall()
            self._units = {id: key for id, key in rows if id.startswith("bench-unit-")}
            await announce(conn)
        self._token = {"Authorization": f"Bearer {await self._server.wall_token()}"}
        deadline = monotonic() + WAIT_SECONDS
        path = f"/units/{next(iter(self._units))}"
        while (await self._server.http.get(path, headers=self._token)).status_code != 200:
            if monotonic() > deadline:
                raise BenchFailed("the server does not know the units")
            await asyncio.sleep(LOOK_SECONDS)

    async def load(self) -> Part:
        """Dossiers by REST, against a bare COPY of them into a table with the same indexes."""
        share = self._plan.sent // 3 // BODY * BODY or BODY
        pairs: list[Pair] = []
        sent = 0
        for turn in range(3):
            documents = self._documents(turn * share, share)
            bodies = [
                msgspec.json.encode(documents[at : at + BODY]) for at in range(0, share, BODY)
            ]
            began = monotonic()
            await self._post(bodies)
            figure = share / (monotonic() - began)
            sent += share
            pairs.append(Pair(figure, share / await self._copy(documents)))
        counts = {"sent": float(sent), "stored": float(await self._stored())}
        if counts["sent"] != counts["stored"]:
            raise BenchFailed(
                f"of {sent} dossiers that were sent {counts['stored']:.0f} are stored"
            )
        return compared(f"REST, {BODY:,} dossiers a body", pairs, "dossiers/s", counts=counts)

    def _documents(self, first: int, many: int) -> list[dict[str, Any]]:
        made = random.Random(first)  # noqa: S311, no secret
        span = (self._now - self._since).total_seconds() - 20 * 86_400
        units = list(self._units)
        found: list[dict[str, Any]] = []
        for number in range(first, first + many):
            unit = made.choice(units)
            received = self._since + timedelta(seconds=int(made.random() * span))
            resolved = received + timedelta(days=made.randrange(14))
            found.append(
                {
                    "code": f"S{number}", "procedure": f"1.{made.randrange(PROCEDURES)}",
                    "field": f"Lĩnh vực {number % 40}", "received_unit": unit,
                    "handling_unit": unit, "channel": "online", "source": "national_portal",
                    "received_at": received, "due_at": received + timedelta(days=10),
                    "resolved_at": resolved, "outcome": "granted", "changed_at": resolved,
                    "digitised": number % 3 == 0, "result_file": number % 2 == 0,
                }
            )  # fmt: skip
        return found

    async def _post(self, bodies: Sequence[bytes]) -> None:
        waiting = list(reversed(bodies))
        headers = authorized(self._feed) | {"Content-Type": "application/json"}

        async def send() -> None:
            while waiting:
                answer = await self._server.http.post(
                    f"/feeds/{self._feed.id}/dossiers", content=waiting.pop(), headers=headers
                )
                if answer.status_code != 200 or answer.json()["quarantined"]:
                    raise BenchFailed(f"{answer.status_code}: {answer.text[:400]}")

        await asyncio.gather(*(send() for _ in range(SENDERS)))

    async def _copy(self, documents: Sequence[dict[str, Any]]) -> float:
        """Seconds of copying the same dossiers, written out before, in as many transactions."""
        keys = {unit: place for place, unit in enumerate(self._units, start=1)}
        parts: list[bytes] = []
        for at in range(0, len(documents), BODY):
            lines = [self._line(one, keys) for one in documents[at : at + BODY]]
            parts.append("".join(lines).encode())
        began = monotonic()
        async with await connect(self._limits) as conn:
            for part in parts:
                async with conn.cursor() as cur, cur.copy(_COPY) as copy:
                    await copy.write(part)
                await conn.commit()
        return monotonic() - began

    def _line(self, one: dict[str, Any], keys: dict[str, int]) -> str:
        received, due, resolved = one["received_at"], one["due_at"], one["resolved_at"]
        fields = (
            f"00000000-0000-7000-8000-{int(one['code'][1:]):012}", 1, one["code"],
            one["procedure"], one["field"], keys[one["received_unit"]],
            keys[one["handling_unit"]], one["channel"], one["source"], received, due, resolved,
            one["outcome"], resolved, self._now, one["digitised"], one["result_file"],
            "early" if resolved < due else "late", due, received.date(), resolved.date(),
        )  # fmt: skip
        return "\t".join(map(str, fields)) + "\n"

    async def _stored(self) -> int:
        async with await connect(self._server.database_url) as conn:
            row = await (await conn.execute(_COUNT)).fetchone()
            assert row is not None
            return row[0]

    async def fill(self, stored: int) -> None:
        """Lay dossiers into the table until it holds so many, and wait until they are counted."""
        async with await connect(self._server.database_url) as conn:
            row = await (
                await conn.execute("SELECT feed_key FROM feed WHERE id = %s", [self._feed.id])
            ).fetchone()
            assert row is not None
            lacking = stored - await self._stored()
            if lacking > 0:
                await conn.execute(
                    _FILL,
                    {
                        "feed": row[0], "procedures": PROCEDURES, "now": self._now,
                        "since": self._since, "zone": "Asia/Ho_Chi_Minh",
                        "units": list(self._units.values()), "first": self._filled + 1,
                        "last": self._filled + lacking, "of": self._filled + lacking,
                    },
                )  # fmt: skip
                self._filled += lacking
            await conn.execute(_MARK)
            await conn.commit()
            await conn.set_autocommit(True)
            await conn.execute("VACUUM ANALYZE dossier")
            await self._counted()

    async def _counted(self) -> None:
        deadline = monotonic() + WAIT_SECONDS
        async with await connect(self._server.database_url) as conn:
            await conn.set_autocommit(True)
            while monotonic() < deadline:
                row = await (await conn.execute(_MARKS)).fetchone()
                assert row is not None
                if row[0] == 0:
                    await self._server.settled()
                    return
                await asyncio.sleep(0.2)
        raise BenchFailed("the dossiers are not counted yet")

    async def board(self, stored: int) -> Part:
        """The board in one document, against one sequential count of the table."""
        period = f"{self._now.year - 1}"
        await self._server.settled()
        delays = [await self._ask(f"/boards/{BOARD}") for _ in range(self._plan.asked)]
        other = [await self._ask(f"/boards/{BOARD}?period={period}") for _ in range(5)]
        scans = [await self._scan() for _ in range(3)]
        ordered = sorted(delays)
        p95 = percentile(ordered, 0.95) * 1000
        part = compared(
            f"board over {stored:,} dossiers, p95",
            [Pair(p95, scan * 1000) for scan in scans],
            "ms",
            lower_is_better=True,
            cost=Cost(delay_ms={"p50": rounded(percentile(ordered, 0.5) * 1000)}),
        )
        part.counts |= {
            "other_period_ms": rounded(sorted(other)[len(other) // 2] * 1000),
            "dossiers": float(await self._stored()),
        }
        return part

    async def _ask(self, path: str) -> float:
        began = monotonic()
        answer = await self._server.http.get(path, headers=self._token)
        if answer.status_code != 200:
            raise BenchFailed(f"{path}: {answer.status_code}: {answer.text[:400]}")
        return monotonic() - began

    async def _scan(self) -> float:
        async with await connect(self._server.database_url) as conn:
            await conn.execute("SET max_parallel_workers_per_gather = 0")
            await conn.execute("SET enable_indexonlyscan = off")
            await conn.execute("SET enable_bitmapscan = off")
            began = monotonic()
            await conn.execute(_COUNT)
            return monotonic() - began

    async def freshness(self, stored: int) -> Part:
        """From the answer to a new dossier until the board shows it."""
        delays: list[float] = []
        for _ in range(self._plan.updates):
            self._fresh += 1
            before = await self._received()
            one = self._documents(10_000_000 + self._fresh, 1)[0]
            today = SystemClock().now() - timedelta(minutes=1)
            one |= {"received_at": today, "changed_at": today, "due_at": today + timedelta(days=9)}
            for name in ("resolved_at", "outcome", "result_file"):
                del one[name]
            await self._post([msgspec.json.encode([one])])
            began = monotonic()
            while await self._received() == before:
                if monotonic() - began > WAIT_SECONDS / 30:
                    raise BenchFailed("the board does not show a new dossier")
                await asyncio.sleep(LOOK_SECONDS)
            delays.append(monotonic() - began)
        ordered = sorted(delays)
        return Part(
            name=f"update to board over {stored:,} dossiers, p95",
            figure=rounded(percentile(ordered, 0.95)),
            uom="s",
            delay_ms={"p50": rounded(percentile(ordered, 0.5) * 1000)},
        )

    async def _received(self) -> float | None:
        answer = await self._server.http.get(f"/boards/{BOARD}", headers=self._token)
        items: list[dict[str, Any]] = answer.json()["items"]
        found = [item for item in items if item["id"] == "online-share"]
        return found[0]["denominator"] if found else None

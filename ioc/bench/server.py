"""The server under test: its own process, ports and data directory, thrown away at the end."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import httpx2
import msgspec
import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo

from ingest.broker import broker_address
from ioc.bench.figures import BenchFailed
from ioc.bench.processes import free_port, stopped
from ioc.clock import SystemClock, monotonic
from ioc.embedded import run_file
from ioc.model import Domain, Feed, ValueKind
from ioc.store import accounts, feeds
from ioc.store.migrate import migrate
from ioc.store.pool import connect
from ioc.store.registry import FEEDS, add_series, announce

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0
STORE_SECONDS: Final = 60.0
"""How long what was sent may take to be stored once the sender has finished."""

QUICK_SECONDS: Final = 0.1
QUICK_ANSWERS: Final = 10
"""So many answers in a row, each within `QUICK_SECONDS`, and the server is at rest."""

SERIES_AT_ONCE: Final = 10_000
"""Series that are made in one statement."""

_COUNTS: Final = """
    SELECT coalesce(sum(received), 0)::bigint, coalesce(sum(stored), 0)::bigint
      FROM ledger JOIN feed USING (feed_key) WHERE feed.id = %s
"""
_ROWS: Final = """
    SELECT count(*) FROM observation JOIN series USING (series_id) JOIN feed USING (feed_key)
     WHERE feed.id = %s
"""
_PARTITION: Final = """
    DO $$ BEGIN
        IF (SELECT relkind = 'p' FROM pg_class WHERE oid = 'observation'::regclass) THEN
            CREATE TABLE observation_all PARTITION OF observation DEFAULT;
        END IF;
    END $$
"""


class Login(msgspec.Struct, frozen=True):
    """Where a sender connects to the broker, and as whom."""

    host: str
    port: int
    user: str
    password: str


class BenchFeed(msgspec.Struct, frozen=True):
    """A feed of the bench: its id, agency and key."""

    id: str
    agency: str
    key: str


class Server:
    """A running `ioc up`."""

    def __init__(self, pid: int, http_port: int, mqtt_port: int, data_dir: Path, url: str) -> None:
        """Know where everything is."""
        self.pid = pid
        self.http_port = http_port
        self.database_url = url
        self._mqtt_port = mqtt_port
        self._data_dir = data_dir
        base = f"http://127.0.0.1:{http_port}"
        self._root = httpx2.AsyncClient(base_url=base, timeout=30)
        self.http = httpx2.AsyncClient(base_url=f"{base}/api/v1", timeout=30)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._root.aclose()
        await self.http.aclose()

    def own_login(self) -> Login:
        """The product's own user of the broker, who may publish and read everything."""
        broker = run_file.read(self._data_dir).broker
        if broker is None:
            raise BenchFailed("the server has no broker of its own")
        found = broker_address(broker.url)
        return Login(found.host, found.port, found.user, found.password)

    async def add_feed(self, name: str, domain: Domain) -> BenchFeed:
        """Make a feed with an agency and a key; the server knows it before this returns."""
        now = SystemClock().now()
        async with await connect(self.database_url) as conn:
            agency, _ = await feeds.agency_key(conn, f"bench-{name}", now)
            await feeds.add(
                conn, id=name, agency=agency, name=name, domain=domain.value, format="ioc",
                auto_series=True, now=now,
            )  # fmt: skip
            key = await feeds.add_key(conn, name, now)
            await announce(conn, FEEDS)
        made = BenchFeed(name, f"bench-{name}", key)
        await self._until_known(made)
        return made

    async def make_series(self, feed: BenchFeed, keys: Sequence[str]) -> None:
        """Make series of the feed past the front door.

        The server hears of all at once: each time it reads half a million for some seconds.
        """
        async with await connect(self.database_url) as conn:
            key = await feeds.find(conn, feed.id)
            found = Feed(
                key=key, id=feed.id, agency=feed.agency, agency_key=0, name=feed.id,
                domain=Domain.ENVIRONMENT,
            )  # fmt: skip
            for at in range(0, len(keys), SERIES_AT_ONCE):
                some = dict.fromkeys(keys[at : at + SERIES_AT_ONCE], ValueKind.NUMBER)
                await add_series(conn, found, some)
            await announce(conn)

    async def _until_known(self, feed: BenchFeed) -> None:
        deadline = monotonic() + START_SECONDS
        while monotonic() < deadline:
            answer = await self.http.get(f"/feeds/{feed.id}/ledger", headers=authorized(feed))
            if answer.status_code == 200:
                return
            await asyncio.sleep(0.05)
        raise BenchFailed(f"the server does not take the key of feed {feed.id}")

    async def login(self, feed: BenchFeed) -> Login:
        """A user of the broker for the feed's agency."""
        async with await connect(self.database_url) as conn:
            password = await feeds.set_mqtt_password(conn, feed.agency, SystemClock().now())
            await announce(conn, FEEDS)
        return Login("127.0.0.1", self._mqtt_port, feed.agency, password)

    async def wall_token(self) -> str:
        """A token that may follow every topic."""
        async with await connect(self.database_url) as conn:
            return await accounts.add_wall(conn, "bench", SystemClock().now())

    async def put(self, feed: BenchFeed, part: str, body: Any) -> None:
        """Describe features or series of the feed."""
        answer = await self.http.put(
            f"/feeds/{feed.id}/{part}", content=msgspec.json.encode(body),
            headers=authorized(feed) | {"Content-Type": "application/json"},
        )  # fmt: skip
        if answer.status_code != 200:
            raise BenchFailed(f"the server answered {answer.status_code}: {answer.text[:300]}")

    async def stored_all(self, feed: BenchFeed, wanted: int) -> float:
        """Wait until so many observations are stored in all; returns when that was seen."""
        conn: AsyncConnection[tuple[Any, ...]]
        async with await psycopg.AsyncConnection.connect(
            self.database_url, autocommit=True, prepare_threshold=0
        ) as conn:
            deadline = monotonic() + STORE_SECONDS
            while True:
                row = await (await conn.execute(_COUNTS, [feed.id])).fetchone()
                seen = monotonic()
                assert row is not None
                if row[1] >= wanted:
                    return seen
                if seen > deadline:
                    raise BenchFailed(f"of {wanted} sent observations {row[1]} are stored")
                await asyncio.sleep(0.02)

    async def settled(self, series: int = 0) -> None:
        """Wait until the server knows so many series and answers at once again."""
        quick, deadline = 0, monotonic() + START_SECONDS
        while quick < QUICK_ANSWERS or await self._figure("ioc_series") < series:
            asked = monotonic()
            await self._root.get("/healthz")
            took = monotonic() - asked
            quick = quick + 1 if took < QUICK_SECONDS else 0
            if asked > deadline:
                raise BenchFailed("the server is too busy to measure anything")
            await asyncio.sleep(QUICK_SECONDS)

    async def commits(self) -> int:
        """Committed flushes since the start."""
        return await self._figure("ioc_commits_total")

    async def _figure(self, name: str) -> int:
        text = (await self._root.get("/metrics")).text
        line = next(part for part in text.splitlines() if part.startswith(f"{name} "))
        return int(float(line.split()[1]))

    async def check_counts(self, feed: BenchFeed, sent: int, *, laid: int = 0) -> None:
        """Raise unless ledger and table hold exactly what was sent: figures of lost rows lie.

        `laid` rows were laid into the table past the front door.
        """
        async with await connect(self.database_url) as conn:
            counted = await (await conn.execute(_COUNTS, [feed.id])).fetchone()
            held = await (await conn.execute(_ROWS, [feed.id])).fetchone()
        assert counted is not None
        assert held is not None
        if (*counted, held[0] - laid) != (sent, sent, sent):
            raise BenchFailed(
                f"{sent} observations were sent, {counted[0]} received, {counted[1]} counted as "
                f"stored, {held[0]} are in the table"
            )


def authorized(feed: BenchFeed) -> dict[str, str]:
    """The header that lets a feed's sender in."""
    return {"Authorization": f"Bearer {feed.key}"}


@asynccontextmanager
async def serving(**environment: str) -> AsyncGenerator[Server]:
    """Run a server, embedded; with IOC_DATABASE_URL in a database of its own on that server."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ioc-bench-")))
        data_dir = home / "data"
        settings = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("IOC_") or name == "IOC_NATS_SERVER"
        }
        given = os.environ.get("IOC_DATABASE_URL")
        if given is not None:
            settings["IOC_DATABASE_URL"] = await stack.enter_async_context(database_at(given))
        http_port, mqtt_port = free_port(), free_port()
        settings |= {
            "IOC_DATA_DIR": str(data_dir),
            "IOC_HTTP_PORT": str(http_port),
            "IOC_MQTT_PORT": str(mqtt_port),
            "IOC_LOG": "WARNING",
            **environment,
        }
        log = stack.enter_context((home / "server.log").open("wb"))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ioc", "up", env=settings, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        stack.push_async_callback(stopped, process, signal.SIGTERM, STOP_SECONDS)
        await _ready(process, http_port, home / "server.log")
        running = run_file.read(data_dir).database
        url = settings.get("IOC_DATABASE_URL") or (running.url if running else "")
        server = Server(process.pid, http_port, mqtt_port, data_dir, url)
        stack.push_async_callback(server.close)
        yield server


async def _ready(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    deadline = monotonic() + START_SECONDS
    async with httpx2.AsyncClient() as client:
        while process.returncode is None and monotonic() < deadline:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.1)
    told = log.read_text(errors="replace")[-2_000:]  # noqa: ASYNC240, nothing else runs any more
    raise BenchFailed(f"the server under test did not become ready:\n{told}")


@asynccontextmanager
async def database_at(url: str) -> AsyncGenerator[str]:
    """An empty database on the server at `url`, dropped at the end."""
    name = f"ioc_bench_{token_hex(4)}"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield make_conninfo(url, dbname=name)
        finally:
            await conn.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


@asynccontextmanager
async def limit_database(server: Server) -> AsyncGenerator[str]:
    """A database beside the product's with the same tables, for what the limit writes."""
    async with database_at(server.database_url) as url:
        await migrate(url)
        async with await connect(url) as conn:
            await conn.execute(_PARTITION)
        yield url

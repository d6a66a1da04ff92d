"""Printed figures of the past into a running server: units, measures, then reports by its door."""

from datetime import datetime
from pathlib import Path
from typing import Final

from ioc.city.history import History, read_history
from ioc.clock import SystemClock
from ioc.commands.database import connection
from ioc.config import read_config
from ioc.errors import Invalid
from ioc.model import Domain, Receipt
from ioc.simulate.door import RestDoor
from ioc.store import feeds, identity, measures
from ioc.store import units as unit_store
from ioc.store.pool import Connection
from ioc.store.registry import FEEDS, announce

FEED: Final = "history"
"""The feed by which figures of the past are handed in."""

ACTOR: Final = "cli"


async def load_history(path: Path, url: str | None = None) -> list[str]:
    """Load the set of a folder; the server must run, for reports come in by its front door."""
    config = read_config()
    found = read_history(path)
    now = SystemClock().now()
    async with connection(config) as conn:
        await _declare(conn, found, path.name)
        key, number = await _key(conn, now)
        await announce(conn)
    try:
        async with RestDoor(url or f"http://127.0.0.1:{config.http_port}") as door:
            receipt = await door.send(FEED, "reports", key, found.reports, "application/json")
    finally:
        async with connection(config) as conn:
            await feeds.revoke_key(conn, FEED, number, SystemClock().now())
            await announce(conn, FEEDS)
    return [
        f"{len(found.units)} versions of units, {len(found.measures)} measures",
        *_lines(receipt),
    ]


async def _declare(conn: Connection, found: History, name: str) -> None:
    identified = await identity.read(conn)
    await unit_store.put_versions(conn, found.units, f"history/{name}", demo=identified.simulated)
    await measures.declare(conn, [], found.measures)


async def _key(conn: Connection, now: datetime) -> tuple[str, int]:
    """A key of the feed of the past for the length of the loading; the feed is made if need be."""
    known = {row[0] for row in await feeds.listed(conn)}
    if FEED not in known:
        province = (await identity.read(conn)).province
        if not province:
            raise Invalid("load the city's folder first: ioc city load")
        agency, _ = await feeds.agency_key(conn, province, now)
        await feeds.add(
            conn, id=FEED, agency=agency, name="Số liệu đã công bố", domain=Domain.SERVICE.value,
            format="auto", auto_series=False, now=now, late_limit=None, by=ACTOR,
        )  # fmt: skip
    secret = await feeds.add_key(conn, FEED, now)
    return secret, max(row[0] for row in await feeds.keys(conn, FEED))


def _lines(receipt: Receipt) -> list[str]:
    told = [
        f"{receipt.received} reports: {receipt.stored} stored, {receipt.corrected} corrected, "
        f"{receipt.duplicate} known already, {receipt.quarantined} refused"
    ]
    return told + [f"{problem.index}: {problem.detail}" for problem in receipt.problems]

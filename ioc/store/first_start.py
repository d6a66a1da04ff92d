"""What an empty database gets before anything else: its mark, if it is a demo's, and the city."""

from datetime import datetime
from pathlib import Path

from ioc.city.read import packaged_city, read_city
from ioc.store import city, identity
from ioc.store.identity import Identity
from ioc.store.pool import Connection


async def settle(
    conn: Connection, *, demo: bool, city_dir: Path | None, now: datetime
) -> tuple[Identity, list[str]]:
    """Make an empty database ready, and say what was done; any other only says what it is.

    Raises `ConfigError` where a demo is asked for on a real database.
    """
    empty = await identity.is_empty(conn)
    found = await identity.settle(conn, demo=demo)
    if not empty:
        return found, []
    described = read_city(city_dir or packaged_city())
    done = await city.load(conn, described, now=now, demo=found.simulated)
    return await identity.read(conn), done

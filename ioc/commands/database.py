"""A way to the database for commands: the configured, the running, or one started for it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ioc.clock import SystemClock
from ioc.config import Config
from ioc.embedded.database import attached_or_started
from ioc.store import first_start
from ioc.store.migrate import migrate
from ioc.store.pool import Connection, connect


@asynccontextmanager
async def database_url(config: Config) -> AsyncGenerator[str]:
    """The address of the database, for the length of a command."""
    if config.database_url is not None:
        yield config.database_url
        return
    config.data_dir.mkdir(parents=True, exist_ok=True)
    async with attached_or_started(config.data_dir) as url:
        yield url


@asynccontextmanager
async def connection(config: Config) -> AsyncGenerator[Connection]:
    """One connection in one transaction to a migrated database."""
    async with database_url(config) as url:
        await migrate(url)
        async with await connect(url) as conn:
            # A feed that is made before the first start must find its agency in the city.
            await first_start.settle(
                conn, demo=config.demo, city_dir=config.city_dir, now=SystemClock().now()
            )
            await conn.commit()
            yield conn

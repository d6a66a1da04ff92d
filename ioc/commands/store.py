"""`ioc migrate`: bring the database up to this release."""

import typer

from ioc.commands.database import database_url
from ioc.commands.run import run
from ioc.config import read_config
from ioc.store.migrate import migrate as apply


def migrate() -> None:
    """Apply the migrations that the database lacks; `ioc up` does so by itself."""
    done = run(_migrate())
    for name in done:
        typer.echo(name)
    typer.echo(f"{len(done)} applied" if done else "the database is up to date", err=True)


async def _migrate() -> list[str]:
    async with database_url(read_config()) as url:
        return await apply(url)

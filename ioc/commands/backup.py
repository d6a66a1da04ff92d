"""`ioc backup` and `ioc restore`: the whole database as one file, and back."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from ioc.clock import SystemClock
from ioc.commands.database import database_url
from ioc.commands.run import run
from ioc.config import read_config
from ioc.store import backup as store
from ioc.store.archive import Head

File = Annotated[Path, typer.Argument(dir_okay=False, help="the file; .tar is a fitting end")]


def backup(file: File) -> None:
    """Write the whole database to one file, as it is at one moment, while everything runs.

    The file is a tar of compressed tables with checksums. It can be restored on PostgreSQL and on
    TimescaleDB alike, whichever it comes from. Keep it safe: it holds what people may not see and
    the hashes of keys and passwords.

    Not in it: payloads that wait in the broker (they are acknowledged to their senders, so let the
    server store them before you move a machine), the settings in the environment, and aggregates,
    which are made anew.
    """
    rows, size = run(_backup(file))
    typer.echo(f"{rows:,} rows, {size:,} bytes in {file}")


async def _backup(file: Path) -> tuple[int, int]:
    async with database_url(read_config()) as url:
        return await store.back_up(
            url, file, release=version("ioc-backend"), now=SystemClock().now()
        )


def restore(file: File) -> None:
    """Bring a backup into an empty database: a new IOC_DATA_DIR, or that of IOC_DATABASE_URL.

    The file is checked from end to end first. All of it comes in or nothing, and an older backup
    is brought up to this release. Ids, keys, passwords and the audit trail are as they were; the
    database gets a new identity (epoch), so that screens which were open take everything anew.
    """
    head = run(_restore(file))
    typer.echo(f"restored: {head.created_at}, release {head.release}, from store {head.store}")


async def _restore(file: Path) -> Head:
    async with database_url(read_config()) as url:
        return await store.restore(url, file)

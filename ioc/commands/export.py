"""`ioc export`: observations into a CSV or Parquet file."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from ioc.clock import SystemClock
from ioc.commands.database import database_url
from ioc.commands.run import run
from ioc.config import read_config
from ioc.errors import Invalid
from ioc.flow.exporting import FileFormat, exported
from ioc.model import Domain
from ioc.store import feeds as feed_store
from ioc.store import units as unit_store
from ioc.store.export import Wanted
from ioc.store.pool import connect

FORMATS: dict[str, FileFormat] = {".csv": "csv", ".parquet": "parquet"}


def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="ends with .csv or .parquet")],
    feed: Annotated[list[str] | None, typer.Option(help="a feed's id; may be repeated")] = None,
    series: Annotated[list[str] | None, typer.Option(help="feed/series key; repeated")] = None,
    domain: Annotated[Domain | None, typer.Option(help="a domain")] = None,
    layer: Annotated[str | None, typer.Option(help="a layer of the map")] = None,
    unit: Annotated[str | None, typer.Option(help="a unit, with those below it")] = None,
    since: Annotated[
        str | None, typer.Option(help="from then on, such as 2026-11-22T00:00:00+07:00")
    ] = None,
    until: Annotated[str | None, typer.Option(help="up to, not including; now")] = None,
) -> None:
    """Write observations to a file, by time: the last day, or what the options choose.

    The options are combined. Times are UTC; the measuring unit stands in each row, in Parquet also
    in the metadata. It works while the server runs and takes little memory, whatever the size.
    """
    written = run(_export(file, feed, series, domain, layer, unit, since, until))
    typer.echo(f"{written:,} bytes in {file}")


async def _export(
    file: Path,
    feeds: list[str] | None,
    series: list[str] | None,
    domain: Domain | None,
    layer: str | None,
    unit: str | None,
    since: str | None,
    until: str | None,
) -> int:
    file_format = FORMATS.get(file.suffix.lower())
    if file_format is None:
        raise Invalid(f"{file}: the name says the format, so it ends with .csv or .parquet")
    now = SystemClock().now()
    end = now if until is None else _instant(until)
    start = end - timedelta(days=1) if since is None else _instant(since)
    part = file.with_name(file.name + ".part")
    written = 0
    async with database_url(read_config()) as url, await connect(url) as conn:
        units = None
        if unit is not None:
            units = (await unit_store.organisation(conn)).within(unit, now.date())
        for feed in feeds or ():
            await feed_store.find(conn, feed)
        await conn.rollback()
        wanted = Wanted(start, end, feeds, series, domain and domain.value, layer, units)
        # The name is given when all is there: what was cut off does not look whole.
        with part.open("wb") as out:
            async for piece in exported(conn, wanted, file_format):
                written += out.write(piece)
        part.replace(file)
    return written


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{text!r} is not a time such as 2026-11-22T00:00:00+07:00") from error
    if found.tzinfo is None:
        raise Invalid(f"{text!r} needs an offset, such as +07:00")
    return found

"""`ioc city`: check the city's files, load them, load outlines, write back what changed."""

from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from ioc.city.finding import CityError
from ioc.city.read import packaged_city, read_city
from ioc.city.unit_table import read_unit_table
from ioc.clock import SystemClock
from ioc.commands.database import connection
from ioc.commands.history import load_history
from ioc.commands.run import run
from ioc.config import read_config
from ioc.errors import Conflict, Invalid
from ioc.org import Level, UnitVersion
from ioc.store import city as city_store
from ioc.store import identity
from ioc.store import units as unit_store
from ioc.store.pool import Connection
from ioc.store.registry import announce

app = typer.Typer(no_args_is_help=True, help="The city as data: check, load.")

DAY = "%Y-%m-%d"

ARTICLES = Path("history") / "articles"
"""The set of printed figures that a city's folder brings along."""

Folder = Annotated[Path | None, typer.Argument(help="the city's folder; else IOC_CITY_DIR")]


def _folder(given: Path | None) -> Path:
    return given or read_config().city_dir or packaged_city()


@app.command()
def check(folder: Folder = None) -> None:
    """Check every file of a city; each error is named with file, line and a hint."""
    path = _folder(folder)
    try:
        city = read_city(path)
    except CityError as error:
        for finding in error.findings:
            typer.echo(str(finding), err=True)
        typer.echo(f"{len(error.findings)} errors in {path}", err=True)
        raise typer.Exit(1) from error
    typer.echo(
        f"{path}: {len(city.units)} versions of units, {len(city.feeds)} feeds, "
        f"{len(city.layers)} layers, {len(city.rules)} rules, {len(city.indicators)} indicators, "
        f"{len(city.targets)} targets: no errors"
    )


@app.command()
def load(
    source: Annotated[
        Path | None, typer.Argument(help="a city's folder, or a file of outlines")
    ] = None,
    units: Annotated[
        Path | None,
        typer.Option(help="units of a country instead: a published CSV, or GeoJSON with outlines"),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=[DAY], help="the day from which those units hold"),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--until", formats=[DAY], help="the first day on which they no longer do"),
    ] = None,
    history: Annotated[
        bool,
        typer.Option(
            "--history", help="printed figures of the past instead, into a running server"
        ),
    ] = False,
    force: Annotated[bool, typer.Option(help="overwrite what was changed in the product")] = False,
    crs: Annotated[str | None, typer.Option(help="EPSG code of outlines that do not say")] = None,
    level: Annotated[Level, typer.Option(help="which units the outlines are of")] = Level.COMMUNE,
) -> None:
    """Load a city's folder, outlines of units from a file of any GIS, or the units of a country.

    `--units FILE --from DATE [--until DATE]` takes units with statistics codes, all of one time.
    Ids are made of names, with the code where a name is not alone, and with the year of `--from`
    where the units have ended. The same file loaded again replaces what it said before; what the
    city's folder describes stays as it is.

    `--history [FOLDER]` loads units, measures and reports of printed figures; reports come in by
    the front door of the server, which must run.
    """
    try:
        if history:
            lines = run(load_history(source or _folder(None) / ARTICLES))
        elif units is not None:
            if source is not None or since is None:
                raise Invalid("write: ioc city load --units FILE --from 2025-07-01")
            ended = None if until is None else until.date()
            lines = run(_units(units, since.date(), ended, crs, force=force))
        else:
            path = _folder(source)
            lines = run(_load(path, force=force) if path.is_dir() else _outlines(path, crs, level))
    except CityError as error:
        for finding in error.findings:
            typer.echo(str(finding), err=True)
        raise typer.Exit(1) from error
    for line in lines:
        typer.echo(line)


async def _load(path: Path, *, force: bool) -> list[str]:
    city = read_city(path)
    async with connection(read_config()) as conn:
        changed = await city_store.changed_in_product(conn, city)
        if changed and not force:
            raise Conflict(
                f"changed in the product: {', '.join(changed)}; --force overwrites that with "
                "what the files say"
            )
        found = await identity.read(conn)
        return await city_store.load(conn, city, now=SystemClock().now(), demo=found.simulated)


async def _units(
    path: Path, since: date, until: date | None, crs: str | None, *, force: bool
) -> list[str]:
    async with connection(read_config()) as conn:
        before = await unit_store.described(conn, path.name)
        if any(spans != {(since, until)} for spans in before.values()) and not force:
            raise Conflict(
                f"{path.name} was loaded before with other dates; --force replaces what it said, "
                "another name for the file keeps it"
            )
        table = read_unit_table(
            path, await unit_store.organisation(conn), since=since, until=until, own=before.keys()
        )
        found = await identity.read(conn)
        await unit_store.put_versions(conn, table.versions, path.name, demo=found.simulated)
        count = Counter(version.level.value for version in table.versions)
        lines = [
            f"{number} of level {level}, from {since}" + (f" until {until}" if until else "")
            for level, number in count.items()
        ]
        lines.append(f"{table.known} described elsewhere, left as they are")
        if path.suffix.lower() != ".csv":
            organisation = await unit_store.organisation(conn)
            units = [v for v in organisation.as_of(since).values() if v.unit in table.units]
            lines += await _put_outlines(conn, path, crs, units, since)
        await announce(conn)
    return lines


async def _outlines(path: Path, crs: str | None, level: Level) -> list[str]:
    today = SystemClock().now().date()
    async with connection(read_config()) as conn:
        organisation = await unit_store.organisation(conn)
        units = [v for v in organisation.as_of(today).values() if v.level is level]
        lines = await _put_outlines(conn, path, crs, units, today)
        await announce(conn)
    return lines


async def _put_outlines(
    conn: Connection, path: Path, crs: str | None, units: list[UnitVersion], on: date
) -> list[str]:
    # geopandas takes 1.8 s to import, which no other command should pay.
    from geo.layer import read_outlines

    found = read_outlines(path, units, crs=crs)
    outlines = {unit: (geometry, path.name) for unit, geometry in found.by_unit.items()}
    done = await unit_store.put_outlines(conn, outlines, path.name, on=on)
    report = found.report
    return [
        f"{report.shapes} shapes in {report.crs}, matched by {report.matched_by}; {done} loaded",
        f"edges snapped within {report.tolerance}°: overlaps {report.overlap_before:.0f} m² "
        f"before, {report.overlap_after:.0f} m² after; gaps {report.gap_before:.0f} m² before, "
        f"{report.gap_after:.0f} m² after",
        *(f"repaired: {repair.unit}: {repair.reason}" for repair in report.repaired),
        *(f"no such unit: {name}" for name in report.unmatched),
        *(f"no outline for: {unit}" for unit in report.missing),
    ]

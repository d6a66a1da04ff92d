"""`ioc city`: check the city's files, load them, load outlines, write back what changed."""

from pathlib import Path
from typing import Annotated

import typer

from ioc.city.finding import CityError
from ioc.city.read import packaged_city, read_city
from ioc.clock import SystemClock
from ioc.commands.database import connection
from ioc.commands.run import run
from ioc.config import read_config
from ioc.errors import Conflict
from ioc.org import Level
from ioc.store import city as city_store
from ioc.store import identity
from ioc.store.registry import announce

app = typer.Typer(no_args_is_help=True, help="The city as data: check, load.")

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
    force: Annotated[bool, typer.Option(help="overwrite what was changed in the product")] = False,
    crs: Annotated[str | None, typer.Option(help="EPSG code of outlines that do not say")] = None,
    level: Annotated[Level, typer.Option(help="which units the outlines are of")] = Level.COMMUNE,
) -> None:
    """Load a city's folder, or outlines of units from GeoJSON, GPKG or a shapefile."""
    path = _folder(source)
    try:
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


async def _outlines(path: Path, crs: str | None, level: Level) -> list[str]:
    # geopandas takes 1.8 s to import, which no other command should pay.
    from geo.layer import read_outlines

    today = SystemClock().now().date()
    async with connection(read_config()) as conn:
        organisation = await city_store.read_organisation(conn)
        units = [v for v in organisation.as_of(today).values() if v.level is level]
        found = read_outlines(path, units, crs=crs)
        outlines = {unit: (geometry, path.name) for unit, geometry in found.by_unit.items()}
        done = await city_store.load_outlines(conn, outlines)
        await announce(conn)
    report = found.report
    lines = [
        f"{report.shapes} shapes in {report.crs}, matched by {report.matched_by}; {done} loaded",
        f"edges snapped within {report.tolerance}°: overlaps {report.overlap_before:.0f} m² "
        f"before, {report.overlap_after:.0f} m² after; gaps {report.gap_before:.0f} m² before, "
        f"{report.gap_after:.0f} m² after",
    ]
    lines += [f"repaired: {repair.unit}: {repair.reason}" for repair in report.repaired]
    lines += [f"no such unit: {name}" for name in report.unmatched]
    lines += [f"no outline for: {unit}" for unit in report.missing]
    return lines

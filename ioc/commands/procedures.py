"""`ioc procedures`: take a table of procedures into the catalogue."""

from pathlib import Path
from typing import Annotated

import typer

from ioc.city.procedure_import import Planned, Row, plan_import
from ioc.city.procedures import ALIASES, COLUMNS, NEEDED
from ioc.clock import SystemClock
from ioc.commands.database import connection
from ioc.commands.run import run
from ioc.commands.table import table_of
from ioc.config import read_config
from ioc.store import audit, procedures, units
from ioc.store.registry import announce

app = typer.Typer(no_args_is_help=True, help="Procedures: take those of a table.")

ACTOR = "command line"


@app.callback()
def _procedures() -> None:
    """Keep `import` a command of its own, though it is the only one."""


@app.command("import")
def import_table(
    file: Annotated[Path, typer.Argument(help="a CSV or XLSX file, a row for each version")],
    dry_run: Annotated[bool, typer.Option(help="only say what would become of each row")] = False,
) -> None:
    """Take a table of procedures and say of each row what became of it; a refused one ends with 1.

    Columns: code, name, field, from; also unit, tier, days, level, fee, until, document and those
    of city/procedures.csv. Vietnamese headings are known too. The rows of a code are all its
    versions; codes that are not in the table stay as they are.
    """
    rows = table_of(file, COLUMNS, NEEDED, ALIASES).rows
    planned = run(_import(rows, dry_run=dry_run))
    became = {code: state for state in STATES for code in getattr(planned, state)}
    refused = {one.row: one for one in planned.refused}
    for number, row in rows:
        if (one := refused.get(number)) is not None:
            typer.echo(f"row {number}: {one.code}: refused: {one.detail}", err=True)
        else:
            typer.echo(f"row {number}: {row['code']}: {became[row['code']]}")
    counts = ", ".join(f"{len(getattr(planned, state))} {state}" for state in COUNTED)
    told = "would be " if dry_run else ""
    typer.echo(f"{told}{counts}, {len(refused)} rows refused")
    if refused:
        raise typer.Exit(1)


COUNTED = ("added", "changed", "unchanged")

STATES = (*COUNTED, "ended")
"""What becomes of a code; one that is ended is among the changed."""


async def _import(rows: list[Row], *, dry_run: bool) -> Planned:
    async with connection(read_config()) as conn:
        resolve = (await units.organisation(conn)).resolve
        planned = plan_import(
            rows,
            await procedures.read(conn),
            lambda v: None if v.unit is None else resolve(v.unit, v.valid_from),
        )
        if dry_run or not planned.versions:
            return planned
        await procedures.put(conn, planned.versions, by=ACTOR)
        await audit.record(
            conn, now=SystemClock().now(), actor=ACTOR, source="local", action="procedures.import",
            subject="procedures", after=planned.told(),
        )  # fmt: skip
        await announce(conn)
    return planned

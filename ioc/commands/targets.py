"""`ioc targets`: assign the targets of a table."""

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ioc.clock import SystemClock
from ioc.commands.database import connection
from ioc.commands.run import run
from ioc.commands.table import table_of
from ioc.config import read_config
from ioc.flow.assigning import Assigner, Desk, Taken
from ioc.flow.target_table import ALIASES, COLUMNS, NEEDED
from ioc.kpi.indicator import Definitions, decode_indicator
from ioc.store import identity, indicators, units
from ioc.store.registry import announce

app = typer.Typer(no_args_is_help=True, help="Targets: assign those of a table.")

ACTOR = "command line"


@app.callback()
def _targets() -> None:
    """Keep `import` a command of its own, though it is the only one."""


@app.command("import")
def import_table(
    file: Annotated[Path, typer.Argument(help="a CSV or XLSX file")],
    dry_run: Annotated[bool, typer.Option(help="only say what would be assigned")] = False,
) -> None:
    """Assign the targets of a table; a row that is wrong costs no other, and ends it with 1.

    Columns: indicator, unit, from, value, document; also until, decided_on, decided_by,
    must_cascade_by, and reason where a target reaches back. Vietnamese headings are known too.
    """
    taken = run(_import(file, dry_run=dry_run))
    for one in taken.made:
        target = one.target
        ended = "".join(f"; ends {r.value:g} from {r.valid_from}" for r in one.replaced)
        typer.echo(
            f"{target.indicator} of {target.unit}: {target.value:g} from {target.valid_from}"
            f"{f' until {target.valid_until}' if target.valid_until else ''}{ended}"
        )
    for refused in taken.refused:
        at = f"sheet {refused.sheet}, {refused.cell}" if refused.sheet and refused.cell else ""
        typer.echo(f"row {refused.row}{at and f' ({at})'}: {refused.detail}", err=True)
    done = "would be assigned" if dry_run else "assigned"
    typer.echo(f"{len(taken.made)} {done}, {len(taken.refused)} rows refused")
    if taken.refused:
        raise typer.Exit(1)


async def _import(file: Path, *, dry_run: bool) -> Taken:
    table = table_of(file, COLUMNS, NEEDED, ALIASES)
    now = SystemClock().now()
    async with (
        connection(read_config()) as conn,
        conn.transaction(force_rollback=dry_run),
    ):
        known = await identity.read(conn)
        desk = Desk(
            Assigner(ACTOR, "local"),
            await units.organisation(conn),
            Definitions(
                decode_indicator(one.id, {**one.document, "version": one.version})
                for one in await indicators.all_of(conn)
            ),
            now.astimezone(ZoneInfo(known.time_zone)).date(),
        )
        taken = await desk.take(conn, table, now)
        await announce(conn)
    return taken

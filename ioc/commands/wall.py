"""`ioc wall`: links that open a wall as a kiosk."""

from typing import Annotated

import typer

from ioc.clock import SystemClock
from ioc.commands.database import connection
from ioc.commands.run import run
from ioc.config import read_config
from ioc.errors import NotFound
from ioc.store import accounts, audit

app = typer.Typer(no_args_is_help=True, help="Make links that open a wall without a sign-in.")


@app.command("add")
def add_wall(
    name: Annotated[str, typer.Argument(help="which wall, for the list")],
) -> None:
    """Print the link that opens the wall as a kiosk; it never expires and can be ended."""
    config = read_config()
    token = run(_add_wall(name))
    typer.echo(f"http://{config.http_host}:{config.http_port}/w/{token}")


async def _add_wall(name: str) -> str:
    now = SystemClock().now()
    async with connection(read_config()) as conn:
        token = await accounts.add_wall(conn, name, now)
        await audit.record(
            conn, now=now, actor="command line", source="local", action="wall.add", subject=name
        )
    return token


@app.command("end")
def end_wall(token: Annotated[str, typer.Argument(help="the last part of the link")]) -> None:
    """End a wall's link."""
    run(_end_wall(token))


async def _end_wall(token: str) -> None:
    now = SystemClock().now()
    async with connection(read_config()) as conn:
        if await accounts.holder(conn, token, now) is None:
            raise NotFound("there is no such token, or it has ended already")
        await accounts.end_token(conn, token, now)

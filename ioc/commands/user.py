"""`ioc user`: who may sign in."""

import sys
from typing import Annotated

import typer

from ioc.auth import passwords
from ioc.clock import SystemClock
from ioc.commands.database import connection
from ioc.commands.run import run
from ioc.config import read_config
from ioc.errors import Invalid
from ioc.store import accounts, audit, identity

app = typer.Typer(no_args_is_help=True, help="Make people's accounts and change passwords.")

ROLES = ("administrator", "operator", "leader", "agency")

FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="read the password from standard input")
]


def _password(from_input: bool) -> str:
    if from_input:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    fault = passwords.fault(password)
    if fault is not None:
        typer.echo(f"ioc: {fault}", err=True)
        raise typer.Exit(1)
    return password


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="what the person signs in with")],
    role: Annotated[str, typer.Option(help=", ".join(ROLES))],
    unit: Annotated[
        list[str] | None, typer.Option(help="unit of the person; needed for role agency")
    ] = None,
    full_name: Annotated[str, typer.Option(help="as it is shown")] = "",
    password_stdin: FromInput = False,
) -> None:
    """Make an account."""
    if role not in ROLES:
        raise typer.BadParameter(f"{role!r} is not one of {', '.join(ROLES)}")
    if role == "agency" and not unit:
        raise typer.BadParameter("role agency needs --unit UNIT")
    run(_add(name, role, list(unit or ()), full_name, _password(password_stdin)))
    typer.echo(f"user `{name}` made", err=True)


async def _add(name: str, role: str, units: list[str], full_name: str, password: str) -> None:
    if not 1 <= len(name) <= 64 or not name.isprintable() or name != name.strip():
        raise Invalid("a user name has 1 to 64 printable characters")
    now = SystemClock().now()
    async with connection(read_config()) as conn:
        if not units:
            province = (await identity.read(conn)).province
            units = [province] if province else []
        await accounts.add(
            conn,
            name=name,
            full_name=full_name or name,
            role=role,
            password_hash=passwords.hash_password(password),
            units=units,
            now=now,
        )
        await audit.record(
            conn, now=now, actor="command line", source="local", action="user.add", subject=name,
            after={"role": role, "units": units},
        )  # fmt: skip


@app.command()
def passwd(name: str, password_stdin: FromInput = False) -> None:
    """Change a password; all sessions of the account end."""
    run(_passwd(name, _password(password_stdin)))


async def _passwd(name: str, password: str) -> None:
    now = SystemClock().now()
    async with connection(read_config()) as conn:
        await accounts.set_password(conn, name, passwords.hash_password(password), now)
        await audit.record(
            conn, now=now, actor="command line", source="local", action="user.passwd",
            subject=name,
        )  # fmt: skip

"""`ioc source`: let the product fetch for a feed, see how it goes, let it run now or never."""

import asyncio
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from ioc.city.decode import slug
from ioc.city.sources import checked_document
from ioc.clock import SystemClock, monotonic
from ioc.commands.database import connection
from ioc.commands.run import run
from ioc.config import read_config
from ioc.errors import Invalid
from ioc.sources.document import secret_of, stored
from ioc.store import audit, sources
from ioc.store.pool import Connection
from ioc.store.sources import ExchangeRow, SourceRow

app = typer.Typer(
    no_args_is_help=True,
    help="Let the product fetch for a feed: URLs, sharing platforms, probes of systems.",
)

ACTOR = "command line"
WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.2

SourceId = Annotated[str, typer.Argument(help="id of the source; see `ioc source list`")]


@app.command()
def add(
    feed: Annotated[str, typer.Argument(help="the feed that the source fetches for")],
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="the source's document, TOML")
    ],
    id: Annotated[str | None, typer.Option(help="id of the source; else the file's name")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="tell a source anew")] = False,
    disabled: Annotated[
        bool, typer.Option("--disabled", help="make it without running it")
    ] = False,
) -> None:
    """Make a source of a feed from a document; every error in it is named.

    A document says `kind` ("poll", "token-rest" or "probe"), when to run (`every = "PT5M"`, or
    `at = [06:00:00, 18:00:00]`), and what to ask. A secret is only named (`secret = "lgsp"`): its
    text stands in IOC_SECRET_LGSP, or in the file `lgsp` of the folder IOC_SECRETS_DIR.
    """
    run(_add(feed, *_read(file), file.name, id or slug(file.stem), replace, disabled))


def _read(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        typer.echo(f"ioc: {file} is not TOML: {error}", err=True)
        raise typer.Exit(1) from error


async def _add(
    feed: str, text: str, told: dict[str, Any], file: str, id: str, replace: bool, disabled: bool
) -> None:
    now = SystemClock().now()
    async with connection(read_config()) as conn:
        key, format = await sources.feed_of(conn, feed)
        document = checked_document(told, format=format, file=file, text=text)
        before = None
        if replace:
            row = await sources.get(conn, id)
            if row.feed != feed:
                raise Invalid(f"the source `{id}` is of feed `{row.feed}`, not of `{feed}`")
            before = row.document
            await sources.change(conn, id, document, now=now, by=ACTOR)
        else:
            await sources.add(
                conn, id=id, feed=key, document=document, now=now, by=ACTOR, enabled=not disabled
            )
        await audit.record(
            conn, now=now, actor=ACTOR, source="local",
            action="source.change" if replace else "source.add", subject=id, before=before,
            after=stored(document),
        )  # fmt: skip
    secret = secret_of(document)
    if secret is not None:
        variable = f"IOC_SECRET_{secret.upper().replace('-', '_')}"
        typer.echo(f"the server reads the secret `{secret}` from {variable}", err=True)
    typer.echo(f"source `{id}` made; next: ioc source run {id}", err=True)


@app.command("list")
def list_sources() -> None:
    """List the sources: id, feed, kind, state, failures in a row, last run and next one."""
    for row in run(_list()):
        typer.echo("\t".join(_line(row)))


async def _list() -> list[SourceRow]:
    async with connection(read_config()) as conn:
        return await sources.listed(conn)


def _line(row: SourceRow) -> list[str]:
    ran = "never" if row.ran_at is None else f"{row.ran_at:%Y-%m-%d %H:%M:%SZ}"
    return [
        row.id,
        row.feed,
        str(row.document.get("kind", "")),
        row.outcome or "new",
        f"{row.failures} failures",
        f"ran {ran}",
        f"next {row.next_at:%Y-%m-%d %H:%M:%SZ}" if row.enabled else "disabled",
        row.detail,
    ]


@app.command("run")
def run_source(source: SourceId) -> None:
    """Let the running server run a source now, and show how it went."""
    row, items = run(_run(source))
    if row is None:
        typer.echo(
            "ioc: no server has run it yet; it runs as soon as one does (`ioc up`)", err=True
        )
        raise typer.Exit(1)
    for item in reversed(items):
        typer.echo("\t".join(_exchange(item)))
    typer.echo(f"{row.outcome}: {row.detail}" if row.detail else str(row.outcome))
    if row.outcome == "failed":
        raise typer.Exit(1)


async def _run(source: str) -> tuple[SourceRow | None, list[ExchangeRow]]:
    now = SystemClock().now()
    async with connection(read_config()) as conn:
        before = await sources.get(conn, source)
        await sources.run_now(conn, source, now)
        await audit.record(
            conn, now=now, actor=ACTOR, source="local", action="source.run", subject=source
        )
        await conn.commit()
        last = next(iter(await sources.exchanges(conn, source, limit=1)), None)
        found = await _ran(conn, before)
        items = await sources.exchanges(conn, source, limit=200)
    return found, [item for item in items if last is None or item.id > last.id]


async def _ran(conn: Connection, before: SourceRow) -> SourceRow | None:
    """The source after its next run; None where there was none for a minute."""
    end = monotonic() + WAIT_SECONDS
    while monotonic() < end:
        row = await sources.get(conn, before.id)
        await conn.commit()
        if row.ran_at != before.ran_at:
            return row
        await asyncio.sleep(LOOK_SECONDS)
    return None


@app.command()
def log(
    source: SourceId,
    limit: Annotated[int, typer.Option(min=1, max=2_000, help="how many of the newest")] = 20,
) -> None:
    """Show the newest exchanges of a source with the outside, the newest last."""
    for item in reversed(run(_log(source, limit))):
        typer.echo("\t".join(_exchange(item)))


async def _log(source: str, limit: int) -> list[ExchangeRow]:
    async with connection(read_config()) as conn:
        await sources.get(conn, source)
        return await sources.exchanges(conn, source, limit=limit)


def _exchange(item: ExchangeRow) -> list[str]:
    return [
        f"{item.at:%Y-%m-%d %H:%M:%SZ}",
        item.direction,
        item.method,
        item.url,
        "–" if item.status is None else str(item.status),
        f"{item.bytes} B",
        f"{1000 * item.duration:.0f} ms",
        "–" if item.rows is None else f"{item.rows} rows",
        item.outcome,
        item.detail,
    ]


@app.command()
def enable(source: SourceId) -> None:
    """Let a source run by its schedule again, beginning now."""
    run(_enable(source, enabled=True))


@app.command()
def disable(source: SourceId) -> None:
    """Let a source not run any more; where it got to is kept."""
    run(_enable(source, enabled=False))


async def _enable(source: str, *, enabled: bool) -> None:
    now = SystemClock().now()
    async with connection(read_config()) as conn:
        await sources.enable(conn, source, enabled, now=now, by=ACTOR)
        await audit.record(
            conn, now=now, actor=ACTOR, source="local",
            action="source.enable" if enabled else "source.disable", subject=source,
        )  # fmt: skip

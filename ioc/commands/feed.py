"""`ioc feed`: make feeds, describe them, hand out keys."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ingest.decode import FORMATS
from ioc.clock import SystemClock
from ioc.commands.database import connection
from ioc.commands.run import run
from ioc.config import read_config
from ioc.durations import parse_duration
from ioc.errors import Invalid
from ioc.model import Domain
from ioc.store import audit, feeds
from ioc.store.registry import announce

app = typer.Typer(no_args_is_help=True, help="Make feeds, list them and hand out their keys.")

ACTOR = "command line"


@app.command()
def add(
    feed: Annotated[str, typer.Argument(help="id of the feed: a-z, 0-9, - and .")],
    agency: Annotated[str, typer.Option(help="id of the unit that owns the feed")],
    format: Annotated[str, typer.Option(help=f"one of {', '.join(FORMATS)}")] = "auto",
    domain: Annotated[Domain, typer.Option(help="what the feed is about")] = Domain.IT,
    name: Annotated[str | None, typer.Option(help="as people call it")] = None,
    auto_series: Annotated[
        bool, typer.Option("--auto-series", help="make unknown series on first sight")
    ] = False,
    interval: Annotated[str | None, typer.Option(help="time between observations, PT5M")] = None,
    freshness: Annotated[str | None, typer.Option(help="age from which data is stale")] = None,
    late_limit: Annotated[
        str, typer.Option(help="older observations are refused; `none` takes all")
    ] = "P7D",
    time: Annotated[str, typer.Option(help="payload, or arrival for sensors without a clock")] = (
        "payload"
    ),
) -> None:
    """Make a feed. An unknown agency is made as a department of that name."""
    if format not in FORMATS:
        raise typer.BadParameter(f"{format!r} is not one of {', '.join(FORMATS)}")
    if time not in ("payload", "arrival"):
        raise typer.BadParameter("--time is payload or arrival")
    run(
        _add(feed, agency, format, domain, name, auto_series, interval, freshness, late_limit, time)
    )


async def _add(
    feed: str,
    agency: str,
    format: str,
    domain: Domain,
    name: str | None,
    auto_series: bool,
    interval: str | None,
    freshness: str | None,
    late_limit: str,
    time: str,
) -> None:
    now = SystemClock().now()
    _check_slug(feed, "feed id", dots=True)
    _check_slug(agency, "agency id", dots=False)
    async with connection(read_config()) as conn:
        key, made = await feeds.agency_key(conn, agency, now)
        if made:
            typer.echo(f"unit `{agency}` did not exist and was made as a department", err=True)
        await feeds.add(
            conn,
            id=feed,
            agency=key,
            name=name or feed,
            domain=domain.value,
            format=format,
            auto_series=auto_series,
            now=now,
            interval=None if interval is None else parse_duration(interval),
            freshness=None if freshness is None else parse_duration(freshness),
            late_limit=None if late_limit == "none" else parse_duration(late_limit),
            time_source=time,
        )
        await announce(conn)
        await audit.record(
            conn, now=now, actor=ACTOR, source="local", action="feed.add", subject=feed
        )
    typer.echo(f"feed `{feed}` made; next: ioc feed key {feed}", err=True)


def _check_slug(text: str, what: str, *, dots: bool) -> None:
    allowed = "abcdefghijklmnopqrstuvwxyz0123456789-" + ("." if dots else "")
    if not 1 <= len(text) <= 64 or set(text) - set(allowed):
        named = "a-z, 0-9, - and ." if dots else "a-z, 0-9 and -"
        raise Invalid(f"{what} {text!r}: use {named}, at most 64 characters")


@app.command()
def key(
    feed: Annotated[str | None, typer.Argument(help="the feed that the key is for")] = None,
    mqtt: Annotated[
        str | None, typer.Option(help="instead: set the MQTT password of this agency")
    ] = None,
) -> None:
    """Print one fresh key, once; older keys of the feed stay valid until they are revoked."""
    if (feed is None) == (mqtt is None):
        raise typer.BadParameter("name a FEED, or --mqtt AGENCY")
    typer.echo(run(_key(feed, mqtt)))


async def _key(feed: str | None, agency: str | None) -> str:
    now = SystemClock().now()
    async with connection(read_config()) as conn:
        if feed is not None:
            secret = await feeds.add_key(conn, feed, now)
        else:
            secret = await feeds.set_mqtt_password(conn, agency or "", now)
        await announce(conn)
        await audit.record(
            conn, now=now, actor=ACTOR, source="local",
            action="feed.key" if feed else "agency.mqtt_password", subject=feed or agency or "",
        )  # fmt: skip
    return secret


@app.command()
def keys(feed: str) -> None:
    """List the keys of a feed by number; the keys themselves are not kept."""
    for number, hint, made, revoked, used in run(_keys(feed)):
        state = f"revoked {revoked:%Y-%m-%d %H:%M}" if revoked else "valid"
        last = f"last used {used:%Y-%m-%d %H:%M}" if used else "use not noted"
        typer.echo(f"{number}\t{hint}…\tmade {made:%Y-%m-%d %H:%M}\t{state}\t{last}")


async def _keys(feed: str) -> list[tuple[object, ...]]:
    async with connection(read_config()) as conn:
        return await feeds.keys(conn, feed)


@app.command()
def revoke(feed: str, number: Annotated[int, typer.Argument(help="see `ioc feed keys`")]) -> None:
    """End a key of a feed."""
    run(_revoke(feed, number))


async def _revoke(feed: str, number: int) -> None:
    now = SystemClock().now()
    async with connection(read_config()) as conn:
        await feeds.revoke_key(conn, feed, number, now)
        await announce(conn)
        await audit.record(
            conn, now=now, actor=ACTOR, source="local", action="feed.revoke", subject=feed,
            after={"key": number},
        )  # fmt: skip


@app.command("list")
def list_feeds() -> None:
    """List the feeds: id, agency, domain, format, number of series."""
    for row in run(_list()):
        typer.echo("\t".join(str(part) for part in row))


async def _list() -> list[tuple[object, ...]]:
    async with connection(read_config()) as conn:
        return await feeds.listed(conn)


@app.command()
def describe(
    feed: str,
    file: Annotated[Path, typer.Argument(exists=True, help="GeoJSON features, or JSON series")],
    key: Annotated[str, typer.Option(envvar="IOC_FEED_KEY", help="a key of the feed")],
    url: Annotated[str, typer.Option(help="address of the server")] = "http://127.0.0.1:8080",
) -> None:
    """Send the description of a feed's features (GeoJSON) or series (a JSON array)."""
    import httpx2

    body = file.read_bytes()
    part = "features" if b"FeatureCollection" in body[:4096] else "series"
    answer = httpx2.put(
        f"{url}/api/v1/feeds/{feed}/{part}",
        content=body,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        timeout=60,
    )
    if answer.status_code != 200:
        problem = msgspec.json.decode(answer.content)
        typer.echo(f"ioc: {problem.get('detail', answer.status_code)}", err=True)
        raise typer.Exit(1)
    typer.echo(answer.text)

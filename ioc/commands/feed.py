"""`ioc feed`: make feeds, describe them, hand out keys."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ingest import numbers
from ingest.charset import readable
from ingest.decode import FORMATS
from ingest.mapping import compile_mapping
from ioc import feed_defaults
from ioc.city.feeds import is_time_zone
from ioc.clock import SystemClock
from ioc.commands.database import connection
from ioc.commands.run import run
from ioc.config import read_config
from ioc.durations import parse_duration
from ioc.errors import Invalid
from ioc.model import Domain
from ioc.store import audit, feed_settings, feeds, mappings
from ioc.store.registry import FEEDS, announce

app = typer.Typer(no_args_is_help=True, help="Make feeds, list them and hand out their keys.")

ACTOR = "command line"

NUMBER_FORMAT = "plain, or vietnamese: the text 1.803,5 is 1803.5"
TIME_ZONE = "of times that are sent without an offset"
TIME_SOURCE = "payload, or arrival for sensors without a clock"
CHARSET = "of text bodies that name none, such as utf-8 or windows-1258"
MAX_SERIES = "series that the feed may make by itself"


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
    ] = feed_defaults.LATE_LIMIT_TEXT,
    time: Annotated[str, typer.Option(help=TIME_SOURCE)] = "payload",
    time_zone: Annotated[str, typer.Option(help=TIME_ZONE)] = feed_defaults.TIME_ZONE,
    number_format: Annotated[str, typer.Option(help=NUMBER_FORMAT)] = "plain",
    charset: Annotated[str, typer.Option(help=CHARSET)] = "utf-8",
    max_series: Annotated[int, typer.Option(help=MAX_SERIES, min=0)] = feed_defaults.MOST_SERIES,
) -> None:
    """Make a feed. An unknown agency is made as a department of that name."""
    _check_choices(format, number_format, charset, time, time_zone)
    settings = {
        "format": format,
        "domain": domain.value,
        "name": name or feed,
        "auto_series": auto_series,
        "time_source": time,
        "time_zone": time_zone,
        "number_format": number_format,
        "charset": charset.lower(),
        "most_series": max_series,
    }
    durations = {"interval": interval, "freshness": freshness, "late_limit": late_limit}
    run(_add(feed, agency, settings, durations))


def _check_choices(
    format: str | None,
    number_format: str | None,
    charset: str | None,
    time: str | None,
    time_zone: str | None,
) -> None:
    if format is not None and format not in FORMATS:
        raise typer.BadParameter(f"{format!r} is not one of {', '.join(FORMATS)}")
    if number_format is not None and number_format not in numbers.FORMATS:
        raise typer.BadParameter(f"--number-format is one of {', '.join(numbers.FORMATS)}")
    if charset is not None and not readable(charset):
        raise typer.BadParameter(f"{charset!r} cannot be read; utf-8, windows-1258, latin-1 can")
    if time not in (None, "payload", "arrival"):
        raise typer.BadParameter("--time is payload or arrival")
    if time_zone is not None and not is_time_zone(time_zone):
        raise typer.BadParameter(f"{time_zone!r} is not a time zone; Asia/Ho_Chi_Minh and UTC are")


async def _add(
    feed: str, agency: str, settings: dict[str, Any], durations: dict[str, str | None]
) -> None:
    now = SystemClock().now()
    lengths: dict[str, Any] = {name: _seconds(length) for name, length in durations.items()}
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
            now=now,
            by=ACTOR,
            **settings,
            **lengths,
        )
        await announce(conn, FEEDS)
        await audit.record(
            conn, now=now, actor=ACTOR, source="local", action="feed.add", subject=feed
        )
    typer.echo(f"feed `{feed}` made; next: ioc feed key {feed}", err=True)


def _seconds(length: str | None) -> float | None:
    """Seconds of a duration; None where there is none, or no limit."""
    return None if length is None or length == "none" else parse_duration(length)


@app.command("set")
def change(
    feed: Annotated[str, typer.Argument(help="id of the feed")],
    name: Annotated[str | None, typer.Option(help="as people call it")] = None,
    format: Annotated[str | None, typer.Option(help=f"one of {', '.join(FORMATS)}")] = None,
    charset: Annotated[str | None, typer.Option(help=CHARSET)] = None,
    number_format: Annotated[str | None, typer.Option(help=NUMBER_FORMAT)] = None,
    interval: Annotated[str | None, typer.Option(help="PT5M; `none` expects nothing")] = None,
    freshness: Annotated[str | None, typer.Option(help="PT30M; `none`: six intervals")] = None,
    late_limit: Annotated[str | None, typer.Option(help="P7D; `none` takes all")] = None,
    time: Annotated[str | None, typer.Option(help=TIME_SOURCE)] = None,
    time_zone: Annotated[str | None, typer.Option(help=TIME_ZONE)] = None,
    auto_series: Annotated[
        bool | None,
        typer.Option("--auto-series/--no-auto-series", help="make unknown series on first sight"),
    ] = None,
    max_series: Annotated[int | None, typer.Option(help=MAX_SERIES, min=0)] = None,
    quarantine_bytes: Annotated[
        int | None, typer.Option(help="bytes kept in quarantine, oldest out first", min=0)
    ] = None,
    quarantine_age: Annotated[
        str | None, typer.Option(help="P30D: how long a payload is kept in quarantine")
    ] = None,
) -> None:
    """Change settings of a feed; those that are not named stay. A running server takes them."""
    _check_choices(format, number_format, charset, time, time_zone)
    given: dict[str, Any] = {
        "name": name,
        "format": format,
        "charset": None if charset is None else charset.lower(),
        "number_format": number_format,
        "time_source": time,
        "time_zone": time_zone,
        "auto_series": auto_series,
        "most_series": max_series,
        "quarantine_bytes": quarantine_bytes,
    }
    durations = {
        "interval": interval,
        "freshness": freshness,
        "late_limit": late_limit,
        "quarantine_age": quarantine_age,
    }
    if quarantine_age == "none":
        raise typer.BadParameter("--quarantine-age needs a duration such as P30D")
    run(_change(feed, {k: v for k, v in given.items() if v is not None}, durations))


async def _change(feed: str, settings: dict[str, Any], durations: dict[str, str | None]) -> None:
    lengths = {name: _seconds(length) for name, length in durations.items() if length is not None}
    async with connection(read_config()) as conn:
        before, after = await feed_settings.change(conn, feed, {**settings, **lengths}, by=ACTOR)
        await announce(conn)
        await audit.record(
            conn, now=SystemClock().now(), actor=ACTOR, source="local", action="feed.set",
            subject=feed, before=before, after=after,
        )  # fmt: skip
    for setting, value in after.items():
        typer.echo(f"{setting}: {before[setting]} -> {value}", err=True)


@app.command()
def mapping(
    feed: Annotated[str, typer.Argument(help="id of a feed of format `mapped`")],
    file: Annotated[Path, typer.Argument(exists=True, help="JSON: JMESPath by field")],
    since: Annotated[
        str | None,
        typer.Option("--from", help="2026-11-22T09:00:00+07:00, also past; default: now"),
    ] = None,
) -> None:
    """Keep a mapping of a feed, in effect from now on or from a time.

    It stays in effect until the time of another version comes. What is in quarantine is read by
    the mapping that is in effect when it is replayed.
    """
    number = run(_mapping(feed, file.read_bytes(), since))
    typer.echo(f"feed `{feed}` has mapping {number}", err=True)


async def _mapping(feed: str, content: bytes, since: str | None) -> int:
    now = SystemClock().now()
    effective = now if since is None else _instant(since)
    try:
        document = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Invalid(f"the mapping is not a JSON object: {error}") from error
    compile_mapping(document)
    async with connection(read_config()) as conn:
        number = await mappings.add(
            conn, await feeds.find(conn, feed), document, effective, ACTOR, now
        )
        await announce(conn, FEEDS)
        await audit.record(
            conn, now=now, actor=ACTOR, source="local", action="feed.mapping", subject=feed,
            after={"version": number, "effective_from": effective.isoformat()},
        )  # fmt: skip
    return number


def _instant(written: str) -> datetime:
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid(f"{written[:40]!r} is not a time such as 2026-11-22T09:00:00+07:00")
    return found


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
        await announce(conn, FEEDS)
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
        await announce(conn, FEEDS)
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

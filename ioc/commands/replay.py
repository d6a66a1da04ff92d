"""`ioc replay`: play recorded series to a feed, as their sensors once sent them."""

import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import typer

from ingest.broker import broker_address
from ioc import feed_defaults, log
from ioc.clock import SystemClock
from ioc.commands.database import connection
from ioc.commands.run import run
from ioc.config import Config, read_config
from ioc.errors import ConfigError, Invalid
from ioc.model import Receipt
from ioc.simulate.door import RestDoor
from ioc.simulate.publisher import Publisher
from ioc.simulate.recording import BadLine, Row, default_series, read_recording
from ioc.simulate.replay import Player, Send, play
from ioc.store import feeds
from ioc.store.registry import FEEDS, announce

JSON = "application/json"


class Shift(StrEnum):
    """What becomes of the recorded times."""

    NOW = "now"
    KEEP = "keep"


def replay(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, help="CSV or JSON lines")
    ],
    feed: Annotated[str, typer.Option(help="the feed to send to")],
    key: Annotated[
        str | None,
        typer.Option(envvar="IOC_FEED_KEY", help="a key of the feed; else one is made"),
    ] = None,
    speed: Annotated[
        str, typer.Option(help="how many times as fast as recorded, or `max` for all at once")
    ] = "1",
    shift: Annotated[
        Shift, typer.Option(help="now: as if it happened now; keep: the recorded times")
    ] = Shift.NOW,
    series: Annotated[
        str | None, typer.Option(help="one series key for all rows, whatever the files say")
    ] = None,
    property: Annotated[
        str, typer.Option(help="property of files without a `series` column")
    ] = "value",
    zone: Annotated[
        str, typer.Option(help="zone of times without offset, to count with; the feed's own")
    ] = feed_defaults.TIME_ZONE,
    url: Annotated[
        str | None, typer.Option(help="address of the server; else from IOC_HTTP_PORT")
    ] = None,
    mqtt: Annotated[
        str | None, typer.Option(help="instead over MQTT: mqtt://AGENCY:PASSWORD@HOST:PORT")
    ] = None,
) -> None:
    """Play recorded series to a feed and print the summed receipt as JSON.

    A CSV file has a header with `time` (or `timestamp`), `value` and perhaps `series`; JSON lines
    have the same names. Without `series`, the base name of the file is the feature:
    speed_6005.csv gives `speed_6005/value`. Times without offset are those of the feed's zone.
    Lines that cannot be read are reported with their number, and the rest is sent.
    """
    log.configure()
    rows, unreadable = _read(files, series, property)
    player = Player(_speed(speed), shift is Shift.NOW, _zone(zone))
    config = read_config()
    address = url or f"http://127.0.0.1:{config.http_port}"
    sent, total = run(_replay(config, rows, player, feed, key, address, mqtt))
    said: dict[str, object] = {"sent": sent, "unreadable": unreadable}
    if mqtt is None:
        said = {**msgspec.to_builtins(total), **said}
    typer.echo(msgspec.json.encode(said).decode())


def _read(files: list[Path], series: str | None, property: str) -> tuple[list[Row], int]:
    rows: list[Row] = []
    unreadable = 0
    for path in files:
        named = series or default_series(path, property)
        try:
            with path.open(encoding="utf-8", errors="replace", newline="") as lines:
                for found in read_recording(lines, named, fixed=series is not None):
                    if isinstance(found, BadLine):
                        typer.echo(f"{path}:{found.number}: {found.reason}", err=True)
                        unreadable += 1
                    else:
                        rows.append(found)
        except Invalid as error:
            typer.echo(f"ioc: {path}: {error}", err=True)
            raise typer.Exit(1) from error
    return rows, unreadable


def _speed(text: str) -> float:
    try:
        speed = math.inf if text == "max" else float(text)
    except ValueError:
        speed = math.nan
    if not speed > 0:
        raise typer.BadParameter(f"--speed {text!r} is neither a positive number nor `max`")
    return speed


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise typer.BadParameter(f"--zone {name!r} is not a time zone") from error


async def _replay(
    config: Config,
    rows: list[Row],
    player: Player,
    feed: str,
    key: str | None,
    url: str,
    mqtt: str | None,
) -> tuple[int, Receipt]:
    if mqtt is None:
        way = _over_rest(config, feed, key, url)
    else:
        way = _over_mqtt(mqtt, feed, config.mqtt_ca)
    async with way as send:
        return await play(rows, player, send, SystemClock())


@asynccontextmanager
async def _over_rest(config: Config, feed: str, key: str | None, url: str) -> AsyncGenerator[Send]:
    async with _feed_key(config, feed, key) as secret, RestDoor(url) as door:

        async def send(body: bytes) -> Receipt:
            return await door.send(feed, "observations", secret, body, JSON)

        yield send


@asynccontextmanager
async def _feed_key(config: Config, feed: str, given: str | None) -> AsyncGenerator[str]:
    """The given key, or one that is made for the length of the replay."""
    if given is not None:
        yield given
        return
    async with connection(config) as conn:
        secret = await feeds.add_key(conn, feed, SystemClock().now())
        number = max(row[0] for row in await feeds.keys(conn, feed))
        await announce(conn, FEEDS)
    try:
        yield secret
    finally:
        async with connection(config) as conn:
            await feeds.revoke_key(conn, feed, number, SystemClock().now())
            await announce(conn, FEEDS)


@asynccontextmanager
async def _over_mqtt(address: str, feed: str, ca: Path | None) -> AsyncGenerator[Send]:
    broker = broker_address(address)
    if not (broker.user and broker.password):
        raise ConfigError("--mqtt is like mqtt://AGENCY:PASSWORD@127.0.0.1:1883")
    publisher = Publisher(broker, broker.user, broker.password, ca)

    async def send(body: bytes) -> None:
        await publisher.publish(feed, body)

    publisher.start()
    try:
        yield send
    finally:
        publisher.stop()

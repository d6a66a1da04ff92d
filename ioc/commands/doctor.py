"""`ioc doctor`: what runs, with which settings, and the cure of what is wrong."""

import shutil
import socket
from pathlib import Path
from typing import Final

import typer

from ingest.broker import broker_address
from ioc.clock import SystemClock
from ioc.commands.database import database_url
from ioc.commands.run import run
from ioc.config import Config, read_config
from ioc.embedded import run_file
from ioc.errors import ConfigError, Unavailable
from ioc.store.diagnosis import Diagnosis, Rate, diagnose
from ioc.store.pool import connect

LEAST_DISK: Final = 2 * 1024**3

MOST_CLOCK_SECONDS: Final = 2.0

FAR_ABOVE: Final = 2.0
"""With so many times what was planned the newest chunk's index takes half of the shared buffers."""

MOSQUITTO: Final = (
    "persistence true, autosave_on_changes true, autosave_interval 1, max_inflight_messages 20000, "
    "max_queued_messages 1000000 (see docker/mosquitto.conf)"
)

MAY_LACK: Final = (
    "the embedded broker loses nothing; with mosquitto senders that must lose nothing send what "
    "was acknowledged last once more after each new connection (docs/decisions/0002)"
)

Finding = tuple[str, str, str]
"""ok, note or fault; what; and the cure."""


def doctor() -> None:
    """Say what this installation runs on, and name the cure of each fault found."""
    config = read_config()
    findings = [*_settings(config), *_disk(config), *_ports(config), *_broker(config), *_screens()]
    findings += run(_database(config))
    for state, what, cure in findings:
        typer.echo(f"{state:5}  {what}" + (f"\n       → {cure}" if cure else ""))
    if any(state == "fault" for state, _, _ in findings):
        raise typer.Exit(1)


def _settings(config: Config) -> list[Finding]:
    found: list[Finding] = [("ok", f"data directory {config.data_dir.resolve()}", "")]
    if config.demo:
        found.append(("note", "IOC_DEMO=1: an empty database becomes a demo's", ""))
    return found


def _disk(config: Config) -> list[Finding]:
    folder = config.data_dir if config.data_dir.exists() else config.data_dir.resolve().parent
    if not folder.exists():
        return []
    free = shutil.disk_usage(folder).free
    if free < LEAST_DISK:
        cure = "free some room, or name a larger disk with IOC_DATA_DIR"
        return [("fault", f"{free / 1e9:.1f} GB free in {folder}", cure)]
    return [("ok", f"{free / 1e9:.0f} GB free", "")]


def _ports(config: Config) -> list[Finding]:
    running = config.data_dir.exists() and bool(run_file.read(config.data_dir))
    wanted = [("IOC_HTTP_PORT", config.http_port)]
    if config.mqtt_url is None:
        wanted.append(("IOC_MQTT_PORT", config.mqtt_port))
    found: list[Finding] = []
    for name, port in wanted:
        with socket.socket() as probe:
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        if taken and not running:
            found.append(("fault", f"port {port} is in use by another program", f"set {name}"))
        else:
            found.append(("ok", f"port {port} ({name}) is {'ours' if taken else 'free'}", ""))
    return found


def _broker(config: Config) -> list[Finding]:
    if config.mqtt_url is None:
        sync = "before each PUBACK" if config.mqtt_sync == "always" else "in the background"
        return [("ok", f"embedded broker: PUBACK is durable; synced to disk {sync}", "")]
    broker = broker_address(config.mqtt_url)
    host, port = broker.host, broker.port
    found: list[Finding] = []
    with socket.socket() as probe:
        probe.settimeout(3)
        try:
            probe.connect((host, port))
            found.append(("ok", f"broker {host}:{port} answers", ""))
        except OSError as error:
            cure = "start it, or correct IOC_MQTT_URL"
            found.append(("fault", f"broker {host}:{port}: {error}", cure))
    if config.mqtt_durable:
        found.append(("ok", "the broker's PUBACK is declared durable (IOC_MQTT_DURABLE=1)", ""))
    else:
        cure = f"mosquitto needs {MOSQUITTO}; where it has them, set IOC_MQTT_DURABLE=1"
        found.append(("note", "durability of the broker's PUBACK is unknown", cure))
    lacking = "mosquitto that is killed may lose the last acknowledged payload of each client"
    found.append(("note", lacking, MAY_LACK))
    if config.mqtt_auth_dir is None:
        cure = "set IOC_MQTT_AUTH_DIR, and let the broker read `passwords` and `acl` there"
        found.append(("note", "agencies' MQTT users are not written for the broker", cure))
    return found


def _screens() -> list[Finding]:
    if (Path(__file__).parent.parent / "_frontend" / "index.html").is_file():
        return [("ok", "screens are built", "")]
    return [("fault", "screens are not built", "run `make setup`")]


async def _database(config: Config) -> list[Finding]:
    try:
        async with database_url(config) as url, await connect(url) as conn:
            return judge(await diagnose(conn))
    except (Unavailable, ConfigError) as error:
        cure = "start the server, or correct IOC_DATABASE_URL"
        return [("fault", f"database: {error}", cure)]


def judge(found: Diagnosis) -> list[Finding]:
    """What is to be said of a database server."""
    major = int(found.version.split(".")[0])
    named = f"PostgreSQL {found.version}"
    listed: list[Finding] = [
        ("ok", f"{named}, store: {found.store}", "")
        if 15 <= major <= 18
        else ("fault", f"{named} is not supported", "use PostgreSQL 15 to 18")
    ]
    if found.store == "plain":
        listed.append(("note", "TimescaleDB is absent: weekly partitions, no compression", ""))
    if not found.fsync or not found.synchronous:
        cure = "set fsync = on and synchronous_commit = on: acknowledged means stored"
        listed.append(("fault", "the database does not wait for the disk", cure))
    if found.schema < found.newest:
        what = f"schema at {found.schema}, this release has {found.newest}"
        listed.append(("note", what, "`ioc migrate`, or start with `ioc up`"))
    if found.simulated is not None:
        demo = ("note", "demo: the figures in this database are simulated", "")
        listed.append(demo if found.simulated else ("ok", "demo off", ""))
    if found.rate is not None:
        listed += _rate(found.rate)
    off = abs(found.clock - SystemClock().now().timestamp())
    if off > MOST_CLOCK_SECONDS:
        cure = "let both machines take their time from NTP"
        listed.append(("fault", f"the database's clock is {off:.0f} s off", cure))
    return listed


def _rate(found: Rate) -> list[Finding]:
    if found.measured <= FAR_ABOVE * found.planned:
        return []
    what = (
        f"{found.measured:,} observations came in the last 24 hours, "
        f"the store is laid out for {found.planned:,.0f} a day"
    )
    cure = "set observations_per_day under [store] in city/city.toml, then `ioc city load`"
    return [("note", what, cure)]

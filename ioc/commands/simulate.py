"""`ioc simulate`: bring the demo province to life through the front door."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import typer

from ingest.broker import BrokerAddress, broker_address
from ioc import log
from ioc.city.read import packaged_city, read_city
from ioc.clock import SystemClock
from ioc.commands.database import connection
from ioc.commands.run import run
from ioc.config import Config, read_config
from ioc.errors import ConfigError, IocError
from ioc.simulate import progress
from ioc.simulate.door import RestDoor
from ioc.simulate.progress import Progress
from ioc.simulate.province import SimulatedProvince
from ioc.simulate.publisher import Publisher
from ioc.simulate.simulator import BY_MQTT, Doors, Settings, Simulator
from ioc.simulate.truth import TruthFile
from ioc.store import feeds, identity
from ioc.store.pool import Connection
from ioc.store.registry import FEEDS, announce

LAST_WORDS_SECONDS = 1.0
"""So long may the keys take to be revoked when the simulator is told to stop."""


def simulate(
    url: Annotated[
        str | None, typer.Option(help="address of the server; else from IOC_HTTP_HOST and _PORT")
    ] = None,
    mqtt: Annotated[
        str | None, typer.Option(help="HOST:PORT of the broker; else from the environment")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="how much faster than real the province lives")
    ] = None,
    seed: Annotated[int, typer.Option(help="another seed is another province")] = 1,
    backfill: Annotated[
        bool, typer.Option(help="first send what is missing of the past, beside the present")
    ] = True,
    days: Annotated[int, typer.Option(min=0, help="days of series in the past")] = 35,
    months: Annotated[int, typer.Option(min=1, help="months of dossiers in the past")] = 24,
    dossiers: Annotated[int, typer.Option(min=0, help="dossiers in all those months")] = 60_000,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="file for what really happened; else simulate-truth.jsonl in IOC_DATA_DIR"
        ),
    ] = None,
    child: Annotated[
        bool, typer.Option("--child", help="stop when standard input is closed")
    ] = False,
) -> None:
    """Send invented observations and dossiers of the demo province, like its agencies would.

    The server must be running with IOC_DEMO=1. Traffic, electricity and environment come over
    MQTT, the rest over REST, all with keys made for this run and revoked at its end. Standard
    output has one JSON line a second while the past is being sent. Start it again at any time:
    only what is missing is sent.
    """
    config = read_config()
    log.configure()
    settings = Settings(
        days=days,
        months=months,
        dossiers=dossiers,
        rate=config.demo_rate if rate is None else rate,
        backfill=backfill,
    )
    run(
        _until_stopped(
            _simulate(
                config,
                settings,
                url or f"http://{_local(config.http_host)}:{config.http_port}",
                _broker(config, mqtt),
                seed,
                truth or config.data_dir / "simulate-truth.jsonl",
            ),
            child=child,
        )
    )


def _local(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104, only compared


def _broker(config: Config, given: str | None) -> BrokerAddress:
    """The broker: the named one, the external one, or the embedded one."""
    address = given or config.mqtt_url or f"{_local(config.mqtt_host)}:{config.mqtt_port}"
    return broker_address(address if "//" in address else f"mqtt://{address}")


async def _until_stopped(body: Coroutine[Any, Any, None], *, child: bool) -> None:
    """Run until a signal, or until the parent has closed our standard input."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(body)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    if child:
        threading.Thread(target=_watch_input, args=(loop, task), daemon=True).start()
    try:
        await task
    except asyncio.CancelledError:
        return
    except BaseExceptionGroup as group:
        raise _first(group) from group


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseException", cast("Any", error).exceptions[0])
    return error


def _watch_input(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    # Not by way of sys.stdin: the interpreter cannot end while a thread holds its lock.
    while os.read(0, 4096):
        pass
    with suppress(RuntimeError):  # the loop has ended by itself
        loop.call_soon_threadsafe(task.cancel)


async def _simulate(
    config: Config,
    settings: Settings,
    url: str,
    broker: BrokerAddress,
    seed: int,
    truth: Path,
) -> None:
    city = read_city(config.city_dir or packaged_city())
    province = SimulatedProvince(city, seed)
    memory_path = config.data_dir / "simulate-progress.json"
    async with AsyncExitStack() as stack:
        keys = await stack.enter_async_context(_keys(config, province, memory_path))
        rest = await stack.enter_async_context(RestDoor(url))
        publishers: dict[str, Publisher] = {}
        for agency, password in keys.mqtt.items():
            publishers[agency] = Publisher(broker, agency, password, config.mqtt_ca)
            publishers[agency].start()
            stack.callback(publishers[agency].stop)
        simulator = Simulator(
            province,
            Doors(rest, keys.feeds, publishers),
            settings,
            clock=SystemClock(),
            memory=keys.memory,
            memory_path=memory_path,
            truth=TruthFile(truth),
            say=_say,
        )
        stack.callback(simulator.remember)
        await simulator.run()


def _say(part: float) -> None:
    typer.echo(msgspec.json.encode({"backfill": round(part, 4)}).decode())
    sys.stdout.flush()


class _Keys(msgspec.Struct):
    feeds: dict[str, str]
    mqtt: Mapping[str, str]
    memory: Progress


@asynccontextmanager
async def _keys(
    config: Config, province: SimulatedProvince, memory_path: Path
) -> AsyncGenerator[_Keys]:
    """Keys for the length of a run; those that a killed run left behind are revoked first."""
    wanted = [feed.spec for feed in province.feeds.values()]
    wanted += province.dossier_feeds + province.ticket_feeds
    agencies = {feed.agency for feed in wanted if feed.domain in BY_MQTT}
    async with connection(config) as conn:
        found = await identity.read(conn)
        if not found.simulated:
            raise ConfigError(
                "this database holds a real province: simulated rows never join real ones. "
                "Start `ioc up` with IOC_DEMO=1 on an empty IOC_DATA_DIR or IOC_DATABASE_URL"
            )
        memory = progress.load(memory_path, found.epoch)
        await _revoke(conn, memory)
        made = _Keys({}, await _passwords(conn, agencies, memory), memory)
        for feed in wanted:
            made.feeds[feed.id] = await _key(conn, feed.id, memory)
        await announce(conn, FEEDS)
    progress.save(memory_path, memory)
    try:
        yield made
    finally:
        with suppress(TimeoutError, IocError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await _withdraw(config, memory)
            progress.save(memory_path, memory)


async def _withdraw(config: Config, memory: Progress) -> None:
    """End the keys and passwords of this run."""
    async with connection(config) as conn:
        await _revoke(conn, memory)
        await _passwords(conn, set(memory.mqtt), memory)
        await announce(conn, FEEDS)


async def _key(conn: Connection, feed: str, memory: Progress) -> str:
    now = SystemClock().now()
    secret = await feeds.add_key(conn, feed, now)
    numbers = [row[0] for row in await feeds.keys(conn, feed) if row[3] is None]
    memory.keys.setdefault(feed, []).append(max(numbers))
    return secret


async def _revoke(conn: Connection, memory: Progress) -> None:
    for feed, numbers in memory.keys.items():
        valid = {row[0] for row in await feeds.keys(conn, feed) if row[3] is None}
        for number in valid.intersection(numbers):
            await feeds.revoke_key(conn, feed, number, SystemClock().now())
    memory.keys.clear()


async def _passwords(conn: Connection, agencies: set[str], memory: Progress) -> dict[str, str]:
    """Fresh MQTT passwords; an agency to which somebody gave one keeps it, and we use REST."""
    before = await feeds.mqtt_passwords(conn)
    free = [a for a in agencies if a not in before or before[a][0] == memory.mqtt.get(a)]
    made = {
        agency: await feeds.set_mqtt_password(conn, agency, SystemClock().now())
        for agency in sorted(free)
    }
    after = await feeds.mqtt_passwords(conn)
    memory.mqtt = {agency: after[agency][0] for agency in made}
    return made

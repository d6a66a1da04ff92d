"""The database and the broker: the given ones, or the embedded ones, opened in order."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

from ingest.mqtt import PREFIX, MqttSource
from ioc.config import Config
from ioc.embedded.broker import EmbeddedBroker
from ioc.embedded.database import EmbeddedDatabase
from ioc.errors import ConfigError
from ioc.runtime.center import Center
from ioc.runtime.chores import Chore
from ioc.runtime.role import Role
from ioc.store.registry import Registry

log = logging.getLogger(__name__)

_OWN_SERVERS: Final = (
    "`ioc {role}` is one of several processes and needs servers that outlive it: set {variable}. "
    "The embedded database and broker are for `ioc up`, which does everything in one process"
)

_NOT_OURS: Final = (
    "the broker is not the embedded one: mosquitto that is killed may lose the last acknowledged "
    "payload of each client; `ioc doctor` names the cure"
)

PATIENCE: Final = 10.0
"""Seconds for the embedded broker to take our subscription."""


async def open_database(
    config: Config, role: Role, stack: AsyncExitStack, tasks: dict[str, Chore]
) -> tuple[str, EmbeddedDatabase | None]:
    """The address of the database; the embedded one is started and watched.

    Raises `ConfigError` for one of several processes without servers that outlive each of them.
    """
    if role.shared and config.database_url is None:
        raise ConfigError(_OWN_SERVERS.format(role=role.name, variable="IOC_DATABASE_URL"))
    if role.shared and role.subscribes and config.mqtt_url is None:
        raise ConfigError(_OWN_SERVERS.format(role=role.name, variable="IOC_MQTT_URL"))
    if config.database_url is not None:
        return config.database_url, None
    database = EmbeddedDatabase(config.data_dir)
    await database.start()
    stack.push_async_callback(database.stop)
    tasks["database"] = database.watched
    return database.url, database


async def open_broker(
    config: Config, center: Center, stack: AsyncExitStack, tasks: dict[str, Chore]
) -> str:
    """The address of the broker; the embedded one is started and watched."""
    if config.mqtt_url is not None:
        log.warning(_NOT_OURS)
        return config.mqtt_url
    broker = EmbeddedBroker(
        config.data_dir,
        host=config.mqtt_host,
        port=config.mqtt_port,
        ack_wait=timedelta(seconds=config.mqtt_ack_wait),
        sync_always=config.mqtt_sync == "always",
        program=config.nats_server,
        on_forbidden=center.forbid,
    )
    await broker.start()
    stack.push_async_callback(broker.stop)
    tasks["broker"] = broker.watched
    center.broker = broker
    return broker.url


def topics_of(
    registry: Registry, share: str | None, feeds: Sequence[str], agencies: Sequence[str]
) -> list[str]:
    """What to subscribe to: everything, some agencies, some feeds; shared with others or not."""
    unknown = [feed for feed in feeds if feed not in registry.feed_by_id]
    if unknown:
        raise ConfigError(f"there is no feed `{unknown[0]}`; see `ioc feed list`")
    prefixes = [f"{registry.feed_by_id[feed].agency}/{feed}/" for feed in feeds]
    prefixes += [f"{agency}/" for agency in agencies]
    before = "" if share is None else f"$share/{share}/"
    return [f"{before}{PREFIX}{prefix}#" for prefix in prefixes or [""]]


async def subscribe(
    center: Center,
    url: str,
    *,
    feeds: Sequence[str] = (),
    agencies: Sequence[str] = (),
) -> None:
    """Connect to the broker; with the embedded one, wait for the subscription."""
    broker = center.broker
    asking: set[asyncio.Task[None]] = set()

    def reconnected() -> None:
        if broker is not None:
            task = asyncio.create_task(broker.redeliver())
            asking.add(task)
            task.add_done_callback(asking.discard)

    source = MqttSource(
        url,
        center.intake,
        feed_of=center.feed_of,
        learn=center.learn_feeds,
        unknown=center.unknown,
        now=center.clock.now,
        reconnected=reconnected,
        client_id=center.config.mqtt_client_id,
        topics=topics_of(center.registry, center.config.mqtt_share, feeds, agencies),
        ca=center.config.mqtt_ca,
    )
    center.source = source
    source.start()
    if broker is not None:
        try:
            await asyncio.wait_for(source.subscribed.wait(), PATIENCE)
        except TimeoutError:
            raise ConfigError(
                "the embedded broker does not let us subscribe; see its log in data_dir"
            ) from None


async def disconnect(center: Center) -> None:
    """Leave the broker; it keeps for us what comes meanwhile."""
    if center.source is not None:
        await center.source.stop()

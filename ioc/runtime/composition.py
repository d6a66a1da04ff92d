"""The composition root: open everything in order, join it, and close it in reverse."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version

from ioc.api.deps import Facts, State
from ioc.clock import Clock, SystemClock
from ioc.config import Config
from ioc.flow.sourcing import Sourcing
from ioc.notify.office import deliver
from ioc.runtime import readings
from ioc.runtime.center import Center
from ioc.runtime.chores import Chore, chores, show_field_reports
from ioc.runtime.role import ENGINE, INGEST, UP, Role
from ioc.runtime.servers import disconnect, open_broker, open_database, subscribe
from ioc.runtime.simulator_child import simulator
from ioc.runtime.supervise import running
from ioc.store import alerts, batches, first_start, incident_log, ticket_rows
from ioc.store import city as city_store
from ioc.store.migrate import migrate
from ioc.store.notices import listen
from ioc.store.pool import ReadPool, WritePool, open_pools
from ioc.store.registry import CHANGED
from ioc.store.turn import Turn

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_runtime(
    config: Config,
    role: Role = UP,
    *,
    feeds: Sequence[str] = (),
    agencies: Sequence[str] = (),
    clock: Clock | None = None,
) -> AsyncGenerator[State]:
    """Start what a role does, hand out the state, and stop everything in reverse.

    `feeds` and `agencies` name what to take from the broker; without them it is everything.

    Order of the start: database, migrations, city, memory, pipeline, broker, subscription, and
    only then the agencies' users, so that nothing is acknowledged that nobody would receive.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        tasks: dict[str, Chore] = {}
        url, database = await open_database(config, role, stack, tasks)
        for done in await migrate(url):
            log.info("migrated: %s", done)
        reads, writes = await stack.enter_async_context(open_pools(url))
        facts = await _settle(config, reads, writes, clock)
        if (name := _turn(config, role)) is not None:
            turn = Turn(url, name)
            stack.push_async_callback(turn.end)
            await turn.wait()
            tasks["turn"] = turn.keep
        center = Center(
            config=config, clock=clock, url=url, reads=reads, writes=writes, facts=facts, role=role
        )
        center.database = database
        facts.health = partial(readings.server_health, center)
        facts.gauges = partial(readings.gauges, center)
        facts.counters = partial(readings.counters, center)
        await center.load()
        await center.writer.open()
        stack.push_async_callback(center.writer.close)
        tasks |= chores(center)
        tasks["pulse"] = center.pulse.run
        tasks["notices"] = lambda: listen(url, CHANGED, center.reload)
        if role.follows:
            tasks["following"] = lambda: listen(
                url, batches.CHANNEL, lambda _: center.follower.catch_up(), gather=0
            )
            tasks["alerts"] = lambda: listen(
                url, alerts.CHANNEL, lambda _: center.alerting.follow(), gather=0
            )
        if role.shows:
            tasks["incidents"] = lambda: listen(
                url, incident_log.CHANNEL, lambda _: center.incidents.news.follow(), gather=0
            )
            tasks["tickets"] = lambda: listen(
                url, ticket_rows.CHANNEL, lambda _: show_field_reports(center)
            )
        if role.judges:
            tasks["sources"] = Sourcing(
                url=url, reads=reads, writes=writes, registry=center.registry,
                intake=center.intake, clock=clock, config=config,
                take_warnings=center.take_warnings,
            ).run  # fmt: skip
            tasks["outbox"] = partial(
                deliver, url=url, reads=reads, clock=clock, config=config, zone=facts.zone,
                centre=facts.identity.epoch,
            )  # fmt: skip
        mqtt_url = await open_broker(config, center, stack, tasks) if role.subscribes else None
        # After the pipeline has stored what it holds, so that this is acknowledged too.
        stack.push_async_callback(disconnect, center)
        await stack.enter_async_context(_flow(center, tasks))
        if mqtt_url is not None:
            await subscribe(center, mqtt_url, feeds=feeds, agencies=agencies)
        await center.set_agencies()
        simulated = facts.identity.simulated and config.demo and config.demo_simulate
        if simulated and not role.shared:
            await stack.enter_async_context(simulator(config, facts.set_backfill))
        yield center.state()


@asynccontextmanager
async def _flow(center: Center, tasks: Mapping[str, Chore]) -> AsyncGenerator[None]:
    """Run the tasks; at the end let the pipeline store what it holds before they stop."""
    emptied = asyncio.Event()

    async def pipeline() -> None:
        await center.pipeline.run()
        emptied.set()
        await asyncio.Event().wait()

    async with running({**tasks, "pipeline": pipeline}, center.vitals):
        try:
            yield
        finally:
            center.intake.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(emptied.wait(), 5)


def _turn(config: Config, role: Role) -> str | None:
    """What only one process may be at a time: the engine, and the owner of a broker's session."""
    if role is ENGINE:
        return "engine"
    return f"ingest {config.mqtt_client_id}" if role is INGEST else None


async def _settle(config: Config, reads: ReadPool, writes: WritePool, clock: Clock) -> Facts:
    """Make the database ready, and learn which one it is."""
    async with writes.connection() as conn:
        found, done = await first_start.settle(
            conn, demo=config.demo, city_dir=config.city_dir, now=clock.now()
        )
    for line in done:
        log.info("city loaded: %s", line)
    return Facts(
        identity=found,
        city=await city_store.read(reads, clock.now().date()),
        version=version("ioc-backend"),
        zone=found.time_zone,
        bounds=found.bounds,
    )

"""Everything that runs, by name: made once by the composition root, filled from the database."""

import asyncio
import logging
import os
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from ingest.broker import broker_address
from ingest.intake import Intake
from ingest.mqtt import MqttSource
from ingest.payload import Channel
from ioc.api.budget import BodyBudget
from ioc.api.deps import Facts, State
from ioc.api.transfers import Transfers
from ioc.auth.tokens import hash_mosquitto_password
from ioc.clock import Clock
from ioc.config import Config
from ioc.embedded.broker import EmbeddedBroker
from ioc.embedded.database import EmbeddedDatabase
from ioc.embedded.process import EmbeddedError
from ioc.flow.alert_counts import AlertCounts
from ioc.flow.alerting import Alerting
from ioc.flow.boards import Boards
from ioc.flow.field_reports import LAYER, FieldReports
from ioc.flow.following import Follower
from ioc.flow.incident_counts import IncidentCounts
from ioc.flow.incident_desk import Desks
from ioc.flow.incident_news import IncidentNews
from ioc.flow.incident_shifts import Shifts
from ioc.flow.incidents import Incidents
from ioc.flow.owed_counts import OwedCounts
from ioc.flow.pipeline import Pipeline
from ioc.flow.placing import Placing
from ioc.flow.procedure_counts import ProcedureCounts
from ioc.flow.report_intake import ReportIntake
from ioc.flow.reporting import Reporting
from ioc.flow.resolve import Resolver
from ioc.flow.scoring import Scoring
from ioc.flow.showing import Showing
from ioc.flow.standing import Standings
from ioc.flow.warning_intake import WarningIntake, take_warnings
from ioc.flow.warnings import LAYER as WARNED
from ioc.flow.warnings import Warnings
from ioc.forecast.forecaster import Forecaster
from ioc.live.feeds import FeedHealth
from ioc.live.hub import Hub
from ioc.live.latest import Latest
from ioc.live.state import LiveState
from ioc.live.topic import LogTopic
from ioc.live.worst import WorstTopic
from ioc.model import Columns, Feed, Receipt, to_micros
from ioc.runtime.mosquitto import write_user_files
from ioc.runtime.role import UP, Role
from ioc.runtime.supervise import Vitals
from ioc.store import city as city_store
from ioc.store import feeds, ledger, observations
from ioc.store.births import KeptBirths
from ioc.store.flush import Flushed
from ioc.store.pool import ReadPool, WritePool
from ioc.store.pulse import Pulse
from ioc.store.registry import FEEDS, Registry
from ioc.store.writer import BatchWriter

log = logging.getLogger(__name__)


class Center:
    """Everything that runs, by name; made by `open_runtime` and known to nobody else."""

    def __init__(
        self,
        *,
        config: Config,
        clock: Clock,
        url: str,
        reads: ReadPool,
        writes: WritePool,
        facts: Facts,
        role: Role = UP,
    ) -> None:
        """Make every object; nothing runs yet."""
        self.role = role
        self.config = config
        self.url = url
        self.clock = clock
        self.reads = reads
        self.writes = writes
        self.facts = facts
        self.vitals = Vitals()
        self.registry = Registry()
        self.latest = Latest()
        # State topics start anew with the process; the log of alerts goes on with the database.
        epoch = f"{os.getpid():x}-{to_micros(clock.now()):x}"
        self.hub = Hub()
        self.live = LiveState(self.latest, epoch, clock.now)
        self.health = FeedHealth(epoch, clock.now)
        self.alerts = WorstTopic("alerts", facts.identity.epoch)
        self.intake = Intake(limit_bytes=config.intake_bytes)
        self.writer = BatchWriter(url, self.latest, self.registry.limits, shared=role.shared)
        self.scoring = Scoring(
            registry=self.registry,
            latest=self.latest,
            reads=reads,
            writes=writes,
            clock=clock,
            zone=facts.zone,
        )
        self.pulse = Pulse(reads)
        self.births = KeptBirths(reads, writes, shared=role.shared)
        self.alerting = Alerting(
            registry=self.registry,
            state=self.live,
            health=self.health,
            latest=self.latest,
            topic=self.alerts,
            writes=writes,
            clock=clock,
            changed=self._alerts_changed,
            zone=facts.zone,
            store=facts.identity.store,
            judges=role.judges,
        )
        desks = Desks(reads=reads, clock=clock, zone=facts.zone, city=lambda: facts.city)
        self.incidents = Incidents(
            reads=reads,
            writes=writes,
            clock=clock,
            desks=desks,
            news=IncidentNews(
                reads=reads,
                desks=desks,
                clock=clock,
                topic=LogTopic("incidents", facts.identity.epoch),
                changed=self.hub.changed,
            ),
            alerts=self.alerting,
        )
        self.reporting = Reporting(
            reads=reads,
            organisation=lambda: facts.city.organisation,
            zone=facts.zone,
            after=lambda day, days: facts.city.calendar.after(day, days),
        )
        self.showing = Showing(
            registry=self.registry,
            latest=self.latest,
            state=self.live,
            health=self.health,
            hub=self.hub,
            epoch=epoch,
        )
        self.boards = Boards(
            registry=self.registry,
            latest=self.latest,
            health=self.health,
            reads=reads,
            writes=writes,
            units_topic=self.live.topic("units"),
            epoch=epoch,
            clock=clock,
            zone=facts.zone,
        )
        self.field_reports = FieldReports(
            reads=reads,
            topic=self.live.topic(LAYER),
            epoch=epoch,
            organisation=lambda: facts.city.organisation,
            now=clock.now,
        )
        self.warnings = Warnings(
            reads=reads,
            topic=self.live.topic(WARNED),
            now=clock.now,
            zone=facts.zone,
            province=facts.identity.province,
        )
        self.boards.present.quality = self.scoring.today
        self.boards.counting.add(
            ProcedureCounts(
                reads,
                lambda: (facts.city.procedures, facts.city.calendar),
                lambda: facts.identity.province or "",
            )
        )
        self.boards.counting.add(OwedCounts(self.reporting))
        self.boards.counting.add(IncidentCounts(reads, facts.zone))
        self.boards.counting.add(
            AlertCounts(reads, facts.zone, lambda: facts.identity.province or "")
        )
        self.standings = Standings(
            figures=self.boards.figures,
            cube=self.boards.dossiers.cube,
            targets=lambda: facts.city.targets,
            calendar=lambda: facts.city.calendar,
            forecaster=Forecaster(),
        )
        self.boards.standing_of = self.standings.standing_of
        self.placing = Placing(
            self.registry, writes, facts.bounds, facts.zone, self.showing.refresh
        )
        self.pipeline = Pipeline(
            intake=self.intake,
            registry=self.registry,
            resolver=Resolver(self.registry, writes, facts.zone),
            placing=self.placing,
            reports=ReportIntake(reads, writes, lambda: facts.city.organisation),
            warnings=WarningIntake(writes),
            writer=self.writer,
            births=self.births,
            # Among several processes all comes by way of the batches, in the order of commits.
            readers=[] if role.shared else [self.showing, self.alerting],
            clock=clock,
        )
        self.follower = Follower(
            reads=reads,
            registry=self.registry,
            latest=self.latest,
            readers=[self.showing, self.alerting] if role.judges else [self.showing],
            start_over=self._start_over,
        )
        self.source: MqttSource | None = None
        self.broker: EmbeddedBroker | None = None
        self.database: EmbeddedDatabase | None = None
        self.forbidden: dict[str, int] = {}
        self.unknown_topics = 0

    def _alerts_changed(self, topic: WorstTopic, layers: set[str]) -> None:
        self.hub.changed(topic)
        for layer in layers:
            self.hub.changed(self.live.topic(layer))

    async def load(self) -> None:
        """Fill the memory from the database."""
        now = self.clock.now()
        if self.role.follows:
            await self.follower.begin()
        await self.registry.load(self.reads)
        await self.births.load()
        self.latest.reserve(self.registry.highest)
        newest, received = await self._newest()
        self.latest.time[newest.series] = newest.time
        self.latest.value[newest.series] = newest.value
        self.latest.received[newest.series] = received
        columns = (newest.series.tolist(), newest.time.tolist(), received.tolist())
        for series, time, arrived in zip(*columns, strict=True):
            known = self.registry.series.get(series)
            if known is not None:
                self.health.seen(known.feed_key, time, arrived)
        await self.scoring.load()
        for row in await ledger.recent(self.reads, now - timedelta(days=1)):
            self.health.restore(*row)
        names = self.facts.city.organisation.as_of(now.date())
        self.showing.refresh({unit: version.short_name for unit, version in names.items()})
        if not (self.role.shows or self.role.judges):
            return
        self.showing.on_new = self.alerting.refresh
        await self.alerting.load(self.reads, self.facts.city)
        self.boards.load(self.facts.city, self.facts.identity.province or "")
        self.hub.add(self.alerts)
        await self.incidents.news.load()
        self.hub.add(self.incidents.news.topic)
        self.hub.add(self.health.topic)
        self.hub.add(self.live.topic("units"))
        for layer in self.facts.city.layers:
            self.hub.add(self.live.topic(layer))
        for topic in self.boards.topics.values():
            self.hub.add(topic)

    async def show_field_reports(self) -> None:
        """Show the field reports that are open by what is stored."""
        for topic in await self.field_reports.refresh():
            self.hub.changed(topic)

    async def look_at_warnings(self) -> None:
        """Show the warnings that are in force by what is stored, and let alerts follow them."""
        standing = await self.warnings.refresh()
        self.hub.changed(self.warnings.topic)
        if self.role.judges:
            await self.alerting.judge_warnings(standing)

    async def take_warnings(
        self, feed: Feed, body: bytes, content_type: str, source: str
    ) -> Receipt:
        """Store the warnings of a document that a source has fetched."""
        now = self.clock.now()
        receipt = await take_warnings(
            self.writes,
            feed,
            body,
            content_type,
            channel=Channel.POLL.value,
            source=source,
            now=now,
        )
        self.health.note(feed, receipt, None, now)
        return receipt

    async def _newest(self) -> tuple[Columns, NDArray[np.int64]]:
        """The newest stored observation of every series and its arrival (µs); memory has room."""
        rows = await observations.newest(self.reads)
        newest = Columns(
            np.array([row[0] for row in rows], np.int32),
            np.array([to_micros(row[1]) for row in rows], np.int64),
            np.array([row[2] for row in rows], np.float64),
        )
        self.latest.reserve(int(newest.series.max(initial=0)))
        return newest, np.array([to_micros(row[3]) for row in rows], np.int64)

    async def _start_over(self) -> None:
        """Read the newest observations anew, after batches were missed."""
        await self.registry.load(self.reads)
        newest, received = await self._newest()
        if not len(newest):
            return
        newest = newest.take(newest.time >= self.latest.time[newest.series])
        advanced = self.latest.apply(newest, int(received.max()))
        flushed = Flushed([], newest, advanced, self.latest.flags[newest.series])
        await self.showing.flushed([], flushed)
        if self.role.judges:
            await self.alerting.flushed([], flushed)

    async def reload(self, changed: frozenset[str]) -> None:
        """Take feeds, keys and rights that a command has changed."""
        if changed == frozenset({FEEDS}):
            await self.registry.load_feeds(self.reads)
        else:
            # Units first: a key that comes with them is good only once they are known.
            self.facts.city = await city_store.read(self.reads, self.clock.now().date())
            await self.registry.load(self.reads)
            if self.role.shows or self.role.judges:
                self.boards.load(self.facts.city, self.facts.identity.province or "")
                await self.alerting.reload(self.facts.city)
            if self.role.shows:
                await self.show_field_reports()
        self.showing.refresh()
        await self.set_agencies()

    async def learn_feeds(self) -> None:
        """Take feeds of which no notice has come yet."""
        await self.registry.load_feeds(self.reads)

    async def set_agencies(self) -> None:
        """Give the broker the users of today."""
        async with self.reads.connection() as conn:
            passwords = await feeds.mqtt_passwords(conn)
        if self.broker is not None:
            try:
                await self.broker.set_agencies({agency: h[0] for agency, h in passwords.items()})
            except (EmbeddedError, OSError, TimeoutError):
                # The users' file is written first: a broker that comes back reads it.
                log.warning("the broker is away; it takes the agencies' users when it is back")
        elif (
            self.role.judges
            and self.config.mqtt_auth_dir is not None
            and self.config.mqtt_url is not None
        ):
            own = broker_address(self.config.mqtt_url)
            hashes = {agency: h[1] for agency, h in passwords.items()}
            hashes[own.user] = hash_mosquitto_password(own.password)
            await asyncio.to_thread(write_user_files, self.config.mqtt_auth_dir, own.user, hashes)

    def feed_of(self, agency: str, feed: str) -> Feed | None:
        """The feed that a topic names, if it is of that agency."""
        found = self.registry.feed_by_id.get(feed)
        return found if found is not None and found.agency == agency else None

    def forbid(self, agency: str, topic: str) -> None:
        """Count a publish where the agency may not publish."""
        self.forbidden[agency] = self.forbidden.get(agency, 0) + 1

    def unknown(self, topic: str, body: bytes) -> None:
        """Count a payload for a feed that does not exist; the agency sees it as forbidden."""
        self.unknown_topics += 1
        agency = topic.split("/")[2] if topic.count("/") >= 2 else ""
        self.forbid(agency, topic)
        log.warning("a payload for an unknown feed was not stored", extra={"topic": topic[:200]})

    def state(self) -> State:
        """What requests may ask for."""
        return State(
            config=self.config,
            clock=self.clock,
            reads=self.reads,
            writes=self.writes,
            registry=self.registry,
            intake=self.intake,
            live=self.live,
            health=self.health,
            alerting=self.alerting,
            reporting=self.reporting,
            boards=self.boards,
            standings=self.standings,
            field_reports=self.field_reports,
            incidents=self.incidents,
            shifts=Shifts(incidents=self.incidents, writes=self.writes, clock=self.clock),
            hub=self.hub,
            facts=self.facts,
            transfers=Transfers(),
            bodies=BodyBudget(limit_bytes=self.config.intake_bytes),
        )

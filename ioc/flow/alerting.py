"""From what was stored to alerts that are stored, shown and acted upon."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from alerts.alert import Fingerprint, OpenAlert, State, Transition, series_fingerprint
from alerts.engine import Engine
from alerts.figures import FigureFacts, judge_figures
from alerts.levels import Levels, levels_of
from alerts.lifecycle import Refusal, Wish, apply_move, wake
from alerts.matter import FLAP_WITHIN
from alerts.owed import Overdue, judge_owed
from alerts.pairs import LateBreach
from alerts.rule import Behind, MissingReport, Rule
from alerts.rule_reading import decode_rule
from alerts.selection import SeriesFacts
from alerts.table import SECOND
from ioc.catalogue import say
from ioc.clock import Clock
from ioc.errors import Conflict, NotFound, Unavailable
from ioc.flow.alert_draft import Draft, life_of, shown, with_life
from ioc.flow.alert_items import FIGURE, OWED, WARNING, AlertItems
from ioc.flow.alert_rows import moved, noted, open_alert, stood_at
from ioc.flow.muting import Muting
from ioc.flow.open_alerts import OpenAlerts, rank_of, ranks_of
from ioc.flow.rhythms import Rhythms
from ioc.flow.telling import Drawn, Telling
from ioc.flow.warning_rows import Standing, changes
from ioc.live.feeds import FeedHealth
from ioc.live.latest import NEVER, Latest
from ioc.live.state import LiveState
from ioc.live.topic import Change
from ioc.live.wire import AlertItem, FigureItem, encoder
from ioc.live.worst import WorstTopic
from ioc.model import Columns, Flag, Text, from_micros, to_micros
from ioc.store import alerts, audit, observations, outbox, silences, untold
from ioc.store.aggregates import StoreKind
from ioc.store.alerts import AlertRow, Overtaken
from ioc.store.city import Described
from ioc.store.flush import Flushed, Part
from ioc.store.pool import Connection, ReadPool, WritePool
from ioc.store.registry import Made, Registry

log = logging.getLogger(__name__)

JUDGED_APART: Final = frozenset({OWED, FIGURE, WARNING})
"""Kinds of alerts that the engine knows nothing of."""

PAST_LOOKED_AT: Final = 20
"""How many past alerts of one fingerprint are looked at for what came late."""

NOTED_WITHIN: Final = timedelta(days=1)
NOTED_APART: Final = timedelta(hours=1)
"""What came late becomes a past alert of its own unless it is history, once in an hour: a back-fill
brings thousands."""

MOST_TAIL: Final = 20_000


class Alerting:
    """Runs the engine over stored batches, keeps what it says, and lets people act on it.

    One lock makes the engine and people take turns, so that an alert never changes in two ways
    at once. What the engine says is stored before the next batch is looked at.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        state: LiveState,
        health: FeedHealth,
        latest: Latest,
        topic: WorstTopic,
        writes: WritePool,
        clock: Clock,
        changed: Callable[[WorstTopic, set[str]], None],
        zone: str = "UTC",
        store: StoreKind = "plain",
        judges: bool = True,
    ) -> None:
        """Start without rules; `changed` is told of the topic and of layers that changed colour.

        Without `judges` the engine is another process's: alerts are shown and moved by people.
        """
        self._judges = judges
        self._registry = registry
        self._state = state
        self._health = health
        self._latest = latest
        self._topic = topic
        self._writes = writes
        self._clock = clock
        self._changed = changed
        self._lock = asyncio.Lock()
        self._items = AlertItems(registry, state, zone)
        self._muting = Muting(self._items.facets)
        self.rhythms = Rhythms(ZoneInfo(zone), store)
        self._telling = Telling(self._items, zone)
        self._open = OpenAlerts(self._items, state)
        topic.render = lambda key: encoder.encode(self.item(self._open.rows[UUID(key)]))
        self._engine = Engine([])
        self._reads: ReadPool

    async def load(self, reads: ReadPool, city: Described) -> None:
        """Take rules and open alerts from the store, and look at the newest values with them."""
        now = self._clock.now()
        rules = {id: decode_rule(id, document) for id, document in city.rules.items()}
        self._items.load(rules, city.organisation, city.unit_keys, now.date())
        self._reads = reads
        offset, tail = await alerts.log_tail(
            reads, since=now - timedelta(days=alerts.LOG_DAYS), limit=MOST_TAIL
        )
        # After the log: an alert that changes in between comes again, as it then stands.
        rows = await alerts.not_closed(reads)
        self._open.load(rows)
        await self._load_muting(now)
        await self._load_telling(city, now)
        known = (self._latest.time != NEVER) & (self._latest.flags == 0)
        ids = np.flatnonzero(known).astype(np.int32)
        newest = Columns(ids, self._latest.time[ids], self._latest.value[ids])
        facts = self.series_facts()
        self.rhythms.keep(city.calendar)
        if self._judges:
            watched = self.rhythms.watch(rules.values(), facts)
            await self.rhythms.begin(reads, self._times_of(watched), now)
        self._engine = Engine(
            rules.values(),
            facts,
            self._items.feed_facts(),
            [open_alert(r) for r in rows if r.state != "cleared" and r.kind not in JUDGED_APART],
            latest=newest,
            rhythm=self.rhythms.spreads,
        )
        changes = [Change(o, verb, str(alert), item) for o, verb, alert, item in tail]
        self._topic.load_ranked(ranks_of(rows), changes, offset)
        if self._judges:
            await self._remember(now)
            await self._store(self._engine.observe(newest, to_micros(now)))

    async def _load_muting(self, now: datetime) -> None:
        self._muting.load(
            await silences.coming(self._reads, now),
            await silences.inhibitions(self._reads),
            self._open.rows.values(),
            await alerts.begun(self._reads, now - timedelta(seconds=FLAP_WITHIN // SECOND)),
            to_micros(now),
        )

    async def _load_telling(self, city: Described, now: datetime) -> None:
        # Whoever does not judge tells nobody: what is moved there is told by the engine.
        if self._judges:
            await self._telling.load(self._reads, city.calendar, self._open.rows.values(), now)

    async def _remember(self, now: datetime) -> None:
        """Read what rules of change look back at, so that a restart changes no answer."""
        back = self._engine.looks_back()
        newest = self._times_of(back)
        if newest:
            since = {id: from_micros(time - back[id]) for id, time in newest.items()}
            async for columns in observations.since(self._reads, since, until=now):
                self._engine.remember(columns)

    def _times_of(self, series: Iterable[int]) -> dict[int, int]:
        """When (µs) something was last observed; what never was is left out."""
        newest = {id: int(self._latest.time[id]) for id in series}
        return {id: time for id, time in newest.items() if time != NEVER}

    async def follow(self) -> None:
        """Take what other processes have changed."""
        async with self._lock:
            self._muting.silence(await silences.coming(self._reads, self._clock.now()))
            await self._catch_up()

    async def _catch_up(self) -> None:
        layers: set[str] = set()
        while True:
            log_rows, rows = await alerts.changed_after(
                self._reads, self._topic.offset, limit=MOST_TAIL
            )
            if not log_rows:
                break
            layers |= self._take(
                rows, [Change(o, verb, str(alert), item) for o, verb, alert, item in log_rows]
            )
        self._changed(self._topic, layers)

    def _take(self, rows: Collection[AlertRow], changes: Iterable[Change]) -> set[str]:
        """Take alerts as they stand now, with how they came to it; the layers that changed."""
        now = self._clock.now()
        layers: set[str | None] = set()
        for row in rows:
            layers.add(self._open.take(row))
            self._muting.follow(row)
            self._telling.follow(row, now)
        ranks = {str(row.alert_id): rank_of(row) for row in rows}
        for change in changes:
            self._topic.follow(change, ranks[change.key])
        # A row may be newer than the log that is read; one that is shown yet must be known.
        self._open.forget_closed(row for row in rows if str(row.alert_id) not in self._topic)
        return {layer for layer in layers if layer is not None}

    def refresh(self, made: Made | None = None) -> None:
        """Take new series, features and feeds of the registry; all of them unless told which."""
        facts = self._items.series_facts(
            self._registry.series.values() if made is None else made.series
        )
        if self._judges:
            self.rhythms.watch(self._items.rules.values(), facts)
        self._engine.add_series(facts)
        self._engine.replace_feeds(self._items.feed_facts())
        self._open.recolour(None if made is None else self._about(made))

    def _about(self, made: Made) -> set[int]:
        """The series of what came into the registry."""
        placed = (self._registry.series_of_feature.get(one.id, ()) for one in made.features)
        return {series.id for series in chain(made.series, *placed)}

    def series_facts(self) -> list[SeriesFacts]:
        """What rules know of all series."""
        return self._items.series_facts(self._registry.series.values())

    async def reload(self, city: Described) -> None:
        """Watch by the rules, causes and units as they are now; what they do not bear out ends."""
        async with self._lock:
            now = self._clock.now()
            rules = {id: decode_rule(id, document) for id, document in city.rules.items()}
            self._items.load(rules, city.organisation, city.unit_keys, now.date())
            await self._load_muting(now)
            self.rhythms.keep(city.calendar)
            await self._load_telling(city, now)
            if self._judges:
                watched = self.rhythms.watch(rules.values(), self.series_facts())
                await self.rhythms.look_back(self._reads, self._times_of(watched), now)
                moves = self._engine.replace_rules(rules.values(), to_micros(now))
                await self._remember(now)
                await self._store(moves)

    async def flushed(self, parts: Sequence[Part], flushed: Flushed) -> None:
        """Look at what has been stored; a suspect value neither raises nor clears an alert.

        A value that is suspect only because it stays the same counts for stillness.
        """
        rows, flags = flushed.changed, flushed.flags
        stuck = None
        if flags.any():
            taken = (flags == 0) | (flags == Flag.FLAT)
            rows, stuck = rows.take(taken), flags[taken] != 0
        if not len(rows):
            return
        async with self._lock:
            now = to_micros(self._clock.now())
            self.rhythms.heard(rows)
            await self._store(self._engine.observe(rows, now, stuck))
            await self._note(self._engine.late)

    async def tick(self) -> None:
        """Look at what has not come, at what was put aside until now, and at who is quiet."""
        async with self._lock:
            now = self._clock.now()
            await self._store(self._engine.tick(to_micros(now), self._health.last_received()))
            await self._patiently(self._settle)
            await self._tell(now)

    async def judge_reports(self, overdue: Sequence[Overdue]) -> None:
        """Look at which reports are overdue now."""
        async with self._lock:
            known = self._standing(OWED)
            rules = [rule for rule in self._items.rules.values() if isinstance(rule, MissingReport)]
            await self._store(judge_owed(rules, overdue, known, to_micros(self._clock.now())))

    async def judge_warnings(self, standing: Sequence[Standing]) -> None:
        """Look at which warnings are in force now."""
        async with self._lock:
            await self._patiently(lambda now: self._warned(standing, now))

    @property
    def rules(self) -> Mapping[str, Rule]:
        """The rules that watch now, by id."""
        return self._items.rules

    @property
    def judged_indicators(self) -> frozenset[str]:
        """The indicators that rules look at."""
        rules = self._items.rules.values()
        return frozenset(rule.indicator for rule in rules if isinstance(rule, Behind))

    async def judge_figures(self, figures: Sequence[FigureItem]) -> None:
        """Look at how figures stand now."""
        async with self._lock:
            now_us = to_micros(self._clock.now())
            known = self._standing(FIGURE)
            rules = [rule for rule in self._items.rules.values() if isinstance(rule, Behind)]
            facts = [_figure_facts(item, now_us) for item in figures]
            await self._store(judge_figures(rules, facts, known))

    def _standing(self, kind: str) -> dict[Fingerprint, OpenAlert]:
        rows = self._open.of_kind(kind)
        return {Fingerprint(mark): open_alert(row) for mark, row in rows.items()}

    async def _store(self, transitions: Sequence[Transition]) -> None:
        """Keep what the engine says before anything else is done; waits out a lost database."""
        if transitions:
            await self._patiently(lambda now: self._follow(transitions, now))

    async def _note(self, late: Sequence[LateBreach]) -> None:
        """Note what came late on the past alert that it belongs to, or as one that is past."""
        if late:
            past = await self._past_of(late)
            await self._patiently(lambda now: self._noted(late, past, now))

    async def _past_of(self, late: Sequence[LateBreach]) -> dict[str, list[AlertRow]]:
        while True:
            try:
                marks = [series_fingerprint(note.rule, note.series) for note in late]
                return await alerts.of_fingerprints(self._reads, marks, per_mark=PAST_LOOKED_AT)
            except Unavailable:
                await asyncio.sleep(0.5)

    async def _patiently(self, draw: Callable[[datetime], Draft]) -> None:
        """Keep what a draft says; drawn anew where another process has changed alerts since."""
        while True:
            draft = draw(self._clock.now())
            if not draft:
                return
            try:
                await self._save_patiently(draft)
            except Overtaken:
                await self._catch_up_patiently()
                await self._begin_muting_patiently()
            else:
                return

    async def _save_patiently(self, draft: Draft) -> None:
        while True:
            try:
                async with self._writes.connection() as conn:
                    offsets, drawn = await self._save(conn, draft)
            except Unavailable:
                log.warning("the database is away; transitions of alerts wait")
                await asyncio.sleep(0.5)
            else:
                self._publish(draft, offsets, drawn)
                return

    async def _save(self, conn: Connection, draft: Draft) -> tuple[list[int], Drawn]:
        """Store changes, and in the same transaction whom they tell."""
        offsets = await alerts.save(
            conn, draft.changes, after=self._topic.offset, sought=draft.sought
        )
        drawn = self._telling.draw(draft.rows.values(), draft.now)
        await self._note_told(conn, drawn, draft.now)
        return offsets, drawn

    @staticmethod
    async def _note_told(conn: Connection, drawn: Drawn, now: datetime) -> None:
        """Store whom alerts tell, or why they tell nobody."""
        await outbox.add(conn, drawn.letters)
        await untold.put(conn, drawn.untold, now)

    async def _tell(self, now: datetime) -> None:
        """Tell of alerts whom it is time to tell; a lost database only delays that."""
        if not self._telling.is_due(now):
            return
        try:
            drawn = await self._telling.due(self._reads, now)
            async with self._writes.connection() as conn:
                await self._note_told(conn, drawn, now)
        except Unavailable:
            log.warning("the database is away; whom alerts tell is looked at later")
        else:
            self._telling.keep(drawn, now)

    async def _catch_up_patiently(self) -> None:
        while True:
            try:
                return await self._catch_up()
            except Unavailable:
                await asyncio.sleep(0.5)

    def _publish(self, draft: Draft, offsets: list[int], drawn: Drawn) -> None:
        told = zip(draft.changes, offsets, strict=True)
        changes = [Change(o, log.verb, str(log.alert_id), log.item) for (_, log), o in told]
        layers = self._take(draft.rows.values(), changes)
        self._telling.keep(drawn, draft.now)
        self._changed(self._topic, layers)

    async def _begin_muting_patiently(self) -> None:
        """A draft that was overtaken has left its traces in what is quiet."""
        while True:
            try:
                return await self._load_muting(self._clock.now())
            except Unavailable:
                await asyncio.sleep(0.5)

    def _follow(self, transitions: Sequence[Transition], now: datetime) -> Draft:
        """What becomes of alerts by what the engine says."""
        draft = Draft(self._items, self._open.rows, now)
        opened = dict[str, UUID]()
        for move in transitions:
            alert = opened.get(move.fingerprint) or self._open.standing.get(move.fingerprint)
            before = None if alert is None else draft.get(alert)
            if before is not None and before.state == State.CLEARED:
                before = None
            after = moved(self._items, move, before, now)
            if after.state == State.ACTIVE and (before is None or before.active_since is None):
                after = self._muting.begin(after, to_micros(now))
            after = draft.put(after, move.reason.value)
            opened[move.fingerprint] = after.alert_id
        return self._requieted(draft)

    def _warned(self, standing: Sequence[Standing], now: datetime) -> Draft:
        """What becomes of alerts by what is warned of."""
        draft = Draft(self._items, self._open.rows, now)
        stands = self._open.of_kind(WARNING)
        for after, change in changes(self._items, standing, stands, now):
            is_new = after.alert_id not in self._open.rows
            draft.put(self._muting.begin(after, to_micros(now)) if is_new else after, change)
        return self._requieted(draft)

    def _settle(self, now: datetime) -> Draft:
        """What becomes of alerts because time has passed."""
        draft = Draft(self._items, self._open.rows, now)
        for row in [self._open.rows[alert] for alert in self._open.shelved]:
            if row.shelved_until is not None and row.shelved_until <= now:
                draft.put(with_life(row, wake(life_of(row), now)), "shelf_over")
        return self._requieted(draft)

    def _requieted(self, draft: Draft) -> Draft:
        """The same, after all have been looked at that may have become quiet, or loud again."""
        now_us = to_micros(draft.now)
        for alert in self._muting.due(now_us):
            stands = draft.get(alert)
            if stands is None:
                continue
            after = self._muting.look(stands, now_us)
            if after is not stands:
                draft.put(after, self._muting.change(stands, after, now_us))
        return draft

    def _noted(
        self, late: Sequence[LateBreach], past: dict[str, list[AlertRow]], now: datetime
    ) -> Draft:
        """Put what came late to the alert that stood then; else it is one that nobody saw."""
        known = {row.alert_id: row for rows in past.values() for row in rows} | self._open.rows
        draft = Draft(self._items, known, now)
        for note in late:
            mark = series_fingerprint(note.rule, note.series)
            at = from_micros(note.at)
            said = say("alert.late_note", "vi", value=note.value, level=note.level)
            stood = next((row.alert_id for row in past.get(mark, ()) if stood_at(row, at)), None)
            before = None if stood is None else draft.get(stood)
            if before is not None:
                draft.put(before, "late_note", comment=said)
            elif now - at <= NOTED_WITHIN and not any(
                abs(row.active_since - at) <= NOTED_APART
                for row in past.get(mark, ())
                if row.active_since is not None
            ):
                draft.put(noted(self._items, note, now), "late_note", comment=said)
        return draft

    async def move(
        self, alert: UUID, wish: Wish, *, source: str, version: int | None = None
    ) -> AlertItem:
        """Do what a person asks with an alert; returns the alert after it.

        Raises `NotFound` for an alert that is not open, and `Conflict` with the reason where the
        move is not allowed, or where the person saw another `version` of it.
        """
        async with self._lock:
            while True:
                try:
                    return await self._move_once(alert, wish, source, version)
                except Overtaken:
                    await self._catch_up()

    async def _move_once(
        self, alert: UUID, wish: Wish, source: str, version: int | None
    ) -> AlertItem:
        row = self._open.rows.get(alert)
        if row is None:
            raise NotFound("there is no open alert of that id; it may have closed by now")
        if version is not None and version != row.version:
            raise Conflict(
                f"somebody was faster: the alert has version {row.version} by now, you saw "
                f"{version}; look at it again and decide anew",
                refusal="overtaken",
                version=row.version,
            )
        now = self._clock.now()
        before = life_of(row)
        outcome = apply_move(before, wish, now)
        if outcome.refusal is not None:
            raise _refused(outcome.refusal)
        if outcome.life == before:
            return self.item(row)
        draft = Draft(self._items, self._open.rows, now)
        after = draft.put(
            with_life(row, outcome.life), wish.move.value, actor=wish.who, comment=wish.words
        )
        async with self._writes.connection() as conn:
            offsets, drawn = await self._save(conn, draft)
            await audit.record(
                conn,
                now=now,
                actor=wish.who,
                source=source,
                action=f"alert.{wish.move.value}",
                subject=str(alert),
                after=_asked(wish),
            )
        self._publish(draft, offsets, drawn)
        return self.item(after)

    def has_unit(self, unit: str) -> bool:
        """Whether an alert can be assigned to a unit."""
        return unit in self._items.unit_keys

    def judged_by(self, row: AlertRow) -> tuple[Levels, Text | None]:
        """The levels of an alert's rule at its place, and what the rule advises."""
        rule, feature = self._items.rules.get(row.rule_id), self._items.feature(row)
        levels = levels_of(rule, row.level, feature.attributes if feature else {})
        return levels, rule.advice if rule else None

    def worst_items(self, many: int) -> list[AlertItem]:
        """The first of the open alerts, worst first."""
        return [self.item(self._open.rows[UUID(key)]) for key in self._topic.worst(many)]

    def open_item(self, alert: UUID) -> AlertItem | None:
        """An open alert that is shown."""
        row = self._open.rows.get(alert)
        return self.item(row) if row is not None and shown(row) else None

    def item(self, row: AlertRow) -> AlertItem:
        """The alert as it is shown."""
        return self._items.item(row)


def _figure_facts(item: FigureItem, now_us: int) -> FigureFacts:
    return FigureFacts(
        indicator=item.indicator,
        unit=item.unit.id if item.unit else "",
        is_province=item.id == item.indicator,
        value=item.value,
        standing=item.standing,
        course=item.outlook.course if item.outlook else None,
        at=now_us,
    )


def _asked(wish: Wish) -> dict[str, str] | None:
    """What goes with a move, for the audit."""
    said = {"comment": wish.words, "assignee": wish.assignee or ""}
    if wish.until is not None:
        said["until"] = wish.until.isoformat()
    return {key: value for key, value in said.items() if value} or None


def _refused(refusal: Refusal) -> Conflict:
    return Conflict(say(f"refusal.{refusal.value}", "en"), refusal=refusal.value)

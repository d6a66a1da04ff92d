"""From what was stored to alerts that are stored, shown and acknowledged."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from alerts.alert import Fingerprint, OpenAlert, State, Transition, TransitionReason
from alerts.engine import Engine
from alerts.lifecycle import SHOWN, Life, Move, Refusal, apply_move, condition, follow, verb_for
from alerts.owed import Overdue, judge_owed
from alerts.rule import MissingReport, Rule, Threshold
from alerts.rule_reading import decode_rule
from alerts.selection import SeriesFacts
from alerts.silence import FeedFacts
from ioc.catalogue import Language, has, number, say
from ioc.clock import Clock
from ioc.errors import Conflict, NotFound, Unavailable
from ioc.ids import uuid7
from ioc.live.feeds import FeedHealth
from ioc.live.latest import NEVER, Latest
from ioc.live.state import LiveState
from ioc.live.topic import Change, LogTopic
from ioc.live.wire import AlertItem, Place, Text, UnitRef, encoder
from ioc.model import (
    SEVERITY_RANK,
    Columns,
    Domain,
    Feed,
    Series,
    Severity,
    from_micros,
    to_micros,
)
from ioc.org import Organisation, answers_for
from ioc.store import alerts, audit
from ioc.store.alerts import AlertRow, LogRow, Overtaken
from ioc.store.city import Described
from ioc.store.flush import Flushed, Part
from ioc.store.pool import ReadPool, WritePool
from ioc.store.registry import Made, Registry

log = logging.getLogger(__name__)

ENGINE: Final = "engine"
"""The actor of changes that no person made."""

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
        topic: LogTopic,
        writes: WritePool,
        clock: Clock,
        changed: Callable[[LogTopic, set[str]], None],
        zone: str = "UTC",
        judges: bool = True,
    ) -> None:
        """Start without rules; `changed` is told of the topic and of layers that changed colour.

        Without `judges` the engine is another process's: alerts are shown and moved by people.
        """
        self._judges = judges
        self._zone = ZoneInfo(zone)
        self._registry = registry
        self._state = state
        self._health = health
        self._latest = latest
        self._topic = topic
        self._writes = writes
        self._clock = clock
        self._changed = changed
        self._lock = asyncio.Lock()
        self._rules: dict[str, Rule] = {}
        self._rows: dict[UUID, AlertRow] = {}
        self._open: dict[str, UUID] = {}
        self._units: Mapping[int, str] = {}
        self._unit_keys: Mapping[str, int] = {}
        self._unit_names: Mapping[str, str] = {}
        self._organisation = Organisation([])
        self._coloured: set[str] = set()
        self._engine = Engine([])
        self._reads: ReadPool

    async def load(self, reads: ReadPool, city: Described) -> None:
        """Take rules and open alerts from the store, and look at the newest values with them."""
        now = self._clock.now()
        names = city.organisation.as_of(now.date())
        self._organisation = city.organisation
        self._unit_names = {unit: version.short_name for unit, version in names.items()}
        self._units = city.unit_keys
        self._unit_keys = {unit: key for key, unit in city.unit_keys.items()}
        self._rules = {id: decode_rule(id, doc) for id, doc in city.rules.items()}
        self._reads = reads
        offset, tail = await alerts.log_tail(
            reads, since=now - timedelta(days=alerts.LOG_DAYS), limit=MOST_TAIL
        )
        # After the log: an alert that changes in between comes again, as it then stands.
        rows = await alerts.not_closed(reads)
        self._rows = {row.alert_id: row for row in rows}
        self._open = {row.fingerprint: row.alert_id for row in rows if row.state != "cleared"}
        known = (self._latest.time != NEVER) & (self._latest.flags == 0)
        ids = np.flatnonzero(known).astype(np.int32)
        newest = Columns(ids, self._latest.time[ids], self._latest.value[ids])
        self._engine = Engine(
            self._rules.values(),
            self._series_facts(self._registry.series.values()),
            self._feed_facts(),
            [_open_alert(r) for r in rows if r.state != "cleared" and r.kind != OWED],
            latest=newest,
        )
        shown = [(str(r.alert_id), encoder.encode(self.item(r))) for r in rows if _shown(r)]
        changes = [Change(o, verb, str(alert), item) for o, verb, alert, item in tail]
        self._topic.load(shown, changes, offset)
        self._colour()
        if self._judges:
            await self._store(self._engine.observe(newest, to_micros(now)))

    async def follow(self) -> None:
        """Take what other processes have changed."""
        async with self._lock:
            await self._catch_up()

    async def _catch_up(self) -> None:
        layers: set[str] = set()
        while True:
            log_rows, rows = await alerts.changed_after(
                self._reads, self._topic.offset, limit=MOST_TAIL
            )
            if not log_rows:
                break
            for row in rows:
                self._take(row)
            for offset, verb, alert, item in log_rows:
                self._topic.apply(Change(offset, verb, str(alert), item))
            layers |= self._colour()
        self._changed(self._topic, layers)

    def _take(self, row: AlertRow) -> None:
        """Take an alert as another process left it."""
        if row.closed_at is None:
            self._rows[row.alert_id] = row
        else:
            self._rows.pop(row.alert_id, None)
        if row.state != State.CLEARED:
            self._open[row.fingerprint] = row.alert_id
        elif self._open.get(row.fingerprint) == row.alert_id:
            del self._open[row.fingerprint]

    def refresh(self, made: Made | None = None) -> None:
        """Take new series, features and feeds of the registry; all of them unless told which."""
        self._engine.add_series(
            self._series_facts(self._registry.series.values() if made is None else made.series)
        )
        self._engine.replace_feeds(self._feed_facts())
        self._colour()

    def _series_facts(self, wanted: Iterable[Series]) -> list[SeriesFacts]:
        facts: list[SeriesFacts] = []
        for series in wanted:
            feed = self._registry.feeds[series.feed_key]
            feature = self._registry.features.get(series.feature)
            facts.append(
                SeriesFacts(
                    series_id=series.id,
                    feed_key=feed.key,
                    domain=feed.domain,
                    property=series.property,
                    attributes=feature.attributes if feature else {},
                    interval=series.interval or feed.interval,
                )
            )
        return facts

    def _feed_facts(self) -> list[FeedFacts]:
        return [
            FeedFacts(
                feed_key=feed.key,
                id=feed.id,
                domain=feed.domain,
                created_at=to_micros(feed.created_at),
            )
            for feed in self._registry.feeds.values()
        ]

    async def flushed(self, parts: Sequence[Part], flushed: Flushed) -> None:
        """Look at what has been stored; a suspect value neither raises nor clears an alert."""
        rows = flushed.changed
        if flushed.flags.any():
            rows = rows.take(flushed.flags == 0)
        if not len(rows):
            return
        async with self._lock:
            now = to_micros(self._clock.now())
            await self._store(self._engine.observe(rows, now))

    async def tick(self) -> None:
        """Look at what has not come."""
        async with self._lock:
            now = to_micros(self._clock.now())
            await self._store(self._engine.tick(now, self._health.last_received()))

    async def judge_reports(self, overdue: Sequence[Overdue]) -> None:
        """Look at which reports are overdue now."""
        async with self._lock:
            known = {
                Fingerprint(mark): _open_alert(self._rows[alert])
                for mark, alert in self._open.items()
                if self._rows[alert].kind == OWED
            }
            rules = [rule for rule in self._rules.values() if isinstance(rule, MissingReport)]
            await self._store(judge_owed(rules, overdue, known, to_micros(self._clock.now())))

    async def replace_rules(self, rules: Mapping[str, Rule]) -> None:
        """Watch by other rules from now on."""
        async with self._lock:
            self._rules = dict(rules)
            now = to_micros(self._clock.now())
            await self._store(self._engine.replace_rules(self._rules.values(), now))

    async def _store(self, transitions: Sequence[Transition]) -> None:
        """Keep what the engine says before anything else is done; waits out a lost database."""
        if not transitions:
            return
        while True:
            try:
                await self._store_once(transitions)
            except Overtaken:
                await self._catch_up_patiently()
            else:
                return

    async def _store_once(self, transitions: Sequence[Transition]) -> None:
        now = self._clock.now()
        changes: list[tuple[AlertRow, LogRow]] = []
        rows = dict(self._rows)
        opened = dict(self._open)
        for move in transitions:
            before = rows.get(opened[move.fingerprint]) if move.fingerprint in opened else None
            after = self._after(move, before, now)
            verb = verb_for(None if before is None else _life(before), _life(after))
            item = encoder.encode(self.item(after))
            changes.append((after, _log(after, move.reason.value, ENGINE, "", verb, item, now)))
            rows[after.alert_id] = after
            if after.state == State.CLEARED:
                opened.pop(move.fingerprint, None)
            else:
                opened[move.fingerprint] = after.alert_id
        offsets = await self._save_patiently(changes)
        self._rows = {key: row for key, row in rows.items() if row.closed_at is None}
        self._open = opened
        self._publish(changes, offsets)

    async def _save_patiently(self, changes: list[tuple[AlertRow, LogRow]]) -> list[int]:
        while True:
            try:
                async with self._writes.connection() as conn:
                    return await alerts.save(conn, changes, after=self._topic.offset)
            except Unavailable:
                log.warning("the database is away; transitions of alerts wait")
                await asyncio.sleep(0.5)

    async def _catch_up_patiently(self) -> None:
        while True:
            try:
                return await self._catch_up()
            except Unavailable:
                await asyncio.sleep(0.5)

    def _publish(self, changes: list[tuple[AlertRow, LogRow]], offsets: list[int]) -> None:
        for (row, entry), offset in zip(changes, offsets, strict=True):
            self._topic.apply(Change(offset, entry.verb, str(row.alert_id), entry.item))
        self._changed(self._topic, self._colour())

    def _after(self, move: Transition, before: AlertRow | None, now: datetime) -> AlertRow:
        rule = self._rules.get(move.rule)
        at = from_micros(move.at)
        life = follow(None if before is None else _life(before), move.to_state, at)
        if before is None:
            before = AlertRow(
                alert_id=uuid7(now),
                fingerprint=move.fingerprint,
                rule_id=move.rule,
                kind=_kind(move),
                severity=rule.severity.value if rule else Severity.LOW.value,
                series_id=move.series,
                feed_key=move.feed_key,
                unit_key=self._responsible(move),
                state=life.state.value,
                pending_since=from_micros(move.pending_since),
                reason=move.reason.value,
            )
        keep_level = move.to_state is State.CLEARED
        return replace(
            before,
            state=life.state.value,
            active_since=life.active_since,
            cleared_at=life.cleared_at,
            closed_at=life.closed_at,
            value=before.value if move.value is None else move.value,
            level=before.level if keep_level or move.level is None else move.level,
            value_time=before.value_time
            if move.value_time is None
            else from_micros(move.value_time),
            reason=move.reason.value,
        )

    def _responsible(self, move: Transition) -> int | None:
        """Who answers for an alert: the unit that owes, else the agency whose feed it is."""
        if move.unit is not None:
            return self._unit_keys.get(move.unit)
        feed = self._feed(move.series, move.feed_key)
        return None if feed is None else feed.agency_key

    def _feed(self, series: int | None, feed_key: int | None) -> Feed | None:
        if series is not None and series in self._registry.series:
            feed_key = self._registry.series[series].feed_key
        return None if feed_key is None else self._registry.feeds.get(feed_key)

    def _feature_of(self, row: AlertRow) -> str | None:
        series = None if row.series_id is None else self._registry.series.get(row.series_id)
        return None if series is None else series.feature or None

    def _colour(self) -> set[str]:
        """Show on each feature the worst of its active alerts; returns the layers that changed."""
        worst: dict[str, Severity] = {}
        for row in self._rows.values():
            feature = self._feature_of(row)
            if row.state != State.ACTIVE or feature is None:
                continue
            severity = Severity(row.severity)
            if feature not in worst or SEVERITY_RANK[severity] < SEVERITY_RANK[worst[feature]]:
                worst[feature] = severity
        layers: set[str] = set()
        for feature in worst.keys() | self._coloured:
            layer = self._state.set_severity(feature, worst.get(feature))
            if layer is not None:
                layers.add(layer)
        self._coloured = set(worst)
        return layers

    async def move(
        self, alert: UUID, move: Move, *, who: str, comment: str, source: str
    ) -> AlertItem:
        """Do what a person asks with an alert; returns the alert after it.

        Raises `NotFound` for an alert that is not open, and `Conflict` with the reason where the
        move is not allowed.
        """
        async with self._lock:
            while True:
                try:
                    return await self._move_once(alert, move, who, comment, source)
                except Overtaken:
                    await self._catch_up()

    async def _move_once(
        self, alert: UUID, move: Move, who: str, comment: str, source: str
    ) -> AlertItem:
        row = self._rows.get(alert)
        if row is None:
            raise NotFound("there is no open alert of that id; it may have closed by now")
        now = self._clock.now()
        before = _life(row)
        outcome = apply_move(before, move, who=who, now=now)
        if outcome.refusal is not None:
            raise _refused(outcome.refusal)
        life = outcome.life
        if life == before:
            return self.item(row)
        after = replace(
            row,
            acknowledged_at=life.acknowledged_at,
            acknowledged_by=life.acknowledged_by,
            closed_at=life.closed_at,
            comments=life.comments,
        )
        item = self.item(after)
        entry = _log(
            after, move.value, who, comment, verb_for(before, life), encoder.encode(item), now
        )
        async with self._writes.connection() as conn:
            offsets = await alerts.save(conn, [(after, entry)], after=self._topic.offset)
            await audit.record(
                conn,
                now=now,
                actor=who,
                source=source,
                action=f"alert.{move.value}",
                subject=str(alert),
                after={"comment": comment} if comment else None,
            )
        if after.closed_at is None:
            self._rows[alert] = after
        else:
            del self._rows[alert]
        self._publish([(after, entry)], offsets)
        return item

    def open_items(self) -> list[AlertItem]:
        """The alerts that are shown, worst and longest first."""
        rows = [row for row in self._rows.values() if _shown(row)]
        rows.sort(key=lambda r: (SEVERITY_RANK[Severity(r.severity)], r.active_since))
        return [self.item(row) for row in rows]

    def item(self, row: AlertRow) -> AlertItem:
        """The alert as it is shown."""
        rule = self._rules.get(row.rule_id)
        feed = self._feed(row.series_id, row.feed_key)
        unit = None if row.unit_key is None else self._units.get(row.unit_key)
        series = None if row.series_id is None else self._registry.series.get(row.series_id)
        name = Text(rule.name.vi, rule.name.en) if rule else Text(row.rule_id, row.rule_id)
        return AlertItem(
            id=str(row.alert_id),
            rule=row.rule_id,
            kind=row.kind,
            severity=Severity(row.severity),
            title=name,
            reason=Text(self._reason(row, rule, "vi"), self._reason(row, rule, "en")),
            state="cleared" if row.state == State.CLEARED else "active",
            acknowledged=row.acknowledged_at is not None,
            acknowledged_by=row.acknowledged_by,
            acknowledged_at=row.acknowledged_at,
            since=row.active_since or row.pending_since,
            cleared_at=row.cleared_at,
            place=self._place(row, feed, unit),
            unit=None if unit is None else UnitRef(unit, self._unit_names.get(unit, unit)),
            domain=_domain(rule, feed),
            feed=feed.id if feed else None,
            series=row.series_id,
            value=row.value,
            level=row.level,
            uom=series.uom if series else None,
            value_time=row.value_time,
            comments=row.comments,
        )

    def _place(self, row: AlertRow, feed: Feed | None, unit: str | None) -> Place:
        key = self._feature_of(row)
        feature = None if key is None else self._state.feature(key)
        if feature is None:
            named = self._unit_names.get(unit, unit) if unit and row.kind == OWED else ""
            return Place(None, feed.name if feed else named, None)
        geometry = feature.geometry
        point = None
        if geometry is not None and geometry["type"] == "Point":
            point = (geometry["coordinates"][0], geometry["coordinates"][1])
        return Place(feature.id, feature.name, point)

    def _reason(self, row: AlertRow, rule: Rule | None, language: Language) -> str:
        """Why the alert stands as it does, in words."""
        series = None if row.series_id is None else self._registry.series.get(row.series_id)
        prop = series.property if series else ""
        named = f"property.{prop}"
        values = {
            "property": say(named, language) if has(named) else prop,
            "value": row.value,
            "uom": shown_uom(series.uom if series else None, language),
            "level": row.level,
        }
        if isinstance(rule, Threshold):
            if row.state == State.CLEARED and row.reason == TransitionReason.LEVEL_CLEARED:
                return say("alert.level_cleared", language, **values).strip()
            if row.reason in _BREACHED:
                sentence = say(
                    "alert.above" if rule.sign > 0 else "alert.below", language, **values
                )
                if rule.hold_us:
                    held = duration(rule.hold.total_seconds(), language)
                    sentence += ", " + say("alert.held", language, hold=held)
                return sentence
        if row.kind == OWED:
            return self._owed_reason(row, language)
        level = None if row.level is None else duration(row.level, language)
        return say(f"alert.{row.reason}", language, level=level)

    def _owed_reason(self, row: AlertRow, language: Language) -> str:
        """Who owes what since when, and whom to call."""
        if row.reason != TransitionReason.REPORT_OVERDUE:
            return say(f"alert.{row.reason}", language)
        unit = self._units.get(row.unit_key or 0, "")
        due_at = row.value_time or row.pending_since
        answers = answers_for(self._organisation, unit, due_at.astimezone(self._zone).date())
        sentence = say(
            "alert.report_overdue",
            language,
            unit=self._unit_names.get(unit, unit),
            due=f"{due_at.astimezone(self._zone):%H:%M %d/%m/%Y}",
        )
        if answers is None:
            return sentence
        contact = answers.contact
        named = [part for part in (contact.post, contact.name, contact.phone) if part]
        return f"{sentence}; {', '.join(named)}" if named else sentence


OWED: Final = "missing_report"
"""The kind of alerts about reports that are owed; the engine knows nothing of them."""

_BREACHED = (TransitionReason.BREACH_BEGAN, TransitionReason.HELD)

_UOMS = {
    "{veh}/h": "vehicles",
    "{beds}": "beds",
    "{customers}": "customers",
    "{calls}/h": "calls",
    "{cases}": "cases",
}


def shown_uom(uom: str | None, language: Language) -> str:
    """A UCUM code as people write it."""
    if uom is None or uom == "1":
        return ""
    if uom in _UOMS:
        per_hour = "/h" if uom.endswith("/h") else ""
        return say(f"uom.{_UOMS[uom]}", language) + per_hour
    return {"ug/m3": "µg/m³", "Cel": "°C", "m3/s": "m³/s"}.get(uom, uom)


def duration(seconds: float, language: Language) -> str:
    """A length of time in the largest unit that fits."""
    for unit, length in (("days", 86_400), ("hours", 3_600)):
        if seconds >= length and seconds % length == 0:
            return say(f"duration.{unit}", language, n=number(seconds / length, language, 0))
    return say("duration.minutes", language, n=number(seconds / 60, language))


def _kind(move: Transition) -> str:
    if move.unit is not None:
        return OWED
    return "threshold" if move.series is not None else "missing"


def _domain(rule: Rule | None, feed: Feed | None) -> str:
    """The domain of an alert: that of its feed, or of the rule about reports."""
    if isinstance(rule, MissingReport):
        return rule.domain.value
    return feed.domain.value if feed else Domain.IT.value


def _refused(refusal: Refusal) -> Conflict:
    return Conflict(say(f"refusal.{refusal.value}", "en"), refusal=refusal.value)


def _life(row: AlertRow) -> Life:
    return Life(
        state=State(row.state),
        active_since=row.active_since,
        cleared_at=row.cleared_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        closed_at=row.closed_at,
        comments=row.comments,
    )


def _shown(row: AlertRow) -> bool:
    return row.closed_at is None and condition(_life(row)) in SHOWN


def _open_alert(row: AlertRow) -> OpenAlert:
    return OpenAlert(
        fingerprint=Fingerprint(row.fingerprint),
        rule=row.rule_id,
        series=row.series_id,
        feed_key=row.feed_key,
        state=State(row.state),
        pending_since=to_micros(row.pending_since),
        active_since=None if row.active_since is None else to_micros(row.active_since),
    )


def _log(
    row: AlertRow, change: str, actor: str, comment: str, verb: str, item: bytes, now: datetime
) -> LogRow:
    return LogRow(
        alert_id=row.alert_id,
        at=now,
        change=change,
        actor=actor,
        comment=comment,
        verb=verb,
        item=item,
    )

"""From alerts as they stand to letters in the outbox; nothing is sent here."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from alerts.alert import State
from alerts.channel import Message
from alerts.roster import Duty, Roster
from alerts.route import Facts, Notice, Plan, Reason, Verdict, decide
from ioc.flow.alert_draft import ENGINE
from ioc.flow.alert_items import AlertItems, is_exercise
from ioc.live.wire import AlertItem
from ioc.model import Severity, Text
from ioc.procedures.calendar import Calendar
from ioc.store import outbox, roster, untold
from ioc.store.alerts import AlertRow
from ioc.store.outbox import Letter, ToldRow
from ioc.store.pool import ReadPool


@dataclass(slots=True)
class Drawn:
    """What is decided of some alerts, before it is stored."""

    letters: list[Letter] = field(default_factory=list[Letter])
    notices: list[tuple[UUID, Notice]] = field(default_factory=list[tuple[UUID, Notice]])
    looks: dict[UUID, datetime | None] = field(default_factory=dict[UUID, datetime | None])
    untold: dict[UUID, Reason | None] = field(default_factory=dict[UUID, Reason | None])
    """Why alerts tell nobody anew, of those of which that has changed."""


class Telling:
    """Knows what was told of open alerts, and decides what more is; `keep` follows a commit."""

    def __init__(self, items: AlertItems, zone: str) -> None:
        """Know nobody yet; `load` brings routes and people."""
        self._items = items
        self._zone = ZoneInfo(zone)
        self._plan = Plan()
        self._duty = Duty(Roster(), Calendar(), self._zone)
        self._told: dict[UUID, list[Notice]] = {}
        self._pace: dict[str, list[datetime]] = defaultdict(list)
        self._rows: dict[UUID, AlertRow] = {}
        self._looks: dict[UUID, datetime | None] = {}
        self._soonest: list[tuple[datetime, UUID]] = []
        self._exercises = frozenset[UUID]()
        self._untold: dict[UUID, Reason] = {}

    async def load(
        self, reads: ReadPool, calendar: Calendar, rows: Iterable[AlertRow], now: datetime
    ) -> None:
        """Take routes, people, and what was told; all open alerts are looked at anew."""
        plan, people = await roster.read(reads)
        duty = Duty(people, calendar, self._zone)
        told = [(row.alert_id, _notice(row)) for row in await outbox.told(reads)]
        pace = await outbox.pace(reads, now - plan.limit.within)
        self._exercises = await outbox.exercises(reads)
        why = await untold.of_open(reads)
        self.take(
            plan, duty, rows, now, told=told, pace=pace,
            why={alert: Reason(reason) for alert, reason in why.items()},
        )  # fmt: skip

    def take(
        self,
        plan: Plan,
        duty: Duty,
        rows: Iterable[AlertRow],
        now: datetime,
        *,
        told: Iterable[tuple[UUID, Notice]] = (),
        pace: Iterable[tuple[str, datetime]] = (),
        why: Mapping[UUID, Reason] | None = None,
    ) -> None:
        """Decide by these from now on, after what was told of which alert, and when to whom."""
        self._plan, self._duty = plan, duty
        self._told = {}
        for alert, notice in told:
            self._told.setdefault(alert, []).append(notice)
        self._pace = defaultdict(list)
        for person, at in pace:
            self._pace[person].append(at)
        self._untold = dict(why or {})
        self._rows, self._looks, self._soonest = {}, {}, []
        for row in rows:
            self.follow(row, now)

    def follow(self, row: AlertRow, now: datetime) -> None:
        """Note that an alert stands so; it is looked at next time."""
        if row.active_since is not None and self._plan.routes:
            self._rows[row.alert_id] = row
            self._look(row.alert_id, now)

    def _look(self, alert: UUID, at: datetime | None) -> None:
        self._looks[alert] = at
        if at is not None:
            heappush(self._soonest, (at, alert))

    def is_due(self, now: datetime) -> bool:
        """Whether any alert is to be looked at because of the time."""
        soonest = self._soonest
        while soonest and self._looks.get(soonest[0][1]) != soonest[0][0]:
            heappop(soonest)
        return bool(soonest) and soonest[0][0] <= now

    async def due(self, reads: ReadPool, now: datetime) -> Drawn:
        """What is told now of alerts whose time has come."""
        self._exercises = await outbox.exercises(reads)
        due: dict[UUID, datetime] = {}
        while self.is_due(now):
            at, alert = heappop(self._soonest)
            due[alert] = at
        # They stay due until what is drawn of them has been stored.
        for alert, at in due.items():
            heappush(self._soonest, (at, alert))
        return self.draw([self._rows[alert] for alert in due], now)

    def draw(self, rows: Iterable[AlertRow], now: datetime) -> Drawn:
        """What is told of alerts as they stand; nothing is noted yet."""
        drawn = Drawn()
        pace = {person: list(times) for person, times in self._pace.items()}
        for row in rows:
            if row.active_since is None or not self._plan.routes:
                continue
            verdict = self._decide(row, row.active_since, pace, now)
            drawn.looks[row.alert_id] = verdict.look_at
            if verdict.silent is not self._untold.get(row.alert_id):
                drawn.untold[row.alert_id] = verdict.silent
            if not verdict.notices:
                continue
            message = _message(self._items.item(row))
            for notice in verdict.notices:
                if not notice.lost:
                    pace.setdefault(notice.person, []).append(notice.due)
                drawn.notices.append((row.alert_id, notice))
                drawn.letters.append(_letter(row.alert_id, notice, message, now))
        return drawn

    def keep(self, drawn: Drawn, now: datetime) -> None:
        """Note what has been stored, and forget alerts that are closed."""
        for alert, notice in drawn.notices:
            self._told.setdefault(alert, []).append(notice)
            if not notice.lost:
                self._pace[notice.person].append(notice.due)
        for alert, reason in drawn.untold.items():
            if reason is None:
                self._untold.pop(alert, None)
            else:
                self._untold[alert] = reason
        since = now - self._plan.limit.within
        for person in {notice.person for _, notice in drawn.notices}:
            self._pace[person] = sorted(at for at in self._pace[person] if at > since)
        for alert, look_at in drawn.looks.items():
            row = self._rows.get(alert)
            if row is not None and row.closed_at is not None:
                for kept in (self._rows, self._looks, self._told, self._untold):
                    kept.pop(alert, None)
            elif row is not None:
                self._look(alert, look_at)

    def _decide(
        self, row: AlertRow, since: datetime, pace: Mapping[str, list[datetime]], now: datetime
    ) -> Verdict:
        facets = self._items.facets(row)
        answers = self._items.answers(facets.unit)
        facts = Facts(
            severity=Severity(row.severity),
            domain=facets.domain,
            active_since=since,
            zones=facets.zones | frozenset(answers),
            answers=answers,
            cleared=row.state == State.CLEARED,
            acknowledged=row.acknowledged_at is not None,
            muted=row.muted is not None,
            shelved=row.shelved_until is not None,
            noted=row.noted,
            flapping=row.flapping,
            exercise=row.alert_id in self._exercises or is_exercise(row),
        )
        return decide(facts, self._plan, self._duty, self._told.get(row.alert_id, ()), pace, now)


def _notice(row: ToldRow) -> Notice:
    return Notice(
        stage=row.stage,
        person=row.person,
        channel=row.channel,
        reason=Reason(row.reason),
        due=row.due_at,
        held=None if row.held is None else Reason(row.held),
        lost=row.withheld,
    )


def _letter(alert: UUID, notice: Notice, message: dict[str, Any], now: datetime) -> Letter:
    return Letter(
        alert_id=alert,
        stage=notice.stage,
        person=notice.person,
        channel=notice.channel,
        reason=notice.reason.value,
        held=None if notice.held is None else notice.held.value,
        message=message,
        state="withheld" if notice.lost else "waiting",
        due_at=notice.due,
        created_at=now,
        created_by=ENGINE,
    )


def _message(item: AlertItem) -> dict[str, Any]:
    message = Message(
        alert=item.id,
        matter=item.matter,
        title=Text(item.title.vi, item.title.en),
        reason=Text(item.reason.vi, item.reason.en),
        place=item.place.name,
        unit=item.unit.name if item.unit else "",
        severity=item.severity.value,
        since=item.since,
        cleared_at=item.cleared_at,
    )
    return msgspec.json.decode(msgspec.json.encode(message), type=dict[str, Any])

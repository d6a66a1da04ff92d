"""From transitions of the engine to alerts as they are stored, and back."""

from dataclasses import replace
from datetime import datetime

from alerts.alert import Fingerprint, OpenAlert, State, Transition, series_fingerprint
from alerts.lifecycle import follow
from alerts.pairs import LateBreach
from alerts.rule import Rule
from ioc.flow.alert_draft import life_of, with_life
from ioc.flow.alert_items import OWED, AlertItems
from ioc.ids import uuid7
from ioc.model import Severity, from_micros, to_micros
from ioc.store.alerts import AlertRow


def moved(items: AlertItems, move: Transition, before: AlertRow | None, now: datetime) -> AlertRow:
    """The alert after a transition of the engine; a new one where nothing was open."""
    rule = items.rules.get(move.rule)
    at = from_micros(move.at)
    life = follow(None if before is None else life_of(before), move.to_state, at)
    if before is None:
        before = AlertRow(
            alert_id=uuid7(now),
            fingerprint=move.fingerprint,
            rule_id=move.rule,
            kind=kind_of(rule, move),
            severity=rule.severity.value if rule else Severity.LOW.value,
            series_id=move.series,
            feed_key=move.feed_key,
            unit_key=responsible(items, move.unit, move.series, move.feed_key),
            state=life.state.value,
            pending_since=from_micros(move.pending_since),
            reason=move.reason.value,
            subject=move.subject,
        )
    keep_level = move.to_state is State.CLEARED
    return replace(
        with_life(before, life),
        value=before.value if move.value is None else move.value,
        level=before.level if keep_level or move.level is None else move.level,
        value_time=before.value_time if move.value_time is None else from_micros(move.value_time),
        reason=move.reason.value,
        clearing_since=None if move.clearing is None else from_micros(move.clearing),
    )


def responsible(
    items: AlertItems, unit: str | None, series: int | None, feed_key: int | None
) -> int | None:
    """Who answers for an alert: the unit that owes, else the agency whose feed it is."""
    if unit is not None:
        return items.unit_keys.get(unit)
    feed = items.feed(series, feed_key)
    return None if feed is None else feed.agency_key


def noted(items: AlertItems, note: LateBreach, now: datetime) -> AlertRow:
    """An alert that nobody saw, because what it is about came late: past from the first."""
    at = from_micros(note.at)
    rule = items.rules.get(note.rule)
    return AlertRow(
        alert_id=uuid7(now),
        fingerprint=series_fingerprint(note.rule, note.series),
        rule_id=note.rule,
        kind="threshold",
        severity=(rule.severity if rule else Severity.LOW).value,
        series_id=note.series,
        feed_key=note.feed_key,
        unit_key=responsible(items, None, note.series, None),
        state=State.CLEARED.value,
        pending_since=at,
        active_since=at,
        cleared_at=at,
        closed_at=now,
        value=note.value,
        level=note.level,
        value_time=at,
        reason="breach_began",
        noted=True,
    )


def open_alert(row: AlertRow) -> OpenAlert:
    """The alert as the engine goes on with it."""
    return OpenAlert(
        fingerprint=Fingerprint(row.fingerprint),
        rule=row.rule_id,
        series=row.series_id,
        feed_key=row.feed_key,
        state=State(row.state),
        pending_since=to_micros(row.pending_since),
        active_since=None if row.active_since is None else to_micros(row.active_since),
        subject=row.subject,
        clearing=None if row.clearing_since is None else to_micros(row.clearing_since),
    )


def kind_of(rule: Rule | None, move: Transition) -> str:
    """The kind of an alert: that of its rule."""
    if move.unit is not None and move.subject is None:
        return OWED
    if rule is not None:
        return str(rule.__struct_config__.tag)
    return "threshold" if move.series is not None else "missing"


def stood_at(row: AlertRow, at: datetime) -> bool:
    """Whether an alert was pending or active at a time."""
    return row.pending_since <= at and (row.cleared_at is None or at <= row.cleared_at)

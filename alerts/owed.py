"""Reports that are overdue in, transitions of alerts out: one alert per rule, obligation, unit."""

from collections.abc import Iterable, Mapping

import msgspec

from alerts.alert import (
    Fingerprint,
    OpenAlert,
    State,
    Transition,
    TransitionReason,
    report_fingerprint,
)
from alerts.rule import MissingReport


class Overdue(msgspec.Struct, frozen=True):
    """A report that a unit has not handed in by its deadline, in µs since 1970."""

    obligation: str
    unit: str
    due_at: int


def judge_owed(
    rules: Iterable[MissingReport],
    overdue: Iterable[Overdue],
    open_alerts: Mapping[Fingerprint, OpenAlert],
    now_us: int,
) -> list[Transition]:
    """What the overdue reports change; `open_alerts` are those about reports.

    An alert stays while the unit owes anything by the obligation, and ends when it does not.
    """
    by_id = {rule.id: rule for rule in rules}
    wanted = {
        report_fingerprint(rule.id, owed.obligation, owed.unit): (rule, owed)
        for owed in overdue
        for rule in by_id.values()
        if rule.obligation in (None, owed.obligation)
    }
    raised = [
        _raised(mark, rule.id, owed)
        for mark, (rule, owed) in wanted.items()
        if mark not in open_alerts
    ]
    ended = [
        _ended(alert, alert.rule in by_id, now_us)
        for mark, alert in open_alerts.items()
        if mark not in wanted
    ]
    return [*ended, *raised]


def _raised(mark: Fingerprint, rule: str, owed: Overdue) -> Transition:
    return Transition(
        fingerprint=mark,
        rule=rule,
        series=None,
        feed_key=None,
        from_state=None,
        to_state=State.ACTIVE,
        reason=TransitionReason.REPORT_OVERDUE,
        at=owed.due_at,
        pending_since=owed.due_at,
        value_time=owed.due_at,
        unit=owed.unit,
    )


def _ended(alert: OpenAlert, watched: bool, now_us: int) -> Transition:
    removed, came = TransitionReason.RULE_REMOVED, TransitionReason.REPORT_CAME
    return Transition(
        fingerprint=alert.fingerprint,
        rule=alert.rule,
        series=None,
        feed_key=None,
        from_state=alert.state,
        to_state=State.CLEARED,
        reason=came if watched else removed,
        at=now_us,
        pending_since=alert.pending_since,
    )

"""Figures of indicators in, transitions of alerts out: one alert per rule and unit."""

from collections.abc import Iterable, Mapping

import msgspec

from alerts.alert import (
    Fingerprint,
    OpenAlert,
    State,
    Transition,
    TransitionReason,
    fingerprint,
    step,
)
from alerts.rule import Behind

COURSES: Mapping[str, frozenset[str]] = {
    "at_risk": frozenset({"at_risk", "off_track"}),
    "off_track": frozenset({"off_track"}),
}
"""What is off the track is at risk as well."""


class FigureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A figure as rules look at it; `is_province` where it is the whole province's.

    `value` is in the indicator's own uom, None where there is none; `standing` and `course` are
    against the target. `at` is when it was computed, in µs since 1970.
    """

    indicator: str
    unit: str
    is_province: bool
    value: float | None
    standing: str
    course: str | None
    at: int


def judge_figures(
    rules: Iterable[Behind],
    figures: Iterable[FigureFacts],
    open_alerts: Mapping[Fingerprint, OpenAlert],
) -> list[Transition]:
    """What the figures change; `open_alerts` are those about figures.

    An alert whose figure is not among them stays as it is: a board that cannot be computed is no
    reason to say that all is well. Where its rule is gone it ends.
    """
    watching: dict[str, list[Behind]] = {}
    for rule in rules:
        watching.setdefault(rule.indicator, []).append(rule)
    known = {rule.id for those in watching.values() for rule in those}
    moves: list[Transition] = []
    latest = 0
    for figure in figures:
        latest = max(latest, figure.at)
        for rule in watching.get(figure.indicator, ()):
            if (rule.units == "province") != figure.is_province:
                continue
            mark = fingerprint(rule.id, subject_of(figure))
            move = _judged(rule, figure, open_alerts.get(mark))
            if move is not None:
                moves.append(move)
    gone = [alert for alert in open_alerts.values() if alert.rule not in known]
    return [*(_ended(alert, latest) for alert in gone), *moves]


def subject_of(figure: FigureFacts) -> str:
    """What an alert about a figure is about."""
    return f"figure:{figure.indicator}:{figure.unit}"


def _judged(rule: Behind, figure: FigureFacts, alert: OpenAlert | None) -> Transition | None:
    beyond, clear = _stands(rule, figure)
    after = step(
        None if alert is None else alert.state,
        figure.at if alert is None else alert.pending_since,
        beyond=beyond,
        clear=clear,
        fresh=True,
        time=figure.at,
        hold=rule.hold_us,
        clearing=None if alert is None else alert.clearing,
        clear_hold=rule.clear_hold_us,
    )
    if after.reason is None:
        return None
    reason = after.reason
    if reason in (TransitionReason.BREACH_BEGAN, TransitionReason.HELD):
        reason = TransitionReason.FIGURE_BEYOND
    elif reason is TransitionReason.LEVEL_CLEARED:
        reason = TransitionReason.FIGURE_BACK
    level = rule.below if rule.above is None else rule.above
    return Transition(
        fingerprint=fingerprint(rule.id, subject_of(figure)),
        rule=rule.id,
        series=None,
        feed_key=None,
        from_state=None if alert is None else alert.state,
        to_state=after.state or State.CLEARED,
        reason=reason,
        at=figure.at,
        pending_since=after.since,
        value=figure.value,
        level=level if isinstance(level, float) else None,
        value_time=figure.at,
        unit=figure.unit,
        subject=subject_of(figure),
        clearing=after.clearing,
    )


def _stands(rule: Behind, figure: FigureFacts) -> tuple[bool, bool]:
    """Whether a figure is beyond what the rule allows, and whether it is clear of it again."""
    if rule.standing is not None:
        behind = figure.standing == rule.standing
        return behind, not behind
    if rule.course is not None:
        known = figure.course not in (None, "unknown")
        off = figure.course in COURSES[rule.course]
        return off, known and not off
    if figure.value is None or isinstance(rule.level, str) or isinstance(rule.clear, str):
        return False, False
    signed, level = figure.value * rule.sign, rule.level * rule.sign
    clear = level if rule.clear is None else rule.clear * rule.sign
    return signed > level, signed <= clear


def _ended(alert: OpenAlert, at: int) -> Transition:
    return Transition(
        fingerprint=alert.fingerprint,
        rule=alert.rule,
        series=None,
        feed_key=None,
        from_state=alert.state,
        to_state=State.CLEARED,
        reason=TransitionReason.RULE_REMOVED,
        at=max(at, alert.pending_since),
        pending_since=alert.pending_since,
        subject=alert.subject,
    )

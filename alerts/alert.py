"""What an alert is, and the only ways in which observations and silence change it."""

from enum import StrEnum
from typing import NamedTuple, NewType

import msgspec

Fingerprint = NewType("Fingerprint", str)


class State(StrEnum):
    """Where an occurrence of an alert stands by what was observed; cleared is the end of it."""

    PENDING = "pending"
    ACTIVE = "active"
    CLEARED = "cleared"


class TransitionReason(StrEnum):
    """Why an alert changed; the key of its sentence in the catalogue."""

    BREACH_BEGAN = "breach_began"
    HELD = "held"
    BREACH_ENDED_BEFORE_HOLD = "breach_ended_before_hold"
    CLEARING_BEGAN = "clearing_began"
    CLEARING_BROKE_OFF = "clearing_broke_off"
    LEVEL_CLEARED = "level_cleared"
    SERIES_SILENT = "series_silent"
    SERIES_RESUMED = "series_resumed"
    FEED_SILENT = "feed_silent"
    FEED_NEVER_SPOKE = "feed_never_spoke"
    FEED_RESUMED = "feed_resumed"
    REPORT_OVERDUE = "report_overdue"
    REPORT_CAME = "report_came"
    FIGURE_BEYOND = "figure_beyond"
    FIGURE_BACK = "figure_back"
    RULE_REMOVED = "rule_removed"
    NO_LONGER_APPLIES = "no_longer_applies"


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one alert; times are µs since 1970 in UTC, in event time.

    `from_state` is None where an occurrence begins. `level` is the level of the breach: in the
    series' own uom, or the tolerated silence in seconds for a feed. `value_time` is the time of
    the observation that decided, or of the last that was heard from a silent feed, or when a
    report was due; `unit` owes it. `subject` names what the alert is about where that is neither
    a series nor a feed: a feature, a zone, a tag, a figure. `clearing` is since when it has been
    clear while the alert still stands, None where it is not.
    """

    fingerprint: Fingerprint
    rule: str
    series: int | None
    feed_key: int | None
    from_state: State | None
    to_state: State
    reason: TransitionReason
    at: int
    pending_since: int
    value: float | None = None
    level: float | None = None
    value_time: int | None = None
    unit: str | None = None
    subject: str | None = None
    clearing: int | None = None


class OpenAlert(msgspec.Struct, frozen=True, kw_only=True):
    """A pending or active alert, as much of it as survives a restart in the store."""

    fingerprint: Fingerprint
    rule: str
    series: int | None
    feed_key: int | None
    state: State
    pending_since: int
    active_since: int | None = None
    subject: str | None = None
    clearing: int | None = None


class Step(NamedTuple):
    """What one observation makes of one alert: the state after it, and why if it changed.

    `since` is when the breach began, `clearing` since when it has been clear again.
    """

    state: State | None
    since: int
    reason: TransitionReason | None
    clearing: int | None = None


def series_fingerprint(rule_id: str, series: int) -> Fingerprint:
    """Names the alert of a rule about a series, the same in every run."""
    return fingerprint(rule_id, f"series:{series}")


def feed_fingerprint(rule_id: str, feed_id: str) -> Fingerprint:
    """Names the alert of a rule about a feed, the same in every run."""
    return fingerprint(rule_id, f"feed:{feed_id}")


def report_fingerprint(rule_id: str, obligation: str, unit: str) -> Fingerprint:
    """Names the alert of a rule about the reports that a unit owes, the same in every run."""
    return fingerprint(rule_id, f"report:{obligation}:{unit}")


def fingerprint(rule_id: str, subject: str) -> Fingerprint:
    """Names the alert of a rule about a subject: readable, and unique since slugs have no `/`."""
    return Fingerprint(f"{rule_id}/{subject}")


def step(
    state: State | None,
    since: int,
    *,
    beyond: bool,
    clear: bool,
    fresh: bool,
    time: int,
    hold: int,
    clearing: int | None = None,
    clear_hold: int = 0,
) -> Step:
    """The state after one observation; `since` is when the present breach began.

    Between `beyond` and `clear` nothing ends and the hold time goes on. Only observations prove
    that a breach holds, or that it has been clear for long enough: the passing of time alone
    never makes a pending alert active, nor ends one. What is not fresh may end an alert but
    never raises one.
    """
    if state is None:
        if not (beyond and fresh):
            return Step(None, since, None)
        begun = State.PENDING if hold else State.ACTIVE
        return Step(begun, time, TransitionReason.BREACH_BEGAN)
    if clear:
        if state is State.PENDING:
            return Step(None, since, TransitionReason.BREACH_ENDED_BEFORE_HOLD)
        if clear_hold and clearing is None:
            return Step(state, since, TransitionReason.CLEARING_BEGAN, time)
        if clear_hold and clearing is not None and time - clearing < clear_hold:
            return Step(state, since, None, clearing)
        return Step(None, since, TransitionReason.LEVEL_CLEARED)
    if clearing is not None:
        return Step(state, since, TransitionReason.CLEARING_BROKE_OFF)
    if state is State.PENDING and fresh and time - since >= hold:
        return Step(State.ACTIVE, since, TransitionReason.HELD)
    return Step(state, since, None)


def followed(alert: OpenAlert | None, move: Transition) -> OpenAlert | None:
    """The open alert after a transition, as a store keeps it; None once it is cleared."""
    if move.to_state is State.CLEARED:
        return None
    return OpenAlert(
        fingerprint=move.fingerprint,
        rule=move.rule,
        series=move.series,
        feed_key=move.feed_key,
        state=move.to_state,
        pending_since=alert.pending_since if alert else move.pending_since,
        active_since=_active_since(alert, move),
        subject=move.subject,
        clearing=move.clearing,
    )


def _active_since(alert: OpenAlert | None, move: Transition) -> int | None:
    if alert is not None and alert.active_since is not None:
        return alert.active_since
    return move.at if move.to_state is State.ACTIVE else None

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
    LEVEL_CLEARED = "level_cleared"
    FEED_SILENT = "feed_silent"
    FEED_NEVER_SPOKE = "feed_never_spoke"
    FEED_RESUMED = "feed_resumed"
    REPORT_OVERDUE = "report_overdue"
    REPORT_CAME = "report_came"
    RULE_REMOVED = "rule_removed"
    NO_LONGER_APPLIES = "no_longer_applies"


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one alert; times are µs since 1970 in UTC, in event time.

    `from_state` is None where an occurrence begins. `level` is the level of the breach: in the
    series' own uom, or the tolerated silence in seconds for a feed. `value_time` is the time of
    the observation that decided, or of the last that was heard from a silent feed, or when a
    report was due; `unit` owes it.
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


class OpenAlert(msgspec.Struct, frozen=True, kw_only=True):
    """A pending or active alert, as much of it as survives a restart in the store."""

    fingerprint: Fingerprint
    rule: str
    series: int | None
    feed_key: int | None
    state: State
    pending_since: int
    active_since: int | None = None


class Step(NamedTuple):
    """What one observation makes of one alert: the state after it, and why if it changed."""

    state: State | None
    since: int
    reason: TransitionReason | None


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
) -> Step:
    """The state after one observation; `since` is when the present breach began.

    Between `beyond` and `clear` nothing ends and the hold time goes on. Only observations prove
    that a breach holds: the passing of time alone never makes a pending alert active. What is
    not fresh may end an alert but never raises one.
    """
    if state is None:
        if not (beyond and fresh):
            return Step(None, since, None)
        begun = State.PENDING if hold else State.ACTIVE
        return Step(begun, time, TransitionReason.BREACH_BEGAN)
    if clear:
        ended = (
            TransitionReason.LEVEL_CLEARED
            if state is State.ACTIVE
            else TransitionReason.BREACH_ENDED_BEFORE_HOLD
        )
        return Step(None, since, ended)
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
        active_since=move.at if move.to_state is State.ACTIVE else None,
    )

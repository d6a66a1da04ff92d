"""What would make rules less of a burden, and what would be lost by it, from past alerts."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from alerts.flood import REPEATS, repeated
from alerts.health import STALE_AFTER
from alerts.matter import FLAP_WITHIN
from alerts.past import NEVER, Ended, Ints, PastAlerts, Truths
from alerts.rule import Behind, Held, Missing, Rule, Watching
from alerts.table import SECOND
from ioc.model import Severity

ENOUGH: Final = 5
"""Fewer alerts of a rule say nothing about it."""

WORTH: Final = 0.2
"""A longer time is worth it from this share of the alerts on, and from `LEAST` of them."""
LEAST: Final = 3

NEARLY: Final = 0.8
"""The shortest time that brings nearly as much as the best one is proposed."""

MOSTLY: Final = 0.5

TIMES: Final = tuple(60 * SECOND * minutes for minutes in (1, 2, 3, 5, 10, 15, 20, 30, 45, 60))

LONGEST_DELAY: Final[Mapping[Severity, int]] = {
    Severity.CRITICAL: 5 * 60 * SECOND,
    Severity.HIGH: 15 * 60 * SECOND,
    Severity.MEDIUM: 30 * 60 * SECOND,
    Severity.LOW: 60 * 60 * SECOND,
}
"""By how much later an alert of a severity may come."""


class AdviceKind(StrEnum):
    """What is proposed; the key of its sentence on the screen."""

    HOLD = "hold"
    CLEAR = "clear"
    STALE = "stale"
    SHELVED = "shelved"
    FALSE = "false"


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal for a rule: `avoided` of `alerts` would not have come, or are what it is about.

    `field` of the rule goes from `present` to `proposed` seconds; `later` is by how many seconds
    the other `delayed` alerts would have come or ended later. Of those avoided, `lost` were not
    for nothing: acknowledged while they stood, or in an incident that was no false alarm.
    """

    rule: str
    kind: AdviceKind
    avoided: int
    alerts: int
    lost: int
    lost_acknowledged: int
    lost_incidents: int
    field: str | None = None
    present: float | None = None
    proposed: float | None = None
    later: float | None = None
    delayed: int | None = None
    lacks_clear: bool = False


def advice(past: PastAlerts, rules: Mapping[str, Rule], *, since: int, until: int) -> list[Advice]:
    """Proposals from the alerts of a time (µs) that people were told of, the most useful first."""
    seen = past.as_seen_at(until)
    told = seen.only((seen.began >= since) & ~seen.quiet_first)
    found: list[Advice] = []
    for place, id in enumerate(told.rules):
        rule, own = rules.get(id), told.only(told.rule == place)
        if rule is None or len(own) < ENOUGH:
            continue
        proposed = (longer_hold(rule, own), longer_clear(rule, own), *rebased(rule, own, until))
        found += [one for one in proposed if one is not None]
    return sorted(found, key=lambda one: (one.lost - one.avoided, one.rule, one.kind))


def longer_hold(rule: Rule, own: PastAlerts) -> Advice | None:
    """A longer hold time: what ended before it would not have come, all else comes later."""
    if isinstance(rule, Held):
        field, present, lasted = "hold", rule.hold, _ended(own, rule.clear_hold_us) - own.pending
    elif isinstance(rule, Missing):
        # It begins when the silence has been tolerated for as long as the rule says.
        field, present = "after", rule.after
        lasted = _ended(own) - own.began + _micros(present)
    else:
        return None
    delays = [
        time - _micros(present)
        for time in TIMES
        if 0 < time - _micros(present) <= LONGEST_DELAY[rule.severity]
    ]
    avoided = {delay: lasted < _micros(present) + delay for delay in delays}
    return _best(rule, own, AdviceKind.HOLD, field, present, avoided)


def longer_clear(rule: Rule, own: PastAlerts) -> Advice | None:
    """A longer time to be clear: what came again before it would have been the same alert."""
    if not isinstance(rule, Held):
        return None
    again = _gaps(rule, own)
    present = _micros(rule.clear_hold)
    delays = [time - present for time in TIMES if time > present]
    flapping = repeated(own.mark, own.began, *REPEATS["flapping"])
    avoided = {delay: flapping & (again < present + delay) for delay in delays}
    found = _best(rule, own, AdviceKind.CLEAR, "clear_hold", rule.clear_hold, avoided)
    return found and msgspec.structs.replace(found, lacks_clear=_lacks_clear(rule))


def rebased(rule: Rule, own: PastAlerts, until: int) -> Iterable[Advice]:
    """Whether the rule's very basis is in doubt: mostly stale, put aside or false."""
    judged = (own.ended == Ended.FALSE) | (own.ended == Ended.OTHERWISE)
    every = np.ones(len(own), np.bool_)
    stale = np.minimum(own.cleared, until) - own.began > STALE_AFTER
    for kind, which, of in (
        (AdviceKind.STALE, stale, every),
        (AdviceKind.SHELVED, own.shelved, every),
        (AdviceKind.FALSE, own.ended == Ended.FALSE, judged),
    ):
        many = int(of.sum())
        if many >= ENOUGH and which.sum() >= MOSTLY * many:
            yield _advice(rule, kind, own, which, many)


def _micros(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


def _ended(own: PastAlerts, clear_hold: int = 0) -> Ints:
    """When the condition itself ended: a rule with a time to be clear waits for that first."""
    return np.where(own.cleared < NEVER, own.cleared - clear_hold, NEVER // 2)


def _gaps(rule: Held, own: PastAlerts) -> Ints:
    """How long after the same alert's condition had ended each one's began; huge for the first."""
    order = np.lexsort((own.began, own.mark))
    gaps = np.full(len(own), NEVER)
    mark, began, ended = own.mark[order], own.pending[order], _ended(own, rule.clear_hold_us)[order]
    same = mark[1:] == mark[:-1]
    gaps[order[1:]] = np.where(same, began[1:] - ended[:-1], NEVER)
    return np.where(gaps < FLAP_WITHIN, gaps, NEVER)


def _lacks_clear(rule: Held) -> bool:
    return isinstance(rule, Watching | Behind) and rule.clear is None


def _best(
    rule: Rule,
    own: PastAlerts,
    kind: AdviceKind,
    field: str,
    present: timedelta,
    avoided: Mapping[int, Truths],
) -> Advice | None:
    """The shortest delay that gains nearly the most; None where that is little.

    One that is lost takes away as much as one that is spared brings.
    """
    lost = own.seen_while_active | own.in_incident
    worth = np.where(lost, -1, 1)
    gains = {delay: int(worth[which].sum()) for delay, which in avoided.items()}
    most = max(gains.values(), default=0)
    if most < max(LEAST, WORTH * len(own)):
        return None
    delay = min(delay for delay, gain in gains.items() if gain >= NEARLY * most)
    return msgspec.structs.replace(
        _advice(rule, kind, own, avoided[delay], len(own)),
        field=field,
        present=present.total_seconds(),
        proposed=present.total_seconds() + delay / SECOND,
        later=delay / SECOND,
        delayed=len(own) - int(avoided[delay].sum()),
    )


def _advice(rule: Rule, kind: AdviceKind, own: PastAlerts, which: Truths, of: int) -> Advice:
    seen, incidents = which & own.seen_while_active, which & own.in_incident
    return Advice(
        rule=rule.id,
        kind=kind,
        avoided=int(which.sum()),
        alerts=of,
        lost=int((seen | incidents).sum()),
        lost_acknowledged=int(seen.sum()),
        lost_incidents=int(incidents.sum()),
    )

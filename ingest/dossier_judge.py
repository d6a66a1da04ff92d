"""States of dossiers judged as columns: in time or not, our own return date, and what is odd."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.dossier import Oddity
from ingest.dossier_rules import DossierRules
from ioc.procedures.timing import (
    TIMELINESS,
    Lives,
    day_end,
    due_days,
    instants,
    local_days,
    rest_days,
    timeliness,
)

_FOUND_HERE: Final = ~int(
    Oddity.PROCEDURE_UNKNOWN
    | Oddity.DUE_ON_REST_DAY
    | Oddity.DUE_BEFORE_RECEIPT
    | Oddity.DUE_DIFFERS
    | Oddity.SUPPLEMENTED_OFTEN
    | Oddity.PAUSED_TOO_LONG
)
"""Takes away what is found anew; the other flags stay as they came."""


class Judged(Protocol):
    """What of a state decides, and what is found: `flags`, `level`, `timeliness`, our due time."""

    procedure: str
    received_at: datetime
    due_at: datetime | None
    resolved_at: datetime | None
    paused_seconds: int
    paused_since: datetime | None
    supplements: int
    flags: int
    level: str | None
    timeliness: str | None
    due_computed: datetime | None


def judge(states: Sequence[Judged], rules: DossierRules) -> None:
    """Fill in what follows from a state: timeliness, flags, level, and the due time by us."""
    if not states:
        return
    received = instants([state.received_at for state in states])
    lives = Lives(
        filed=local_days(received, rules.province),
        due=instants([state.due_at for state in states]),
        resolved=instants([state.resolved_at for state in states]),
        paused=np.array([state.paused_seconds for state in states], np.int64),
        paused_since=instants([state.paused_since for state in states]),
        supplements=np.array([state.supplements for state in states], np.int64),
    )
    flags = _oddities(lives, received, rules)
    if rules.terms.loaded:
        flags |= _by_the_catalogue(states, lives, rules)
    codes = timeliness(lives, rules.timing, rules.province).tolist()
    for state, code, odd in zip(states, codes, flags.tolist(), strict=True):
        state.timeliness = TIMELINESS[code]
        state.flags = state.flags & _FOUND_HERE | odd


def _oddities(
    lives: Lives, received: NDArray[np.datetime64], rules: DossierRules
) -> NDArray[np.int64]:
    due_day = local_days(lives.due, rules.province)
    lived = np.where(
        np.isnat(lives.resolved), instants([rules.now])[0] - received, lives.resolved - received
    )
    return (
        _bit(rest_days(due_day, rules.calendar), Oddity.DUE_ON_REST_DAY)
        | _bit(lives.due < received, Oddity.DUE_BEFORE_RECEIPT)
        | _bit(
            lives.supplements > rules.timing.most_supplements(lives.filed),
            Oddity.SUPPLEMENTED_OFTEN,
        )
        | _bit(lives.paused * np.timedelta64(1, "s") > lived, Oddity.PAUSED_TOO_LONG)
    )


def _by_the_catalogue(
    states: Sequence[Judged], lives: Lives, rules: DossierRules
) -> NDArray[np.int64]:
    """Levels and due times as the procedures of the filing days have them."""
    codes = [state.procedure for state in states]
    limits = rules.terms.limits(codes, lives.filed)
    days = due_days(lives.filed, limits, rules.calendar)
    ends: dict[date | None, Any] = {None: None}
    for state, level, day in zip(
        states, rules.terms.levels(codes, lives.filed), days.tolist(), strict=True
    ):
        if day not in ends:
            ends[day] = day_end(day, rules.province).astimezone(UTC)
        state.due_computed = ends[day]
        if level is not None:
            state.level = level
    told = ~np.isnat(days) & ~np.isnat(lives.due)
    differs = told & (days != local_days(lives.due, rules.province))
    return _bit(limits < 0, Oddity.PROCEDURE_UNKNOWN) | _bit(differs, Oddity.DUE_DIFFERS)


def _bit(rows: NDArray[np.bool_], oddity: Oddity) -> NDArray[np.int64]:
    return np.where(rows, int(oddity), 0)

"""What a rule would have raised, from stored observations."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import numpy as np

from alerts.alert import State, Transition
from alerts.engine import Engine
from alerts.rhythm import HOUR
from alerts.rule import Behind, Deviation, Missing, MissingReport, Rule, Together, Watching
from alerts.selection import SeriesFacts, may_watch, takes_part
from ioc.errors import Invalid
from ioc.flow.rhythms import RelivedRhythms, Rhythms
from ioc.model import Columns, from_micros, to_micros
from ioc.store import observations
from ioc.store.pool import ReadPool

MOST_ROWS: Final = 5_000_000
"""Observations that one trial reads; more days or series are refused with the cure."""

MOST_LISTED: Final = 500

STEP: Final = 60_000_000
"""Conditions together are looked at by the minute, as they would have come in."""

AT_ANY_AGE: Final = timedelta(days=100_000)


class TrialAlert(msgspec.Struct, frozen=True):
    """An alert that would have been active; `until` is None where it still would be."""

    series: int | None
    subject: str | None
    since: datetime
    until: datetime | None
    value: float | None


class RuleTrial(msgspec.Struct, frozen=True):
    """What a rule would have raised between two times, the newest first.

    `pending` counts breaches that ended before their hold time; `alerts` lists at most 500 of
    the `raised`.
    """

    since: datetime
    until: datetime
    series: int
    observations: int
    raised: int
    pending: int
    alerts: list[TrialAlert]


async def tried(
    rule: Rule,
    facts: Sequence[SeriesFacts],
    reads: ReadPool,
    rhythms: Rhythms,
    *,
    since: datetime,
    until: datetime,
) -> RuleTrial:
    """Run a rule over what is stored; nothing is raised, kept or told.

    A deviation is from the rhythm as it was known then; only its calendar is that of `rhythms`.
    """
    if isinstance(rule, MissingReport | Behind):
        kind = rule.__struct_config__.tag
        raise Invalid(
            f"a rule of kind {kind} cannot be tried on stored observations; "
            "threshold, rate, sum, flat, deviation, missing and together can",
            key="kind",
        )
    watched = [one for one in facts if _watches(rule, one)]
    rows = 0
    moves: list[Transition] = []
    if isinstance(rule, Watching):
        # Thousands of observations are judged at once here, each as if it had just come in.
        rule = msgspec.structs.replace(rule, fresh_within=AT_ANY_AGE)
    ids = [one.series_id for one in watched]
    past = RelivedRhythms(rhythms)
    past.watch([rule], watched)
    if not await past.prepare(reads, since=since, until=until, most=MOST_ROWS):
        raise _too_much(len(ids))
    engine = Engine([rule], watched, rhythm=past.spreads)
    async for columns in observations.span(reads, ids, since=since, until=until):
        rows += len(columns)
        if rows > MOST_ROWS:
            raise _too_much(len(ids))
        for some in _steps(rule, columns):
            now = int(some.time.max())
            past.go_on_to(int(some.time.min()))
            moves += engine.tick(now, {})
            moves += engine.observe(some, now)
        await asyncio.sleep(0)
    moves += engine.tick(to_micros(until), {})
    return _summed(moves, len(ids), rows, since, until)


def _too_much(series: int) -> Invalid:
    return Invalid(
        f"the rule watches {series} series, which hold more than {MOST_ROWS} "
        "observations in that time; choose fewer days, or a narrower `where`",
        key="days",
    )


def _watches(rule: Rule, facts: SeriesFacts) -> bool:
    match rule:
        case Together():
            return takes_part(rule, facts)
        case Missing(each="feed"):
            raise Invalid('only single series can be tried: write each = "series"', key="each")
        case MissingReport() | Behind():
            return False
        case _:
            return may_watch(rule, facts)


def _steps(rule: Rule, columns: Columns) -> list[Columns]:
    """The columns as they would have come in, as finely as the rule needs it."""
    if not isinstance(rule, Together | Missing | Deviation):
        return [columns]
    step = columns.time // (HOUR if isinstance(rule, Deviation) else STEP)
    edges = np.flatnonzero(np.diff(step)) + 1
    starts = [0, *edges.tolist()]
    ends = [*edges.tolist(), len(columns)]
    return [
        Columns(columns.series[a:b], columns.time[a:b], columns.value[a:b])
        for a, b in zip(starts, ends, strict=True)
    ]


def _summed(
    moves: Sequence[Transition], series: int, rows: int, since: datetime, until: datetime
) -> RuleTrial:
    standing: dict[str, Transition] = {}
    found: list[TrialAlert] = []
    pending = 0
    for move in moves:
        begun = standing.get(move.fingerprint)
        if move.to_state is State.ACTIVE and begun is None:
            standing[move.fingerprint] = move
        elif move.to_state is State.CLEARED:
            if begun is None:
                pending += 1
            else:
                found.append(_alert(standing.pop(move.fingerprint), move.at))
    found += [_alert(move, None) for move in standing.values()]
    found.sort(key=lambda alert: alert.since, reverse=True)
    return RuleTrial(since, until, series, rows, len(found), pending, found[:MOST_LISTED])


def _alert(begun: Transition, ended: int | None) -> TrialAlert:
    return TrialAlert(
        series=begun.series,
        subject=begun.subject,
        since=from_micros(begun.at),
        until=None if ended is None else from_micros(ended),
        value=begun.value,
    )

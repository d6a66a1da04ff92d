"""Single dossiers behind a figure, and counts of dossiers by what they have in common."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from ioc.errors import TooMuch
from ioc.store.dossier_lines import (
    By,
    Chosen,
    DossierLine,
    DossierTally,
    Group,
    Place,
    Span,
    State,
)
from ioc.store.pool import Connection, ReadPool

LONGEST_SECONDS: Final = 5.0
"""How long a question may keep the database busy, unless told."""


# While a dossier is paused its clock stands still.
_LISTED: Final = """
    SELECT d.dossier_id, d.code, d.procedure_code AS procedure, d.field, h.id AS handling_unit,
           r.id AS received_unit, d.channel, d.office, d.office_since, d.received_at,
           d.received_day, d.due_effective AS due_at, d.resolved_at, d.paused_since, d.timeliness,
           COALESCE(d.resolved_at IS NULL AND d.due_effective < LEAST(%(at)s, d.paused_since),
                    false) AS overdue
      FROM dossier d
      JOIN unit h ON h.unit_key = d.handling_unit
      JOIN unit r ON r.unit_key = d.received_unit
     WHERE {which} AND {state}
       AND (%(before)s::timestamptz IS NULL
            OR (COALESCE(d.due_effective, 'infinity'), d.dossier_id)
               > (%(before)s::timestamptz, %(id)s::uuid))
     ORDER BY COALESCE(d.due_effective, 'infinity'), d.dossier_id
     LIMIT %(limit)s
"""

_COUNTED: Final = """
    SELECT {keys},
           count(*) FILTER (WHERE {received} AND d.channel = 'direct'),
           count(*) FILTER (WHERE {received} AND d.channel = 'online'),
           count(*) FILTER (WHERE {received} AND d.channel = 'post'),
           count(*) FILTER (WHERE {carried}),
           count(*) FILTER (WHERE {resolved} AND d.timeliness = 'early'),
           count(*) FILTER (WHERE {resolved} AND d.timeliness = 'on_time'),
           count(*) FILTER (WHERE {resolved} AND d.timeliness = 'late'),
           count(*) FILTER (WHERE {resolved} AND d.timeliness IS NULL),
           count(*) FILTER (WHERE {held}),
           count(*) FILTER (WHERE {held} AND d.due_effective < LEAST(%(at)s, d.paused_since))
      FROM dossier d {sources}
     WHERE {which} AND {within}
     GROUP BY {places}
     ORDER BY {places}
"""

_COLUMNS: Final[dict[By, LiteralString]] = {
    "handling": "handling_unit", "receiving": "received_unit", "applicant": "applicant_unit",
}  # fmt: skip

# Of those that are received where they are handled the index by handling unit tells; the other
# ones have an index of their own.
_OF_UNITS: Final[dict[By, LiteralString]] = {
    "handling": "d.handling_unit = ANY(%(units)s)",
    "receiving": "(d.handling_unit = ANY(%(units)s) AND d.received_unit = d.handling_unit"
    " OR d.received_unit = ANY(%(units)s) AND d.received_unit <> d.handling_unit)",
    "applicant": "d.applicant_unit = ANY(%(units)s)",
}

_STATES: Final[dict[State, LiteralString]] = {
    "in_hand": "d.resolved_at IS NULL",
    "overdue": "d.resolved_at IS NULL AND d.due_effective < LEAST(%(at)s, d.paused_since)",
    "early": "d.timeliness = 'early'",
    "on_time": "d.timeliness = 'on_time'",
    "late": "d.timeliness = 'late'",
}

_RESOLVED_STATES: Final = ("early", "on_time", "late")

# A dossier that came in and was resolved in two months counts in both, each in its own.
_MONTHS: Final = """
    CROSS JOIN LATERAL (VALUES (to_char(d.received_day, 'YYYY-MM'), true),
                               (to_char(d.resolved_day, 'YYYY-MM'), false)) AS m(month, came)
"""

_KEYS: Final[dict[Group, LiteralString]] = {
    "unit": "u.id", "procedure": "d.procedure_code", "field": "NULLIF(d.field, '')",
    "office": "d.office", "month": "m.month", "level": "d.level", "channel": "d.channel",
}  # fmt: skip


_PLACES: Final[tuple[LiteralString, ...]] = ("1", "2")
"""Of the groups among what is selected; two at most are asked for at once."""


async def listed(
    pool: ReadPool,
    chosen: Chosen,
    span: Span,
    *,
    state: State | None = None,
    before: Place | None = None,
    limit: int = 100,
    seconds: float = LONGEST_SECONDS,
) -> list[DossierLine]:
    """Dossiers by return date, the earliest first and those without one last.

    The days are those of resolution for early, on time and late, else those of receipt.
    """
    conditions: list[LiteralString] = [_STATES[state]] if state is not None else []
    day: LiteralString = "d.resolved_day" if state in _RESOLVED_STATES else "d.received_day"
    if span.start:
        conditions.append(f"{day} >= %(start)s")
    if span.end:
        conditions.append(f"{day} < %(end)s")
    statement = sql.SQL(_LISTED).format(which=_which(chosen), state=sql.SQL(_text(conditions)))
    due, id = before or (None, None)
    given = {
        **_given(chosen, span), "before": None if before is None else due or "infinity",
        "id": id, "limit": limit,
    }  # fmt: skip
    async with (
        _bounded(pool, seconds) as conn,
        conn.cursor(row_factory=class_row(DossierLine)) as cur,
    ):
        await cur.execute(statement, given)
        return await cur.fetchall()


async def counted(
    pool: ReadPool,
    chosen: Chosen,
    span: Span,
    groups: Sequence[Group],
    *,
    seconds: float = LONGEST_SECONDS,
) -> list[DossierTally]:
    """Counts by group: of what came in and was resolved in a span, and in hand at its edges.

    Each group adds up: carried over + received - resolved is what is in hand when the span ends.
    Overdue at a moment of the past is judged by the return dates that are known today. By month,
    what came in and is in hand stands in the month of receipt, what was resolved in that
    of resolution.
    """
    keys = ", ".join(_KEYS[group] for group in groups)
    places = ", ".join(_PLACES[: len(groups)])
    statement = sql.SQL(_COUNTED).format(
        keys=sql.SQL(keys),
        places=sql.SQL(places),
        sources=_sources(chosen.by, groups),
        which=_which(chosen),
        **_conditions(span, by_month="month" in groups),
    )
    async with _bounded(pool, seconds) as conn:
        rows = await (await conn.execute(statement, _given(chosen, span))).fetchall()
    many = len(groups)
    return [DossierTally(tuple(row[:many]), *row[many:]) for row in rows]


def _sources(by: By, groups: Sequence[Group]) -> sql.SQL:
    found: LiteralString = _MONTHS if "month" in groups else ""
    if "unit" in groups:
        found += f" LEFT JOIN unit u ON u.unit_key = d.{_COLUMNS[by]}"
    return sql.SQL(found)


def _conditions(span: Span, *, by_month: bool) -> dict[str, sql.SQL]:
    """Which dossiers of a span came in, were carried over, were resolved, and are in hand."""
    after, unfinished = "d.received_day >= %(start)s", "d.resolved_day >= %(start)s"
    before, open_at_end = "d.received_day < %(end)s", "d.resolved_day >= %(end)s"
    in_hand = "d.resolved_at IS NULL"
    received: list[LiteralString] = [after] if span.start else []
    resolved: list[LiteralString] = ["d.resolved_day IS NOT NULL"]
    carried: list[LiteralString] = ["false"]
    held: list[LiteralString] = [in_hand]
    within: list[LiteralString] = []
    if span.start:
        resolved.append(unfinished)
        within.append(f"({in_hand} OR {unfinished})")
        carried = ["d.received_day < %(start)s", *within]
    if span.end:
        received.append(before)
        resolved.append("d.resolved_day < %(end)s")
        held = [f"({in_hand} OR {open_at_end})"]
        within.append(before)
    if by_month:
        within.append(f"(m.came OR {_text(resolved)})")
        resolved.append("NOT m.came")
        for of_receipt in (received, carried, held):
            of_receipt.append("m.came")
    return {
        "received": sql.SQL(_text(received)),
        "carried": sql.SQL(_text(carried)),
        "resolved": sql.SQL(_text(resolved)),
        "held": sql.SQL(_text(held)),
        "within": sql.SQL(_text(within)),
    }


def _which(chosen: Chosen) -> sql.SQL:
    conditions: list[LiteralString] = []
    if chosen.units is not None:
        conditions.append(_OF_UNITS[chosen.by])
    if chosen.procedure is not None:
        conditions.append("d.procedure_code = %(procedure)s")
    if chosen.field is not None:
        conditions.append("d.field = %(field)s")
    return sql.SQL(_text(conditions))


def _given(chosen: Chosen, span: Span) -> dict[str, Any]:
    return {
        "units": None if chosen.units is None else list(chosen.units),
        "procedure": chosen.procedure,
        "field": chosen.field,
        "start": span.start,
        "end": span.end,
        "at": span.at,
    }


def _text(conditions: Sequence[LiteralString]) -> LiteralString:
    return " AND ".join(conditions) if conditions else "true"


_BOUND: Final = "SELECT set_config('statement_timeout', %s, true)"


@asynccontextmanager
async def _bounded(pool: ReadPool, seconds: float) -> AsyncGenerator[Connection]:
    """A connection on which a question that takes too long is given up."""
    async with pool.connection() as conn:
        await conn.execute(_BOUND, [str(int(seconds * 1000))])
        try:
            yield conn
        except psycopg.errors.QueryCanceled as error:
            raise TooMuch(
                f"counting these dossiers takes longer than {seconds:g} s; ask for a shorter "
                "period (since, until) or for one unit"
            ) from error

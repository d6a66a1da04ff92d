"""Lists of alerts by what is asked: the open ones worst first, the past ones newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg.rows import class_row

from ioc.model import SEVERITY_RANK, Severity
from ioc.store.alerts import ALERTS, AlertRow
from ioc.store.pool import ReadPool

MOST_COUNTED: Final = 1_000
"""Alerts of one severity that are counted; as many mean as many or more."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which alerts are listed; None is all.

    `words` are beginnings of words, `of` what alerts are of, as in `Sought`. `after` is the place
    at which a page begins: severity, beginning and id of the last alert before it.
    """

    past: bool = False
    severities: Sequence[Severity] = ()
    of: Mapping[str, str] = field(default_factory=dict[str, str])
    words: Sequence[str] = ()
    box: Box | None = None
    assignee: str | None = None
    muted: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[Severity, datetime, UUID] | None = None
    limit: int = 100


_OPEN: Final[LiteralString] = "a.closed_at IS NULL AND a.active_since IS NOT NULL"
_PAST: Final[LiteralString] = "a.closed_at IS NOT NULL AND a.active_since IS NOT NULL"

_RANK: Final[LiteralString] = "array_position('{critical,high,medium,low}'::text[], a.severity)"

# Only what is asked for is looked at, so that each list finds its index.
_CONDITIONS: Final[Mapping[str, LiteralString]] = {
    "severity": f"{_RANK} = %(severity)s",
    "severities": f"{_RANK} BETWEEN %(worst)s AND %(least)s AND a.severity = ANY(%(severities)s)",
    "words": "a.words @@ %(words)s::tsquery",
    "box": """point(a.longitude, a.latitude)
              <@ box(point(%(west)s, %(south)s), point(%(east)s, %(north)s))""",
    "assignee": "a.assignee = %(assignee)s",
    "muted": "%(muted)s = (a.muted IS NOT NULL)",
    "since": "a.active_since >= %(since)s",
    "until": "a.active_since < %(until)s",
}

_WORSE: Final[LiteralString] = f"({_RANK}, a.active_since, a.alert_id) > (%(rank)s, %(at)s, %(id)s)"
_OLDER: Final[LiteralString] = "(a.active_since, a.alert_id) < (%(at)s, %(id)s)"

_WORST_FIRST: Final[LiteralString] = (
    f" ORDER BY {_RANK}, a.active_since, a.alert_id LIMIT %(limit)s"
)
_NEWEST_FIRST: Final[LiteralString] = (
    " ORDER BY a.active_since DESC, a.alert_id DESC LIMIT %(limit)s"
)

_COUNTED: Final[LiteralString] = """
    SELECT s.name, found.many
      FROM unnest(%(names)s::text[], %(ranks)s::int[]) AS s(name, rank)
           CROSS JOIN LATERAL (
           SELECT count(*) AS many FROM (
               SELECT FROM alert a
                WHERE array_position('{critical,high,medium,low}'::text[], a.severity) = s.rank
                  AND """
_COUNTED_MOST: Final[LiteralString] = """ LIMIT %(most)s) AS few) AS found
     ORDER BY s.rank
"""


async def listed(pool: ReadPool, wanted: Wanted) -> list[AlertRow]:
    """A page of alerts."""
    where, given = _asked(wanted)
    if wanted.after is not None:
        severity, given["at"], given["id"] = wanted.after
        given["rank"] = SEVERITY_RANK[severity] + 1
        where += " AND " + (_OLDER if wanted.past else _WORSE)
    order = _NEWEST_FIRST if wanted.past else _WORST_FIRST
    query: LiteralString = ALERTS + " WHERE " + where + order
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(AlertRow)) as cur:
        await cur.execute(query, given)
        return await cur.fetchall()


async def counted(pool: ReadPool, wanted: Wanted) -> dict[Severity, int]:
    """How many of each severity that is asked for, at most `MOST_COUNTED`, on all pages."""
    where, given = _asked(wanted)
    names = sorted(wanted.severities or Severity, key=SEVERITY_RANK.__getitem__)
    given |= {"names": [one.value for one in names], "most": MOST_COUNTED}
    given["ranks"] = [SEVERITY_RANK[one] + 1 for one in names]
    query: LiteralString = _COUNTED + where + _COUNTED_MOST
    async with pool.connection() as conn:
        cur = await conn.execute(query, given)
        return {Severity(name): many for name, many in await cur.fetchall()}


def _asked(wanted: Wanted) -> tuple[LiteralString, dict[str, Any]]:
    given: dict[str, Any] = {
        "words": _query(wanted), "assignee": wanted.assignee, "muted": wanted.muted,
        "since": wanted.since, "until": wanted.until, "limit": wanted.limit,
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value is not None}
    ranks = sorted(SEVERITY_RANK[severity] + 1 for severity in set(wanted.severities))
    if len(ranks) == 1:
        given["severity"] = ranks[0]
    elif ranks:
        names = [severity.value for severity in wanted.severities]
        given |= {"severities": names, "worst": ranks[0], "least": ranks[-1]}
    if wanted.box is not None:
        given |= zip(("box", "west", "south", "east", "north"), (True, *wanted.box), strict=True)
    where: LiteralString = _PAST if wanted.past else _OPEN
    for name, condition in _CONDITIONS.items():
        if name in given:
            where += " AND " + condition
    return where, given


def _query(wanted: Wanted) -> str | None:
    """Words and names as a tsquery, which takes each between quotes as it is."""
    names = [f"{kind}={name}" for kind, name in wanted.of.items()]
    quoted = ["'" + name.replace("\\", "\\\\").replace("'", "''") + "'" for name in names]
    return " & ".join([*quoted, *(f"'{word}':*" for word in wanted.words)]) or None

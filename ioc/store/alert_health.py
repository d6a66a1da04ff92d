"""Past alerts of a time as columns, why they were quiet, and who was there to look at them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from psycopg.rows import class_row
from psycopg.sql import SQL

from alerts.past import NEVER, PastAlerts, past_alerts
from alerts.staffing import Duty, SignedIn
from ioc.errors import TooMuch
from ioc.model import to_micros
from ioc.store.pool import Connection, ReadPool
from ioc.store.upsert import COPY_HEADER, COPY_TRAILER, PG_EPOCH_US

MOST_ALERTS: Final = 500_000
"""Alerts that one answer looks at; 100,000 of them take 15 MB."""

MOST_REASONS: Final = 10

# Which alerts: those that began in the time, and those that stood when it began. What was noted
# afterwards never was about now, and what is a drill burdens nobody.
_CHOSEN: Final = SQL("""
    wanted AS (
        SELECT * FROM alert WHERE active_since >= %(since)s AND active_since < %(until)s
         UNION ALL
        SELECT * FROM alert WHERE active_since < %(since)s AND cleared_at >= %(since)s
         UNION ALL
        SELECT * FROM alert WHERE active_since < %(since)s AND state <> 'cleared'
    ), chosen AS (
        SELECT * FROM wanted
         WHERE NOT noted AND about->>'exercise' IS DISTINCT FROM 'true'
           AND (%(units)s::int[] IS NULL OR unit_key = ANY(%(units)s::int[]))
         LIMIT %(most)s
    )
""")

# An alert was quiet when it began if the first that happened to it was that it became loud, or if
# nothing did and it is quiet. By what, the alert itself says, or what was told of it at that time.
_COLUMNS: Final = SQL("""
    COPY (
        WITH turned AS (
            SELECT DISTINCT ON (alert_id) alert_id, change <> 'muted' AS was_quiet, log_offset
              FROM alert_log
             WHERE change IN ('muted', 'unmuted', 'overrun') AND at >= %(since)s
             ORDER BY alert_id, log_offset
        ), put_aside AS (
            SELECT DISTINCT alert_id FROM alert_log WHERE change = 'shelve' AND at >= %(since)s
        ), {chosen}
        SELECT hashtextextended(c.rule_id, 0),
               hashtextextended(c.fingerprint, 0),
               CASE c.severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2
                               ELSE 3 END::bigint,
               c.pending_since,
               c.active_since,
               COALESCE(c.cleared_at, 'infinity'),
               COALESCE(c.acknowledged_at, 'infinity'),
               CASE COALESCE(c.muted->>'cause', was.cause) WHEN 'silence' THEN 1
                    WHEN 'planned' THEN 2 WHEN 'inhibited' THEN 3 ELSE 0 END::bigint,
               COALESCE(t.was_quiet, c.muted IS NOT NULL)::int::bigint,
               (p.alert_id IS NOT NULL)::int::bigint,
               CASE WHEN i.incident_id IS NULL THEN 0 WHEN i.result IS NULL THEN 1
                    WHEN i.result = 'false_alarm' THEN 2 ELSE 3 END::bigint
          FROM chosen c
          LEFT JOIN turned t USING (alert_id)
          LEFT JOIN put_aside p USING (alert_id)
          LEFT JOIN incident_alert a USING (alert_id)
          LEFT JOIN incident i ON i.incident_id = a.incident_id AND NOT i.exercise
          LEFT JOIN LATERAL (
               SELECT convert_from(l.item, 'UTF8')::json #>> '{{muted,cause}}' AS cause
                 FROM alert_log l
                WHERE l.alert_id = c.alert_id AND length(l.item) > 0
                  AND l.log_offset <= t.log_offset - t.was_quiet::int
                ORDER BY l.log_offset DESC LIMIT 1
          ) AS was ON c.muted IS NULL AND t.alert_id IS NOT NULL
    ) TO STDOUT (FORMAT binary)
""").format(chosen=_CHOSEN)

_RULES: Final = SQL("""
    WITH {chosen}
    SELECT hashtextextended(rule_id, 0), rule_id FROM chosen GROUP BY rule_id ORDER BY rule_id
""").format(chosen=_CHOSEN)

_REASONS: Final = """
    SELECT cause, why, count(*)::int AS alerts
      FROM (SELECT muted->>'cause' AS cause, muted->>'why' AS why, unit_key FROM alert
             WHERE muted IS NOT NULL AND NOT noted
               AND active_since >= %(since)s AND active_since < %(until)s
             UNION ALL
            SELECT 'shelved', l.comment, a.unit_key FROM alert_log l JOIN alert a USING (alert_id)
             WHERE l.change = 'shelve' AND l.at >= %(since)s AND l.at < %(until)s) AS quiet
     WHERE %(units)s::int[] IS NULL OR unit_key = ANY(%(units)s::int[])
     GROUP BY cause, why ORDER BY alerts DESC, cause, why LIMIT %(reasons)s
"""

_SHIFTS: Final = """
    SELECT began_at, COALESCE(ended_at, %(until)s), cardinality(on_duty) FROM shift
     WHERE began_at < %(until)s AND (ended_at IS NULL OR ended_at > %(since)s)
     ORDER BY began_at
"""

_SESSIONS: Final = """
    SELECT t.created_at, LEAST(t.ended_at, t.expires_at, %(until)s), t.account_id
      FROM token t JOIN account a USING (account_id)
     WHERE t.kind = 'session' AND a.role = 'operator' AND t.created_at < %(until)s
       AND LEAST(t.ended_at, t.expires_at, %(until)s) > %(since)s
     ORDER BY t.created_at
"""

_NAMES: Final = (
    "rule", "mark", "severity", "pending", "began", "cleared", "acknowledged", "quiet",
    "quiet_first", "shelved", "ended",
)  # fmt: skip
_INSTANTS: Final = ("pending", "began", "cleared", "acknowledged")
_ROW: Final = np.dtype(
    [("fields", ">i2"), *((part + name, kind) for name in _NAMES
                          for part, kind in (("size of ", ">i4"), ("", ">i8")))]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QuietReason:
    """Why alerts were quiet or put aside, and how many of them."""

    cause: str
    why: str
    alerts: int


@dataclass(frozen=True, slots=True)
class Watched:
    """Past alerts of a time, and what is to be known beside them."""

    past: PastAlerts
    reasons: list[QuietReason]
    duties: list[Duty]
    sessions: list[SignedIn]


async def read(
    pool: ReadPool, *, since: datetime, until: datetime, units: Sequence[int] | None
) -> Watched:
    """The alerts of some units that began in a time or stood when it began; all units if None."""
    given = {
        "since": since, "until": until, "units": None if units is None else list(units),
        "most": MOST_ALERTS + 1, "reasons": MOST_REASONS,
    }  # fmt: skip
    async with pool.connection() as conn:
        past = await _past(conn, given)
        async with conn.cursor(row_factory=class_row(QuietReason)) as cur:
            await cur.execute(_REASONS, given)
            reasons = await cur.fetchall()
        duties, sessions = await _on_duty(conn, given)
    return Watched(past, reasons, duties, sessions)


async def on_duty(
    pool: ReadPool, *, since: datetime, until: datetime
) -> tuple[list[Duty], list[SignedIn]]:
    """The shifts that ran in a time, and the operators who were signed in."""
    async with pool.connection() as conn:
        return await _on_duty(conn, {"since": since, "until": until})


async def _on_duty(conn: Connection, given: Mapping[str, Any]) -> tuple[list[Duty], list[SignedIn]]:
    duties = [
        Duty(to_micros(begins), to_micros(ends), people)
        for begins, ends, people in await (await conn.execute(_SHIFTS, given)).fetchall()
    ]
    sessions = [
        SignedIn(to_micros(begins), to_micros(ends), who)
        for begins, ends, who in await (await conn.execute(_SESSIONS, given)).fetchall()
    ]
    return duties, sessions


async def _past(conn: Connection, given: Mapping[str, Any]) -> PastAlerts:
    async with conn.cursor() as cur, cur.copy(_COLUMNS, given) as copy:
        body = b"".join([bytes(part) async for part in copy])
    rows = np.frombuffer(body[len(COPY_HEADER) : -len(COPY_TRAILER)], _ROW)
    if len(rows) > MOST_ALERTS:
        raise TooMuch(f"there are more than {MOST_ALERTS} alerts in that time; choose fewer days")
    # Read after the alerts, so that none of them is of a rule that is not there.
    rules = await (await conn.execute(_RULES, given)).fetchall()
    columns = {name: rows[name].astype(np.int64) for name in _NAMES}
    for name in _INSTANTS:
        known = columns[name] < NEVER
        columns[name][known] += PG_EPOCH_US
    hashes = np.array([row[0] for row in rules], np.int64)
    order = np.argsort(hashes)
    columns["rule"] = order[np.searchsorted(hashes[order], columns["rule"])]
    return past_alerts(tuple(row[1] for row in rules), columns)

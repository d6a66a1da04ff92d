"""Alerts counted by the unit that answers: how many were told, how soon acknowledged, how false."""

from datetime import datetime
from typing import Final

from ioc.kpi.counts import Counts, counts_of
from ioc.store.pool import ReadPool

MEASURES: Final = (
    "alerts_told",
    "alerts_acknowledged",
    "alerts_acknowledge_minutes",
    "alerts_judged",
    "alerts_false",
    "alerts_stale",
)
"""All of them, in the order of the columns below."""

# An alert counts when it begins, unless it was quiet then; as stale it counts at the end of the
# time. What no unit answers for is the province's own. Drills and what was noted later never count.
_COUNTS: Final = """
    WITH turned AS (
        SELECT DISTINCT ON (alert_id) alert_id, change <> 'muted' AS was_quiet
          FROM alert_log
         WHERE change IN ('muted', 'unmuted', 'overrun') AND at >= %(since)s
         ORDER BY alert_id, log_offset
    ), begun AS (
        SELECT a.unit_key, a.active_since, a.acknowledged_at, i.result, false AS stale
          FROM alert a
          LEFT JOIN turned t USING (alert_id)
          LEFT JOIN incident_alert x USING (alert_id)
          LEFT JOIN incident i ON i.incident_id = x.incident_id AND NOT i.exercise
         WHERE a.active_since >= %(since)s AND a.active_since < %(until)s AND NOT a.noted
           AND a.about->>'exercise' IS DISTINCT FROM 'true'
           AND NOT COALESCE(t.was_quiet, a.muted IS NOT NULL)
    ), stale AS (
        SELECT unit_key FROM alert
         WHERE active_since < %(until)s - interval '24 hours' AND NOT noted
           AND about->>'exercise' IS DISTINCT FROM 'true'
           AND (state <> 'cleared' OR cleared_at >= %(until)s)
    ), every AS (
        SELECT unit_key, active_since, acknowledged_at, result, stale FROM begun
         UNION ALL
        SELECT unit_key, NULL, NULL, NULL, true FROM stale
    )
    SELECT COALESCE(u.id, %(province)s),
           count(*) FILTER (WHERE NOT stale),
           count(*) FILTER (WHERE acknowledged_at < %(until)s),
           sum(extract(epoch FROM acknowledged_at - active_since))
               FILTER (WHERE acknowledged_at < %(until)s) / 60,
           count(*) FILTER (WHERE result IS NOT NULL),
           count(*) FILTER (WHERE result = 'false_alarm'),
           count(*) FILTER (WHERE stale)
      FROM every LEFT JOIN unit u USING (unit_key)
     GROUP BY 1 ORDER BY 1
"""


async def counts(pool: ReadPool, *, since: datetime, until: datetime, province: str) -> Counts:
    """Every measure over a time; units of which there was no alert have no row."""
    given = {"since": since, "until": until, "province": province}
    async with pool.connection() as conn:
        rows = await (await conn.execute(_COUNTS, given)).fetchall()
    return counts_of([(row[0], [float(count or 0) for count in row[1:]]) for row in rows], MEASURES)

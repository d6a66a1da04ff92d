"""Incidents counted: how many, how long each step took, and whether in time; drills never count."""

from datetime import date, datetime
from typing import Final

from ioc.kpi.counts import Counts, counts_of
from ioc.store.pool import ReadPool

MEASURES: Final = (
    "incidents_opened",
    "incidents_acknowledged",
    "incidents_acknowledge_due",
    "incidents_acknowledged_on_time",
    "incidents_acknowledge_minutes",
    "incidents_assigned",
    "incidents_assign_due",
    "incidents_assigned_on_time",
    "incidents_assign_minutes",
    "incidents_resolved",
    "incidents_resolve_due",
    "incidents_resolved_on_time",
    "incidents_resolve_minutes",
    "incidents_false",
    "incidents_overdue",
)
"""All of them, in the order of the columns below."""

# An incident counts where it is led. A step is due in a span if it was done in it, or is not done
# although its deadline has passed: what nobody does is late, and not left out. Minutes are those
# from the opening to the step that was done.
_COUNTS: Final = """
    WITH span AS (
        SELECT %(start)s::timestamp AT TIME ZONE %(zone)s AS since,
               LEAST(%(end)s::timestamp AT TIME ZONE %(zone)s, %(now)s::timestamptz) AS until
    ), seen AS (
        SELECT i.*, i.opened_at >= s.since AS opened,
               i.acknowledged_at >= s.since AND i.acknowledged_at < s.until AS acknowledged,
               COALESCE(i.acknowledged_at >= s.until, true)
                   AND i.acknowledge_due_at < s.until AS unacknowledged,
               i.assigned_at >= s.since AND i.assigned_at < s.until AS assigned,
               COALESCE(i.assigned_at >= s.until, true)
                   AND i.assign_due_at < s.until AS unassigned,
               i.resolved_at >= s.since AND i.resolved_at < s.until AS resolved,
               COALESCE(i.resolved_at >= s.until, true) AND i.due_at < s.until AS unresolved
          FROM incident i CROSS JOIN span s
         WHERE NOT i.exercise AND i.opened_at < s.until
           AND (i.resolved_at IS NULL OR i.resolved_at >= s.since)
    )
    SELECT u.id,
           count(*) FILTER (WHERE opened),
           count(*) FILTER (WHERE acknowledged),
           count(*) FILTER (WHERE acknowledged OR unacknowledged),
           count(*) FILTER (WHERE acknowledged AND acknowledged_at <= acknowledge_due_at),
           sum(extract(epoch FROM acknowledged_at - opened_at)) FILTER (WHERE acknowledged) / 60,
           count(*) FILTER (WHERE assigned),
           count(*) FILTER (WHERE assigned OR unassigned),
           count(*) FILTER (WHERE assigned AND assigned_at <= assign_due_at),
           sum(extract(epoch FROM assigned_at - opened_at)) FILTER (WHERE assigned) / 60,
           count(*) FILTER (WHERE resolved),
           count(*) FILTER (WHERE resolved OR unresolved),
           count(*) FILTER (WHERE resolved AND resolved_at <= due_at),
           sum(extract(epoch FROM resolved_at - opened_at)) FILTER (WHERE resolved) / 60,
           count(*) FILTER (WHERE resolved AND result = 'false_alarm'),
           count(*) FILTER (WHERE unresolved)
      FROM seen JOIN unit u ON u.unit_key = seen.lead_key
     GROUP BY u.id ORDER BY u.id
"""


async def counts(pool: ReadPool, start: date, end: date, *, zone: str, now: datetime) -> Counts:
    """Every measure over a half-open span of days; units that have no incident have no row."""
    given = {"start": start, "end": end, "zone": zone, "now": now}
    async with pool.connection() as conn:
        rows = await (await conn.execute(_COUNTS, given)).fetchall()
    return counts_of([(row[0], [float(count or 0) for count in row[1:]]) for row in rows], MEASURES)

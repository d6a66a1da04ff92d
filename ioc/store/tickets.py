"""Tickets counted: the measures that indicators are made of, by unit over a span of days."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from ioc.kpi.counts import Counts, counts_of
from ioc.store.pool import ReadPool

MEASURES: Final = (
    "tickets_received",
    "tickets_resolved_on_time",
    "tickets_resolved_late",
    "tickets_rated",
    "tickets_satisfied",
    "tickets_false",
    "tickets_overdue",
    "petitions_received",
    "petitions_due",
    "petitions_on_time",
    "petitions_disliked_repeated_late",
    "petitions_rules",
    "petitions_staff",
    "field_reports_received",
    "field_reports_due",
    "field_reports_on_time",
)
"""All of them, in the order of the columns below."""

# A ticket counts where it is handled, before that where it is led. What is unfinished ends with
# the span, or now; while its reporter is asked for more its clock stands where it was. It is due in
# a span if it was in hand on any day of it; the deadlines are those of today. Resolved is what was
# solved; a rejection is no resolution, but it is in time or not.
_COUNTS: Final = """
    WITH span AS (
        SELECT %(start)s::timestamp AT TIME ZONE %(zone)s AS since,
               LEAST(%(end)s::timestamp AT TIME ZONE %(zone)s, %(now)s::timestamptz) AS until
    ), seen AS (
        SELECT COALESCE(t.unit_key, t.lead_key) AS unit_key, t.kind, t.outcome, t.about,
               t.satisfied, t.reopened,
               t.received_at >= s.since AS received,
               t.ended_at IS NOT NULL AND t.ended_at < s.until AS ended,
               t.ended_at >= s.since AND t.ended_at < s.until AS ended_within,
               t.rated_at >= s.since AND t.rated_at < s.until AS rated,
               t.always_late OR LEAST(COALESCE(t.ended_at, t.asked_at, s.until), s.until)
                                > t.judged_due_at AS late
          FROM ticket t CROSS JOIN span s
         WHERE t.received_at < s.until
           AND (t.ended_at IS NULL OR t.ended_at >= s.since OR t.rated_at >= s.since)
           AND (%(category)s::text IS NULL OR t.category = %(category)s)
    ), marked AS (
        SELECT *, NOT ended OR ended_within AS due, kind = 'petition' AS petition FROM seen
    )
    SELECT u.id,
           count(*) FILTER (WHERE received),
           count(*) FILTER (WHERE ended_within AND outcome = 'solved' AND NOT late),
           count(*) FILTER (WHERE ended_within AND outcome = 'solved' AND late),
           count(*) FILTER (WHERE rated),
           count(*) FILTER (WHERE rated AND satisfied),
           count(*) FILTER (WHERE ended_within AND outcome = 'false_report'),
           count(*) FILTER (WHERE NOT ended AND late),
           count(*) FILTER (WHERE petition AND received),
           count(*) FILTER (WHERE petition AND due),
           count(*) FILTER (WHERE petition AND due AND NOT late),
           count(*) FILTER (WHERE petition AND due
                                  AND (late OR reopened > 0 OR satisfied IS FALSE)),
           count(*) FILTER (WHERE received AND about = 'rules'),
           count(*) FILTER (WHERE received AND about = 'staff'),
           count(*) FILTER (WHERE NOT petition AND received),
           count(*) FILTER (WHERE NOT petition AND due),
           count(*) FILTER (WHERE NOT petition AND due AND NOT late)
      FROM marked JOIN unit u USING (unit_key)
     GROUP BY u.id ORDER BY u.id
"""


async def counts(
    pool: ReadPool,
    start: date,
    end: date,
    *,
    zone: str,
    now: datetime,
    category: str | None = None,
    units: Iterable[str] = (),
) -> Counts:
    """Every measure over a half-open span of days, of all tickets or those of a category.

    Units that have no ticket have no row, unless they are named: nothing is 0 there.
    """
    given = {"start": start, "end": end, "zone": zone, "now": now, "category": category}
    async with pool.connection() as conn:
        rows = await (await conn.execute(_COUNTS, given)).fetchall()
    found: dict[str, list[float | None]] = {unit: [0.0] * len(MEASURES) for unit in units}
    found.update({row[0]: [float(count) for count in row[1:]] for row in rows})
    return counts_of(sorted(found.items()), MEASURES)

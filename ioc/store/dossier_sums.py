"""Counts of dossiers by unit and day, made anew from the dossiers wherever one has changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ioc.kpi.counts import Counts, counts_of
from ioc.store.pool import ReadPool, WritePool

SUMMED: Final = (
    "received_direct", "received_online", "received_post", "received_national_portal",
    "received_vneid", "received_provincial_portal", "received_mobile", "received_desktop",
    "received_full", "received_partial", "received_level_2", "received_level_3",
    "received_level_4", "received_online_full", "received_online_level_3_4", "received_synced",
    "received_digitised", "received_reused", "received_personal_store",
    "received_population_data", "received_authenticated", "received_fee", "paid_online",
    "received_result_required", "received_supplemented", "received_here",
    "received_here_for_others", "resolved_early", "resolved_on_time", "resolved_late",
    "resolved_undated", "resolved_granted", "resolved_refused", "resolved_withdrawn",
    "resolved_with_file", "resolved_digitised", "resolved_result_required", "asked", "satisfied",
    "rated_late_or_disliked", "became_overdue", "resolved_overdue",
)  # fmt: skip
"""The measures of a row of `dossier_day`, in the order of its columns."""

_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('dossier_day'))"

# Marks are only ever added, so that writers never wait for one another. A mark that is taken away
# here was committed before, and so was the change that it tells of: the count below, which begins
# later, sees it. A mark that comes in between is of a later commit and waits for the next count.
# One count at a time, else an earlier one could write over what a later one has found.
_TAKE: Final = """
    WITH taken AS (
        DELETE FROM dossier_change
         WHERE ctid = ANY(ARRAY(SELECT ctid FROM dossier_change LIMIT %s))
        RETURNING unit_key, day
    )
    SELECT array_agg(unit_key), array_agg(day), COALESCE(sum(many), 0)::bigint
      FROM (SELECT unit_key, day, count(*) AS many FROM taken GROUP BY unit_key, day) AS t
"""

_RECOUNT: Final = """
    WITH wanted AS (
        SELECT unit_key, day FROM unnest(%(unit)s::int[], %(day)s::date[]) AS w(unit_key, day)
    ), received AS (
        SELECT w.unit_key, w.day,
               count(*) FILTER (WHERE channel = 'direct') AS direct,
               count(*) FILTER (WHERE channel = 'online') AS online,
               count(*) FILTER (WHERE channel = 'post') AS post,
               count(*) FILTER (WHERE source = 'national_portal') AS national_portal,
               count(*) FILTER (WHERE source = 'vneid') AS vneid,
               count(*) FILTER (WHERE source = 'provincial_portal') AS provincial_portal,
               count(*) FILTER (WHERE device = 'mobile') AS mobile,
               count(*) FILTER (WHERE device = 'desktop') AS desktop,
               count(*) FILTER (WHERE level = 'full') AS fully,
               count(*) FILTER (WHERE level = 'partial') AS partial,
               count(*) FILTER (WHERE level = '2') AS level_2,
               count(*) FILTER (WHERE level = '3') AS level_3,
               count(*) FILTER (WHERE level = '4') AS level_4,
               count(*) FILTER (WHERE channel = 'online' AND level = 'full') AS online_full,
               count(*) FILTER (WHERE channel = 'online' AND level IN ('3', '4')) AS online_3_4,
               count(*) FILTER (WHERE synced) AS synced,
               count(*) FILTER (WHERE digitised) AS digitised,
               count(*) FILTER (WHERE reused) AS reused,
               count(*) FILTER (WHERE personal_store) AS personal_store,
               count(*) FILTER (WHERE population_data) AS population_data,
               count(*) FILTER (WHERE authenticated) AS authenticated,
               count(*) FILTER (WHERE fee) AS fee,
               count(*) FILTER (WHERE paid_online) AS paid_online,
               count(*) FILTER (WHERE result_required) AS result_required,
               count(*) FILTER (WHERE supplements > 0) AS supplemented,
               count(*) FILTER (WHERE received_unit = handling_unit) AS here
          FROM wanted w
          JOIN dossier d ON d.handling_unit = w.unit_key AND d.received_day = w.day
         GROUP BY w.unit_key, w.day
    ), others AS (
        SELECT w.unit_key, w.day, count(*) AS here
          FROM wanted w
          JOIN dossier d ON d.received_unit = w.unit_key AND d.received_day = w.day
               AND d.received_unit <> d.handling_unit
         GROUP BY w.unit_key, w.day
    ), resolved AS (
        SELECT w.unit_key, w.day,
               count(*) FILTER (WHERE timeliness = 'early') AS early,
               count(*) FILTER (WHERE timeliness = 'on_time') AS on_time,
               count(*) FILTER (WHERE timeliness = 'late') AS late,
               count(*) FILTER (WHERE timeliness IS NULL) AS undated,
               count(*) FILTER (WHERE outcome = 'granted') AS granted,
               count(*) FILTER (WHERE outcome IN ('refused', 'returned')) AS refused,
               count(*) FILTER (WHERE outcome = 'withdrawn') AS withdrawn,
               count(*) FILTER (WHERE result_file) AS with_file,
               count(*) FILTER (WHERE result_file AND digitised) AS digitised,
               count(*) FILTER (WHERE result_required) AS result_required,
               count(*) FILTER (WHERE asked OR satisfaction IS NOT NULL) AS asked,
               count(*) FILTER (WHERE satisfaction = 'satisfied') AS satisfied,
               count(*) FILTER (WHERE timeliness = 'late' OR complained
                                OR satisfaction = 'disliked') AS late_or_disliked,
               count(overdue_day) AS overdue
          FROM wanted w
          JOIN dossier d ON d.handling_unit = w.unit_key AND d.resolved_day = w.day
         GROUP BY w.unit_key, w.day
    ), fallen AS (
        SELECT w.unit_key, w.day, count(*) AS overdue
          FROM wanted w
          JOIN dossier d ON d.handling_unit = w.unit_key AND d.overdue_day = w.day
         GROUP BY w.unit_key, w.day
    )
    INSERT INTO dossier_day AS held
    SELECT w.unit_key, w.day,
           COALESCE(r.direct, 0), COALESCE(r.online, 0), COALESCE(r.post, 0),
           COALESCE(r.national_portal, 0), COALESCE(r.vneid, 0),
           COALESCE(r.provincial_portal, 0), COALESCE(r.mobile, 0), COALESCE(r.desktop, 0),
           COALESCE(r.fully, 0), COALESCE(r.partial, 0), COALESCE(r.level_2, 0),
           COALESCE(r.level_3, 0), COALESCE(r.level_4, 0), COALESCE(r.online_full, 0),
           COALESCE(r.online_3_4, 0), COALESCE(r.synced, 0), COALESCE(r.digitised, 0),
           COALESCE(r.reused, 0), COALESCE(r.personal_store, 0), COALESCE(r.population_data, 0),
           COALESCE(r.authenticated, 0), COALESCE(r.fee, 0), COALESCE(r.paid_online, 0),
           COALESCE(r.result_required, 0), COALESCE(r.supplemented, 0),
           COALESCE(r.here, 0) + COALESCE(o.here, 0), COALESCE(o.here, 0),
           COALESCE(s.early, 0), COALESCE(s.on_time, 0), COALESCE(s.late, 0),
           COALESCE(s.undated, 0), COALESCE(s.granted, 0), COALESCE(s.refused, 0),
           COALESCE(s.withdrawn, 0), COALESCE(s.with_file, 0), COALESCE(s.digitised, 0),
           COALESCE(s.result_required, 0), COALESCE(s.asked, 0), COALESCE(s.satisfied, 0),
           COALESCE(s.late_or_disliked, 0), %(stamp)s,
           COALESCE(f.overdue, 0), COALESCE(s.overdue, 0)
      FROM wanted w
      LEFT JOIN received r USING (unit_key, day)
      LEFT JOIN others o USING (unit_key, day)
      LEFT JOIN resolved s USING (unit_key, day)
      LEFT JOIN fallen f USING (unit_key, day)
    ON CONFLICT (unit_key, day) DO UPDATE
       SET received_direct = excluded.received_direct,
           received_online = excluded.received_online,
           received_post = excluded.received_post,
           received_national_portal = excluded.received_national_portal,
           received_vneid = excluded.received_vneid,
           received_provincial_portal = excluded.received_provincial_portal,
           received_mobile = excluded.received_mobile,
           received_desktop = excluded.received_desktop,
           received_full = excluded.received_full,
           received_partial = excluded.received_partial,
           received_level_2 = excluded.received_level_2,
           received_level_3 = excluded.received_level_3,
           received_level_4 = excluded.received_level_4,
           received_online_full = excluded.received_online_full,
           received_online_level_3_4 = excluded.received_online_level_3_4,
           received_synced = excluded.received_synced,
           received_digitised = excluded.received_digitised,
           received_reused = excluded.received_reused,
           received_personal_store = excluded.received_personal_store,
           received_population_data = excluded.received_population_data,
           received_authenticated = excluded.received_authenticated,
           received_fee = excluded.received_fee,
           paid_online = excluded.paid_online,
           received_result_required = excluded.received_result_required,
           received_supplemented = excluded.received_supplemented,
           received_here = excluded.received_here,
           received_here_for_others = excluded.received_here_for_others,
           resolved_early = excluded.resolved_early,
           resolved_on_time = excluded.resolved_on_time,
           resolved_late = excluded.resolved_late,
           resolved_undated = excluded.resolved_undated,
           resolved_granted = excluded.resolved_granted,
           resolved_refused = excluded.resolved_refused,
           resolved_withdrawn = excluded.resolved_withdrawn,
           resolved_with_file = excluded.resolved_with_file,
           resolved_digitised = excluded.resolved_digitised,
           resolved_result_required = excluded.resolved_result_required,
           asked = excluded.asked,
           satisfied = excluded.satisfied,
           rated_late_or_disliked = excluded.rated_late_or_disliked,
           became_overdue = excluded.became_overdue,
           resolved_overdue = excluded.resolved_overdue,
           stamp = excluded.stamp
"""

_STAMP: Final = "SELECT COALESCE(max(stamp), 0) + 1 FROM dossier_day"

# Read in the binary format, in which each of these rows has the same width: as rows of Python's
# numbers the counts of two years of 300 units would keep the flow waiting for seconds.
_CHANGED: Final = """
    COPY (
        SELECT unit_key, day - DATE '1970-01-01', stamp,
               received_direct, received_online, received_post, received_national_portal,
               received_vneid, received_provincial_portal, received_mobile, received_desktop,
               received_full, received_partial, received_level_2, received_level_3,
               received_level_4, received_online_full, received_online_level_3_4,
               received_synced, received_digitised, received_reused, received_personal_store,
               received_population_data, received_authenticated, received_fee, paid_online,
               received_result_required, received_supplemented, received_here,
               received_here_for_others, resolved_early, resolved_on_time, resolved_late,
               resolved_undated, resolved_granted, resolved_refused, resolved_withdrawn,
               resolved_with_file, resolved_digitised, resolved_result_required, asked,
               satisfied, rated_late_or_disliked, became_overdue, resolved_overdue
          FROM dossier_day
         WHERE (stamp, unit_key, day - DATE '1970-01-01') > (%(stamp)s, %(unit)s, %(day)s)
           AND stamp >= %(stamp)s
         ORDER BY stamp, unit_key, day
         LIMIT %(most)s
    ) TO STDOUT (FORMAT BINARY)
"""

_UNITS: Final = "SELECT unit_key, id FROM unit"

# While a dossier is paused its clock stands still.
_IN_HAND: Final = """
    SELECT u.id, count(*),
           count(*) FILTER (WHERE d.due_effective < LEAST(%(now)s, d.paused_since))
      FROM dossier d JOIN unit u ON u.unit_key = d.handling_unit
     WHERE d.resolved_at IS NULL
     GROUP BY u.id
"""


Position = tuple[int, int, int]
"""Where a reader of changed counts is: stamp, unit and day."""

BEGINNING: Final[Position] = (0, 0, 0)


_HEADER: Final = 19
_TRAILER: Final = 2
"""Bytes before the first and behind the last row of the binary format."""

_ROW: Final = np.dtype(
    [
        ("fields", ">i2"), ("width_1", ">i4"), ("unit", ">i4"), ("width_2", ">i4"),
        ("day", ">i4"), ("width_3", ">i4"), ("stamp", ">i8"),
        ("counts", [("width", ">i4"), ("count", ">i4")], (len(SUMMED),)),
    ]
)  # fmt: skip
"""A row as it comes: how many fields, then each with its width before it."""


@dataclass(frozen=True, slots=True)
class ChangedDays:
    """Rows of counts: units by id, days since 1970, a row of `values` each in `SUMMED`'s order."""

    position: Position
    units: list[str]
    days: NDArray[np.int64]
    values: NDArray[np.int64]


async def recount(pool: WritePool, *, most: int = 500_000) -> int:
    """Make counts anew for at most so many marks; returns for how many, 0 when none is left."""
    async with pool.connection() as conn:
        await conn.execute(_ONE_AT_A_TIME)
        row = await (await conn.execute(_TAKE, [most])).fetchone()
        assert row is not None
        if row[2] == 0:
            return 0
        # Drawn under the lock, so that the order of stamps is that of the commits.
        stamped = await (await conn.execute(_STAMP)).fetchone()
        assert stamped is not None
        await conn.execute(_RECOUNT, {"unit": row[0], "day": row[1], "stamp": stamped[0]})
        return row[2]


async def changed(pool: ReadPool, *, after: Position, most: int = 50_000) -> ChangedDays | None:
    """At most so many counts that were made after a position; None where there are no more."""
    given = {"stamp": after[0], "unit": after[1], "day": after[2], "most": most}
    async with pool.connection() as conn:
        async with conn.cursor() as cur, cur.copy(_CHANGED, given) as copy:
            parts = [bytes(part) async for part in copy]
        rows = np.frombuffer(b"".join(parts)[_HEADER:-_TRAILER], _ROW)
        if not len(rows):
            return None
        ids = dict(await (await conn.execute(_UNITS)).fetchall())
    last = rows[-1]
    return ChangedDays(
        (int(last["stamp"]), int(last["unit"]), int(last["day"])),
        [ids[key] for key in rows["unit"].tolist()],
        rows["day"].astype(np.int64),
        rows["counts"]["count"].astype(np.int64),
    )


async def in_hand(pool: ReadPool, now: datetime) -> Counts:
    """Dossiers in hand and those past their due time, by handling unit."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_IN_HAND, {"now": now})).fetchall()
    return counts_of([(row[0], row[1:]) for row in rows], ("in_hand", "in_hand_overdue"))

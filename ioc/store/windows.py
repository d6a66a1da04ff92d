"""PlannedWork windows of feeds: each kept as silences, one for each thing or area it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg.types.json import Jsonb

from alerts.mute import Matcher
from alerts.window import PlannedWork
from ioc.ids import uuid7
from ioc.store.alerts import CHANNEL
from ioc.store.pool import Connection


@dataclass(slots=True)
class Imported:
    """What an import did, counted in windows."""

    begun: int = 0
    changed: int = 0
    same: int = 0
    ended: int = 0


# Several processes may take lists of one feed at once.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('window'), %s)"

_KNOWN: Final = """
    SELECT EXISTS (SELECT FROM silence WHERE feed_key = %(feed)s AND window_id = %(window)s)
"""

# What was ended here by a person stays so.
_PUT: Final = """
    INSERT INTO silence AS s (silence_id, matcher, validity, why, plan, created_by, created_at,
                              feed_key, window_id)
    VALUES (%(id)s, %(matcher)s, tstzrange(%(starts)s, %(until)s), %(why)s, %(plan)s, %(by)s,
            %(at)s, %(feed)s, %(window)s)
    ON CONFLICT (feed_key, window_id, matcher) DO UPDATE
       SET validity = excluded.validity, why = excluded.why, plan = excluded.plan,
           ended_by = NULL, ended_at = NULL
     WHERE (s.validity, s.why, s.plan) IS DISTINCT FROM
           (excluded.validity, excluded.why, excluded.plan)
       AND (s.ended_by IS NULL OR s.ended_by = excluded.created_by)
"""

# One that has not begun yet is taken away whole: it ends at its own start and a moment.
_END: Final = """
    UPDATE silence
       SET validity = tstzrange(lower(validity),
                                greatest(%(at)s, lower(validity) + interval '1 microsecond')),
           ended_by = %(by)s, ended_at = %(at)s
     WHERE feed_key = %(feed)s AND window_id = %(window)s AND ended_by IS NULL
       AND upper(validity) > %(at)s AND matcher <> ALL(%(kept)s::jsonb[])
"""

_TELL: Final = "SELECT pg_notify(%s, '')"


async def put(
    conn: Connection,
    feed_key: int,
    windows: Sequence[PlannedWork],
    *,
    plan: str,
    by: str,
    at: datetime,
) -> Imported:
    """Keep windows: new ones begin, known ones are corrected, withdrawn ones end.

    `plan` stands for the document where a window names none.
    """
    done = Imported()
    await conn.execute(_LOCK, [feed_key])
    for one in windows:
        window = one.window
        given: dict[str, Any] = {"feed": feed_key, "window": window.id, "by": by, "at": at}
        row = await (await conn.execute(_KNOWN, given)).fetchone()
        assert row is not None
        documents = [Jsonb(_document(matcher)) for matcher in one.matchers]
        ended = (await conn.execute(_END, {**given, "kept": documents})).rowcount
        changed = 0
        for document in documents:
            columns = {
                **given, "id": uuid7(at), "matcher": document, "starts": window.starts,
                "until": window.until, "why": window.reason, "plan": window.source or plan,
            }  # fmt: skip
            changed += (await conn.execute(_PUT, columns)).rowcount
        if not documents:
            done.ended += ended > 0
            done.same += not ended
        elif not row[0]:
            done.begun += 1
        else:
            done.changed += changed + ended > 0
            done.same += changed + ended == 0
    await conn.execute(_TELL, [CHANNEL])
    return done


def _document(matcher: Matcher) -> dict[str, Any]:
    return msgspec.to_builtins(matcher)

"""The ledger as agencies read it: what came in by minute, and what became of it."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from ioc.api.deps import Now, Reads, feed_for
from ioc.api.encode import answer, shape
from ioc.api.feeds import window
from ioc.auth.policy import Permission
from ioc.model import Feed
from ioc.store import ledger

router = APIRouter(tags=["feeds"])

LedgerFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_LEDGER))]


class LedgerList(msgspec.Struct):
    """The ledger of a feed by minute, its sum, and what the agency published where it may not.

    Unless the feed is `idempotent`, what is sent again without a time is stored once more.
    With `next`, more may follow: ask again with it as `since`, and the same `until`.
    """

    items: list[ledger.Minute]
    total: ledger.Minute
    forbidden: int
    idempotent: bool
    next: datetime | None = None


@router.get("/feeds/{feed}/ledger", responses=shape(LedgerList))
async def get_ledger(
    feed: LedgerFeed,
    reads: Reads,
    now: Now,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_440,
) -> Response:
    """What came in by minute: received = stored + duplicate + corrected + late + quarantined."""
    start, end = window(since, until, now + timedelta(minutes=1))
    items = await ledger.minutes(reads, feed.key, since=start, until=end, limit=limit)
    return answer(
        LedgerList(
            items,
            await ledger.total(reads, feed.key, since=start, until=end),
            await ledger.forbidden(reads, feed.agency_key, since=start, until=end),
            feed.is_idempotent,
            _following(items, limit, end),
        )
    )


def _following(items: list[ledger.Minute], limit: int, until: datetime) -> datetime | None:
    """The minute after the last one, unless all are there."""
    if len(items) < limit:
        return None
    following = items[-1].minute + timedelta(minutes=1)
    return following if following < until else None

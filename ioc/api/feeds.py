"""Feeds: what there are and how they fare, and observations in."""

from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from ingest.decode import CONTENT_TYPES, CSV, NDJSON, media_type, understood
from ingest.intake import Intake, expected
from ingest.payload import Channel, Payload
from ingest.rows import LATEST_YEAR
from ioc.api.bodies import lines, whole
from ioc.api.deps import (
    Health,
    Incoming,
    Now,
    feed_for,
    requires,
)
from ioc.api.encode import answer, shape
from ioc.api.receipts import receipt_answer
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid, IocError, UnsupportedFormat
from ioc.live.wire import FeedItem
from ioc.model import Feed, Receipt
from ioc.store.flush import MOST_PROBLEMS

router = APIRouter(tags=["feeds"])

WritableFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_WRITE))]
LedgerFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_LEDGER))]
FeedReader = Annotated[Subject, Depends(requires(Permission.FEED_READ))]


class FeedList(msgspec.Struct):
    """Feeds with their health."""

    items: list[FeedItem]
    next: str | None = None


_OBSERVATIONS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "Observations in the feed's format; gzip and zstd are taken.",
        "content": {
            "application/json": {
                "schema": {},
                "example": [
                    {
                        "series": "ql6-km42/speed",
                        "time": "2026-11-22T09:00:00+07:00",
                        "value": 37.5,
                    }
                ],
            },
            "application/senml+json": {"schema": {}},
            "application/x-ndjson": {"schema": {"type": "string"}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}


@router.post(
    "/feeds/{feed}/observations",
    responses=shape(Receipt, "What became of the body, after the commit"),
    openapi_extra=_OBSERVATIONS_BODY,
)
async def post_observations(
    request: Request, feed: WritableFeed, intake: Incoming, now: Now
) -> Response:
    """Take observations; the answer is sent after the commit."""
    content_type = request.headers.get("content-type", "")
    kind = media_type(content_type)
    if not understood(content_type):
        taken = ", ".join(CONTENT_TYPES)
        raise UnsupportedFormat(f"Content-Type {kind[:60]!r} is not taken; use one of {taken}")
    if kind in NDJSON | CSV:
        total = Receipt()
        try:
            async with aclosing(lines(request, header=kind in CSV)) as blocks:
                async for block, first in blocks:
                    receipt = await _store(intake, feed, block, content_type, now, first)
                    shift = msgspec.structs.replace(receipt, problems=[])
                    total.add(shift, most_problems=MOST_PROBLEMS)
                    total.problems += receipt.problems[: MOST_PROBLEMS - len(total.problems)]
        except IocError as error:
            # What was committed before stays; the sender learns how far it came.
            error.values = {**error.values, "receipt": msgspec.to_builtins(total)}
            raise
        return receipt_answer(request, total)
    receipt = await _store(intake, feed, await whole(request), content_type, now, 0)
    return receipt_answer(request, receipt)


async def _store(
    intake: Intake, feed: Feed, body: bytes, content_type: str, now: datetime, first: int
) -> Receipt:
    """Hand a body to the pipeline and wait for its commit."""
    receipt, answer_with = expected()
    intake.submit(
        Payload(
            feed_key=feed.key,
            channel=Channel.REST,
            content_type=content_type,
            body=body,
            received_at=now,
            answer=answer_with,
            first_index=first,
        )
    )
    return await receipt


@router.get("/feeds", responses=shape(FeedList))
async def get_feeds(health: Health, subject: FeedReader, now: Now) -> Response:
    """The feeds and how they fare."""
    return answer(FeedList(health.items(now, lambda feed: subject.may_see_unit(feed.agency))))


def window(
    since: datetime | None, until: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """The time to look at: the last 24 hours unless told."""
    end = until or now
    for named, at in (("since", since), ("until", until)):
        if at is not None and not 1900 <= at.year <= LATEST_YEAR:
            raise Invalid(f"`{named}` has the year {at.year}")
    start = since or end - timedelta(days=1)
    if start.tzinfo is None or end.tzinfo is None:
        raise Invalid("`since` and `until` need an offset, such as 2026-11-22T00:00:00+07:00")
    if end <= start:
        raise Invalid("`until` must be after `since`")
    return start, end

"""Warnings of others: CAP documents in by feed keys, and what was taken of them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from alerts.cap import Message
from alerts.cap_hearing import national_level
from ingest.payload import Channel
from ioc.api.bodies import whole
from ioc.api.cursors import LAST
from ioc.api.deps import Health, Now, Reads, Writes, feed_for, requires
from ioc.api.encode import answer, shape
from ioc.api.receipts import receipt_answer
from ioc.auth.policy import Permission, Subject
from ioc.flow.warning_intake import take_warnings
from ioc.model import Feed, Receipt
from ioc.store import warnings
from ioc.store.warnings import WarningRow

router = APIRouter(tags=["alerts"])

WritableFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_WRITE))]
Reader = Annotated[Subject, Depends(requires(Permission.ALERT_READ))]


class WarningItem(msgspec.Struct, kw_only=True):
    """A message that warns; `replaced` where a later one of its sender names it.

    `signature` is verified, unverified or absent. `bulletin` says whether its PDF is there.
    `national_level` is that of Decision 18/2021/QĐ-TTg, where the sender gives one.
    """

    id: str
    by_hand: bool
    national_level: int | None
    message: Message
    ends: datetime
    signature: str
    replaced: bool
    bulletin: bool
    by: str
    at: datetime


class WarningList(msgspec.Struct):
    """Messages that warn, those that came in last first."""

    items: list[WarningItem]
    next: str | None


@router.post(
    "/feeds/{feed}/warnings",
    responses=shape(Receipt, "What became of the document, after the commit"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A CAP 1.2 message, or an Atom feed that holds some.",
            "content": {"application/cap+xml": {"schema": {"type": "string"}}},
        }
    },
)
async def post_document(
    request: Request, feed: WritableFeed, writes: Writes, health: Health, now: Now
) -> Response:
    """Take warnings; Update and Cancel end the messages of the same sender that they name."""
    body = await whole(request, cure="send fewer messages at a time")
    receipt = await take_warnings(
        writes,
        feed,
        body,
        request.headers.get("content-type", "application/cap+xml"),
        channel=Channel.REST.value,
        now=now,
    )
    health.note(feed, receipt, None, now)
    return receipt_answer(request, receipt)


@router.get("/warnings", responses=shape(WarningList))
async def get_warnings(
    _: Reader,
    reads: Reads,
    before: UUID = LAST,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Warnings, whether in force or not."""
    items = [item(row) for row in await warnings.listed(reads, before=before, limit=limit)]
    return answer(WarningList(items, items[-1].id if len(items) == limit else None))


def item(row: WarningRow) -> WarningItem:
    """A warning as it travels."""
    message = row.message
    return WarningItem(
        id=str(row.warning_id),
        by_hand=row.feed_key is None,
        national_level=national_level(message),
        message=message,
        ends=row.ends,
        signature=row.signature,
        replaced=row.replaced,
        bulletin=row.bulletin,
        by=row.received_by,
        at=row.received_at,
    )

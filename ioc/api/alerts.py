"""Alerts: the open ones, their history, and what people do with them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from alerts.lifecycle import Move
from ioc.api.deps import Alerts, Reads, requires
from ioc.api.encode import answer, shape
from ioc.api.short import ShortBodyRoute
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid, NotFound
from ioc.live.wire import AlertItem
from ioc.store import alerts

router = APIRouter(tags=["alerts"], route_class=ShortBodyRoute)

Reader = Annotated[Subject, Depends(requires(Permission.ALERT_READ))]
Acknowledger = Annotated[Subject, Depends(requires(Permission.ALERT_ACKNOWLEDGE))]
Commenter = Annotated[Subject, Depends(requires(Permission.ALERT_COMMENT))]

LAST = UUID(int=2**128 - 1)


class AlertList(msgspec.Struct):
    """Alerts; the open ones worst first, the closed ones newest first."""

    items: list[AlertItem]
    next: str | None


class HistoryItem(msgspec.Struct):
    """One change of an alert."""

    at: datetime
    change: str
    actor: str
    comment: str


class History(msgspec.Struct):
    """All changes of an alert, oldest first."""

    items: list[HistoryItem]
    next: str | None = None


class Comment(BaseModel):
    """Words to go with a move."""

    comment: str = Field("", max_length=2_000)


@router.get("/alerts", responses=shape(AlertList))
async def get_alerts(
    _: Reader,
    alerting: Alerts,
    reads: Reads,
    closed: Annotated[bool, Query(description="the closed ones instead of the open ones")] = False,
    before: UUID = LAST,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
) -> Response:
    """The open alerts, or those that have closed."""
    if not closed:
        return answer(AlertList(alerting.open_items(), None))
    rows = await alerts.closed(reads, before=before, limit=limit)
    items = [alerting.item(row) for row in rows]
    return answer(AlertList(items, items[-1].id if len(items) == limit else None))


@router.get("/alerts/{alert}/log", responses=shape(History))
async def get_log(alert: UUID, _: Reader, reads: Reads) -> Response:
    """What happened to an alert, and who did what."""
    rows = await alerts.history(reads, alert)
    if not rows:
        raise NotFound(f"there is no alert {alert}")
    return answer(History([HistoryItem(r.at, r.change, r.actor, r.comment) for r in rows]))


@router.post("/alerts/{alert}/acknowledge", responses=shape(AlertItem))
async def acknowledge(
    request: Request,
    alert: UUID,
    subject: Acknowledger,
    alerting: Alerts,
    body: Comment | None = None,
) -> Response:
    """Acknowledge an alert: somebody has seen it and is on it."""
    comment = _clean(body)
    return answer(
        await alerting.move(
            alert, Move.ACKNOWLEDGE, who=subject.name, comment=comment, source=_source(request)
        )
    )


@router.post("/alerts/{alert}/comment", responses=shape(AlertItem))
async def comment_on(
    request: Request, alert: UUID, subject: Commenter, alerting: Alerts, body: Comment
) -> Response:
    """Add words to an alert."""
    comment = _clean(body)
    if not comment:
        raise Invalid("the comment is empty")
    return answer(
        await alerting.move(
            alert, Move.COMMENT, who=subject.name, comment=comment, source=_source(request)
        )
    )


def _clean(body: Comment | None) -> str:
    comment = body.comment.strip() if body else ""
    if "\x00" in comment:
        raise Invalid("the comment holds a NUL character")
    return comment


def _source(request: Request) -> str:
    return request.client.host if request.client else ""

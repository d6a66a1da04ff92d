"""One move on many alerts at once: each answers for itself."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from alerts.lifecycle import Move, Wish
from ioc.api.deps import Alerts, requires
from ioc.api.encode import answer, shape
from ioc.api.short import ShortBodyRoute
from ioc.auth.policy import Permission, Subject
from ioc.catalogue import say
from ioc.errors import Conflict, Invalid, NotFound
from ioc.flow.alerting import Alerting
from ioc.model import Text

router = APIRouter(tags=["alerts"], route_class=ShortBodyRoute)

Acknowledger = Annotated[Subject, Depends(requires(Permission.ALERT_ACKNOWLEDGE))]

MOST: Final = 500

NEEDED: Final = {
    Move.ACKNOWLEDGE: Permission.ALERT_ACKNOWLEDGE,
    Move.ASSIGN: Permission.ALERT_ASSIGN,
    Move.SHELVE: Permission.ALERT_HANDLE,
}
GONE: Final = "gone"
"""The reason for an alert that is not open any more."""


class Seen(BaseModel):
    """An alert and the version of it that the person saw."""

    id: UUID
    version: int = Field(ge=1)


class BulkBody(BaseModel):
    """One move with one reason; `assignee` goes with assigning, `until` with shelving."""

    move: Literal["acknowledge", "assign", "shelve"]
    alerts: list[Seen] = Field(min_length=1, max_length=MOST)
    comment: str = Field("", max_length=2_000)
    assignee: str | None = Field(None, max_length=64)
    until: datetime | None = None


class BulkItem(msgspec.Struct, frozen=True):
    """What became of one alert; a `refusal` names why nothing did, such as `overtaken`."""

    id: str
    version: int | None
    refusal: str | None = None
    reason: Text | None = None


class BulkAnswer(msgspec.Struct, frozen=True):
    """One answer for each alert, in the order of the request."""

    done: int
    items: list[BulkItem]


@router.post("/alerts/bulk", responses=shape(BulkAnswer))
async def move_many(
    request: Request, subject: Acknowledger, alerting: Alerts, body: BulkBody
) -> Response:
    """Acknowledge, assign or shelve up to 500 alerts; one that is refused stops no other."""
    wish = _wish(body, subject, alerting)
    source = request.client.host if request.client else ""
    items = [await _moved(alerting, seen, wish, source) for seen in body.alerts]
    return answer(BulkAnswer(sum(item.refusal is None for item in items), items))


def _wish(body: BulkBody, subject: Subject, alerting: Alerting) -> Wish:
    move = Move(body.move)
    requires(NEEDED[move])(subject)
    words = body.comment.strip()
    if "\x00" in words:
        raise Invalid("the comment holds a NUL character")
    if len({seen.id for seen in body.alerts}) < len(body.alerts):
        raise Invalid("an alert is named twice; name each once")
    if move is Move.ASSIGN and not (body.assignee and alerting.has_unit(body.assignee)):
        raise Invalid(f"there is no unit `{body.assignee}` today; see GET /units")
    if move is Move.SHELVE and not words:
        raise Invalid("say in `comment` why the alerts are put aside")
    if move is Move.SHELVE and (body.until is None or body.until.tzinfo is None):
        raise Invalid("give `until` with a time zone, such as 2026-11-28T15:00:00+07:00")
    return Wish(
        move=move,
        who=subject.name,
        words=words,
        until=body.until if move is Move.SHELVE else None,
        assignee=body.assignee if move is Move.ASSIGN else None,
    )


async def _moved(alerting: Alerting, seen: Seen, wish: Wish, source: str) -> BulkItem:
    try:
        item = await alerting.move(seen.id, wish, source=source, version=seen.version)
    except NotFound:
        return _refused(seen, GONE, None)
    except Conflict as error:
        version = error.values.get("version")
        return _refused(
            seen, str(error.values["refusal"]), version if isinstance(version, int) else None
        )
    return BulkItem(item.id, item.version)


def _refused(seen: Seen, refusal: str, version: int | None) -> BulkItem:
    key = f"refusal.{refusal}"
    return BulkItem(str(seen.id), version, refusal, Text(say(key, "vi"), say(key, "en")))

"""Alerts: the open ones, their history, and what people do with them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from alerts.lifecycle import Move, Wish
from geo.bbox import parse_bbox
from ioc.api.cursors import aware, ranked_cursor_of, ranked_place_of
from ioc.api.deps import Alerts, Now, Reads, ServerFacts, requires
from ioc.api.encode import answer, shape
from ioc.api.short import ShortBodyRoute
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid, NotFound
from ioc.flow.alerting import Alerting
from ioc.incidents.words import asked_words
from ioc.live.wire import AlertItem
from ioc.model import Domain, Severity
from ioc.store import alert_lists, alerts
from ioc.store.alert_lists import Wanted
from ioc.store.alerts import AlertRow

router = APIRouter(tags=["alerts"], route_class=ShortBodyRoute)

Reader = Annotated[Subject, Depends(requires(Permission.ALERT_READ))]
Acknowledger = Annotated[Subject, Depends(requires(Permission.ALERT_ACKNOWLEDGE))]
Assigner = Annotated[Subject, Depends(requires(Permission.ALERT_ASSIGN))]
Handler = Annotated[Subject, Depends(requires(Permission.ALERT_HANDLE))]
Commenter = Annotated[Subject, Depends(requires(Permission.ALERT_COMMENT))]

Name = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


class AlertList(msgspec.Struct):
    """Alerts; the open ones worst first, of those the longest, the closed ones newest first.

    `counts` are of all pages together, by severity, on the first page only; 1000 means as many
    or more.
    """

    items: list[AlertItem]
    next: str | None
    counts: dict[Severity, int] | None = None


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


class MoveBody(BaseModel):
    """What goes with every move: words, and the version of the alert that the person saw."""

    comment: str = Field("", max_length=2_000)
    version: int | None = Field(None, ge=1, description="refused as overtaken if it has changed")


class AssignBody(MoveBody):
    """Who is to deal with it: a unit."""

    assignee: str = Field(max_length=64)


class ShelveBody(MoveBody):
    """Until when an alert is put aside; the comment says why."""

    until: datetime


@router.get("/alerts", responses=shape(AlertList))
async def get_alerts(
    _: Reader,
    alerting: Alerts,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    closed: Annotated[bool, Query(description="the closed ones instead of the open ones")] = False,
    severity: Annotated[list[Severity] | None, Query()] = None,
    domain: Domain | None = None,
    feed: Name = None,
    rule: Name = None,
    unit: Annotated[Name, Query(description="the unit that answers for them")] = None,
    assignee: Annotated[Name, Query(description="the unit that is to deal with them")] = None,
    feature: Name = None,
    zone: Annotated[Name, Query(description="the unit that they lie in")] = None,
    bbox: Annotated[str | None, Query(description="west,south,east,north in degrees")] = None,
    q: Annotated[str | None, Query(max_length=200, description="beginnings of words")] = None,
    muted: Annotated[bool | None, Query(description="kept quiet, or not")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
) -> Response:
    """The open alerts, or those that have closed; all that is asked must hold."""
    organisation, today = facts.city.organisation, now.astimezone(ZoneInfo(facts.zone)).date()
    named = {"domain": domain, "feed": feed, "rule": rule, "feature": feature}
    named |= {
        kind: organisation.resolve(one, today)
        for kind, one in {"unit": unit, "zone": zone}.items()
        if one is not None
    }
    wanted = Wanted(
        past=closed,
        severities=severity or (),
        of={kind: one for kind, one in named.items() if one is not None},
        words=asked_words(q or ""),
        box=None if bbox is None else parse_bbox(bbox),
        assignee=None if assignee is None else organisation.resolve(assignee, today),
        muted=muted,
        since=aware("since", since),
        until=aware("until", until),
        after=ranked_place_of(cursor),
        limit=limit,
    )
    rows = await alert_lists.listed(reads, wanted)
    counts = None if cursor else await alert_lists.counted(reads, wanted)
    last = rows[-1] if len(rows) == limit else None
    following = None if last is None else _place(last)
    return answer(AlertList([alerting.item(row) for row in rows], following, counts))


def _place(row: AlertRow) -> str:
    assert row.active_since is not None
    return ranked_cursor_of(Severity(row.severity), row.active_since, row.alert_id)


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
    body: MoveBody | None = None,
) -> Response:
    """Acknowledge an alert: somebody has seen it and is on it."""
    return await _move(request, alerting, alert, Move.ACKNOWLEDGE, subject, body)


@router.post("/alerts/{alert}/comment", responses=shape(AlertItem))
async def comment_on(
    request: Request, alert: UUID, subject: Commenter, alerting: Alerts, body: MoveBody
) -> Response:
    """Add words to an alert."""
    _words_in(body, "the comment is empty")
    return await _move(request, alerting, alert, Move.COMMENT, subject, body)


@router.post("/alerts/{alert}/assign", responses=shape(AlertItem))
async def assign(
    request: Request, alert: UUID, subject: Assigner, alerting: Alerts, body: AssignBody
) -> Response:
    """Say which unit is to deal with an alert."""
    if not alerting.has_unit(body.assignee):
        raise Invalid(f"there is no unit `{body.assignee}` today; see GET /units")
    return await _move(request, alerting, alert, Move.ASSIGN, subject, body, assignee=body.assignee)


@router.post("/alerts/{alert}/shelve", responses=shape(AlertItem))
async def shelve(
    request: Request, alert: UUID, subject: Handler, alerting: Alerts, body: ShelveBody
) -> Response:
    """ShelveBody an alert aside until a time, a day at most, with the reason."""
    _words_in(body, "say in `comment` why the alert is put aside")
    if body.until.tzinfo is None:
        raise Invalid("`until` has no time zone; write such as 2026-11-28T15:00:00+07:00")
    return await _move(request, alerting, alert, Move.SHELVE, subject, body, until=body.until)


@router.post("/alerts/{alert}/unshelve", responses=shape(AlertItem))
async def unshelve(
    request: Request, alert: UUID, subject: Handler, alerting: Alerts, body: MoveBody | None = None
) -> Response:
    """Take an alert off the shelf before its time."""
    return await _move(request, alerting, alert, Move.UNSHELVE, subject, body)


@router.post("/alerts/{alert}/close", responses=shape(AlertItem))
async def close(
    request: Request, alert: UUID, subject: Handler, alerting: Alerts, body: MoveBody | None = None
) -> Response:
    """Close an alert that has cleared; it is acknowledged with that."""
    return await _move(request, alerting, alert, Move.CLOSE, subject, body)


async def _move(
    request: Request,
    alerting: Alerting,
    alert: UUID,
    move: Move,
    subject: Subject,
    body: MoveBody | None,
    *,
    until: datetime | None = None,
    assignee: str | None = None,
) -> Response:
    comment, version = (body.comment.strip(), body.version) if body else ("", None)
    if "\x00" in comment:
        raise Invalid("the comment holds a NUL character")
    wish = Wish(move=move, who=subject.name, words=comment, until=until, assignee=assignee)
    source = request.client.host if request.client else ""
    return answer(await alerting.move(alert, wish, source=source, version=version))


def _words_in(body: MoveBody, cure: str) -> None:
    if not body.comment.strip():
        raise Invalid(cure)

"""Silences: times in which some alerts are expected, such as planned work."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from alerts.mute import Matcher
from ioc.api.bodies import decoded, whole
from ioc.api.cursors import LAST
from ioc.api.deps import Alerts, Now, Reads, Writes, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid
from ioc.ids import uuid7
from ioc.store import audit, silences
from ioc.store.silences import SilenceRow

router = APIRouter(tags=["alerts"])

Reader = Annotated[Subject, Depends(requires(Permission.ALERT_READ))]
Handler = Annotated[Subject, Depends(requires(Permission.ALERT_HANDLE))]


HINT: Final = (
    '; write {"matcher": {"zone": "…"}, "starts": "2026-11-28T15:00:00+07:00", "ends": …, "why": …}'
)


class SilenceNote(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A silence as it is asked for; `plan` names the document of planned work."""

    matcher: Matcher
    starts: datetime
    ends: datetime
    why: str
    plan: str | None = None


class SilenceItem(msgspec.Struct, kw_only=True):
    """A silence; one that was ended early says by whom, one of planned work which `window`."""

    id: str
    matcher: Matcher
    starts: datetime
    ends: datetime
    why: str
    plan: str | None
    by: str
    at: datetime
    ended_by: str | None
    ended_at: datetime | None
    feed: str | None
    window: str | None


class SilenceList(msgspec.Struct):
    """Silences, the newest first."""

    items: list[SilenceItem]
    next: str | None


@router.get("/silences", responses=shape(SilenceList))
async def get_silences(
    _: Reader,
    reads: Reads,
    before: UUID = LAST,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> Response:
    """Past, present and coming silences."""
    items = [_item(row) for row in await silences.listed(reads, before=before, limit=limit)]
    return answer(SilenceList(items, items[-1].id if len(items) == limit else None))


@router.post(
    "/silences",
    status_code=201,
    responses=shape(SilenceItem),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/SilenceNote"}}
            },
        }
    },
)
async def post_silence(
    request: Request, subject: Handler, writes: Writes, alerting: Alerts, now: Now
) -> Response:
    """Keep some alerts quiet for a time; they are raised and stored all the same."""
    note = decoded(await whole(request), _note, "a silence", HINT)
    _check(note, now)
    row = SilenceRow(
        silence_id=uuid7(now),
        matcher=msgspec.to_builtins(note.matcher),
        starts=note.starts,
        ends=note.ends,
        why=note.why.strip(),
        plan=note.plan,
        created_by=subject.name,
        created_at=now,
    )
    async with writes.connection() as conn:
        await silences.add(conn, row)
        await audit.record(
            conn, now=now, actor=subject.name, source=_source(request), action="silence.begin",
            subject=str(row.silence_id), after=msgspec.to_builtins(note),
        )  # fmt: skip
    await alerting.follow()
    return answer(_item(row), status=201)


@router.post("/silences/{silence}/end", responses=shape(SilenceItem))
async def end_silence(
    request: Request, silence: UUID, subject: Handler, writes: Writes, alerting: Alerts, now: Now
) -> Response:
    """End a silence now, or call off one that has not begun."""
    async with writes.connection() as conn:
        row = await silences.end(conn, silence, by=subject.name, at=now)
        await audit.record(
            conn, now=now, actor=subject.name, source=_source(request), action="silence.end",
            subject=str(silence), after=None,
        )  # fmt: skip
    await alerting.follow()
    return answer(_item(row))


_note = msgspec.json.Decoder(SilenceNote)


def _check(note: SilenceNote, now: datetime) -> None:
    if note.starts.tzinfo is None or note.ends.tzinfo is None:
        raise Invalid("`starts` and `ends` need a time zone: 2026-11-28T15:00:00+07:00")
    if note.ends <= note.starts:
        raise Invalid("`ends` must lie after `starts`")
    if note.ends <= now:
        raise Invalid("the silence would have ended already; correct `ends`")
    if not note.why.strip():
        raise Invalid("say in `why` what is expected")
    if note.matcher.is_empty:
        raise Invalid(
            "an empty matcher would keep every alert quiet; name a rule, feed, zone or the like"
        )


def _item(row: SilenceRow) -> SilenceItem:
    return SilenceItem(
        id=str(row.silence_id),
        matcher=msgspec.convert(row.matcher, Matcher),
        starts=row.starts,
        ends=row.ends,
        why=row.why,
        plan=row.plan,
        by=row.created_by,
        at=row.created_at,
        ended_by=row.ended_by,
        ended_at=row.ended_at,
        feed=row.feed,
        window=row.window_id,
    )


def _source(request: Request) -> str:
    return request.client.host if request.client else ""

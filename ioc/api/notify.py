"""The outbox: what people are told, why, and what became of it; a test; dead letters again."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from alerts.channel import Message
from alerts.route import Reason
from ioc.api.bodies import decoded, whole
from ioc.api.deps import Now, Reads, Writes, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid
from ioc.store import audit, outbox, roster
from ioc.store.outbox import Letter, OutboxRow

router = APIRouter(prefix="/notify", tags=["alerts"])

Handler = Annotated[Subject, Depends(requires(Permission.ALERT_HANDLE))]
Manager = Annotated[Subject, Depends(requires(Permission.CITY_MANAGE))]
State = Literal["waiting", "sent", "dropped", "withheld", "dead"]

LAST = 2**63 - 1
"""Above every number of a letter."""


class TestNote(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whom to send a test, and by which channel; both by id."""

    channel: str
    person: str


class NoticeChannel(msgspec.Struct):
    """A way to tell people; one that is not enabled sends nothing."""

    id: str
    kind: str
    enabled: bool


class NoticeChannels(msgspec.Struct):
    """The channels of city/notify.toml."""

    items: list[NoticeChannel]
    next: str | None = None


class LetterItem(msgspec.Struct, kw_only=True):
    """A letter; `held` says why it is sent later or not at all, `detail` what failed."""

    id: int
    alert: str | None
    incident: str | None
    stage: str
    person: str
    channel: str
    reason: str
    held: str | None
    state: State
    due_at: datetime
    next_at: datetime
    attempts: int
    detail: str
    created_at: datetime
    created_by: str
    settled_at: datetime | None
    message: Message


class LetterList(msgspec.Struct):
    """Letters, the newest first."""

    items: list[LetterItem]
    next: int | None


@router.get("/channels", responses=shape(NoticeChannels))
async def get_channels(_: Manager, reads: Reads) -> Response:
    """The channels that there are; none of them sends anything until it is enabled."""
    plan, _people = await roster.read(reads)
    known = [
        NoticeChannel(one.id, str(one.__struct_config__.tag), one.enabled) for one in plan.channels
    ]
    return answer(NoticeChannels(known))


@router.get("/outbox", responses=shape(LetterList))
async def get_outbox(
    _: Handler,
    reads: Reads,
    state: State | None = None,
    before: Annotated[int, Query(ge=1, le=LAST)] = LAST,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> Response:
    """What is to be sent, was sent, and was not; `state=dead` is the dead-letter list."""
    rows = await outbox.listed(reads, state=state, before=before, limit=limit)
    after = rows[-1].outbox_id if len(rows) == limit else None
    return answer(LetterList([_item(row) for row in rows], after))


@router.post("/outbox/{letter}/retry", responses=shape(LetterItem))
async def retry_letter(
    request: Request, letter: int, subject: Handler, writes: Writes, now: Now
) -> Response:
    """Send a dead letter again, once its cause is cured."""
    if not 0 < letter <= LAST:
        raise Invalid("a letter has a number from 1 upwards")
    async with writes.connection() as conn:
        row = await outbox.again(conn, letter, at=now)
        await audit.record(
            conn, now=now, actor=subject.name, source=_source(request), action="notify.retry",
            subject=str(letter), after=None,
        )  # fmt: skip
    return answer(_item(row))


@router.post(
    "/test",
    status_code=202,
    responses=shape(LetterItem),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TestNote"}}},
        }
    },
)
async def post_test(
    request: Request, subject: Manager, reads: Reads, writes: Writes, now: Now
) -> Response:
    """Send somebody a test by a channel; what became of it stands in the outbox."""
    note = decoded(
        await whole(request),
        _note,
        "a test",
        '; write {"channel": "email", "person": "truc-ban-1"}',
    )
    plan, people = await roster.read(reads)
    if note.person not in {person.id for person in people.persons}:
        raise Invalid("there is no such person in the roster; see city/roster.toml")
    if note.channel not in {channel.id for channel in plan.channels if channel.enabled}:
        raise Invalid("there is no such channel that is enabled; see city/notify.toml")
    letter = Letter(
        alert_id=None,
        stage="test",
        person=note.person,
        channel=note.channel,
        reason=Reason.TEST.value,
        message={},
        due_at=now,
        created_at=now,
        created_by=subject.name,
    )
    async with writes.connection() as conn:
        row = await outbox.add_test(conn, letter)
        await audit.record(
            conn, now=now, actor=subject.name, source=_source(request), action="notify.test",
            subject=note.channel, after=msgspec.to_builtins(note),
        )  # fmt: skip
    return answer(_item(row), status=202)


_note = msgspec.json.Decoder(TestNote)


def _item(row: OutboxRow) -> LetterItem:
    return msgspec.convert(
        {
            **{name: getattr(row, name) for name in OutboxRow.__slots__},
            "id": row.outbox_id,
            "alert": None if row.alert_id is None else str(row.alert_id),
            "incident": None if row.incident_id is None else str(row.incident_id),
        },
        type=LetterItem,
    )


def _source(request: Request) -> str:
    return request.client.host if request.client else ""

"""The quarantine as agencies work on it: look, take out as it was, repair, let go."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from ingest.charset import charset_of
from ingest.decode import media_type
from ingest.payload import ITEM
from ioc.api import dossiers
from ioc.api.bodies import whole
from ioc.api.deps import CurrentSubject, Now, Reads, ServerFacts, Writes, feed_for
from ioc.api.encode import answer, shape
from ioc.api.report_replay import withheld as withheld_report
from ioc.api.ticket_replay import withheld as withheld_ticket
from ioc.auth.policy import Permission
from ioc.catalogue import say
from ioc.errors import Conflict, Invalid, NotFound
from ioc.model import Feed, Reason, Text
from ioc.store import audit, quarantined
from ioc.store.pool import Connection

router = APIRouter(tags=["feeds"])

LedgerFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_LEDGER))]
RepairableFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_REPAIR))]

SHOWN_BYTES = 20_000
"""Bytes of a payload that the list shows; the whole is at …/payload."""

NOT_KEPT = (
    "the content of this item was not kept, because it may be about a person: send it "
    "again without the fields that its detail names"
)


class QuarantineItem(msgspec.Struct, kw_only=True):
    """One thing in quarantine; `payload` as text, undecodable bytes replaced, long ones cut off.

    `title` says the reason and `cure` what to do, in both languages; `detail` is of this item.
    `source` is the id of the source that fetched it and the URL without its query.
    `size` is in bytes as sent. Without `sha256` the content is kept; with it only its hash is.
    """

    id: int
    kind: quarantined.Kind
    state: Literal["open", "replayed", "dropped"]
    replayable: bool
    received_at: datetime
    channel: str
    topic_key: str | None
    source: str | None
    content_type: str
    index: int
    reason: str
    title: Text
    detail: str
    cure: Text
    payload: str
    size: int
    sha256: str | None
    attempts: int
    repaired_at: datetime | None
    repaired_by: str | None
    replayed_at: datetime | None
    dropped_at: datetime | None
    dropped_by: str | None


class QuarantineHeld(msgspec.Struct):
    """How much a feed's quarantine holds, and its bounds in bytes and seconds."""

    items: int
    bytes: int
    most_bytes: int
    most_age: float


class QuarantineList(msgspec.Struct):
    """The quarantine of a feed, newest first; `next` is the `before` of the next page."""

    items: list[QuarantineItem]
    next: str | None
    held: QuarantineHeld


_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes",
        "content": {"application/octet-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/feeds/{feed}/quarantine", responses=shape(QuarantineList))
async def get_quarantine(
    feed: LedgerFeed,
    reads: Reads,
    reason: Reason | None = None,
    state: Literal["open", "replayed", "dropped"] | None = None,
    before: Annotated[int, Query(ge=1)] = 2**62,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """What could not be taken, with its own bytes and the reason."""
    found = await quarantined.listed(
        reads, feed.key, before=before, limit=limit, state=state, reason=reason, cut=SHOWN_BYTES
    )
    held = await quarantined.held(reads, feed.key)
    following = str(found[-1].id) if len(found) == limit else None
    bounds = QuarantineHeld(held.items, held.bytes, held.most_bytes, held.most_age)
    return answer(QuarantineList([_shown(item) for item in found], following, bounds))


@router.get("/feeds/{feed}/quarantine/{item}/payload", responses=_BYTES, response_class=Response)
async def get_quarantined_payload(
    feed: LedgerFeed, item: int, reads: Reads, original: bool = False
) -> Response:
    """The bytes of an item, or with `original` as they were sent before any repair."""
    found = await quarantined.one(reads, feed.key, item)
    if found is None:
        raise _missing(item)
    if found.digest is not None:
        raise NotFound(NOT_KEPT)
    sent = await quarantined.original(reads, feed.key, item) if original else found.payload
    # Never as the type that the sender names: a browser must not run what an agency sent.
    headers = {"Content-Disposition": f'attachment; filename="{feed.id}-{item}"'}
    return Response(sent, media_type="application/octet-stream", headers=headers)


@router.put(
    "/feeds/{feed}/quarantine/{item}",
    responses=shape(QuarantineItem),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The whole payload as it should have been, in the item's content type.",
            "content": {"application/json": {"schema": {}}, "text/csv": {"schema": {}},
                        ITEM: {"schema": {}}},
        }
    },
)  # fmt: skip
async def put_quarantined_payload(
    request: Request,
    feed: RepairableFeed,
    item: int,
    subject: CurrentSubject,
    reads: Reads,
    writes: Writes,
    facts: ServerFacts,
    now: Now,
) -> Response:
    """Repair an item: other bytes in its place; those that were sent are kept beside them."""
    body = await whole(request)
    if not body.strip():
        raise Invalid("the body is empty; send the repaired payload")
    async with writes.connection() as conn:
        found = await _open(conn, feed, item)
        if found.kind == "dossiers":
            withheld = [r for r in dossiers.read(body, feed, facts, now).refused if r.digest]
            if withheld:
                raise Invalid(withheld[0].problem.detail)
        if found.kind == "reports" and (
            why := await withheld_report(reads, body, feed, facts, now)
        ):
            raise Invalid(why)
        if found.kind == "tickets" and (
            why := await withheld_ticket(reads, body, feed, facts, now)
        ):
            raise Invalid(why)
        kind = _with_charset(found.content_type, request.headers.get("content-type", ""))
        await quarantined.repair(conn, feed.key, found, body, kind, by=subject.name, now=now)
        await audit.record(
            conn, now=now, actor=subject.name, source="rest", action="quarantine.repair",
            subject=f"{feed.id}/{item}", before={"bytes": len(found.payload)},
            after={"bytes": len(body)},
        )  # fmt: skip
    repaired = await quarantined.one(reads, feed.key, item)
    if repaired is None:
        raise Conflict("the repaired item is larger than what the quarantine of this feed may hold")
    return answer(_shown(repaired))


@router.delete("/feeds/{feed}/quarantine/{item}", status_code=204)
async def delete_quarantined(
    feed: RepairableFeed, item: int, subject: CurrentSubject, writes: Writes, now: Now
) -> Response:
    """Let an item go for good: its content is forgotten, that it was there is not."""
    async with writes.connection() as conn:
        found = await quarantined.locked(conn, feed.key, item)
        if found is None:
            raise _missing(item)
        if found.state != "open":
            raise Conflict(f"item {item} is {found.state} already")
        await quarantined.discard(conn, feed.key, found, by=subject.name, now=now)
        await audit.record(
            conn, now=now, actor=subject.name, source="rest", action="quarantine.discard",
            subject=f"{feed.id}/{item}", before={"reason": found.reason, "bytes": found.size},
        )  # fmt: skip
    return Response(status_code=204)


def _with_charset(kept: str, given: str) -> str:
    """The content type of an item, in the charset that a repair says it is written in."""
    charset = charset_of(given)
    return f"{media_type(kept)}; charset={charset[:40]}" if charset else kept


async def _open(conn: Connection, feed: Feed, item: int) -> quarantined.Kept:
    found = await quarantined.locked(conn, feed.key, item)
    if found is None:
        raise _missing(item)
    if found.digest is not None:
        raise Conflict(NOT_KEPT)
    if found.state != "open":
        raise Conflict(f"item {item} is {found.state} already")
    return found


def _missing(item: int) -> NotFound:
    return NotFound(f"the quarantine of this feed has no item {item}; the oldest go first")


def _shown(item: quarantined.Kept) -> QuarantineItem:
    return QuarantineItem(
        id=item.id,
        kind=item.kind,
        state=item.state,
        replayable=item.replayable,
        received_at=item.received_at,
        channel=item.channel,
        topic_key=item.topic_key,
        source=item.source,
        content_type=item.content_type,
        index=item.index,
        reason=item.reason,
        title=_say("reason", item.reason),
        detail=item.detail,
        cure=_say("cure", item.reason),
        payload=item.payload[:SHOWN_BYTES].decode(errors="replace"),
        size=item.size,
        sha256=None if item.digest is None else item.digest.hex(),
        attempts=item.attempts,
        repaired_at=item.repaired_at,
        repaired_by=item.repaired_by,
        replayed_at=item.replayed_at,
        dropped_at=item.dropped_at,
        dropped_by=item.dropped_by,
    )


def _say(table: str, reason: str) -> Text:
    key = f"{table}.{reason}"
    return Text(vi=say(key, "vi"), en=say(key, "en"))

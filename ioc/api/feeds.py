"""Feeds: observations and dossiers in, ledger and quarantine out."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from ingest.decode import CONTENT_TYPES, CSV, NDJSON, media_type, understood
from ingest.dossier import Dossier, decode_dossiers
from ingest.intake import Intake
from ingest.payload import Channel, Payload
from ingest.rows import LATEST_YEAR
from ioc.api.bodies import lines, whole
from ioc.api.deps import (
    Health,
    Incoming,
    Now,
    Reads,
    ServerFacts,
    Writes,
    feed_for,
    requires,
)
from ioc.api.encode import answer, shape
from ioc.api.problems import problem
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid, UnsupportedFormat
from ioc.ids import uuid7
from ioc.live.wire import FeedItem
from ioc.model import Feed, Problem, Receipt
from ioc.store import dossiers, ledger
from ioc.store.writer import MOST_PROBLEMS

router = APIRouter(tags=["feeds"])

WritableFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_WRITE))]
LedgerFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_LEDGER))]
FeedReader = Annotated[Subject, Depends(requires(Permission.FEED_READ))]


class FeedList(msgspec.Struct):
    """Feeds with their health."""

    items: list[FeedItem]
    next: str | None = None


class LedgerList(msgspec.Struct):
    """The ledger of a feed by minute, its sum, and what the agency published where it may not."""

    items: list[ledger.Minute]
    total: ledger.Minute
    forbidden: int
    next: str | None = None


class QuarantineItem(msgspec.Struct):
    """One thing in quarantine; `payload` as text, undecodable bytes replaced."""

    id: int
    received_at: datetime
    channel: str
    content_type: str
    index: int
    reason: str
    detail: str
    payload: str
    replayed_at: datetime | None


class QuarantineList(msgspec.Struct):
    """The quarantine of a feed, newest first."""

    items: list[QuarantineItem]
    next: str | None


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
        async for block, first in lines(request, header=kind in CSV):
            receipt = await _store(intake, feed, block, content_type, now, first)
            shift = msgspec.structs.replace(receipt, problems=[])
            total.add(shift, most_problems=MOST_PROBLEMS)
            total.problems += receipt.problems[: MOST_PROBLEMS - len(total.problems)]
        return _receipt(request, total)
    receipt = await _store(intake, feed, await whole(request), content_type, now, 0)
    return _receipt(request, receipt)


async def _store(
    intake: Intake, feed: Feed, body: bytes, content_type: str, now: datetime, first: int
) -> Receipt:
    """Hand a body to the pipeline and wait for its commit."""
    done: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()

    def tell(receipt: Receipt) -> None:
        if not done.done():
            done.set_result(receipt)

    intake.submit(
        Payload(
            feed_key=feed.key,
            channel=Channel.REST,
            content_type=content_type,
            body=body,
            received_at=now,
            answer=tell,
            first_index=first,
        )
    )
    return await done


def _receipt(request: Request, receipt: Receipt) -> Response:
    first = receipt.problems[0] if receipt.problems else None
    if first is not None and first.index < 0 and receipt.received == receipt.quarantined:
        return problem(
            400,
            "invalid",
            first.detail,
            request.headers.get("accept-language"),
            reason=first.reason.value,
            receipt=msgspec.to_builtins(receipt),
        )
    return answer(receipt)


class _Units:
    """Finds units by id or by official code."""

    def __init__(self, facts: ServerFacts, now: datetime) -> None:
        self._organisation = facts.city.organisation
        self._today = now.date()
        self._codes: dict[str, set[str]] = {}
        for unit, version in self._organisation.as_of(self._today).items():
            for code in version.codes.values():
                self._codes.setdefault(code, set()).add(unit)

    def find(self, given: str) -> str | None:
        """The unit of that id or of that code, None where it is unknown or ambiguous."""
        if given in self._organisation:
            return given
        found = self._codes.get(given, set())
        return next(iter(found)) if len(found) == 1 else None


@router.post(
    "/feeds/{feed}/dossiers",
    responses=shape(Receipt, "What became of the body, after the commit"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A JSON array of dossiers; unknown fields are refused by name.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "array",
                        "items": {"$ref": "#/components/schemas/Dossier"},
                    }
                }
            },
        }
    },
)
async def post_dossiers(
    request: Request,
    feed: WritableFeed,
    reads: Reads,
    writes: Writes,
    facts: ServerFacts,
    health: Health,
    now: Now,
) -> Response:
    """Take dossiers; a later state of a dossier is sent again under the same code."""
    body = await whole(request)
    decoded = decode_dossiers(
        body, zone=ZoneInfo(feed.time_zone), find_unit=_Units(facts, now).find
    )
    newest: dict[str, Dossier] = {}
    for _, dossier in decoded.dossiers:
        before = newest.get(dossier.code)
        if before is None or _changed(dossier) >= _changed(before):
            newest[dossier.code] = dossier
    repeated = len(decoded.dossiers) - len(newest)
    merged = await dossiers.put(
        writes,
        feed.key,
        [_row(dossier, now) for dossier in newest.values()],
        [dossiers.Refusal(p.index, raw, p.reason.value, p.detail) for p, raw in decoded.refused],
        units=await dossiers.unit_keys(reads),
        zone=facts.zone,
        now=now,
        repeated=repeated,
    )
    problems: list[Problem] = [p for p, _ in decoded.refused]
    receipt = Receipt(
        received=decoded.received,
        stored=merged.stored,
        corrected=merged.corrected,
        duplicate=merged.duplicate,
        quarantined=len(decoded.refused),
        problems=problems[:MOST_PROBLEMS],
    )
    health.note(feed, receipt, None, now)
    return _receipt(request, receipt)


def _changed(dossier: Dossier) -> datetime:
    assert dossier.changed_at is not None
    return dossier.changed_at


def _row(dossier: Dossier, now: datetime) -> dossiers.DossierRow:
    return dossiers.DossierRow(
        dossier_id=uuid7(now),
        code=dossier.code,
        procedure=dossier.procedure,
        field=dossier.field,
        received_unit=dossier.received_unit,
        handling_unit=dossier.handling_unit,
        applicant_unit=dossier.applicant_unit,
        channel=dossier.channel,
        received_at=dossier.received_at,
        due_at=dossier.due_at,
        resolved_at=dossier.resolved_at,
        outcome=dossier.outcome,
        changed_at=_changed(dossier),
    )


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
            items[-1].minute.isoformat() if len(items) == limit else None,
        )
    )


@router.get("/feeds/{feed}/quarantine", responses=shape(QuarantineList))
async def get_quarantine(
    feed: LedgerFeed,
    reads: Reads,
    before: Annotated[int, Query(ge=1)] = 2**62,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """What could not be taken, with its own bytes and the reason."""
    found = await ledger.quarantine(reads, feed.key, before=before, limit=limit)
    items = [
        QuarantineItem(
            kept.id, kept.received_at, kept.channel, kept.content_type, kept.index, kept.reason,
            kept.detail, kept.payload[:20_000].decode(errors="replace"), kept.replayed_at,
        )
        for kept in found
    ]  # fmt: skip
    return answer(QuarantineList(items, str(items[-1].id) if len(items) == limit else None))

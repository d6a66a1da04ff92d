"""Replay of what is in quarantine: through the same pipeline once more, each item exactly once."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from ingest.charset import charset_of
from ingest.dossier_decode import decode_dossiers
from ingest.intake import Intake, expected
from ingest.payload import Channel, Payload, Replay
from ioc.api import dossiers
from ioc.api.bodies import decoded, whole
from ioc.api.deps import (
    CurrentSubject,
    Facts,
    Health,
    Incoming,
    Now,
    Reads,
    ServerFacts,
    Writes,
    feed_for,
)
from ioc.api.encode import answer, shape
from ioc.api.item_replay import Outcome
from ioc.api.report_replay import replay_reports
from ioc.api.ticket_replay import replay_tickets
from ioc.auth.policy import Permission
from ioc.errors import Busy, Invalid
from ioc.flow.warning_intake import replay_warnings
from ioc.model import Feed, Problem, Reason, Receipt
from ioc.store import audit, dossier_events, dossier_intake, quarantine, quarantined
from ioc.store.dossiers import unit_keys
from ioc.store.flush import MOST_PROBLEMS
from ioc.store.pool import ReadPool, WritePool

router = APIRouter(tags=["feeds"])

RepairableFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_REPAIR))]

MOST_ITEMS = 5_000
"""Items of one request; the answer says where to go on."""

MOST_AT_ONCE = 500
BYTES_AT_ONCE = 16 * 1024 * 1024
"""What is held in memory at a time, or one item that is larger."""


class ReplayRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to replay: items by id, or all that are open of a reason and time; nothing means all."""

    ids: Annotated[list[int], msgspec.Meta(max_length=MOST_ITEMS)] | None = None
    reason: Reason | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: int = 0


class ReplayReceipt(Receipt, kw_only=True):
    """A receipt over all items; the `index` of a problem is a place in `ids`.

    `ids` were tried: those in `replayed` were taken, those in `kept` failed again and stay with
    their new reason. `skipped` were asked for and are not open, or hold nothing that is kept.
    `next` is the `after` with which to go on, null when all was tried.
    """

    ids: list[int] = msgspec.field(default_factory=list[int])
    replayed: list[int] = msgspec.field(default_factory=list[int])
    kept: list[int] = msgspec.field(default_factory=list[int])
    skipped: list[int] = msgspec.field(default_factory=list[int])
    next: str | None = None


_request = msgspec.json.Decoder(ReplayRequest)


@router.post(
    "/feeds/{feed}/quarantine/replay",
    responses=shape(ReplayReceipt),
    openapi_extra={
        "requestBody": {
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/ReplayRequest"}}
            }
        }
    },
)
async def post_replay(
    request: Request,
    feed: RepairableFeed,
    subject: CurrentSubject,
    intake: Incoming,
    reads: Reads,
    writes: Writes,
    facts: ServerFacts,
    health: Health,
    now: Now,
) -> Response:
    """Send items through the pipeline once more, with the mapping and the series of now."""
    body = await whole(request, 1024 * 1024)
    wanted = ReplayRequest()
    if body.strip():
        wanted = decoded(body, _request, "a request for a replay")
    for at in (wanted.since, wanted.until):
        if at is not None and at.tzinfo is None:
            raise Invalid("`since` and `until` need an offset, such as 2026-11-22T00:00:00+07:00")
    total = ReplayReceipt()
    after = wanted.after
    while items := await _some(reads, feed, wanted, after):
        if len(total.ids) >= MOST_ITEMS:
            total.next = str(after)
            break
        try:
            _add(total, await _observations(intake, feed, items, now))
        except Busy:
            if not total.ids:
                raise
            total.next = str(after)
            break
        done = await _dossiers(reads, writes, feed, items, facts, now)
        done += await replay_reports(reads, writes, feed, items, facts, now)
        done += await replay_tickets(reads, writes, feed, items, facts, now)
        done += await replay_warnings(writes, feed, items, now)
        _add(total, done)
        for _, receipt in done:
            health.note(feed, receipt, None, now)
        after = items[-1].id
    await _sort(reads, feed, total)
    total.skipped += sorted(set(wanted.ids or ()) - set(total.ids))
    async with writes.connection() as conn:
        await audit.record(
            conn, now=now, actor=subject.name, source="rest", action="quarantine.replay",
            subject=feed.id, after={"replayed": total.replayed, "kept": total.kept},
        )  # fmt: skip
    return answer(total)


async def _some(
    reads: ReadPool, feed: Feed, wanted: ReplayRequest, after: int
) -> list[quarantined.Kept]:
    """The next items that are asked for."""
    return await quarantined.chosen(
        reads, feed.key, ids=wanted.ids, reason=wanted.reason, since=wanted.since,
        until=wanted.until, after=after, limit=MOST_AT_ONCE, most_bytes=BYTES_AT_ONCE,
    )  # fmt: skip


async def _observations(
    intake: Intake, feed: Feed, items: Sequence[quarantined.Kept], now: datetime
) -> list[Outcome]:
    """Hand the items to the pipeline and wait for their commit; `Busy` when it takes none."""
    waiting: list[tuple[quarantined.Kept, asyncio.Future[Receipt]]] = []
    for item in items:
        if item.kind != "observations":
            continue
        done, answer_with = expected()
        payload = Payload(
            feed_key=feed.key,
            channel=Channel.REPLAY,
            content_type=_kind(item),
            body=item.payload,
            received_at=now,
            answer=answer_with,
            topic_key=item.topic_key,
            source=item.source,
            replay=Replay(item.id, item.edition, (now - item.received_at).total_seconds()),
        )
        while True:
            try:
                intake.submit(payload)
                break
            except Busy:
                if not waiting:
                    raise
                # Our own items fill the intake: their commit makes room.
                await asyncio.wait([future for _, future in waiting])
        waiting.append((item, done))
    return [(item, await future) for item, future in waiting]


def _kind(item: quarantined.Kept) -> str:
    """The content type to read an item by; a part of a payload is kept in UTF-8, come as it may."""
    if item.index < 0 or charset_of(item.content_type):
        return item.content_type
    return f"{item.content_type}; charset=utf-8"


async def _dossiers(
    reads: ReadPool,
    writes: WritePool,
    feed: Feed,
    items: Sequence[quarantined.Kept],
    facts: Facts,
    now: datetime,
) -> list[Outcome]:
    """Store the dossiers of the items that are still open, all in one transaction."""
    wanted = [(item.id, item.edition) for item in items if item.kind == "dossiers"]
    if not wanted:
        return []
    units = await unit_keys(reads)
    outcomes: list[Outcome] = []
    async with writes.connection() as conn:
        await dossier_events.lock(conn, feed.key)
        claimed = await quarantine.claim(conn, [feed.key], wanted)
        ours = [item for item in items if item.id in claimed]
        replayed: list[int] = []
        failed: list[quarantine.Failure] = []
        rules = dossiers.rules_of(feed, facts, now)
        for item in ours:
            decoded = decode_dossiers(item.payload, rules)
            problems = [refused.problem for refused in decoded.refused]
            receipt = Receipt(received=decoded.received, quarantined=len(problems))
            receipt.problems = problems[:MOST_PROBLEMS]
            taken = bool(decoded.dossiers or decoded.events)
            merged = await dossier_intake.take(
                conn, feed.key, decoded, rules, units=units, size=len(item.payload),
                replayed=decoded.received, keep=taken,
            )  # fmt: skip
            if taken or not problems:
                replayed.append(item.id)
            else:
                first = problems[0]
                failed.append(quarantine.Failure(item.id, first.reason.value, first.detail))
            receipt.stored, receipt.corrected = merged.stored, merged.corrected
            receipt.duplicate = merged.duplicate
            outcomes.append((item, receipt))
        await quarantine.settle(conn, replayed=replayed, failed=failed, now=now)
    return outcomes


def _add(total: ReplayReceipt, done: Sequence[Outcome]) -> None:
    """Take the counts of items, and the first problem of each."""
    for item, receipt in done:
        first = receipt.problems[:1]
        total.add(msgspec.structs.replace(receipt, problems=[]), most_problems=0)
        if first and len(total.problems) < MOST_PROBLEMS:
            total.problems.append(Problem(len(total.ids), first[0].reason, first[0].detail))
        total.ids.append(item.id)


async def _sort(reads: ReadPool, feed: Feed, total: ReplayReceipt) -> None:
    """Tell the items that were taken from those that stay, by what is committed."""
    states = await quarantined.states(reads, feed.key, total.ids)
    for id in total.ids:
        listed = {"replayed": total.replayed, "open": total.kept}.get(states.get(id, ""))
        (total.skipped if listed is None else listed).append(id)

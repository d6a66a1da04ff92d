"""Warnings in: read, stored, counted; what cannot be taken of CAP goes to quarantine."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from ingest.payload import GivenWarning, Payload
from ioc.documents.cap_reading import Found, read_messages
from ioc.documents.entity_warning import lineage_of, message_of
from ioc.model import Feed, Receipt, to_micros
from ioc.store import quarantine, quarantined, warnings
from ioc.store.flush import MOST_PROBLEMS
from ioc.store.pool import Connection, WritePool


class WarningIntake:
    """Stores the warnings of a payload, with their part of the ledger, in one transaction."""

    def __init__(self, writes: WritePool) -> None:
        """Nothing is read but within that transaction."""
        self._writes = writes

    async def take(
        self, payload: Payload, feed: Feed, given: Sequence[GivenWarning], now: datetime
    ) -> Receipt:
        """What became of the warnings; sent again they are duplicates."""
        found: Counter[warnings.State] = Counter()
        async with self._writes.connection() as conn:
            await warnings.lock(conn, feed.key)
            for one in given:
                state = await warnings.put_state(
                    conn, message_of(one, feed.id), lineage=lineage_of(one, feed.id),
                    feed=feed.key, raw=one.raw, by=f"feed:{feed.id}", now=now,
                )  # fmt: skip
                found[state] += 1
            await warnings.count(
                conn, feed.key, stored=found["stored"], duplicate=found["duplicate"],
                corrected=found["corrected"], refused=[], channel=payload.channel.value,
                source=payload.source, content_type=payload.content_type, size=0, now=now,
                lags=[to_micros(now) - to_micros(one.issued) for one in given],
            )  # fmt: skip
        return Receipt(
            received=len(given), stored=found["stored"], duplicate=found["duplicate"],
            corrected=found["corrected"],
        )  # fmt: skip


async def take_warnings(
    writes: WritePool,
    feed: Feed,
    body: bytes,
    content_type: str,
    *,
    channel: str,
    source: str | None = None,
    now: datetime,
) -> Receipt:
    """Take the messages of a document that `source` fetched, if one did.

    It is answered after the commit.
    """
    found = read_messages(body, now)
    async with writes.connection() as conn:
        await warnings.lock(conn, feed.key)
        return await _take(
            conn, feed, found, len(body), content_type, channel=channel, source=source, now=now
        )


async def replay_warnings(
    writes: WritePool, feed: Feed, items: Sequence[quarantined.Kept], now: datetime
) -> list[tuple[quarantined.Kept, Receipt]]:
    """Take documents out of quarantine once more, those that are still open."""
    wanted = [(item.id, item.edition) for item in items if item.kind == "warnings"]
    if not wanted:
        return []
    outcomes: list[tuple[quarantined.Kept, Receipt]] = []
    replayed: list[int] = []
    failed: list[quarantine.Failure] = []
    async with writes.connection() as conn:
        await warnings.lock(conn, feed.key)
        claimed = await quarantine.claim(conn, [feed.key], wanted)
        for item in (one for one in items if one.id in claimed):
            found = read_messages(item.payload, now)
            receipt = await _take(
                conn, feed, found, len(item.payload), item.content_type, channel=item.channel,
                source=item.source, now=now, replayed=found.received, keep=bool(found.messages),
            )  # fmt: skip
            outcomes.append((item, receipt))
            if found.messages or not found.refused:
                replayed.append(item.id)
            else:
                first = found.refused[0].problem
                failed.append(quarantine.Failure(item.id, first.reason.value, first.detail))
        await quarantine.settle(conn, replayed=replayed, failed=failed, now=now)
    return outcomes


async def _take(
    conn: Connection,
    feed: Feed,
    found: Found,
    size: int,
    content_type: str,
    *,
    channel: str,
    source: str | None,
    now: datetime,
    replayed: int = 0,
    keep: bool = True,
) -> Receipt:
    stored = 0
    for one in found.messages:
        made = await warnings.put(
            conn, one.message, feed=feed.key, raw=one.raw, by=f"feed:{feed.id}", now=now
        )
        stored += made is not None
    receipt = Receipt(
        received=found.received,
        stored=stored,
        duplicate=len(found.messages) - stored,
        quarantined=len(found.refused),
        problems=[*(one.problem for one in found.refused), *found.remarks][:MOST_PROBLEMS],
    )
    await warnings.count(
        conn,
        feed.key,
        stored=stored,
        duplicate=receipt.duplicate,
        refused=[warnings.Refused(one.problem, one.raw) for one in found.refused],
        channel=channel,
        source=source,
        content_type=content_type,
        size=size,
        now=now,
        lags=[to_micros(now) - to_micros(one.message.sent) for one in found.messages],
        replayed=replayed,
        keep=keep,
    )
    return receipt

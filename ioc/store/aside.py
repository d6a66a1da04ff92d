"""What a flush keeps aside: payloads that the database refuses, replays, items in quarantine."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from ingest.decoders.ioc import item_json
from ingest.payload import ITEM, Replay
from ioc.model import NO_COLUMNS, Problem, Reason, Receipt
from ioc.store import quarantine
from ioc.store.flush import NO_INDEX, Part, Quarantined
from ioc.store.pool import Connection

_KEYS: Final = "SELECT series_id, key FROM series WHERE series_id = ANY(%s)"


async def refused(conn: Connection, part: Part, why: str) -> Part:
    """The part with its rows in quarantine, because the database would not have them."""
    rows = [
        *zip(part.rows.series.tolist(), part.rows.time.tolist(), part.rows.value.tolist(),
             part.index.tolist(), strict=True),
        *part.text,
    ]  # fmt: skip
    found = await conn.execute(_KEYS, [[series for series, *_ in rows]])
    keys: dict[int, str] = dict(await found.fetchall())
    await conn.rollback()
    kept = [
        Quarantined(
            Problem(index, Reason.STORE_REFUSED, why),
            item_json(keys.get(series, f"series {series}"), time, value),
            ITEM,
        )
        for series, time, value, index in rows
    ]
    return msgspec.structs.replace(
        part, rows=NO_COLUMNS, index=NO_INDEX, text=[], quarantined=[*part.quarantined, *kept]
    )


async def claimed(
    conn: Connection, parts: Sequence[Part], again: Sequence[Replay]
) -> Sequence[Part]:
    """The parts with nothing in those whose item was replayed, repaired or let go meanwhile."""
    feeds = {part.feed_key for part in parts if part.replay is not None}
    open_items = await quarantine.claim(conn, feeds, [(r.item, r.edition) for r in again])
    taken: list[Part] = []
    for part in parts:
        if part.replay is not None and part.replay.item not in open_items:
            part = msgspec.structs.replace(
                part, rows=NO_COLUMNS, index=NO_INDEX, text=[], late=[], quarantined=[],
                stored_late=0, size=0, replay=None,
            )  # fmt: skip
        elif part.replay is not None:
            # The same item twice in a flush comes but once.
            open_items.remove(part.replay.item)
        taken.append(part)
    return taken


async def keep_aside(
    conn: Connection, parts: Sequence[Part], receipts: Sequence[Receipt], now: datetime
) -> None:
    """Put into quarantine what was refused; an item of which nothing is taken again stays there."""
    replayed: list[int] = []
    failed: list[quarantine.Failure] = []
    kept: list[quarantine.Item] = []
    for part, receipt in zip(parts, receipts, strict=True):
        if part.replay is not None:
            if receipt.problems and receipt.received == receipt.late + receipt.quarantined:
                first = receipt.problems[0]
                failure = quarantine.Failure(part.replay.item, first.reason.value, first.detail)
                failed.append(failure)
                continue
            replayed.append(part.replay.item)
        kept += [
            quarantine.Item(
                feed=part.feed_key, received_at=part.received_at, channel=part.channel,
                content_type=item.content_type, index=item.problem.index, payload=item.raw,
                size=item.size, reason=item.problem.reason.value, detail=item.problem.detail,
                topic_key=part.topic_key, source=part.source, digest=item.digest,
            )
            for item in part.quarantined
        ]  # fmt: skip
    await quarantine.settle(conn, replayed=replayed, failed=failed, now=now)
    await quarantine.keep(conn, kept, now)

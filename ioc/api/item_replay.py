"""Replay of items that wait in quarantine, one by one in one transaction, each exactly once."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from ioc.model import Feed, Receipt
from ioc.store import quarantine, quarantined
from ioc.store.pool import Connection

Outcome = tuple[quarantined.Kept, Receipt]

Take = Callable[[quarantined.Kept], Awaitable[Receipt]]


def of_kind(items: Sequence[quarantined.Kept], kind: str) -> list[tuple[int, int]]:
    """The items of a kind, by id and edition, as they are claimed."""
    return [(item.id, item.edition) for item in items if item.kind == kind]


async def replay_each(
    conn: Connection,
    feed: Feed,
    items: Sequence[quarantined.Kept],
    wanted: Sequence[tuple[int, int]],
    take: Take,
    failed: Callable[[Receipt], bool],
    now: datetime,
) -> list[Outcome]:
    """Take the wanted items that are still open; one whose receipt has `failed` stays there."""
    claimed = await quarantine.claim(conn, [feed.key], wanted)
    outcomes = [(item, await take(item)) for item in items if item.id in claimed]
    failures: list[quarantine.Failure] = []
    replayed: list[int] = []
    for item, receipt in outcomes:
        if failed(receipt):
            first = receipt.problems[0]
            failures.append(quarantine.Failure(item.id, first.reason.value, first.detail))
        else:
            replayed.append(item.id)
    await quarantine.settle(conn, replayed=replayed, failed=failures, now=now)
    return outcomes

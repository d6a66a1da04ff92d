"""Pushing to a sharing platform: what was stored of chosen series, at least once."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

import msgspec

from ioc.sources.document import Push, TokenRest
from ioc.sources.errand import Errand
from ioc.sources.exchange import Direction, Outcome, Outgoing, Progress, Ran
from ioc.sources.fetch import Ask
from ioc.sources.token import Tokens, authorized

MINUTE: Final = timedelta(minutes=1)

SETTLED: Final = timedelta(seconds=5)
"""A minute is sent so long after its end."""

LOOK_BACK: Final = timedelta(hours=1)
"""Minutes are counted again for so long: what was received before a stall of the database is
committed after it, under the minute of its receipt."""

MOST_BYTES: Final = 256 * 1024


class _Row(msgspec.Struct, frozen=True):
    series: str
    time: datetime
    value: float


async def push(document: TokenRest, told: Push, errand: Errand, tokens: Tokens) -> Ran:
    """Send whole minutes of receipt; each is marked as sent after the 2xx of its last part."""
    keys = {id: key for key, id in errand.series.items() if _chosen(key, told.series)}
    until = floor(errand.now() - SETTLED)
    begin = window(errand.progress, errand.created_at)
    sent = 0
    if keys and begin < until:
        counts = await errand.stored.counts(sorted(keys), begin, until, told.reach.total_seconds())
        for minute in unsent(errand.progress, counts):
            count = await _send(document, told, errand, tokens, keys, minute)
            sent += count
            await errand.keep(marked(errand.progress, minute, count))
    if errand.progress.sent_until is None or errand.progress.sent_until < until:
        await errand.keep(moved(errand.progress, until))
    return Ran(Outcome.OK if sent else Outcome.UNCHANGED, "")


def floor(at: datetime) -> datetime:
    """The beginning of the minute."""
    return at.replace(second=0, microsecond=0)


def window(progress: Progress, created_at: datetime) -> datetime:
    """From which minute on to count: what came before the source was made is not sent."""
    first = floor(created_at)
    return first if progress.sent_until is None else max(first, progress.sent_until - LOOK_BACK)


def unsent(progress: Progress, counts: Mapping[datetime, int]) -> list[datetime]:
    """Minutes of which another number is stored than was sent, the oldest first."""
    return sorted(m for m, n in counts.items() if progress.sent.get(m.isoformat(), 0) != n)


def marked(progress: Progress, minute: datetime, count: int) -> Progress:
    """The progress after a minute was sent; only what comes before it was looked at."""
    reached = progress.sent_until
    return msgspec.structs.replace(
        progress,
        sent={**progress.sent, minute.isoformat(): count},
        sent_until=minute if reached is None or reached < minute else reached,
    )


def moved(progress: Progress, until: datetime) -> Progress:
    """The progress after all was looked at up to `until`; minutes long past are forgotten."""
    kept = (until - LOOK_BACK).isoformat()
    return msgspec.structs.replace(
        progress, sent_until=until, sent={m: n for m, n in progress.sent.items() if m >= kept}
    )


async def _send(
    document: TokenRest,
    told: Push,
    errand: Errand,
    tokens: Tokens,
    keys: Mapping[int, str],
    minute: datetime,
) -> int:
    """Send the observations received in a minute, in parts; returns how many."""
    count = 0
    after: Outgoing | None = None
    while True:
        found = await errand.stored.received(
            sorted(keys), minute, told.reach.total_seconds(), after, told.most_rows
        )
        if not found:
            return count
        body = msgspec.json.encode([_Row(keys[o.series], o.time, o.value) for o in found])
        # The same part sent again has the same key, whoever sends it after a restart.
        key = blake2b(errand.source.encode() + b"\n" + body, digest_size=16).hexdigest()
        ask = Ask(
            url=told.url,
            method=told.method,
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": f'"{key}"',
                **told.headers,
            },
            content=body,
            timeout=document.timeout,
            most_bytes=MOST_BYTES,
            cut=True,
        )
        async with authorized(document, errand, tokens, ask, Direction.PUSH) as (answer, entry):
            if not 200 <= answer.status < 300:
                raise answer.failure("the platform")
            entry.rows = len(found)
        count += len(found)
        after = found[-1]


def _chosen(key: str, patterns: list[str]) -> bool:
    return any(
        re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), key, re.DOTALL)
        for pattern in patterns
    )

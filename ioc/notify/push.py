"""Sending a letter to the browsers of a person, through the push services of their makers."""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from alerts.channel import Message, Push
from ioc.catalogue import say
from ioc.model import SEVERITY_RANK, Severity
from ioc.notify.encryption import CURVE, SALT_BYTES, as_text, encrypt
from ioc.notify.failure import NotSent
from ioc.notify.vapid import Vapid
from ioc.notify.webhook import AGAIN
from ioc.notify.words import Words
from ioc.sources.failure import Failure
from ioc.sources.fetch import Answer, Ask, Fetcher
from ioc.store import push
from ioc.store.pool import Connection
from ioc.store.push import SubscriptionRow

TIMEOUT: Final = timedelta(seconds=15)

GONE: Final = frozenset({404, 410})
"""How a service says that a browser wants nothing more."""

KEPT_FOR: Final = timedelta(hours=4)
"""How long a service keeps a message for a subscription that is off; later it is of no use."""

LONGEST: Final = 300
"""Characters of a title; all must fit into one record."""

TOPIC: Final = 32
"""The most characters that a topic may have."""

URGENCY: Final = {
    Severity.CRITICAL: "high",
    Severity.HIGH: "high",
    Severity.MEDIUM: "normal",
    Severity.LOW: "low",
}


@dataclass(frozen=True, slots=True)
class Note:
    """A letter as it is shown on a subscription; one of the same topic takes its place."""

    letter: int
    severity: Severity | None
    topic: str
    text: bytes

    def wanted(self, subscription: SubscriptionRow) -> bool:
        """Whether it is severe enough for a subscription; a test always is."""
        least = Severity(subscription.least)
        return self.severity is None or SEVERITY_RANK[self.severity] <= SEVERITY_RANK[least]


def note_of(letter: int, reason: str, message: Message, words: Words) -> Note:
    """What a subscription shows: title, severity, place and link, and nobody's name."""
    severity = Severity(message.severity) if message.severity else None
    matter = message.matter or message.alert or str(letter)
    # Of one matter only the newest waits at the service, but none takes the place of a worse one.
    topic = as_text(hashlib.sha256(f"{matter}/{message.severity}".encode()).digest())[:TOPIC]
    shown = {
        "title": words.subject[:LONGEST],
        "body": say(f"notify.push_{reason}", "vi", **words.said),
        "tag": topic,
        "link": "/m" if message.alert is None else f"/m#alert={message.alert}",
        "severity": message.severity,
    }
    return Note(letter, severity, topic, msgspec.json.encode(shown))


class PushSender:
    """Pushes by one guarded fetcher, since browsers say where they are pushed to."""

    def __init__(self, fetcher: Fetcher) -> None:
        """Go only where the fetcher may."""
        self._fetcher = fetcher

    async def send(
        self,
        conn: Connection,
        channel: Push,
        secret: str,
        account: str,
        note: Note,
        now: datetime,
    ) -> bool:
        """Push to each of an account that has not got it; False where none wants it."""
        key = _vapid(channel, secret)
        subscriptions = await push.untold(conn, account, note.letter, now)
        wanted = [subscription for subscription in subscriptions if note.wanted(subscription)]
        answers = await asyncio.gather(
            *(self._push(channel, key, subscription, note, now) for subscription in wanted),
            return_exceptions=True,
        )
        failed: list[NotSent] = []
        for subscription, answer in zip(wanted, answers, strict=True):
            match answer:
                case True:
                    await push.tell(conn, note.letter, subscription.subscription_id)
                case False:
                    await push.end(conn, subscription.subscription_id)
                case NotSent():
                    failed.append(answer)
                case BaseException():
                    raise answer
        if failed:
            again = [one for one in failed if not one.final]
            raise max(again or failed, key=lambda one: one.retry_after or timedelta(0))
        return await push.was_told(conn, note.letter)

    async def _push(
        self, channel: Push, key: Vapid, subscription: SubscriptionRow, note: Note, now: datetime
    ) -> bool:
        """Push to one subscription; False where it is gone."""
        host = urlsplit(subscription.endpoint).hostname or ""
        if not channel.serves(host):
            raise NotSent(f"{host} is none of the services of channel {channel.id}", final=True)
        own = ec.generate_private_key(CURVE)
        ask = Ask(
            url=subscription.endpoint,
            method="POST",
            headers={
                "Authorization": key.header(subscription.endpoint, channel.contact, now),
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "TTL": str(int(KEPT_FOR.total_seconds())),
                "Urgency": "normal" if note.severity is None else URGENCY[note.severity],
                "Topic": note.topic,
            },
            content=encrypt(
                note.text, subscription.point, subscription.secret, own, os.urandom(SALT_BYTES)
            ),
            timeout=TIMEOUT,
            most_bytes=1024,
            cut=True,
        )
        try:
            async with self._fetcher.ask(ask) as answer:
                return _taken(host, answer)
        except Failure as error:
            raise NotSent(error.detail) from None


def _taken(host: str, answer: Answer) -> bool:
    if answer.status in GONE:
        return False
    if not 200 <= answer.status < 300:
        final = 300 <= answer.status < 500 and answer.status not in AGAIN
        raise NotSent(f"{host} answered {answer.status}", final=final,
                      retry_after=answer.retry_after)  # fmt: skip
    return True


def _vapid(channel: Push, secret: str) -> Vapid:
    try:
        return Vapid(secret)
    except ValueError:
        raise NotSent(
            f"the secret `{channel.secret}` is no key to push with; make one by `ioc push-key`",
            final=True,
        ) from None

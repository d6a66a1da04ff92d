"""Sends what is in the outbox, at least once: one letter of a channel at a time."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from alerts.channel import Channel, Mail, Message, Push, Template, Webhook
from alerts.roster import Duty, Person
from alerts.route import Facts, Plan, Reason, overtaken
from ioc.clock import Clock
from ioc.errors import Unavailable
from ioc.model import Severity
from ioc.notify.failure import NotSent
from ioc.notify.mail import MailSender
from ioc.notify.push import PushSender, note_of
from ioc.notify.webhook import WebhookSender
from ioc.notify.words import words_of
from ioc.procedures.calendar import Calendar
from ioc.sources.failure import Failure
from ioc.sources.schedule import LONGEST_WISH
from ioc.sources.secrets import Secrets
from ioc.store import outbox, push, roster
from ioc.store.outbox import OutboxRow
from ioc.store.pool import Connection, ReadPool

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
"""How often it is looked whether something is to be sent."""

TIDY_SECONDS: Final = 3600.0

FIRST_WAIT: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(minutes=15)
MOST_ATTEMPTS: Final = 14
"""Attempts double their distance: a channel that is away for an hour and a half loses nothing."""


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts have failed."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempts - 1))


class Drain:
    """Takes letters one by one and hands them to their channel; each channel on its own."""

    def __init__(
        self,
        *,
        url: str,
        reads: ReadPool,
        clock: Clock,
        secrets: Secrets,
        mail: MailSender,
        webhook: WebhookSender,
        push: PushSender,
        zone: str,
        centre: str,
    ) -> None:
        """Send by these; `centre` tells keys of letters from those of others."""
        self._url = url
        self._reads = reads
        self._clock = clock
        self._secrets = secrets
        self._mail = mail
        self._webhook = webhook
        self._push = push
        self._zone = ZoneInfo(zone)
        self._centre = centre
        self._busy: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Send what comes, for ever; a channel that hangs holds up no other."""
        tidy_at = self._clock.now()
        try:
            while True:
                now = self._clock.now()
                try:
                    await self._begin(now)
                    if now >= tidy_at:
                        tidy_at = now + timedelta(seconds=TIDY_SECONDS)
                        await self._tidy(now)
                except Unavailable:
                    log.warning("the database is away; letters wait")
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _begin(self, now: datetime) -> None:
        for channel in await outbox.waiting(self._reads, now) - self._busy.keys():
            task = asyncio.create_task(self._empty(channel))
            self._busy[channel] = task
            task.add_done_callback(lambda _, channel=channel: self._busy.pop(channel, None))

    async def _tidy(self, now: datetime) -> None:
        async with outbox.desk(self._url) as conn:
            await outbox.tidy(conn, now)
            await push.tidy(conn, now)
            await conn.commit()

    async def _empty(self, channel: str) -> None:
        """Send all that is due by a channel."""
        try:
            async with outbox.desk(self._url) as conn:
                while await self.one(conn, channel):
                    pass
        except Unavailable:
            log.warning("the database is away; letters wait")
        except Exception:
            log.exception("letters could not be sent; they are tried again", extra={"by": channel})

    async def one(self, conn: Connection, channel: str) -> bool:
        """Settle the next letter of a channel, or put it off; False where there is none."""
        now = self._clock.now()
        row = await outbox.take(conn, channel, now)
        if row is None:
            return False
        plan, people = await roster.read_with(conn)
        person = Duty(people, Calendar(), self._zone).person(row.person, now)
        why = await _overtaken(conn, row, now)
        if why is not None:
            await outbox.settle(conn, row, "dropped", at=now, attempts=row.attempts, held=why.value)
            return True
        attempts = row.attempts + 1
        try:
            reached = await self._send(conn, row, _channel(plan, channel), person)
        except NotSent as error:
            await self._failed(conn, row, error, attempts)
        except Failure as error:
            await self._failed(conn, row, NotSent(error.detail), attempts)
        except Exception as error:
            # One letter that cannot be written must not hold up those behind it.
            log.exception("a letter could not be written", extra={"letter": row.outbox_id})
            await self._failed(conn, row, NotSent(type(error).__name__), attempts)
        else:
            state, held = ("sent", None) if reached else ("dropped", Reason.NO_SUBSCRIPTION.value)
            now = self._clock.now()
            await outbox.settle(conn, row, state, at=now, attempts=attempts, held=held)
        return True

    async def _failed(
        self, conn: Connection, row: OutboxRow, error: NotSent, attempts: int
    ) -> None:
        now = self._clock.now()
        told = {"letter": row.outbox_id, "by": row.channel, "detail": error.detail}
        if error.final or attempts >= MOST_ATTEMPTS:
            log.error("a letter was not sent and is given up: %s", error.detail, extra=told)
            await outbox.settle(conn, row, "dead", at=now, attempts=attempts, detail=error.detail)
            return
        log.warning("a letter was not sent and is tried again: %s", error.detail, extra=told)
        asked = min(error.retry_after or timedelta(0), LONGEST_WISH)
        until = now + max(wait_after(attempts), asked)
        await outbox.put_off(conn, row, until=until, attempts=attempts, detail=error.detail)

    async def _send(
        self, conn: Connection, row: OutboxRow, channel: Channel, person: Person | None
    ) -> bool:
        """Hand a letter over; False where its person has nothing that it could reach."""
        if person is None:
            raise NotSent(f"{row.person} is not in the roster", final=True)
        message = msgspec.convert(row.message, type=Message)
        key = f"{self._centre}-{row.outbox_id}"
        words = words_of(key, row.reason, message, person, self._zone)
        match channel:
            case Mail():
                await self._mail.send(
                    channel, self._login(channel), _address(person, channel), person.name, words
                )
            case Webhook():
                secret = self._secrets.read(channel.secret)
                document = _document(row, key, words.subject, words.text)
                await self._webhook.signed(channel, secret, key, document, self._clock.now())
            case Template():
                _address(person, channel)
                secret = None if channel.secret is None else self._secrets.read(channel.secret)
                await self._webhook.by_template(channel, secret, key, words)
            case Push():
                account = _address(person, channel)
                secret = self._secrets.read(channel.secret)
                note = note_of(row.outbox_id, row.reason, message, words)
                return await self._push.send(
                    conn, channel, secret, account, note, self._clock.now()
                )
        return True

    def _login(self, channel: Mail) -> tuple[str, str] | None:
        if channel.user is None or channel.password is None:
            return None
        return self._secrets.read(channel.user), self._secrets.read(channel.password)


async def _overtaken(conn: Connection, row: OutboxRow, now: datetime) -> Reason | None:
    if row.alert_id is None:
        return None
    stands = await outbox.stands(conn, row)
    assert stands is not None
    severity, since, cleared, acknowledged, muted, shelved, noted, flapping, drill, told = stands
    facts = Facts(
        severity=Severity(severity), domain="", active_since=since, cleared=cleared,
        acknowledged=acknowledged, muted=muted, shelved=shelved, noted=noted, flapping=flapping,
        exercise=drill,
    )  # fmt: skip
    return overtaken(Reason(row.reason), facts, now, was_told=told)


def _channel(plan: Plan, id: str) -> Channel:
    for channel in plan.channels:
        if channel.id == id and channel.enabled:
            return channel
    raise NotSent(f"there is no channel {id} that is enabled", final=True)


def _address(person: Person, channel: Mail | Template | Push) -> str:
    found = getattr(person, channel.address or "", None)
    if not found:
        raise NotSent(f"{person.id} has no {channel.address} in the roster", final=True)
    return found


def _document(row: OutboxRow, key: str, subject: str, text: str) -> dict[str, Any]:
    """What a signed webhook carries."""
    return {
        "id": key,
        "person": row.person,
        "stage": row.stage,
        "reason": row.reason,
        "subject": subject,
        "text": text,
        "message": row.message,
    }

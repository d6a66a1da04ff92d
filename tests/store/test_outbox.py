"""The outbox and its drain: a stored letter is sent, tried again, or given up with a cause."""

import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from alerts.channel import Channel, Mail, Template, Webhook
from alerts.roster import Person, Roster
from alerts.route import Plan
from ioc.errors import Conflict, NotFound
from ioc.ids import uuid7
from ioc.notify.drain import MOST_ATTEMPTS, Drain, wait_after
from ioc.notify.mail import MailSender
from ioc.notify.push import PushSender
from ioc.notify.webhook import SIGNATURE, TIMESTAMP, WebhookSender, signature
from ioc.sources.fetch import Fetcher
from ioc.sources.outside import Outside as Bound
from ioc.sources.secrets import Secrets
from ioc.store import alerts, outbox, roster
from ioc.store.alerts import AlertRow, LogRow
from ioc.store.outbox import Letter, OutboxRow
from ioc.store.pool import ReadPool, WritePool, connect
from tests.fixtures.mail import MailServer, mail_server
from tests.fixtures.outside import Outside, Reply, a_certificate, an_outside
from tests.fixtures.store import NOW, ZONE, rows_of

ENVIRONMENT = {
    "IOC_SECRET_USER": "ioc",
    "IOC_SECRET_PASSWORD": "mat-khau-smtp",
    "IOC_SECRET_HOOK": "khoa-bi-mat",
}
MESSAGE: dict[str, Any] = {
    "alert": "x", "title": {"vi": "Bụi {mịn} cao", "en": "Dust"}, "place": 'Trạm "Việt Trì"',
    "reason": {"vi": "PM2.5 90 µg/m³ <vượt mức>", "en": "high"}, "severity": "high",
    "since": "2026-11-22T02:00:00Z",
}  # fmt: skip
PERSON = Person(
    id="an", name="Trần Thị An", unit="tinh", email="an@x.example", phone="+84900000001"
)


class Moved:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def outside() -> Iterator[Outside]:
    with an_outside() as server:
        yield server


@pytest.fixture
async def drain(
    database: str, pools: tuple[ReadPool, WritePool], clock: Moved
) -> AsyncIterator[Drain]:
    sender = MailSender(ssl.create_default_context(), timeout=0.5)
    bound = Bound()
    async with httpx2.AsyncClient(timeout=0.5, trust_env=False) as client:
        yield Drain(
            url=database, reads=pools[0], clock=clock, secrets=Secrets(ENVIRONMENT, None),
            mail=sender, webhook=WebhookSender(client), zone=ZONE, centre="tinh",
            push=PushSender(Fetcher(bound)),
        )  # fmt: skip
    bound.close()
    sender.close()


async def _channels(url: str, *channels: Channel) -> None:
    async with await connect(url) as conn:
        await roster.put(conn, Plan(channels=channels), Roster(persons=(PERSON,)))


def _email(mail: MailServer, **more: Any) -> Mail:
    given: dict[str, Any] = {"security": "none", "enabled": True, **more}
    return Mail(id="email", host="127.0.0.1", port=mail.port, sender="ioc@tinh.example", **given)


def _letter(**more: Any) -> Letter:
    given: dict[str, Any] = {
        "alert_id": None, "stage": "r:0", "person": "an", "channel": "email", "reason": "first",
        "message": MESSAGE, "due_at": NOW, "created_at": NOW, "created_by": "engine",
    }  # fmt: skip
    return Letter(**{**given, **more})


async def _put(url: str, **more: Any) -> None:
    async with await connect(url) as conn:
        await outbox.add(conn, [_letter(**more)])


async def _drained(url: str, drain: Drain, channel: str = "email") -> None:
    async with outbox.desk(url) as conn:
        while await drain.one(conn, channel):
            pass


async def _stored(reads: ReadPool) -> list[OutboxRow]:
    return await outbox.listed(reads, state=None, before=2**62, limit=100)


async def _an_alert(url: str, **more: Any) -> UUID:
    alert = AlertRow(
        alert_id=uuid7(NOW), fingerprint="r/a", rule_id="r", kind="threshold", severity="high",
        series_id=None, feed_key=None, unit_key=None, state="active", pending_since=NOW,
        active_since=NOW, reason="x",
    )  # fmt: skip
    alert = replace(alert, **more)
    entry = LogRow(
        alert_id=alert.alert_id, at=NOW, change="active", actor="", comment="", verb="add", item=b""
    )
    async with await connect(url) as conn:
        await alerts.save(conn, [(alert, entry)], after=0)
    return alert.alert_id


async def test_a_letter_is_sent_in_vietnamese_as_text_and_as_html(
    database: str, pools: tuple[ReadPool, WritePool], drain: Drain, mail: MailServer
) -> None:
    await _channels(database, _email(mail))
    await _put(database)
    await _drained(database, drain)
    (letter,) = mail.letters
    assert letter["Subject"] == '[Cao] Bụi {mịn} cao – Trạm "Việt Trì"'
    assert letter["To"] == "Trần Thị An <an@x.example>"
    text, html = (part.get_content() for part in letter.iter_parts())  # pyright: ignore
    assert "từ 09:00 22/11/2026" in text
    assert "PM2.5 90 µg/m³ &lt;vượt mức&gt;" in html
    assert [(row.state, row.attempts) for row in await _stored(pools[0])] == [("sent", 1)]


async def test_the_same_key_is_stored_once(
    database: str, pools: tuple[ReadPool, WritePool]
) -> None:
    alert = await _an_alert(database)
    await _put(database, alert_id=alert)
    await _put(database, alert_id=alert)
    assert len(await _stored(pools[0])) == 1


async def test_what_is_not_committed_with_its_cause_is_not_there(
    database: str, pools: tuple[ReadPool, WritePool]
) -> None:
    async with await connect(database) as conn:
        await outbox.add(conn, [_letter()])
        await conn.rollback()
    assert await _stored(pools[0]) == []


@pytest.mark.parametrize("answer", ["451 later", "hang"])
async def test_a_server_that_fails_and_recovers_gets_the_letter_once(
    answer: str,
    database: str,
    pools: tuple[ReadPool, WritePool],
    drain: Drain,
    mail: MailServer,
    clock: Moved,
) -> None:
    await _channels(database, _email(mail))
    await _put(database)
    mail.answer = answer
    await _drained(database, drain)
    (row,) = await _stored(pools[0])
    assert (row.state, row.attempts, row.next_at) == ("waiting", 1, NOW + wait_after(1))
    assert "127.0.0.1" in row.detail
    mail.answer = "250 taken"
    await _drained(database, drain)
    assert mail.letters == []
    clock.at = row.next_at
    await _drained(database, drain)
    await _drained(database, drain)
    assert len(mail.letters) == 1


async def test_what_fails_too_often_is_a_dead_letter_with_its_cause_and_can_be_sent_again(
    database: str, pools: tuple[ReadPool, WritePool], drain: Drain, mail: MailServer, clock: Moved
) -> None:
    await _channels(database, _email(mail))
    await _put(database)
    mail.answer = "451 later"
    for _ in range(MOST_ATTEMPTS):
        await _drained(database, drain)
        clock.at += timedelta(hours=1)
    (row,) = await _stored(pools[0])
    assert (row.state, row.attempts) == ("dead", MOST_ATTEMPTS)
    assert "451" in row.detail
    mail.answer = "250 taken"
    async with await connect(database) as conn:
        await outbox.again(conn, row.outbox_id, at=clock.at)
    await _drained(database, drain)
    assert [row.state for row in await _stored(pools[0])] == ["sent"]
    async with await connect(database) as conn:
        with pytest.raises(Conflict):
            await outbox.again(conn, row.outbox_id, at=clock.at)
        with pytest.raises(NotFound):
            await outbox.again(conn, row.outbox_id + 1, at=clock.at)


async def test_a_refusal_that_stays_is_not_tried_again(
    database: str, pools: tuple[ReadPool, WritePool], drain: Drain, outside: Outside
) -> None:
    url = outside.on("/hook", Reply(400))
    await _channels(database, Webhook(id="hook", url=url, secret="hook", enabled=True))
    await _put(database, channel="hook")
    await _drained(database, drain, "hook")
    assert [(row.state, row.attempts) for row in await _stored(pools[0])] == [("dead", 1)]


async def test_a_webhook_is_signed_over_its_time_and_body(
    database: str, drain: Drain, outside: Outside, clock: Moved
) -> None:
    url = outside.on("/hook", Reply(503), Reply(hang=True), Reply(200))
    await _channels(database, Webhook(id="hook", url=url, secret="hook", enabled=True))
    await _put(database, channel="hook")
    for _ in range(3):
        await _drained(database, drain, "hook")
        clock.at += timedelta(minutes=1)
    assert len(outside.asked) == 3
    for asked in outside.asked:
        made = signature("khoa-bi-mat", asked.headers[TIMESTAMP.lower()], asked.body)
        assert asked.headers[SIGNATURE.lower()] == made
    assert len({asked.headers["idempotency-key"] for asked in outside.asked}) == 1
    assert outside.asked[0].json["message"]["title"]["vi"] == "Bụi {mịn} cao"


async def test_a_template_sets_in_its_blanks_and_its_secret_and_nothing_else(
    database: str, drain: Drain, outside: Outside
) -> None:
    sms = Template(
        id="sms", url=outside.on("/sms", Reply(200)), address="phone", secret="hook", enabled=True,
        headers={"Authorization": "Bearer {secret}"},
        body={"to": "{phone}", "content": "{title}", "parts": ["{place}"], "unicode": 1},
    )  # fmt: skip
    await _channels(database, sms)
    await _put(database, channel="sms")
    await _drained(database, drain, "sms")
    (asked,) = outside.asked
    assert asked.headers["authorization"] == "Bearer khoa-bi-mat"
    assert asked.json == {
        "to": "+84900000001",
        "content": "Bụi {mịn} cao",
        "parts": ['Trạm "Việt Trì"'],
        "unicode": 1,
    }


async def test_a_login_goes_only_over_tls_and_a_certificate_must_be_trusted(
    database: str, pools: tuple[ReadPool, WritePool], drain: Drain, tmp_path: Path
) -> None:
    with mail_server(a_certificate(tmp_path)) as mail:
        login = {"security": "starttls", "user": "user", "password": "password"}
        await _channels(database, _email(mail, **login))
        await _put(database)
        await _drained(database, drain)
        assert mail.logins == []
        trusting = MailSender(ssl.create_default_context(cafile=tmp_path / "cert.crt"))
        drain._mail = trusting  # pyright: ignore[reportPrivateUsage]
        await rows_of(database, "UPDATE outbox SET next_at = %s", NOW)
        await _drained(database, drain)
        trusting.close()
        assert mail.logins == ["\0ioc\0mat-khau-smtp"]
        assert len(mail.letters) == 1


async def test_no_secret_is_stored_whatever_the_other_side_says(
    database: str, drain: Drain, outside: Outside
) -> None:
    url = outside.on("/hook", Reply(500, b"khoa-bi-mat"))
    await _channels(database, Webhook(id="hook", url=url, secret="hook", enabled=True))
    await _put(database, channel="hook")
    await _drained(database, drain, "hook")
    rows = await rows_of(database, "SELECT outbox::text FROM outbox UNION SELECT notify_plan::text "
                                   "FROM notify_plan")  # fmt: skip
    assert rows
    assert not any("khoa-bi-mat" in row[0] for row in rows)


async def test_a_missing_secret_waits_and_says_where_to_put_it(
    database: str, pools: tuple[ReadPool, WritePool], drain: Drain, outside: Outside
) -> None:
    url = outside.on("/hook", Reply(200))
    await _channels(database, Webhook(id="hook", url=url, secret="khac", enabled=True))
    await _put(database, channel="hook")
    await _drained(database, drain, "hook")
    (row,) = await _stored(pools[0])
    assert row.state == "waiting"
    assert "IOC_SECRET_KHAC" in row.detail


async def test_what_was_acknowledged_meanwhile_is_dropped_and_says_so(
    database: str, pools: tuple[ReadPool, WritePool], drain: Drain, mail: MailServer
) -> None:
    await _channels(database, _email(mail))
    alert = await _an_alert(database, acknowledged_at=NOW, acknowledged_by="lan")
    await _put(database, alert_id=alert, reason="escalation")
    await _drained(database, drain)
    assert mail.letters == []
    assert [(r.state, r.held) for r in await _stored(pools[0])] == [("dropped", "acknowledged")]


async def test_two_drains_at_once_never_have_the_same_letter_in_hand(database: str) -> None:
    await _put(database)
    async with outbox.desk(database) as first, outbox.desk(database) as second:
        assert await outbox.take(first, "email", NOW) is not None
        assert await outbox.take(second, "email", NOW) is None
        await first.rollback()
        assert await outbox.take(second, "email", NOW) is not None


async def test_what_was_settled_long_ago_is_forgotten_unless_its_alert_is_open(
    database: str, pools: tuple[ReadPool, WritePool]
) -> None:
    alert = await _an_alert(database)
    await _put(database, alert_id=alert, state="withheld")
    await _put(database, state="withheld")
    await _put(database)
    async with await connect(database) as conn:
        await outbox.tidy(conn, NOW + outbox.KEPT + timedelta(days=1))
    left = await _stored(pools[0])
    assert {(row.alert_id, row.state) for row in left} == {(alert, "withheld"), (None, "waiting")}

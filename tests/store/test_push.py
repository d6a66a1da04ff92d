"""Push: a letter reaches the subscriptions of sessions that last, each once, and nobody else's."""

import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from alerts.channel import Push
from alerts.roster import Person, Roster
from alerts.route import Plan
from ioc.notify.drain import Drain, wait_after
from ioc.notify.mail import MailSender
from ioc.notify.push import PushSender
from ioc.notify.vapid import Vapid, new_key
from ioc.notify.webhook import WebhookSender
from ioc.sources.fetch import Fetcher
from ioc.sources.outside import Outside as Bound
from ioc.sources.secrets import Secrets
from ioc.store import accounts, outbox, push, roster
from ioc.store.outbox import Letter, OutboxRow
from ioc.store.pool import ReadPool, WritePool, connect
from ioc.store.push import MOST, Browser
from tests.fixtures.outside import Outside, Reply, a_certificate, an_outside
from tests.fixtures.push import PushedBrowser
from tests.fixtures.store import NOW, ZONE, rows_of

KEY = new_key()
ALERT = "0190a000-0000-7000-8000-000000000001"
MESSAGE: dict[str, Any] = {
    "alert": ALERT, "matter": "m", "title": {"vi": "Bụi mịn cao", "en": "Dust"},
    "place": "Việt Trì", "severity": "high", "since": "2026-11-22T02:00:00Z",
}  # fmt: skip
PERSON = Person(id="an", name="Trần Thị An", unit="tinh", account="an.tran")


class Moved:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> Any:
        return self.at


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_certificate(tmp_path_factory.mktemp("push"))


@pytest.fixture
def service(certificate: Path) -> Iterator[Outside]:
    with an_outside(certificate) as server:
        yield server


@pytest.fixture
async def drain(
    database: str, pools: tuple[ReadPool, WritePool], clock: Moved, certificate: Path
) -> AsyncIterator[Drain]:
    mail = MailSender(ssl.create_default_context())
    bound = Bound("127.0.0.1")
    async with httpx2.AsyncClient(trust_env=False) as client:
        yield Drain(
            url=database, reads=pools[0], clock=clock,
            secrets=Secrets({"IOC_SECRET_PUSH_KEY": KEY}, None), mail=mail,
            webhook=WebhookSender(client), zone=ZONE, centre="tinh",
            push=PushSender(Fetcher(bound, authorities=certificate)),
        )  # fmt: skip
    bound.close()
    mail.close()


@pytest.fixture
async def session(database: str) -> str:
    """The session of the person who is told; push is on."""
    channel = Push(
        id="push", contact="mailto:a@x.example", secret="push-key", services=("127.0.0.1",),
        enabled=True,
    )  # fmt: skip
    async with await connect(database) as conn:
        await roster.put(conn, Plan(channels=(channel,)), Roster(persons=(PERSON,)))
        await accounts.add(
            conn, name="an.tran", full_name="An", role="leader", password_hash="x", units=[],
            now=NOW,
        )  # fmt: skip
    return await _signed_in(database)


async def _signed_in(url: str) -> str:
    async with await connect(url) as conn:
        account = await accounts.find(conn, "an.tran")
        assert account is not None
        return await accounts.start_session(conn, account, NOW)


async def _subscribed(
    url: str, session: str, endpoint: str, least: str = "low"
) -> tuple[PushedBrowser, int]:
    browser = PushedBrowser()
    said = Browser(endpoint=endpoint, point=browser.point, secret=browser.secret, least=least)
    async with await connect(url) as conn:
        subscription = await push.put(conn, session, said, NOW)
    assert subscription is not None
    return browser, subscription


async def _put(url: str, **more: Any) -> None:
    given: dict[str, Any] = {
        "alert_id": None, "stage": "r:0", "person": "an", "channel": "push", "reason": "first",
        "message": MESSAGE, "due_at": NOW, "created_at": NOW, "created_by": "engine",
    }  # fmt: skip
    async with await connect(url) as conn:
        await outbox.add(conn, [Letter(**{**given, **more})])


async def _drained(url: str, drain: Drain) -> None:
    async with outbox.desk(url) as conn:
        while await drain.one(conn, "push"):
            pass


async def _stored(reads: ReadPool) -> OutboxRow:
    (row,) = await outbox.listed(reads, state=None, before=2**62, limit=100)
    return row


async def test_a_device_reads_title_severity_place_and_link_and_nobodys_name(
    database: str, drain: Drain, service: Outside, session: str
) -> None:
    browser, _ = await _subscribed(database, session, service.on("/p/1", Reply(201)))
    await _put(database)
    await _drained(database, drain)
    (asked,) = service.asked
    text = browser.read(asked.body).decode()
    assert "[Cao] Bụi mịn cao – Việt Trì" in text
    assert f'"link":"/m#alert={ALERT}"' in text
    assert "An" not in text
    assert "an.tran" not in text
    assert asked.headers["content-encoding"] == "aes128gcm"
    assert asked.headers["urgency"] == "high"
    assert asked.headers["authorization"].endswith(f"k={Vapid(KEY).public}")
    assert int(asked.headers["ttl"]) > 0


async def test_alerts_of_one_matter_and_severity_take_each_others_place_and_others_do_not(
    database: str, drain: Drain, service: Outside, session: str
) -> None:
    await _subscribed(database, session, service.on("/p/1", Reply(201)))
    for stage, more in {
        "a": {"alert": "1"}, "b": {"alert": "2"}, "c": {"severity": "low"}, "d": {"matter": "n"},
    }.items():  # fmt: skip
        await _put(database, stage=stage, message={**MESSAGE, **more})
    await _drained(database, drain)
    topics = [asked.headers["topic"] for asked in service.asked]
    assert topics[0] == topics[1]
    assert len(set(topics)) == 3
    assert all(len(topic) <= 32 for topic in topics)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_service_that_fails_is_let_alone_for_as_long_as_it_asks_and_gets_the_letter_once(
    status: int,
    database: str,
    pools: tuple[ReadPool, WritePool],
    drain: Drain,
    service: Outside,
    session: str,
    clock: Moved,
) -> None:
    url = service.on("/p/1", Reply(status, headers={"Retry-After": "120"}), Reply(201))
    await _subscribed(database, session, url)
    await _put(database)
    await _drained(database, drain)
    row = await _stored(pools[0])
    assert (row.state, row.next_at) == ("waiting", NOW + timedelta(minutes=2))
    clock.at = row.next_at
    await _drained(database, drain)
    await _drained(database, drain)
    assert len(service.asked) == 2
    assert (await _stored(pools[0])).state == "sent"


async def test_another_attempt_goes_only_to_the_device_that_has_it_not(
    database: str, drain: Drain, service: Outside, session: str, clock: Moved
) -> None:
    await _subscribed(database, session, service.on("/p/well", Reply(201)))
    await _subscribed(database, session, service.on("/p/ill", Reply(500), Reply(201)))
    await _put(database)
    await _drained(database, drain)
    clock.at += wait_after(1)
    await _drained(database, drain)
    assert sorted(service.paths()) == ["/p/ill", "/p/ill", "/p/well"]


@pytest.mark.parametrize("status", [404, 410])
async def test_a_device_that_its_service_knows_no_more_is_forgotten(
    status: int,
    database: str,
    pools: tuple[ReadPool, WritePool],
    drain: Drain,
    service: Outside,
    session: str,
) -> None:
    await _subscribed(database, session, service.on("/p/1", Reply(status)))
    await _put(database)
    await _drained(database, drain)
    assert await push.of(pools[0], "an.tran", NOW) == []
    row = await _stored(pools[0])
    assert (row.state, row.held) == ("dropped", "no_subscription")


ENDINGS = {
    "logged out": "UPDATE token SET ended_at = now()",
    "expired": "UPDATE token SET expires_at = '2026-11-22 00:00Z'",
    "another role": "UPDATE account SET role = 'agency'",
    "disabled": "UPDATE account SET disabled_at = now()",
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_nothing_is_sent_once_the_session_has_ended(
    ending: str,
    database: str,
    pools: tuple[ReadPool, WritePool],
    drain: Drain,
    service: Outside,
    session: str,
) -> None:
    await _subscribed(database, session, service.on("/p/1", Reply(201)))
    await _put(database)
    await rows_of(database, ENDINGS[ending] + " RETURNING 1")
    await _drained(database, drain)
    assert service.asked == []
    row = await _stored(pools[0])
    assert (row.state, row.held) == ("dropped", "no_subscription")
    assert [subscription.live for subscription in await push.of(pools[0], "an.tran", NOW)] == [
        False
    ]


async def test_signing_in_again_on_a_device_renews_it(
    database: str, pools: tuple[ReadPool, WritePool], session: str
) -> None:
    _, subscription = await _subscribed(database, session, "https://x.example/1")
    async with await connect(database) as conn:
        await accounts.end_token(conn, session, NOW)
    _, again = await _subscribed(database, await _signed_in(database), "https://x.example/1")
    assert again == subscription
    assert [row.live for row in await push.of(pools[0], "an.tran", NOW)] == [True]


async def test_a_device_gets_only_what_is_severe_enough_for_it(
    database: str, drain: Drain, service: Outside, session: str
) -> None:
    for least in ("critical", "high", "low"):
        await _subscribed(database, session, service.on(f"/p/{least}", Reply(201)), least)
    await _put(database)
    await _drained(database, drain)
    assert sorted(service.paths()) == ["/p/high", "/p/low"]


async def test_an_endpoint_that_is_no_service_any_more_is_not_asked(
    database: str,
    pools: tuple[ReadPool, WritePool],
    drain: Drain,
    service: Outside,
    session: str,
) -> None:
    service.on("/p/1", Reply(201))
    await _subscribed(database, session, service.url("/p/1", host="localhost"))
    await _put(database)
    await _drained(database, drain)
    assert service.asked == []
    row = await _stored(pools[0])
    assert row.state == "dead"
    assert "localhost is none of the services" in row.detail


async def test_a_service_that_leads_into_an_inner_network_is_not_asked(
    database: str,
    pools: tuple[ReadPool, WritePool],
    drain: Drain,
    service: Outside,
    session: str,
    certificate: Path,
) -> None:
    bound = Bound("")
    drain._push = PushSender(  # pyright: ignore[reportPrivateUsage]
        Fetcher(bound, authorities=certificate)
    )
    await _subscribed(database, session, service.on("/p/1", Reply(201)))
    await _put(database)
    await _drained(database, drain)
    bound.close()
    assert service.asked == []
    assert "inner network" in (await _stored(pools[0])).detail


async def test_an_account_has_a_bounded_number_of_devices_and_the_newest_stay(
    database: str, pools: tuple[ReadPool, WritePool], session: str
) -> None:
    made = [
        (await _subscribed(database, session, f"https://x.example/{n}"))[1] for n in range(MOST + 2)
    ]
    rows = await push.of(pools[0], "an.tran", NOW)
    assert [row.subscription_id for row in rows] == made[2:]


async def test_a_device_is_ended_by_its_own_person_only(database: str, session: str) -> None:
    _, subscription = await _subscribed(database, session, "https://x.example/1")
    async with await connect(database) as conn:
        assert not await push.end_own(conn, "binh", subscription)
        assert await push.end_own(conn, "an.tran", subscription)
        assert not await push.end_own(conn, "an.tran", subscription)


async def test_a_wall_has_no_session_to_push_to(database: str) -> None:
    said = Browser(endpoint="https://x.example/1", point=b"p" * 65, secret=b"s" * 16, least="low")
    async with await connect(database) as conn:
        token = await accounts.add_wall(conn, "phòng trực", NOW)
        assert await push.put(conn, token, said, NOW) is None


async def test_devices_of_sessions_that_ended_long_ago_are_forgotten(
    database: str, pools: tuple[ReadPool, WritePool], session: str
) -> None:
    await _subscribed(database, session, "https://x.example/1")
    for later, left in ((push.KEPT, 1), (push.KEPT + accounts.SESSION_LENGTH * 2, 0)):
        async with await connect(database) as conn:
            await push.tidy(conn, NOW + later)
        assert len(await push.of(pools[0], "an.tran", NOW)) == left

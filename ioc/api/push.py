"""Push to one's own phones: the key, the subscriptions, switching one on and off, a test."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response

from alerts.channel import Push
from alerts.route import Reason
from ioc.api.bodies import decoded, whole
from ioc.api.deps import SESSION_COOKIE, CurrentSubject, Now, Reads, Settings, Writes, bearer
from ioc.api.encode import answer, shape
from ioc.api.notify import LAST
from ioc.auth.policy import Role, Subject
from ioc.errors import Busy, Conflict, Invalid, NotPermitted
from ioc.model import Severity
from ioc.notify.encryption import SECRET_BYTES, as_bytes
from ioc.notify.encryption import public_key as point_key
from ioc.notify.office import public_key
from ioc.sources.outside import url_fault
from ioc.store import audit, outbox, push, roster
from ioc.store.outbox import Letter
from ioc.store.push import Browser, SubscriptionRow

router = APIRouter(prefix="/notify/push", tags=["alerts"])

LONGEST = 1_000
"""Characters of an endpoint."""

MOST_TESTS = 5
"""Tests of one person in a minute."""


class PushKeys(msgspec.Struct, kw_only=True):
    """The keys of a browser's subscription."""

    p256dh: str
    auth: str


class PushNote(msgspec.Struct, kw_only=True):
    """A subscription as browsers write it (`PushSubscription.toJSON`), and what is wanted."""

    endpoint: str
    keys: PushKeys
    least: Severity = Severity.HIGH


class PushSubscriptionItem(msgspec.Struct, kw_only=True):
    """One's own subscription; what is not `live` waits until one signs in there again."""

    id: int
    endpoint: str
    least: Severity
    live: bool
    created_at: datetime


class PushState(msgspec.Struct, kw_only=True):
    """The key to subscribe to, none while push is off, and one's subscriptions.

    `reached` says whether the roster has this account, so that routes can name its person.
    """

    key: str | None
    reached: bool
    subscriptions: list[PushSubscriptionItem]


class PushTest(msgspec.Struct, kw_only=True):
    """The number of the letter, by which the outbox says what became of it."""

    letter: int
    state: Literal["waiting"] = "waiting"


def _person(subject: CurrentSubject) -> Subject:
    if subject.role in (Role.WALL, Role.FEED):
        raise NotPermitted("only people have subscriptions; sign in with name and password")
    return subject


Person = Annotated[Subject, Depends(_person)]


@router.get("", responses=shape(PushState))
async def get_push(subject: Person, reads: Reads, config: Settings, now: Now) -> Response:
    """The key to subscribe to, and one's own subscriptions."""
    plan, people = await roster.read(reads)
    found = public_key(plan, config)
    rows = await push.of(reads, subject.name, now)
    return answer(
        PushState(
            key=None if found is None else found[1],
            reached=any(person.account == subject.name for person in people.persons),
            subscriptions=[_item(row) for row in rows],
        )
    )


@router.post(
    "",
    status_code=201,
    responses=shape(PushSubscriptionItem),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PushNote"}}},
        }
    },
)
async def subscribe(
    request: Request, subject: Person, reads: Reads, writes: Writes, config: Settings, now: Now
) -> Response:
    """Push to a browser for as long as this session lasts; the same one again renews it."""
    note = decoded(await whole(request), _note, "a subscription", "; see PushSubscription.toJSON")
    plan, _ = await roster.read(reads)
    found = public_key(plan, config)
    if found is None:
        raise Conflict("push is off; an administrator switches it on in city/notify.toml")
    browser = _browser(note, found[0])
    token = bearer(request) or request.cookies.get(SESSION_COOKIE) or ""
    async with writes.connection() as conn:
        subscription = await push.put(conn, token, browser, now)
        if subscription is None:
            raise NotPermitted("only a session can be pushed to; sign in with name and password")
        await audit.record(
            conn, now=now, actor=subject.name, source=_source(request), action="push.subscribe",
            subject=str(subscription), after={"service": urlsplit(note.endpoint).hostname},
        )  # fmt: skip
    made = PushSubscriptionItem(
        id=subscription, endpoint=note.endpoint, least=note.least, live=True, created_at=now
    )
    return answer(made, status=201)


@router.delete("/{subscription}", status_code=204)
async def unsubscribe(
    request: Request,
    subscription: Annotated[int, Path(ge=1, le=LAST)],
    subject: Person,
    writes: Writes,
    now: Now,
) -> Response:
    """Push to a subscription of one's own no more, if there is such a one."""
    async with writes.connection() as conn:
        if await push.end_own(conn, subject.name, subscription):
            await audit.record(
                conn, now=now, actor=subject.name, source=_source(request),
                action="push.unsubscribe", subject=str(subscription), after=None,
            )  # fmt: skip
    return Response(status_code=204)


@router.post("/test", status_code=202, responses=shape(PushTest))
async def test_push(
    subject: Person, reads: Reads, writes: Writes, config: Settings, now: Now
) -> Response:
    """Send oneself a test, by the way that alerts take."""
    plan, people = await roster.read(reads)
    found = public_key(plan, config)
    if found is None:
        raise Conflict("push is off; an administrator switches it on in city/notify.toml")
    person = next((one for one in people.persons if one.account == subject.name), None)
    if person is None:
        raise Conflict("nobody in the roster has this account; see `account` in city/roster.toml")
    letter = Letter(
        alert_id=None, stage="test", person=person.id, channel=found[0].id,
        reason=Reason.TEST.value, message={}, due_at=now, created_at=now,
        created_by=subject.name,
    )  # fmt: skip
    async with writes.connection() as conn:
        if await outbox.tests_since(conn, person.id, now - timedelta(minutes=1)) >= MOST_TESTS:
            raise Busy(f"{MOST_TESTS} tests in a minute are enough; wait a moment")
        row = await outbox.add_test(conn, letter)
    return answer(PushTest(letter=row.outbox_id), status=202)


_note = msgspec.json.Decoder(PushNote)


def _browser(note: PushNote, channel: Push) -> Browser:
    """What is stored of a subscription; refuses what is none, or leads anywhere else."""
    fault = url_fault(note.endpoint)
    if fault is not None or len(note.endpoint) > LONGEST:
        raise Invalid("the endpoint is no address of a push service")
    address = urlsplit(note.endpoint)
    if address.scheme != "https" or not channel.serves(address.hostname or ""):
        raise Invalid(
            f"{address.hostname} is none of the push services; an administrator names it in "
            "`services` of the push channel in city/notify.toml, and it must have https"
        )
    try:
        point, secret = as_bytes(note.keys.p256dh), as_bytes(note.keys.auth)
        point_key(point)
    except ValueError as error:
        raise Invalid("`keys` are not those of a browser's subscription") from error
    if len(secret) != SECRET_BYTES:
        raise Invalid(f"`keys.auth` has {len(secret)} bytes, not {SECRET_BYTES}")
    return Browser(endpoint=note.endpoint, point=point, secret=secret, least=note.least.value)


def _item(row: SubscriptionRow) -> PushSubscriptionItem:
    return PushSubscriptionItem(
        id=row.subscription_id, endpoint=row.endpoint, least=Severity(row.least), live=row.live,
        created_at=row.created_at,
    )  # fmt: skip


def _source(request: Request) -> str:
    return request.client.host if request.client else ""

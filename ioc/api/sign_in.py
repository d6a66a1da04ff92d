"""Sign in and out, and who one is."""

import asyncio

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from ioc.api.deps import (
    SESSION_COOKIE,
    WALL_COOKIE,
    CurrentSubject,
    Now,
    Reads,
    ServerFacts,
    Settings,
    Writes,
    bearer,
    same_origin,
    subject_of_token,
)
from ioc.api.encode import answer, shape
from ioc.api.short import ShortBodyRoute
from ioc.auth import passwords
from ioc.auth.policy import Permission, Role
from ioc.errors import Busy, NotPermitted, NotSignedIn
from ioc.live.wire import UnitRef
from ioc.store import accounts, audit

router = APIRouter(tags=["sign-in"], route_class=ShortBodyRoute)

CHECKS = asyncio.Semaphore(2)
"""Each check of a password takes 64 MiB; more at once would let strangers fill the memory."""

MOST_WAITING = 20


class Login(BaseModel):
    """Name and password."""

    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)


class Token(msgspec.Struct):
    """The token of a session, for the Authorization header and the websocket."""

    token: str


class Me(msgspec.Struct):
    """Who is signed in, and what that account may do."""

    name: str
    full_name: str
    role: Role
    units: list[UnitRef]
    permissions: list[Permission]


class _Gate:
    """Counts who waits for a password check."""

    def __init__(self) -> None:
        self.waiting = 0


_gate = _Gate()


@router.post("/login", responses=shape(Token))
async def login(
    request: Request, body: Login, reads: Reads, writes: Writes, now: Now, config: Settings
) -> Response:
    """Sign in with name and password; sets the session cookie and returns the token."""
    if not same_origin(request):
        raise NotPermitted("this request came from another site")
    if _gate.waiting >= MOST_WAITING:
        raise Busy("too many sign-ins at once; try again in a moment")
    _gate.waiting += 1
    try:
        async with CHECKS, reads.connection() as conn:
            account = await accounts.find(conn, body.name.replace("\x00", ""))
        async with CHECKS:
            # A name that does not exist takes as long as one that does.
            known = account.password_hash if account else _decoy()
            right = await asyncio.to_thread(passwords.verify_password, body.password, known)
    finally:
        _gate.waiting -= 1
    source = request.client.host if request.client else ""
    async with writes.connection() as conn:
        if account is None or not right:
            await audit.record(
                conn, now=now, actor=body.name[:200].replace("\x00", ""), source=source,
                action="login.refused", subject="session",
            )  # fmt: skip
            token = None
        else:
            token = await accounts.start_session(conn, account, now)
            await audit.record(
                conn, now=now, actor=account.name, source=source, action="login",
                subject="session",
            )  # fmt: skip
    if token is None:
        raise NotSignedIn("name or password is wrong")
    made = answer(Token(token))
    _set_cookie(made, SESSION_COOKIE, token, config.secure_cookies, accounts.SESSION_LENGTH.seconds)
    return made


@router.post("/logout", status_code=204)
async def logout(request: Request, writes: Writes, now: Now, _: CurrentSubject) -> Response:
    """End the session."""
    token = bearer(request) or request.cookies.get(SESSION_COOKIE)
    if token:
        async with writes.connection() as conn:
            await accounts.end_token(conn, token, now)
    made = Response(status_code=204)
    made.delete_cookie(SESSION_COOKIE)
    return made


@router.get("/me", responses=shape(Me))
async def me(subject: CurrentSubject, reads: Reads, facts: ServerFacts, now: Now) -> Response:
    """Who is signed in."""
    full_name = subject.name
    if subject.role not in (Role.WALL, Role.FEED):
        async with reads.connection() as conn:
            account = await accounts.find(conn, subject.name)
        full_name = account.full_name if account else subject.name
    names = facts.city.organisation.as_of(now.date())
    units = [UnitRef(u, names[u].short_name if u in names else u) for u in subject.units]
    return answer(Me(subject.name, full_name, subject.role, units, subject.permissions))


async def enter_wall(request: Request, token: str, config: Settings) -> Response:
    """Open the wall with a wall token: sets the kiosk cookie and goes to the wall."""
    subject = await subject_of_token(request, token)
    if subject is None or subject.role is not Role.WALL:
        return RedirectResponse("/login", 303)
    made = RedirectResponse("/", 303)
    _set_cookie(made, WALL_COOKIE, token, config.secure_cookies, 10 * 365 * 86_400)
    return made


def _set_cookie(made: Response, name: str, token: str, secure: bool, seconds: int) -> None:
    made.set_cookie(
        name, token, max_age=seconds, httponly=True, samesite="strict", secure=secure, path="/"
    )


def _decoy() -> str:
    """A hash that no password belongs to, as costly as a real one."""
    return (
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA"
        "$RdescudvJCsgt3ub+b4dWRWJTmaaJObGQ0ZRlVZGFAM"
    )

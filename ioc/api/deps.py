"""What an endpoint may ask for: one provider per thing, so that a signature lists its needs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, TypedDict, cast
from urllib.parse import urlsplit

from fastapi import Depends
from starlette.requests import HTTPConnection

from ingest.intake import Intake
from ioc.api.budget import BodyBudget
from ioc.api.transfers import Transfers
from ioc.api.unit_places import UnitPlaces
from ioc.auth.policy import Permission, Role, Subject
from ioc.auth.tokens import hash_secret
from ioc.clock import Clock
from ioc.config import Config
from ioc.errors import NotPermitted, NotSignedIn
from ioc.flow.alerting import Alerting
from ioc.flow.boards import Boards
from ioc.flow.field_reports import FieldReports
from ioc.flow.incident_shifts import Shifts
from ioc.flow.incidents import Incidents
from ioc.flow.reporting import Reporting
from ioc.flow.standing import Standings
from ioc.live.feeds import FeedHealth
from ioc.live.hub import Hub
from ioc.live.state import LiveState
from ioc.model import Feed
from ioc.store import accounts
from ioc.store.city import Described
from ioc.store.identity import Identity
from ioc.store.pool import ReadPool, WritePool
from ioc.store.registry import Registry

SESSION_COOKIE = "ioc_session"
WALL_COOKIE = "ioc_wall"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """Whether what the process needs is there; `commit_age` in seconds.

    `reasons` are keys of the catalogue's `ready` table, one for each part that is not.
    """

    database: bool
    broker: bool
    failed: str | None
    commit_age: float | None
    reasons: list[str]


Figures = dict[str, tuple[str, float]]
"""Help and value by name, for `/metrics`."""


@dataclass(slots=True)
class Facts:
    """What the server knows of itself; filled by the composition root."""

    identity: Identity
    city: Described
    version: str
    zone: str
    bounds: tuple[float, float, float, float]
    health: Callable[[], ServerHealth] = lambda: ServerHealth(False, False, None, None, [])
    counters: Callable[[], Figures] = dict
    gauges: Callable[[], Figures] = dict
    backfill: float | None = None
    places: UnitPlaces = field(default_factory=UnitPlaces)

    def set_backfill(self, share: float) -> None:
        """Note how far the simulator is with the past, 0 to 1."""
        self.backfill = share


class State(TypedDict):
    """What the lifespan hands to requests."""

    config: Config
    clock: Clock
    reads: ReadPool
    writes: WritePool
    registry: Registry
    intake: Intake
    live: LiveState
    health: FeedHealth
    alerting: Alerting
    reporting: Reporting
    boards: Boards
    standings: Standings
    field_reports: FieldReports
    incidents: Incidents
    shifts: Shifts
    hub: Hub
    facts: Facts
    transfers: Transfers
    bodies: BodyBudget


def state_of(connection: HTTPConnection) -> State:
    """The state of the running server; the one cast."""
    return cast(State, connection.scope["state"])


def _config(connection: HTTPConnection) -> Config:
    return state_of(connection)["config"]


def _now(connection: HTTPConnection) -> datetime:
    return state_of(connection)["clock"].now()


def _reads(connection: HTTPConnection) -> ReadPool:
    return state_of(connection)["reads"]


def _writes(connection: HTTPConnection) -> WritePool:
    return state_of(connection)["writes"]


def _registry(connection: HTTPConnection) -> Registry:
    return state_of(connection)["registry"]


def _intake(connection: HTTPConnection) -> Intake:
    return state_of(connection)["intake"]


def _live(connection: HTTPConnection) -> LiveState:
    return state_of(connection)["live"]


def _health(connection: HTTPConnection) -> FeedHealth:
    return state_of(connection)["health"]


def _alerting(connection: HTTPConnection) -> Alerting:
    return state_of(connection)["alerting"]


def _reporting(connection: HTTPConnection) -> Reporting:
    return state_of(connection)["reporting"]


def _boards(connection: HTTPConnection) -> Boards:
    return state_of(connection)["boards"]


def _standings(connection: HTTPConnection) -> Standings:
    return state_of(connection)["standings"]


def _field_reports(connection: HTTPConnection) -> FieldReports:
    return state_of(connection)["field_reports"]


def _incidents(connection: HTTPConnection) -> Incidents:
    return state_of(connection)["incidents"]


def _shifts(connection: HTTPConnection) -> Shifts:
    return state_of(connection)["shifts"]


def _hub(connection: HTTPConnection) -> Hub:
    return state_of(connection)["hub"]


def _facts(connection: HTTPConnection) -> Facts:
    return state_of(connection)["facts"]


def _transfers(connection: HTTPConnection) -> Transfers:
    return state_of(connection)["transfers"]


Settings = Annotated[Config, Depends(_config)]
Now = Annotated[datetime, Depends(_now)]
Reads = Annotated[ReadPool, Depends(_reads)]
Writes = Annotated[WritePool, Depends(_writes)]
Known = Annotated[Registry, Depends(_registry)]
Incoming = Annotated[Intake, Depends(_intake)]
Live = Annotated[LiveState, Depends(_live)]
Health = Annotated[FeedHealth, Depends(_health)]
Alerts = Annotated[Alerting, Depends(_alerting)]
OwedReports = Annotated[Reporting, Depends(_reporting)]
KpiBoards = Annotated[Boards, Depends(_boards)]
UnitStandings = Annotated[Standings, Depends(_standings)]
PlacedTickets = Annotated[FieldReports, Depends(_field_reports)]
IncidentFlow = Annotated[Incidents, Depends(_incidents)]
ShiftFlow = Annotated[Shifts, Depends(_shifts)]
LiveHub = Annotated[Hub, Depends(_hub)]
ServerFacts = Annotated[Facts, Depends(_facts)]
FileTransfers = Annotated[Transfers, Depends(_transfers)]


def bearer(connection: HTTPConnection) -> str | None:
    """The token of the Authorization header."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def same_origin(connection: HTTPConnection) -> bool:
    """Whether a browser says that the request comes from a page of this server.

    Cookies travel with requests that other sites cause; what carries no Origin is no browser's.
    """
    origin = connection.headers.get("origin")
    if origin is None:
        return connection.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    return urlsplit(origin).netloc == connection.headers.get("host")


async def subject_of_token(connection: HTTPConnection, token: str) -> Subject | None:
    """Who a session or wall token stands for."""
    state = state_of(connection)
    async with state["reads"].connection() as conn:
        found = await accounts.holder(conn, token, state["clock"].now())
    if found is None:
        return None
    return Subject(role=Role(found.role), name=found.name, units=found.units)


async def find_subject(connection: HTTPConnection) -> Subject | None:
    """Who asks: a feed key or token of the header, else a session or wall cookie."""
    token = bearer(connection)
    if token is not None:
        registry = state_of(connection)["registry"]
        feed = registry.feeds.get(registry.credentials.get(hash_secret(token), -1))
        if feed is not None:
            return Subject(role=Role.FEED, name=f"feed:{feed.id}", feed=feed.id)
        return await subject_of_token(connection, token)
    cookie = connection.cookies.get(SESSION_COOKIE) or connection.cookies.get(WALL_COOKIE)
    if cookie is None:
        return None
    if connection.scope.get("method", "GET") not in SAFE_METHODS and not same_origin(connection):
        raise NotPermitted("this request came from another site")
    return await subject_of_token(connection, cookie)


async def _subject(connection: HTTPConnection) -> Subject:
    found = await find_subject(connection)
    if found is None:
        raise NotSignedIn("sign in, or send a valid token as `Authorization: Bearer …`")
    return found


CurrentSubject = Annotated[Subject, Depends(_subject)]


def requires(permission: Permission) -> Callable[[Subject], Subject]:
    """A dependency that lets through only who has the permission."""

    def check(subject: CurrentSubject) -> Subject:
        if not subject.may(permission):
            raise NotPermitted(f"role {subject.role.value} may not do this ({permission.value})")
        return subject

    return check


def feed_for(permission: Permission) -> Callable[..., Feed]:
    """A dependency that gives the feed of the path to who may do that with it."""

    def check(feed: str, subject: CurrentSubject, registry: Known) -> Feed:
        found = registry.feed_by_id.get(feed)
        allowed = found is not None and subject.may_use_feed(permission, found.id, found.agency)
        if found is None or not allowed:
            # The same answer for both, so that nobody learns which feeds exist.
            raise NotPermitted(f"this account or key may not do that with feed `{feed[:64]}`")
        return found

    return check

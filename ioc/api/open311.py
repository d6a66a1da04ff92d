"""Open311 GeoReport v2: a standard door for tickets; the key of a feed is the `api_key`.

The document names the routes that end in `.json`; each is there as `.xml` too.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.routing import APIRoute

from ingest.ticket import Fault, checked
from ioc.api.deps import Health, Known, Now, Reads, ServerFacts, Writes, bearer
from ioc.api.encode import JSON, shape
from ioc.api.georeport import (
    AcceptedRequest,
    Discovery,
    Endpoint,
    RequestToken,
    Service,
    ServiceDefinition,
    ServiceRequest,
)
from ioc.api.georeport_route import GeoReportRoute, faults, told
from ioc.api.georeport_xml import XML
from ioc.api.open311_form import posted, ticket_of
from ioc.api.open311_items import service, service_request, states_of
from ioc.api.ticket_desk import Desk, open_desk
from ioc.auth.tokens import hash_secret
from ioc.catalogue import preferred
from ioc.errors import NotFound, NotPermitted
from ioc.model import Feed, Problem, Receipt
from ioc.store import ticket_intake, ticket_rows
from ioc.store.ticket_intake import RefusedItem
from ioc.store.ticket_rows import TicketRow, Wanted

SPAN: Final = timedelta(days=90)
"""What is listed without dates, as the standard says."""

MOST_LISTED: Final = 1_000
CHANGESET: Final = "2026-11-01T00:00:00Z"
SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"


router = APIRouter(tags=["open311"], route_class=GeoReportRoute)


def _array(kind: type) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an endpoint that answers with an array of that Struct."""
    found = shape(kind)
    content = found[200]["content"][JSON]
    content["schema"] = {"type": "array", "items": content["schema"]}
    return found


async def _key_holder(request: Request, registry: Known) -> Feed:
    """The feed whose key stands in the header, the query or the form."""
    form = await posted(request) if request.method == "POST" else {}
    key = bearer(request) or request.query_params.get("api_key") or form.get("api_key") or ""
    feed = registry.feeds.get(registry.credentials.get(hash_secret(key), -1))
    if feed is None:
        raise NotPermitted(
            "api_key is missing or not valid: send the key of a feed as `api_key`; "
            "the operations centre hands it out"
        )
    return feed


def _jurisdiction(facts: ServerFacts, jurisdiction_id: str | None = None) -> None:
    if jurisdiction_id not in (None, "", facts.identity.province):
        raise NotFound(f"jurisdiction_id is {facts.identity.province} here, or left out")


KeyHolder = Annotated[Feed, Depends(_key_holder)]
Here = Depends(_jurisdiction)


@router.get("/open311/discovery.json", responses=shape(Discovery))
async def get_discovery(request: Request, facts: ServerFacts) -> Response:
    """Where the interface is."""
    url = f"{str(request.base_url).rstrip('/')}/api/v1/open311/v2"
    centre = facts.identity.province or ""
    endpoint = Endpoint(
        specification=SPECIFICATION, url=url, changeset=CHANGESET, type="production",
        formats=[XML, JSON],
    )  # fmt: skip
    found = Discovery(
        changeset=CHANGESET,
        contact=centre,
        key_service="the operations centre of the province hands out keys of feeds",
        endpoints=[endpoint],
    )
    return told(request, Discovery, found)


@router.get("/open311/v2/services.json", responses=_array(Service), dependencies=[Here])
async def get_services(request: Request, reads: Reads, facts: ServerFacts, now: Now) -> Response:
    """What can be reported."""
    desk = await open_desk(reads, facts, now)
    language = preferred(request.headers.get("accept-language"))
    found = [service(category, language) for category in desk.plan.categories]
    return told(request, Service, found)


@router.get(
    "/open311/v2/services/{service_code}.json",
    responses=shape(ServiceDefinition),
    dependencies=[Here],
)
async def get_service(
    request: Request, service_code: str, reads: Reads, facts: ServerFacts, now: Now
) -> Response:
    """The questions of a service: there are none beside the fields of the standard."""
    desk = await open_desk(reads, facts, now)
    found = desk.plan.find(service_code)
    if found is None:
        raise NotFound("service_code is not one of services.json")
    questions = ServiceDefinition(service_code=found.service_code)
    return told(request, ServiceDefinition, questions)


@router.post(
    "/open311/v2/requests.json",
    status_code=201,
    responses={201: _array(AcceptedRequest)[200]},
    dependencies=[Here],
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "service_code, a place (lat and long, or address_string), description, "
            "first_name, last_name, phone, email, media_url, api_key",
            "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}},
        }
    },
)
async def post_request(
    request: Request,
    feed: KeyHolder,
    reads: Reads,
    writes: Writes,
    facts: ServerFacts,
    health: Health,
    now: Now,
) -> Response:
    """Take a ticket; its id is given at once. Devices and accounts are not kept."""
    desk = await open_desk(reads, facts, now)
    try:
        ticket = ticket_of(await posted(request), now)
        offered = desk.offered(checked(ticket, desk.rules(feed, now)), feed, now)
    except Fault as fault:
        await _refuse(writes, health, feed, request, fault, now)
        return faults(request, 400, fault.detail)
    size = len(await request.body())
    await ticket_intake.put(writes, feed, [offered], [], now=now, size=size)
    health.note(feed, Receipt(received=1, stored=1), None, now)
    notice = f"expected by {offered.row.due_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    accepted = AcceptedRequest(service_request_id=str(offered.row.ticket_id), service_notice=notice)
    return told(request, AcceptedRequest, [accepted], 201)


async def _refuse(
    writes: Writes, health: Health, feed: Feed, request: Request, fault: Fault, now: Now
) -> None:
    """Count what was not taken; only its hash is kept: who sent it is told so, and asks anew."""
    body = await request.body()
    problem = Problem(0, fault.reason, fault.detail)
    refused = RefusedItem(problem, len(body), digest=sha256(body).digest())
    await ticket_intake.put(writes, feed, [], [refused], now=now, size=len(body))
    health.note(feed, Receipt(received=1, quarantined=1, problems=[problem]), None, now)


@router.get("/open311/v2/requests.json", responses=_array(ServiceRequest), dependencies=[Here])
async def get_requests(
    request: Request,
    feed: KeyHolder,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    service_request_id: str | None = None,
    service_code: str | None = None,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
    status: str | None = None,
    page_size: Annotated[int, Query(ge=1, le=MOST_LISTED)] = MOST_LISTED,
) -> Response:
    """The tickets that came by this key's feed, the newest first; without dates of 90 days."""
    desk = await open_desk(reads, facts, now)
    ids = None if service_request_id is None else _ids(service_request_id)
    until = _utc(end_date)
    since = _utc(start_date) or (None if ids else (until or now) - SPAN)
    wanted = Wanted(
        feed=feed.id, ids=ids, states=states_of(status), since=since, until=until, limit=page_size,
        category=None if service_code is None else _category(desk, service_code),
    )  # fmt: skip
    rows = await ticket_rows.listed(reads, wanted, now)
    language = preferred(request.headers.get("accept-language"))
    found = [service_request(desk, row, language) for row in rows]
    return told(request, ServiceRequest, found)


@router.get(
    "/open311/v2/requests/{service_request_id}.json",
    responses=_array(ServiceRequest),
    dependencies=[Here],
)
async def get_request(
    request: Request, service_request_id: str, feed: KeyHolder, reads: Reads, facts: ServerFacts,
    now: Now,
) -> Response:  # fmt: skip
    """One ticket of this key's feed, in an array."""
    desk = await open_desk(reads, facts, now)
    row = await _own(reads, service_request_id, feed)
    language = preferred(request.headers.get("accept-language"))
    return told(request, ServiceRequest, [service_request(desk, row, language)])


@router.get("/open311/v2/tokens/{token}.json", responses=_array(RequestToken), dependencies=[Here])
async def get_token(request: Request, token: str, feed: KeyHolder, reads: Reads) -> Response:
    """The request of a token: ids are given at once, so that a token is the id itself."""
    row = await _own(reads, token, feed)
    found = RequestToken(token=token, service_request_id=str(row.ticket_id))
    return told(request, RequestToken, [found])


async def _own(reads: Reads, id: str, feed: Feed) -> TicketRow:
    [ticket] = _ids(id)[:1] or [None]
    row = None if ticket is None else await ticket_rows.one(reads, ticket)
    if row is None or row.feed != feed.id:
        raise NotFound("service_request_id is not one that came with this key")
    return row


def _ids(text: str) -> list[UUID]:
    """The ids of a list with commas; what is no id of ours is no request of ours."""
    found: list[UUID] = []
    for part in text.split(","):
        try:
            found.append(UUID(part.strip()))
        except ValueError:
            continue
    return found


def _category(desk: Desk, service_code: str) -> str:
    found = desk.plan.find(service_code)
    return service_code if found is None else found.id


def _utc(at: datetime | None) -> datetime | None:
    """A date without an offset is in UTC, as in the standard's examples."""
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


for _route in [route for route in router.routes if isinstance(route, APIRoute)]:
    assert _route.methods is not None
    router.add_api_route(
        f"{_route.path.removesuffix('.json')}.xml",
        _route.endpoint,
        methods=list(_route.methods),
        status_code=_route.status_code,
        dependencies=_route.dependencies,
        include_in_schema=False,
    )

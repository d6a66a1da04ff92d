"""Sources: what fetches for a feed, when it runs next, and its exchanges with the outside."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.bodies import decoded, whole
from ioc.api.deps import Known, Now, Reads, Writes, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Role, Subject
from ioc.city.sources import checked_document
from ioc.city.spec import FeedId
from ioc.errors import NotPermitted
from ioc.model import Feed
from ioc.sources.document import Document, secret_of, stored
from ioc.store import audit, sources
from ioc.store.pool import Connection
from ioc.store.registry import Registry
from ioc.store.sources import ExchangeRow, SourceRow

router = APIRouter(tags=["sources"])

SourceReader = Annotated[Subject, Depends(requires(Permission.SOURCE_READ))]
SourceKeeper = Annotated[Subject, Depends(requires(Permission.SOURCE_MANAGE))]

MOST_BYTES = 256 * 1024


class SourceItem(msgspec.Struct):
    """A source: what it is told, how its last run ended (null: none yet), when the next one is."""

    id: str
    feed: str
    agency: str
    kind: str
    enabled: bool
    document: dict[str, Any]
    next_at: datetime | None
    ran_at: datetime | None
    outcome: str | None
    detail: str
    failures: int
    changed_at: datetime
    changed_by: str


class SourceList(msgspec.Struct):
    """Sources by id."""

    items: list[SourceItem]
    next: str | None = None


class ExchangeList(msgspec.Struct):
    """Exchanges with the outside, newest first; durations in seconds, addresses without secrets."""

    items: list[ExchangeRow]
    next: str | None


class SourceDescription(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A source to be made: its feed and what it is told (`kind`: poll, token-rest or probe)."""

    id: FeedId
    feed: str
    document: dict[str, Any]
    enabled: bool = True


def _body(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = (
        {"$ref": f"#/components/schemas/{name}"} if name else {"type": "object"}
    )
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_description = msgspec.json.Decoder(SourceDescription)
_document = msgspec.json.Decoder(dict[str, Any])
shape(SourceDescription)


@router.get("/sources", responses=shape(SourceList))
async def get_sources(subject: SourceReader, reads: Reads) -> Response:
    """The sources of the feeds that the caller answers for."""
    async with reads.connection() as conn:
        rows = await sources.listed(conn)
    permitted = [r for r in rows if _may(subject, Permission.SOURCE_READ, r)]
    return answer(SourceList([_item(row) for row in permitted]))


@router.get("/sources/{source}/exchanges", responses=shape(ExchangeList))
async def get_exchanges(
    source: str,
    subject: SourceReader,
    reads: Reads,
    before: Annotated[int, Query(ge=1)] = 2**62,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """What was asked of the outside, and what came back."""
    async with reads.connection() as conn:
        await _found(conn, source, subject, Permission.SOURCE_READ)
        items = await sources.exchanges(conn, source, before=before, limit=limit)
    return answer(ExchangeList(items, str(items[-1].id) if len(items) == limit else None))


@router.post("/sources", responses=shape(SourceItem), openapi_extra=_body("SourceDescription"))
async def post_source(
    request: Request, subject: SourceKeeper, registry: Known, writes: Writes, now: Now
) -> Response:
    """Make a source; it runs at once, and then by its schedule."""
    told = decoded(await whole(request, MOST_BYTES), _description, "a source")
    feed = registry.feed_by_id.get(told.feed)
    if feed is None or not subject.may_use_feed(Permission.SOURCE_MANAGE, feed.id, feed.agency):
        raise _forbidden(f"feed `{told.feed[:64]}`")
    document = _checked(told.document, feed, subject)
    async with writes.connection() as conn:
        await sources.add(
            conn, id=told.id, feed=feed.key, document=document, enabled=told.enabled, now=now,
            by=subject.name,
        )  # fmt: skip
        await _audit(request, conn, subject, "add", told.id, now, after=stored(document))
        row = await sources.get(conn, told.id)
    return answer(_item(row))


@router.put("/sources/{source}", responses=shape(SourceItem), openapi_extra=_body(""))
async def put_source(
    request: Request,
    source: str,
    subject: SourceKeeper,
    registry: Known,
    writes: Writes,
    now: Now,
) -> Response:
    """Tell a source something else: the whole document. It runs at once."""
    told = decoded(await whole(request, MOST_BYTES), _document, "a document of a source")
    async with writes.connection() as conn:
        row = await _found(conn, source, subject, Permission.SOURCE_MANAGE)
        document = _checked(told, _feed(registry, row), subject)
        await sources.change(conn, source, document, now=now, by=subject.name)
        await _audit(
            request, conn, subject, "change", source, now, before=row.document,
            after=stored(document),
        )  # fmt: skip
        row = await sources.get(conn, source)
    return answer(_item(row))


@router.post("/sources/{source}/run", responses=shape(SourceItem))
async def run_source(
    request: Request, source: str, subject: SourceKeeper, writes: Writes, now: Now
) -> Response:
    """Let a source run now; how it went stands in its exchanges a moment later."""
    async with writes.connection() as conn:
        await _found(conn, source, subject, Permission.SOURCE_MANAGE)
        await sources.run_now(conn, source, now)
        await _audit(request, conn, subject, "run", source, now)
        row = await sources.get(conn, source)
    return answer(_item(row))


@router.post("/sources/{source}/enable", responses=shape(SourceItem))
async def enable_source(
    request: Request, source: str, subject: SourceKeeper, writes: Writes, now: Now
) -> Response:
    """Let a source run by its schedule again, beginning now."""
    return await _enable(request, source, subject, writes, now, enabled=True)


@router.post("/sources/{source}/disable", responses=shape(SourceItem))
async def disable_source(
    request: Request, source: str, subject: SourceKeeper, writes: Writes, now: Now
) -> Response:
    """Let a source not run any more."""
    return await _enable(request, source, subject, writes, now, enabled=False)


async def _enable(
    request: Request, source: str, subject: Subject, writes: Writes, now: datetime, *, enabled: bool
) -> Response:
    async with writes.connection() as conn:
        row = await _found(conn, source, subject, Permission.SOURCE_MANAGE)
        if enabled:
            _check_secret(row.document.get("secret"), row.agency, subject)
        await sources.enable(conn, source, enabled, now=now, by=subject.name)
        action = "enable" if enabled else "disable"
        await _audit(request, conn, subject, action, source, now)
        row = await sources.get(conn, source)
    return answer(_item(row))


def _checked(told: Mapping[str, Any], feed: Feed, subject: Subject) -> Document:
    document = checked_document(told, format=feed.format)
    _check_secret(secret_of(document), feed.agency, subject)
    return document


def _check_secret(name: str | None, agency: str, subject: Subject) -> None:
    """An agency could otherwise have another one's secret sent to a server of its own."""
    own = name is None or name.startswith(f"{agency}-")
    if not own and subject.role is not Role.ADMINISTRATOR:
        raise NotPermitted(
            f"the secret `{name}` is not of this agency: its secrets are named `{agency}-…`; an "
            "administrator may name any"
        )


def _may(subject: Subject, permission: Permission, row: SourceRow) -> bool:
    return subject.may_use_feed(permission, row.feed, row.agency)


async def _found(
    conn: Connection, source: str, subject: Subject, permission: Permission
) -> SourceRow:
    """The source, if the caller may do that with it; who sees all learns that it is not there."""
    rows = {row.id: row for row in await sources.listed(conn)}
    row = rows.get(source)
    if row is None and subject.role is Role.AGENCY:
        raise _forbidden(f"source `{source[:64]}`")
    if row is None:
        return await sources.get(conn, source)
    if not _may(subject, permission, row):
        raise _forbidden(f"source `{source[:64]}`")
    return row


def _forbidden(what: str) -> NotPermitted:
    # The same answer for what is not there, so that nobody learns what others have.
    return NotPermitted(f"this account may not do that with {what}")


def _feed(registry: Registry, row: SourceRow) -> Feed:
    feed = registry.feed_by_id.get(row.feed)
    if feed is None:
        raise _forbidden(f"feed `{row.feed}`")
    return feed


def _item(row: SourceRow) -> SourceItem:
    return SourceItem(
        id=row.id,
        feed=row.feed,
        agency=row.agency,
        kind=str(row.document.get("kind", "")),
        enabled=row.enabled,
        document=row.document,
        next_at=row.next_at if row.enabled else None,
        ran_at=row.ran_at,
        outcome=row.outcome,
        detail=row.detail,
        failures=row.failures,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )


async def _audit(
    request: Request,
    conn: Connection,
    subject: Subject,
    action: str,
    source: str,
    now: datetime,
    **more: Mapping[str, Any],
) -> None:
    await audit.record(
        conn, now=now, actor=subject.name, source=request.client.host if request.client else "",
        action=f"source.{action}", subject=source, **more,
    )  # fmt: skip

"""Alerts as CAP 1.2: each with its newest message, and an Atom feed of all."""

from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from alerts.cap import Area
from alerts.cap_telling import Entry, Setting, Shown, area_of, messages_of
from ioc.api.deps import Facts, Known, Now, Reads, ServerFacts, Settings, requires
from ioc.api.encode import cached
from ioc.auth.policy import Permission, Subject
from ioc.config import Config
from ioc.documents.cap import ATOM, XML, FeedEntry, atom_xml, cap_xml
from ioc.errors import NotFound
from ioc.flow.alert_items import WARNING
from ioc.store import alert_messages, warnings
from ioc.store.pool import ReadPool
from ioc.store.registry import Registry

router = APIRouter(tags=["alerts"])

Reader = Annotated[Subject, Depends(requires(Permission.ALERT_READ))]

LAST: Final = 2**63 - 1
_shown = msgspec.json.Decoder(Shown)


def _document(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    content = {media_type: {"schema": {"type": "string"}}}
    return {200: {"description": description, "content": content}}


@router.get(
    "/alerts.cap.atom",
    response_class=Response,
    responses=_document(ATOM, "A page of alerts, what changed last first"),
)
async def get_feed(
    request: Request,
    _: Reader,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    before: Annotated[int, Query(ge=1, le=LAST, description="the `next` of a page")] = LAST,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Alerts whose newest CAP message is one link away."""
    rows = await alert_messages.newest(reads, before=before, limit=limit)
    root, zone = str(request.base_url), ZoneInfo(facts.zone)
    entries = [
        FeedEntry(
            id=f"urn:uuid:{row.alert_id}",
            title=_shown.decode(row.item).title.vi,
            updated=row.at.astimezone(zone),
            url=f"{root}api/v1/alerts/{row.alert_id}.cap.xml",
        )
        for row in rows
    ]
    more = {"before": rows[-1].log_offset, "limit": limit} if len(rows) == limit else None
    body = atom_xml(
        id=f"urn:uuid:{facts.identity.epoch}",
        title=_sender_name(facts, now),
        updated=entries[0].updated if entries else now.astimezone(zone),
        entries=entries,
        here=str(request.url),
        next=f"{root}api/v1/alerts.cap.atom?{urlencode(more)}" if more else "",
    )
    return cached(request, body, ATOM)


@router.get(
    "/alerts/{alert}.cap.xml",
    response_class=Response,
    responses=_document(XML, "The newest CAP 1.2 message of the alert"),
)
async def get_message(
    request: Request,
    alert: UUID,
    _: Reader,
    reads: Reads,
    registry: Known,
    facts: ServerFacts,
    config: Settings,
    now: Now,
) -> Response:
    """What CAP says of an alert now: Alert at first, then Update, and Cancel once it is over."""
    rows = await alert_messages.of_alert(reads, alert)
    if not rows:
        raise NotFound(f"there is no alert {alert}, or it was never shown")
    entries = [Entry(row.log_offset, row.at, _shown.decode(row.item)) for row in rows]
    last = entries[-1].shown
    area = await _area_of_warning(reads, last) if last.kind == WARNING else None
    if area is None:
        area = area_at(last, registry, facts)
    found = messages_of(entries, area, setting_of(config, facts, now))
    return cached(request, cap_xml(found[-1]), XML)


def setting_of(config: Config, facts: Facts, now: datetime) -> Setting:
    """Who we are to those who read CAP."""
    return Setting(
        sender=sender_of(config, facts),
        sender_name=_sender_name(facts, now),
        zone=ZoneInfo(facts.zone),
        simulated=facts.identity.simulated,
    )


def sender_of(config: Config, facts: Facts) -> str:
    """The name by which CAP knows this centre."""
    return config.cap_sender or f"ioc@{facts.identity.province or facts.identity.epoch}"


def _sender_name(facts: Facts, now: datetime) -> str:
    province = facts.identity.province or ""
    version = facts.city.organisation.find(province, now.date()) if province else None
    return f"IOC – {version.name}" if version else "IOC"


async def _area_of_warning(reads: ReadPool, shown: Shown) -> Area | None:
    """The area of the message that an alert was about last."""
    async with reads.connection() as conn:
        row = await warnings.find(conn, UUID(shown.place.feature))
    areas = [area for info in row.message.infos[:1] for area in info.areas]
    if not areas:
        return None
    return Area(
        description=shown.place.name or areas[0].description,
        rings=tuple(ring for area in areas for ring in area.rings),
        circles=tuple(circle for area in areas for circle in area.circles),
        codes=tuple(code for area in areas for code in area.codes),
    )


def area_at(shown: Shown, registry: Registry, facts: Facts) -> Area:
    """Where an alert is: its feature, else the unit that answers for it by its outline."""
    feature = registry.features.get(shown.place.feature or "")
    geometry = feature.geometry if feature else None
    if geometry is None and shown.unit is not None:
        geometry = facts.city.outlines.get(shown.unit.id, (None, ""))[0]
    return area_of(shown.place.name or (shown.unit.name if shown.unit else ""), geometry)

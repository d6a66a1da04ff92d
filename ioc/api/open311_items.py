"""Categories and tickets as GeoReport v2 shows them; who reported is no part of it."""

from typing import Literal

from ioc.api.georeport import Service, ServiceRequest
from ioc.api.ticket_desk import Desk
from ioc.api.ticket_items import unit_ref
from ioc.store.ticket_rows import TicketRow
from ioc.tickets.life import ENDED, State
from ioc.tickets.plan import Category

Language = Literal["vi", "en"]


def service(category: Category, language: Language) -> Service:
    """A category as a service."""
    return Service(
        service_code=category.service_code,
        service_name=getattr(category.name, language),
        description=getattr(category.description, language),
        group=getattr(category.group, language),
    )


def service_request(desk: Desk, row: TicketRow, language: Language) -> ServiceRequest:
    """A ticket as a request; what was done is told once it is published."""
    category = desk.category(row)
    published = row.published_at is not None
    return ServiceRequest(
        service_request_id=str(row.ticket_id),
        status="closed" if State(row.state) in ENDED else "open",
        status_notes=(row.result or None) if published else row.state,
        service_name=getattr(category.name, language),
        service_code=category.service_code,
        description=row.description or None,
        agency_responsible=unit_ref(desk, row.unit or row.lead).name,
        requested_datetime=row.received_at,
        updated_datetime=row.changed_at,
        expected_datetime=row.due_at,
        address=row.address or None,
        lat=row.latitude,
        long=row.longitude,
        media_url=row.media_url or None,
    )


def states_of(status: str | None) -> list[str] | None:
    """The states that the standard calls open, or closed; None is all."""
    if not status:
        return None
    asked = {part.strip() for part in status.split(",")}
    return [state.value for state in State if ("closed" if state in ENDED else "open") in asked]

"""The form in which GeoReport v2 sends a request, as a ticket."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from ingest.ticket import LONGEST_LINE, LONGEST_TEXT, LONGEST_URL, Fault, Reporter, Ticket
from ioc.errors import Invalid, UnsupportedFormat
from ioc.ids import uuid7
from ioc.model import Reason

FORM: Final = "application/x-www-form-urlencoded"

NOT_KEPT: Final = frozenset({"device_id", "account_id", "address_id", "zipcode"})
"""Fields of the standard that are taken and not kept."""

KEPT: Final = {
    "service_code": 64, "lat": 40, "long": 40, "address_string": LONGEST_LINE,
    "description": LONGEST_TEXT, "first_name": 200, "last_name": 200, "phone": 80,
    "email": LONGEST_LINE, "media_url": LONGEST_URL,
}  # fmt: skip
"""Fields that are kept, and how many characters they may have."""

KNOWN: Final = NOT_KEPT | KEPT.keys() | {"api_key", "jurisdiction_id"}


async def posted(request: Request) -> dict[str, str]:
    """The fields of a form; `UnsupportedFormat` for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise UnsupportedFormat(f"send the request as {FORM}, and photographs as `media_url`")
    try:
        text = (await request.body()).decode()
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise Invalid("the form is not UTF-8, or has more than 100 fields") from error
    return dict(pairs)


def ticket_of(form: Mapping[str, str], now: datetime) -> Ticket:
    """The ticket of a form; `Fault` names every field that is too much or too little."""
    unknown = sorted(name[:40] for name in form if name not in KNOWN)
    if unknown:
        raise Fault(
            Reason.PERSONAL_DATA,
            f"unknown fields: {', '.join(unknown)}; no service has attributes, send what "
            "GeoReport v2 names",
        )
    for name, most in KEPT.items():
        if len(form.get(name, "")) > most:
            raise Fault(Reason.VALUE_INVALID, f"{name} has more than {most} characters")
    if not form.get("service_code"):
        raise Fault(Reason.VALUE_MISSING, "service_code is missing; see services.json")
    longitude, latitude = _degrees(form, "long"), _degrees(form, "lat")
    address = form.get("address_string", "").strip()
    if (longitude is None or latitude is None) and not address:
        raise Fault(Reason.VALUE_MISSING, "a place is missing: send lat and long or address_string")
    name = f"{form.get('last_name', '').strip()} {form.get('first_name', '').strip()}".strip()
    return Ticket(
        code=str(uuid7(now)),
        category=form["service_code"],
        received_at=now,
        description=form.get("description", "").strip(),
        address=address,
        longitude=longitude,
        latitude=latitude,
        media_url=form.get("media_url", "").strip(),
        contact=Reporter(
            name=name, phone=form.get("phone", "").strip(), email=form.get("email", "").strip()
        ),
    )


def _degrees(form: Mapping[str, str], name: str) -> float | None:
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -180 <= value <= 180:
        raise Fault(Reason.PLACE_INVALID, f"{name} is not a number of degrees, such as 21.3")
    return value

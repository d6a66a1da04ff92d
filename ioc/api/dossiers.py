"""Dossiers in, states and events: read item by item, stored by their code as they stand now."""

from datetime import datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response

from ingest.dossier import DecodedDossiers
from ingest.dossier_decode import decode_dossiers
from ingest.dossier_rules import DossierRules
from ioc.api.bodies import whole
from ioc.api.deps import Facts, Health, Now, Reads, ServerFacts, Writes, feed_for
from ioc.api.encode import shape
from ioc.api.receipts import receipt_answer
from ioc.auth.policy import Permission
from ioc.model import Feed, Receipt
from ioc.store import dossier_intake
from ioc.store.dossiers import unit_keys
from ioc.store.flush import MOST_PROBLEMS

router = APIRouter(tags=["feeds"])

WritableFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_WRITE))]

_ITEM: Final = {
    "anyOf": [
        {"$ref": "#/components/schemas/Dossier"},
        {"$ref": "#/components/schemas/DossierEvent"},
    ]
}


@router.post(
    "/feeds/{feed}/dossiers",
    responses=shape(Receipt, "What became of the body, after the commit"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A JSON array of dossiers as they stand, of events of dossiers, or of "
            "both; unknown fields are refused by name.",
            "content": {"application/json": {"schema": {"type": "array", "items": _ITEM}}},
        }
    },
)
async def post_dossiers(
    request: Request,
    feed: WritableFeed,
    reads: Reads,
    writes: Writes,
    facts: ServerFacts,
    health: Health,
    now: Now,
) -> Response:
    """Take dossiers; a later state of a dossier is sent again under the same code."""
    body = await whole(request, cure="send fewer dossiers at a time")
    rules = rules_of(feed, facts, now)
    decoded = decode_dossiers(body, rules)
    merged = await dossier_intake.put(
        writes, feed.key, decoded, rules, units=await unit_keys(reads), size=len(body)
    )
    receipt = Receipt(
        received=decoded.received,
        stored=merged.stored,
        corrected=merged.corrected,
        duplicate=merged.duplicate,
        quarantined=len(decoded.refused),
        problems=[refused.problem for refused in decoded.refused][:MOST_PROBLEMS],
    )
    health.note(feed, receipt, None, now)
    return receipt_answer(request, receipt)


def read(body: bytes, feed: Feed, facts: Facts, now: datetime) -> DecodedDossiers:
    """The dossiers and events of a body."""
    return decode_dossiers(body, rules_of(feed, facts, now))


def rules_of(feed: Feed, facts: Facts, now: datetime) -> DossierRules:
    """What the dossiers of a feed are checked against; units as they were on the filing day."""
    return DossierRules(
        zone=ZoneInfo(feed.time_zone),
        province=ZoneInfo(facts.zone),
        find_unit=facts.city.organisation.resolve,
        now=now,
        timing=facts.city.timing,
        calendar=facts.city.calendar,
        terms=facts.city.procedures,
    )

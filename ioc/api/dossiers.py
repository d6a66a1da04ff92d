"""Dossiers in: read item by item, stored by their code; the newest state of each counts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response

from ingest.dossier import DecodedDossiers, Dossier, RefusedDossier, decode_dossiers
from ioc.api.bodies import whole
from ioc.api.deps import Facts, Health, Now, Reads, ServerFacts, Writes, feed_for
from ioc.api.encode import shape
from ioc.api.receipts import receipt_answer
from ioc.auth.policy import Permission
from ioc.ids import uuid7
from ioc.model import Feed, Receipt
from ioc.store import dossiers
from ioc.store.flush import MOST_PROBLEMS

router = APIRouter(tags=["feeds"])

WritableFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_WRITE))]


class _Units:
    """Finds units by id or by official code."""

    def __init__(self, facts: Facts, now: datetime) -> None:
        self._organisation = facts.city.organisation
        self._today = now.date()
        self._codes: dict[str, set[str]] = {}
        for unit, version in self._organisation.as_of(self._today).items():
            for code in version.codes.values():
                self._codes.setdefault(code, set()).add(unit)

    def find(self, given: str) -> str | None:
        """The unit of that id or of that code, None where it is unknown or ambiguous."""
        if given in self._organisation:
            return given
        found = self._codes.get(given, set())
        return next(iter(found)) if len(found) == 1 else None


@router.post(
    "/feeds/{feed}/dossiers",
    responses=shape(Receipt, "What became of the body, after the commit"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A JSON array of dossiers; unknown fields are refused by name.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "array",
                        "items": {"$ref": "#/components/schemas/Dossier"},
                    }
                }
            },
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
    body = await whole(request)
    decoded = read(body, feed, facts, now)
    rows = newest((dossier for _, dossier in decoded.dossiers), now)
    merged = await dossiers.put(
        writes,
        feed.key,
        rows,
        refusals(decoded.refused),
        units=await dossiers.unit_keys(reads),
        zone=facts.zone,
        now=now,
        repeated=len(decoded.dossiers) - len(rows),
        size=len(body),
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
    """The dossiers of a body, units found by id or code as they are today."""
    return decode_dossiers(body, zone=ZoneInfo(feed.time_zone), find_unit=_Units(facts, now).find)


def newest(found: Iterable[Dossier], now: datetime) -> list[dossiers.DossierRow]:
    """The newest state of each dossier, as it is stored."""
    kept: dict[str, Dossier] = {}
    for dossier in found:
        before = kept.get(dossier.code)
        if before is None or _changed(dossier) >= _changed(before):
            kept[dossier.code] = dossier
    return [_row(dossier, now) for dossier in kept.values()]


def refusals(refused: Iterable[RefusedDossier]) -> list[dossiers.Refusal]:
    """What goes to quarantine."""
    return [
        dossiers.Refusal(
            item.problem.index, item.raw, item.problem.reason.value, item.problem.detail,
            item.size, item.digest,
        )
        for item in refused
    ]  # fmt: skip


def _changed(dossier: Dossier) -> datetime:
    assert dossier.changed_at is not None
    return dossier.changed_at


def _row(dossier: Dossier, now: datetime) -> dossiers.DossierRow:
    return dossiers.DossierRow(
        dossier_id=uuid7(now),
        code=dossier.code,
        procedure=dossier.procedure,
        field=dossier.field,
        received_unit=dossier.received_unit,
        handling_unit=dossier.handling_unit,
        applicant_unit=dossier.applicant_unit,
        channel=dossier.channel,
        received_at=dossier.received_at,
        due_at=dossier.due_at,
        resolved_at=dossier.resolved_at,
        outcome=dossier.outcome,
        changed_at=_changed(dossier),
    )

"""Dossiers in, states and events: read item by item, stored by their code as they stand now."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response

from ingest.dossier import DecodedDossiers, DossierState, RefusedDossier
from ingest.dossier_decode import decode_dossiers
from ingest.dossier_judge import judge
from ingest.dossier_rules import DossierRules
from ioc.api.bodies import whole
from ioc.api.deps import Facts, Health, Now, Reads, ServerFacts, Writes, feed_for
from ioc.api.encode import shape
from ioc.api.receipts import receipt_answer
from ioc.auth.policy import Permission
from ioc.ids import uuid7
from ioc.model import Feed, Receipt
from ioc.procedures.calendar import Calendar, vietnam
from ioc.procedures.timing import NoTerms
from ioc.store import dossier_events, dossiers
from ioc.store.dossiers import DossierRow, Merged
from ioc.store.flush import MOST_PROBLEMS
from ioc.store.pool import Connection

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
    units = await dossiers.unit_keys(reads)
    async with writes.connection() as conn:
        rows, merged = await take(conn, feed, decoded, rules, units=units)
        await dossiers.keep(conn, feed.key, refusals(decoded.refused), now)
        await dossiers.count(
            conn, feed.key, rows, merged, quarantined=len(decoded.refused), size=len(body), now=now
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
        calendar=_calendar(),
        terms=NoTerms(),
    )


@cache
def _calendar() -> Calendar:
    return vietnam()


async def take(
    conn: Connection,
    feed: Feed,
    decoded: DecodedDossiers,
    rules: DossierRules,
    *,
    units: dict[str, int],
) -> tuple[list[DossierRow], Merged]:
    """Store states and events in a transaction that somebody else ends: rows, and what they were.

    Each item counts as stored, corrected or duplicate; a state that is folded from them does not.
    """
    now, zone = rules.now, str(rules.province)
    folded = await dossier_events.fold(conn, feed.key, decoded.dossiers, decoded.events, now=now)
    judge(folded.made, rules)
    plain = [_row(state, now) for state in newest(folded.plain)]
    merged = await dossiers.merge(
        conn, feed.key, plain, units=units, zone=zone, now=now,
        repeated=len(folded.plain) - len(plain),
    )  # fmt: skip
    made = [_row(state, now) for state in folded.made]
    if made:
        await dossiers.merge(conn, feed.key, made, units=units, zone=zone, now=now)
    return plain + made, folded.with_plain(merged)


def newest(found: Iterable[DossierState]) -> list[DossierState]:
    """The newest state of each dossier."""
    kept: dict[str, DossierState] = {}
    for state in found:
        before = kept.get(state.code)
        if before is None or state.changed_at >= before.changed_at:
            kept[state.code] = state
    return list(kept.values())


def refusals(refused: Iterable[RefusedDossier]) -> list[dossiers.Refusal]:
    """What goes to quarantine."""
    return [
        dossiers.Refusal(
            item.problem.index, item.raw, item.problem.reason.value, item.problem.detail,
            item.size, item.digest,
        )
        for item in refused
    ]  # fmt: skip


def _row(state: DossierState, now: datetime) -> DossierRow:
    return DossierRow(
        dossier_id=uuid7(now),
        code=state.code,
        procedure=state.procedure,
        field=state.field,
        received_unit=state.received_unit,
        handling_unit=state.handling_unit,
        applicant_unit=state.applicant_unit,
        channel=state.channel,
        received_at=state.received_at,
        due_at=state.due_at,
        resolved_at=state.resolved_at,
        outcome=state.outcome,
        changed_at=state.changed_at,
        source=state.source,
        device=state.device,
        level=state.level,
        office=state.office,
        office_since=state.office_since,
        supplements=state.supplements,
        paused_seconds=state.paused_seconds,
        paused_since=state.paused_since,
        result_required=state.result_required,
        result_file=state.result_file,
        digitised=state.digitised,
        reused=state.reused,
        personal_store=state.personal_store,
        population_data=state.population_data,
        authenticated=state.authenticated,
        fee=state.fee,
        paid_online=state.paid_online,
        synced=state.synced,
        asked=state.asked,
        complained=state.complained,
        satisfaction=state.satisfaction,
        due_computed=state.due_computed,
        flags=state.flags,
        timeliness=state.timeliness,
    )

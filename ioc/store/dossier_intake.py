"""Dossiers as feeds hand them in: states and events stored together, with the ledger."""

from collections.abc import Iterable
from datetime import datetime

from ingest.dossier import DecodedDossiers, DossierState, RefusedDossier
from ingest.dossier_judge import judge
from ingest.dossier_rules import DossierRules
from ioc.ids import uuid7
from ioc.store import dossier_events, dossiers
from ioc.store.dossiers import DossierRow, Merged
from ioc.store.pool import Connection, WritePool


async def put(
    pool: WritePool,
    feed: int,
    decoded: DecodedDossiers,
    rules: DossierRules,
    *,
    units: dict[str, int],
    size: int = 0,
) -> Merged:
    """Store what a body held: dossiers, events, quarantine and ledger in one transaction."""
    async with pool.connection() as conn:
        return await take(conn, feed, decoded, rules, units=units, size=size)


async def take(
    conn: Connection,
    feed: int,
    decoded: DecodedDossiers,
    rules: DossierRules,
    *,
    units: dict[str, int],
    size: int = 0,
    replayed: int = 0,
    keep: bool = True,
) -> Merged:
    """Store what a body held in a transaction that somebody else ends.

    Each item counts as stored, corrected or duplicate; a state that is folded from them does not.
    Without `keep` what was refused is counted, but not put into quarantine.
    """
    now, zone = rules.now, str(rules.province)
    folded = await dossier_events.fold(conn, feed, decoded.dossiers, decoded.events, now=now)
    judge(folded.made, rules)
    plain = [_row(state, now) for state in newest(folded.plain)]
    merged = await dossiers.merge(
        conn, feed, plain, units=units, zone=zone, now=now,
        repeated=len(folded.plain) - len(plain),
    )  # fmt: skip
    made = [_row(state, now) for state in folded.made]
    if made:
        await dossiers.merge(conn, feed, made, units=units, zone=zone, now=now)
    merged = folded.with_plain(merged)
    if keep:
        await dossiers.keep(conn, feed, _refusals(decoded.refused), now)
    await dossiers.count(
        conn, feed, plain + made, merged, quarantined=len(decoded.refused), size=size, now=now,
        replayed=replayed,
    )  # fmt: skip
    return merged


def newest(found: Iterable[DossierState]) -> list[DossierState]:
    """The newest state of each dossier."""
    kept: dict[str, DossierState] = {}
    for state in found:
        before = kept.get(state.code)
        if before is None or state.changed_at >= before.changed_at:
            kept[state.code] = state
    return list(kept.values())


def _refusals(refused: Iterable[RefusedDossier]) -> list[dossiers.Refusal]:
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
        screen=state.screen,
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

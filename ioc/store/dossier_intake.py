"""Dossiers as feeds hand them in: states and events stored together, with the ledger."""

from collections.abc import Iterable

from ingest.dossier import DecodedDossiers, DossierState, RefusedDossier
from ingest.dossier_events import newer
from ingest.dossier_judge import judge
from ingest.dossier_rules import DossierRules
from ioc.store import dossier_events, dossiers
from ioc.store.dossiers import Merged
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
    # Laid ready before the feed is locked, so that other bodies of it are stored meanwhile.
    plain = newest(decoded.dossiers)
    await dossiers.stage(conn, plain, units=units, now=now)
    folded = await dossier_events.fold(conn, feed, decoded.dossiers, decoded.events, now=now)
    judge(folded.made, rules)
    if len(folded.plain) < len(decoded.dossiers):
        plain = newest(folded.plain)
        await dossiers.stage(conn, plain, units=units, now=now)
    merged = await dossiers.merge_staged(
        conn, feed, zone=zone, now=now, repeated=len(folded.plain) - len(plain)
    )
    if folded.made:
        await dossiers.stage(conn, folded.made, units=units, now=now)
        await dossiers.merge_staged(conn, feed, zone=zone, now=now, folded=True)
    merged = folded.with_plain(merged)
    if keep:
        await dossiers.keep(conn, feed, _refusals(decoded.refused), now)
    await dossiers.count(
        conn, feed, plain + folded.made, merged, quarantined=len(decoded.refused), size=size,
        now=now, replayed=replayed,
    )  # fmt: skip
    return merged


def newest(found: Iterable[DossierState]) -> list[DossierState]:
    """The newest state of each dossier, marked if those before it tell another unit."""
    kept: dict[str, DossierState] = {}
    for state in found:
        before = kept.get(state.code)
        kept[state.code] = state if before is None else newer(before, state)
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

"""Indicators: their definitions in versions, their figures of any period, and their history."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.boards import Reader, chosen_period
from ioc.api.bodies import decoded, whole
from ioc.api.deps import KpiBoards, Now, Reads, ServerFacts, Writes, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid
from ioc.flow.defining import Proposal, proposed
from ioc.kpi.action import Action
from ioc.kpi.comparison import periods_between
from ioc.kpi.indicator import Indicator, decode_indicator
from ioc.kpi.origin import MeasureSource, PartsSource
from ioc.live.wire import FigureItem, LineBreak, PeriodFigure
from ioc.model import Text
from ioc.store import actions, audit, indicators, measures
from ioc.store.indicators import Stored
from ioc.store.pool import Connection

router = APIRouter(tags=["indicators"])

Author = Annotated[Subject, Depends(requires(Permission.INDICATOR_MANAGE))]

MOST_DEFINITION = 64 * 1024


class DefinitionVersion(msgspec.Struct, omit_defaults=True):
    """One version of a definition; the formulas as they are written."""

    version: int
    valid_from: date | None
    valid_until: date | None
    kind: str
    made_of: str
    document: Mapping[str, Any]
    changed_by: str
    numerator: str | None = None
    denominator: str | None = None
    score: str | None = None
    parts: tuple[str, ...] = ()
    maximum: float | None = None
    legal_reference: str | None = None


class IndicatorEntry(msgspec.Struct):
    """An indicator as it is defined today, with all versions of its definition."""

    id: str
    name: Text
    domain: str
    uom: str
    decimals: int
    direction: str
    use: str | None
    unit: str | None
    cycle: str | None
    note: Text | None
    version: int
    versions: list[DefinitionVersion]


class IndicatorList(msgspec.Struct):
    """The indicators with their definitions."""

    items: list[IndicatorEntry]
    next: str | None = None


class FigureHistory(msgspec.Struct):
    """One figure period by period, with the days on which its line is broken, and what was done."""

    indicator: str
    unit: str
    cycle: str
    uom: str
    items: list[PeriodFigure]
    breaks: tuple[LineBreak, ...]
    actions: list[Action]
    next: str | None = None


class DefinitionTrial(msgspec.Struct):
    """What a definition makes of a period, beside the one that is in force; nothing is kept."""

    period: str
    stored: bool
    version: int
    old: FigureItem | None
    new: FigureItem


@router.get("/indicators", responses=shape(IndicatorList))
async def get_indicators(_: Reader, boards: KpiBoards, reads: Reads) -> Response:
    """The indicators with all versions of their definitions."""
    versions: dict[str, list[Stored]] = {}
    for one in await indicators.read(reads):
        versions.setdefault(one.id, []).append(one)
    known = boards.indicators
    return answer(
        IndicatorList([_entry(known[id], own) for id, own in versions.items() if id in known])
    )


@router.get("/indicators/{indicator}/values", responses=shape(FigureItem))
async def get_values(
    indicator: str,
    _: Reader,
    boards: KpiBoards,
    facts: ServerFacts,
    now: Now,
    unit: str | None = None,
    period: str | None = None,
    as_of: Annotated[date | None, Query()] = None,
) -> Response:
    """The figure of a unit (the province unless told) for a period (this year unless told).

    Units are those of that time; with `as_of` counts are restated to the units of a day, and
    ratios are made of the restated counts. What is made of newest values has no periods.
    """
    province = facts.identity.province or ""
    current = boards.indicators.get(indicator)
    if current is not None and not current.has_periods and period is None:
        return answer(await boards.value(indicator, unit or province))
    wanted = chosen_period(period, boards, now)
    return answer(await boards.figures.value(indicator, unit or province, wanted, now, as_of))


@router.get("/indicators/{indicator}/history", responses=shape(FigureHistory))
async def get_history(
    indicator: str,
    _: Reader,
    boards: KpiBoards,
    facts: ServerFacts,
    reads: Reads,
    now: Now,
    unit: str | None = None,
    since: str | None = None,
    until: str | None = None,
    cycle: str = "month",
    as_of: Annotated[date | None, Query()] = None,
) -> Response:
    """A figure period by period, from the period `since` to that `until`; this year unless told."""
    first, last = chosen_period(since, boards, now), chosen_period(until, boards, now)
    if first.start >= last.end:
        raise Invalid(f"{last.text} lies before {first.text}; name the earlier one in `since`")
    periods = periods_between(cycle, first, last)
    defined = boards.figures.defined(indicator, periods[-1])
    wanted = unit or facts.identity.province or ""
    boards.figures.organisation.versions(wanted)
    lines = await boards.figures.lines([indicator], wanted, periods, now, as_of)
    start, end = periods[0].start, periods[-1].end
    breaks = boards.figures.breaks(indicator, wanted, start, end, as_of)
    done = [
        action
        for action in await actions.read(reads)
        if action.touches(start, end)
        and action.is_about(indicator, boards.figures.with_those_above(wanted, action.valid_from))
    ]
    items = lines[indicator]
    return answer(FigureHistory(indicator, wanted, cycle, defined.uom, items, breaks, done))


@router.put(
    "/indicators/{indicator}",
    responses=shape(DefinitionTrial),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A definition as in `city/indicators/*.toml`, as JSON. `from` says "
            "since when it holds; the version before ends there.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
async def put_indicator(
    indicator: str,
    request: Request,
    subject: Author,
    boards: KpiBoards,
    facts: ServerFacts,
    reads: Reads,
    writes: Writes,
    now: Now,
    period: str | None = None,
    dry_run: bool = False,
) -> Response:
    """Write a version of a definition; with `dry_run` only show the old and the new value."""
    hint = '; send {"name": {"vi": …, "en": …}, "kind": "share", …}'
    document = decoded(await whole(request, MOST_DEFINITION), _document, "a definition", hint)
    declared = await measures.read(reads)
    wanted = chosen_period(period, boards, now)
    figures, province = boards.figures, facts.identity.province or ""
    async with writes.connection() as conn:
        stored = await indicators.locked(conn, indicator)
        proposal = proposed(
            indicator, document, stored, figures.definitions, declared.measures,
            figures.organisation,
        )  # fmt: skip
        old = figures.definitions.of(indicator, wanted)
        trial = DefinitionTrial(
            period=wanted.text,
            stored=not dry_run,
            version=proposal.made.version,
            old=await figures.value(indicator, province, wanted, now) if old else None,
            new=await figures.tried(proposal.made, proposal.known, province, wanted, now),
        )
        if not dry_run:
            await _write(conn, proposal, stored, subject.name, now)
    return answer(trial)


async def _write(
    conn: Connection, proposal: Proposal, stored: Sequence[Stored], by: str, now: datetime
) -> None:
    before = {one.version: one.document for one in stored}
    for version, document in proposal.versions.items():
        await indicators.put(conn, proposal.made.id, version, document, by=by, now=now)
        await audit.record(
            conn, now=now, actor=by, source="rest", action="indicator.define",
            subject=f"{proposal.made.id} {version}", before=before.get(version), after=document,
        )  # fmt: skip


_document: Final = msgspec.json.Decoder(dict[str, Any])


def _entry(current: Indicator, stored: list[Stored]) -> IndicatorEntry:
    return IndicatorEntry(
        id=current.id,
        name=current.name,
        domain=current.domain.value,
        uom=current.uom,
        decimals=current.decimals,
        direction=current.direction,
        use=current.use,
        unit=current.unit,
        cycle=current.cycle,
        note=current.note,
        version=current.version,
        versions=[_version(one) for one in stored],
    )


def _version(stored: Stored) -> DefinitionVersion:
    one = decode_indicator(stored.id, {**stored.document, "version": stored.version})
    formulas = one.formulas
    return DefinitionVersion(
        version=one.version,
        valid_from=one.valid_from,
        valid_until=one.valid_until,
        kind=one.kind,
        made_of=one.made_of,
        document=stored.document,
        changed_by=stored.changed_by,
        numerator=_text(formulas, "numerator"),
        denominator=_text(formulas, "denominator"),
        score=_text(formulas, "score"),
        parts=one.source.parts if isinstance(one.source, PartsSource) else (),
        maximum=one.maximum,
        legal_reference=one.legal_reference,
    )


def _text(formulas: MeasureSource | None, key: str) -> str | None:
    formula = None if formulas is None else getattr(formulas, key)
    return None if formula is None else formula.text

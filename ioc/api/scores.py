"""Scores and ranks that others give to a unit: PAR INDEX, SIPAS, PCI, DTI, Decision 766."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Response

from ioc.api.deps import Now, Reads, ServerFacts, requires
from ioc.api.encode import answer, shape
from ioc.api.report_items import MeasureItem, ReportItem, measure_item, report_item, unit_then
from ioc.auth.policy import Permission, Subject
from ioc.errors import NotFound
from ioc.kpi.reported import ReportedMeasure
from ioc.live.wire import UnitRef
from ioc.org import Organisation
from ioc.store import measures, reports
from ioc.store.measures import Declared
from ioc.store.pool import ReadPool
from ioc.store.report_rows import ReportRow

router = APIRouter(tags=["reports"])

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]


class ScoreNode(msgspec.Struct):
    """A score with its components; `report` is None where none was handed in.

    `moved_as_said` tells whether the rank and its movement fit the rank that was handed in for the
    period before; None where there is none.
    """

    measure: MeasureItem
    report: ReportItem | None
    previous: ReportItem | None
    moved_as_said: bool | None
    components: list["ScoreNode"]


class ScoreTree(msgspec.Struct):
    """A score with all below it, of one period; None where nothing was handed in."""

    period: str | None
    root: ScoreNode


class ScoreList(msgspec.Struct):
    """The scores of a unit."""

    unit: UnitRef
    items: list[ScoreTree]
    next: str | None = None


@router.get("/scores", responses=shape(ScoreList))
async def get_scores(
    _: Reader,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    measure: str | None = None,
    unit: str | None = None,
    period: str | None = None,
) -> Response:
    """The scores that others gave to a unit (the province unless told), with their components.

    Of a period, else of the newest that each score was handed in for.
    """
    declared = await measures.read(reads)
    if measure is not None and measure not in declared.measures:
        raise NotFound(f"no measure has the id {measure[:64]}; see GET /api/v1/measures")
    wanted = unit or facts.identity.province or ""
    organisation = facts.city.organisation
    organisation.versions(wanted)
    shown = [
        of
        for of in declared.measures.values()
        if (of.id == measure if measure else of.kind == "score" and of.parent is None)
    ]
    desk = _Scores(reads, declared, organisation, wanted)
    trees = [await desk.tree(of, period) for of in shown]
    return answer(ScoreList(unit_then(organisation, wanted, now.date()), trees))


class _Scores:
    """The scores of one unit."""

    def __init__(
        self, reads: ReadPool, declared: Declared, organisation: Organisation, unit: str
    ) -> None:
        self._reads = reads
        self._declared = declared
        self._organisation = organisation
        self._unit = unit

    async def tree(self, root: ReportedMeasure, period: str | None) -> ScoreTree:
        """A score with its components, and what the period before said."""
        cycle = self._declared.cycle_of(root)
        if period is None:
            newest = await reports.reported(self._reads, [root.id], self._unit)
            days = newest[root.id].period if root.id in newest else None
        else:
            days = cycle.period(period)
        if days is None:
            return ScoreTree(None, self._node(root, {}, {}))
        names = [root.id, *_below(self._declared, root.id)]
        now = await reports.reported(self._reads, names, self._unit, days)
        before = await reports.reported(self._reads, names, self._unit, cycle.previous(days))
        return ScoreTree(days.text, self._node(root, now, before))

    def _node(
        self,
        of: ReportedMeasure,
        now: Mapping[str, ReportRow],
        before: Mapping[str, ReportRow],
    ) -> ScoreNode:
        report, previous = self._item(now.get(of.id)), self._item(before.get(of.id))
        parts = [m for m in self._declared.measures.values() if m.parent == of.id]
        return ScoreNode(
            measure=measure_item(of),
            report=report,
            previous=previous,
            moved_as_said=_moved_as_said(report, previous),
            components=[self._node(part, now, before) for part in parts],
        )

    def _item(self, row: ReportRow | None) -> ReportItem | None:
        if row is None:
            return None
        return report_item(row, self._declared.measures, self._organisation)


def _below(declared: Declared, measure: str) -> list[str]:
    """All components of a measure, and theirs."""
    own = [m.id for m in declared.measures.values() if m.parent == measure]
    return own + [below for part in own for below in _below(declared, part)]


def _moved_as_said(report: ReportItem | None, previous: ReportItem | None) -> bool | None:
    if report is None or previous is None or previous.rank is None:
        return None
    return None if report.previous_rank is None else report.previous_rank == previous.rank

"""Measures of a city: the named counts that agencies hand in, checked against cycles and units."""

import math
from typing import Annotated

import msgspec

from ioc.city.folder import Folder
from ioc.city.spec import Named, Slug, Spec
from ioc.kpi.cycle import CALENDAR, Cycle
from ioc.kpi.reported import ReportedKind, ReportedMeasure
from ioc.model import Text

MeasureId = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

MOST_DECIMALS = 6


class MeasureSpec(Spec, frozen=True):
    """A measure, as `[[measure]]` has it; its id has no hyphen, which formulas take for a minus."""

    id: MeasureId
    name: Text
    uom: Named
    kind: ReportedKind = "flow"
    cycle: Slug = "month"
    decimals: Annotated[int, msgspec.Meta(ge=0, le=MOST_DECIMALS)] = 0
    group: Slug | None = None
    parent: MeasureId | None = None
    unit: Slug | None = None
    maximum: float | None = None
    legal_reference: str | None = None
    note: Text | None = None


def read_measures(
    folder: Folder,
    cycles: list[Cycle],
    units: set[str],
    *,
    files: list[str] | None = None,
) -> list[ReportedMeasure]:
    """Measures of `measures.toml`, or of the files that are given."""
    found = folder.tables(files or ["measures.toml"], "measure", MeasureSpec)
    known = {*CALENDAR, *(cycle.id for cycle in cycles)}
    kinds = {placed.spec.id: placed.spec.kind for placed in found}
    for placed in found:
        spec, at = placed.spec, placed.at
        if spec.cycle not in known:
            (at / "cycle").unknown("cycle", spec.cycle, known)
        if spec.unit is not None and spec.unit not in units:
            (at / "unit").unknown("unit", spec.unit, units)
        if spec.parent is not None and spec.parent not in kinds:
            (at / "parent").unknown("measure", spec.parent, kinds)
        elif spec.parent is not None and _is_own_ancestor(spec.id, found.specs()):
            (at / "parent").report(f"{spec.id} is a component of itself")
        if spec.maximum is not None and not (math.isfinite(spec.maximum) and spec.maximum > 0):
            (at / "maximum").report("a maximum is a number above 0")
    return [ReportedMeasure(**msgspec.structs.asdict(placed.spec)) for placed in found]


def _is_own_ancestor(measure: str, specs: list[MeasureSpec]) -> bool:
    parents = {spec.id: spec.parent for spec in specs}
    seen: set[str] = set()
    above = parents.get(measure)
    while above is not None and above not in seen:
        if above == measure:
            return True
        seen.add(above)
        above = parents.get(above)
    return False

"""Obligations of a city: who hands in which measures, and by when; checked against the rest."""

from datetime import date, time
from typing import Annotated, Any

import msgspec

from ioc.city.finding import Spot
from ioc.city.folder import Folder
from ioc.city.spec import Slug, Spec
from ioc.kpi.cycle import CALENDAR, Cycle
from ioc.kpi.obligation import Obligation
from ioc.kpi.reported import ReportedMeasure
from ioc.model import Text
from ioc.org import Level, Organisation

_NAMES = {"valid_from": "from", "valid_until": "until", "time_of_day": "time"}


class ObligationSpec(Spec, frozen=True, rename=_NAMES):
    """An obligation, as `[[obligation]]` has it: of named units, or of each unit of a level.

    `days` are working days after the last day of the period, or days of the calendar without
    `working`; the deadline is `time` of that day.
    """

    id: Slug
    name: Text
    group: Slug
    cycle: Slug
    units: list[Slug] = msgspec.field(default_factory=list[Slug])
    each: Level | None = None
    within: Slug | None = None
    days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 0
    time_of_day: time = time(17)
    working: bool = True
    post: str | None = None
    legal_reference: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None


def read_obligations(
    folder: Folder,
    measures: list[ReportedMeasure],
    cycles: list[Cycle],
    organisation: Organisation,
) -> list[Obligation]:
    """Obligations of `reporting.toml`."""
    good: list[Obligation] = []
    known = {*CALENDAR, *(cycle.id for cycle in cycles if cycle.length != "listed")} - {"any"}
    groups = {m.group for m in measures if m.group is not None}
    for placed in folder.tables(["reporting.toml"], "obligation", ObligationSpec):
        spec, at = placed.spec, placed.at
        if spec.group not in groups:
            (at / "group").unknown("group of measures", spec.group, groups)
        if spec.cycle not in known:
            (at / "cycle").unknown("cycle", spec.cycle, known)
        for measure in measures:
            if measure.group == spec.group and measure.cycle != spec.cycle:
                (at / "cycle").report(
                    f"is {spec.cycle}, but measure {measure.id} is handed in by {measure.cycle}"
                )
        _check_units(spec, at, organisation)
        if spec.valid_from and spec.valid_until and spec.valid_until <= spec.valid_from:
            (at / "until").report("the obligation ends before it begins")
        values: dict[str, Any] = {**msgspec.structs.asdict(spec), "units": tuple(spec.units)}
        good.append(Obligation(**values))
    return good


def _check_units(spec: ObligationSpec, at: Spot, organisation: Organisation) -> None:
    if bool(spec.units) == (spec.each is not None):
        at.report("needs exactly one of units and each")
    for index, unit in enumerate(spec.units):
        if unit not in organisation:
            (at / "units" / index).unknown("unit", unit, organisation)
    if spec.within is not None and spec.within not in organisation:
        (at / "within").unknown("unit", spec.within, organisation)
    levels = {version.level for unit in organisation for version in organisation.versions(unit)}
    if spec.each is not None and spec.each not in levels:
        (at / "each").report(f"no unit is a {spec.each}")

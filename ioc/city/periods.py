"""Cycles of a city: how reports cut time into periods, beside the cycles of the calendar."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from ioc.city.finding import Spot
from ioc.city.folder import Folder
from ioc.city.spec import Named, Slug, Spec
from ioc.kpi.cycle import CALENDAR, LATEST_FIRST_DAY, Cycle
from ioc.kpi.period import Period
from ioc.model import Text


class CutOffSpec(Spec, frozen=True, rename={"start": "from", "end": "until"}):
    """One period with own cut-offs; `until` is not included."""

    text: Named
    start: date
    end: date


class CycleSpec(Spec, frozen=True, rename={"valid_from": "from", "valid_until": "until"}):
    """A cycle, as `[[cycle]]` has it: months that begin on a day, or a list of periods."""

    id: Slug
    name: Text
    length: Literal["month", "quarter", "half", "year", "listed"]
    first_day: Annotated[int, msgspec.Meta(ge=1, le=LATEST_FIRST_DAY)] = 1
    months_before: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0
    period: list[CutOffSpec] = msgspec.field(default_factory=list[CutOffSpec])
    legal_reference: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None


def read_cycles(folder: Folder) -> list[Cycle]:
    """Cycles of `periods.toml`."""
    good: list[Cycle] = []
    for placed in folder.tables(["periods.toml"], "cycle", CycleSpec):
        spec, at = placed.spec, placed.at
        if spec.id in CALENDAR:
            (at / "id").report(f"{spec.id!r} is a cycle of the calendar", "use another id")
        if (spec.length == "listed") != bool(spec.period):
            hint = "write [[cycle.period]] for the length listed, and only for it"
            (at / "period").report("the periods do not fit the length", hint)
        if spec.valid_from and spec.valid_until and spec.valid_until <= spec.valid_from:
            (at / "until").report("the cycle ends before it begins")
        good.append(
            Cycle(
                id=spec.id,
                name=spec.name,
                length=spec.length,
                first_day=spec.first_day,
                months_before=spec.months_before,
                listed=tuple(_listed(spec, at)),
                legal_reference=spec.legal_reference,
                valid_from=spec.valid_from,
                valid_until=spec.valid_until,
            )
        )
    return good


def _listed(spec: CycleSpec, at: Spot) -> list[Period]:
    """The periods in the order of time; those that overlap are reported."""
    found: list[tuple[Period, int]] = []
    for index, period in enumerate(spec.period):
        place = at / "period" / index
        if period.end <= period.start:
            (place / "until").report(f"period {period.text} is empty", "put the earlier day first")
        for other, _ in found:
            if other.text == period.text:
                (place / "text").report(f"{period.text!r} is named twice")
            if other.start < period.end and period.start < other.end:
                place.report(f"{period.text} overlaps {other.text}", "periods of a cycle do not")
        found.append((Period(period.text, period.start, period.end), index))
    return sorted((period for period, _ in found), key=lambda period: period.start)

"""A report as it is served: its figure with counts, what was printed, and whether it is final."""

from collections.abc import Mapping
from datetime import date, datetime

import msgspec

from ioc.kpi.evaluate import share
from ioc.kpi.reported import (
    FINAL,
    PRINTED_DISAGREES,
    Bound,
    ReportedMeasure,
    ReportState,
    previous_rank,
)
from ioc.live.wire import UnitRef
from ioc.model import Text
from ioc.org import Organisation
from ioc.store.report_rows import ReportRow


class PeriodItem(msgspec.Struct, frozen=True):
    """A period: how it is written, and its days, of which the last is not included."""

    text: str
    start: date
    end: date


class Printed(msgspec.Struct, frozen=True):
    """A figure as it was printed somewhere; `agrees` is None where there is nothing to compare."""

    value: float
    decimals: int
    bound: Bound
    agrees: bool | None


class ReportItem(msgspec.Struct, frozen=True, kw_only=True):
    """One report; a submitted figure is provisional, an approved or closed one is final.

    `value` of a share is computed from its counts, and None where only the printed figure is known.
    """

    id: str
    feed: str
    measure: str
    unit: UnitRef
    period: PeriodItem
    version: int
    state: ReportState
    provisional: bool
    final: bool
    value: float | None
    bound: Bound
    numerator: float | None
    denominator: float | None
    printed: Printed | None
    rank: int | None
    of: int | None
    movement: int | None
    previous_rank: int | None
    nothing_occurred: bool
    document: str
    flags: list[str]
    changed_at: datetime
    submitted_at: datetime | None


class MeasureItem(msgspec.Struct, frozen=True, kw_only=True):
    """A measure that agencies hand in."""

    id: str
    name: Text
    uom: str
    kind: str
    cycle: str
    decimals: int
    group: str | None
    parent: str | None
    unit: str | None
    maximum: float | None
    legal_reference: str | None
    note: Text | None


def measure_item(measure: ReportedMeasure) -> MeasureItem:
    """A measure as it is served."""
    return MeasureItem(**msgspec.structs.asdict(measure))


def report_item(
    row: ReportRow, measures: Mapping[str, ReportedMeasure], organisation: Organisation
) -> ReportItem:
    """A report as it is served; its unit bears the name that it had in the period."""
    return ReportItem(
        id=str(row.report_id),
        feed=row.feed,
        measure=row.measure,
        unit=unit_then(organisation, row.unit, row.starts),
        period=PeriodItem(row.period_text, row.starts, row.ends),
        version=row.version,
        state=row.state,
        provisional=row.state not in FINAL,
        final=row.state in FINAL,
        value=figure(row, measures.get(row.measure)),
        bound=row.bound,
        numerator=row.numerator,
        denominator=row.denominator,
        printed=_printed(row),
        rank=row.rank,
        of=row.of,
        movement=row.movement,
        previous_rank=previous_rank(row.rank, row.movement),
        nothing_occurred=row.nothing_occurred,
        document=row.document,
        flags=row.flags,
        changed_at=row.changed_at,
        submitted_at=row.submitted_at,
    )


def figure(row: ReportRow, measure: ReportedMeasure | None) -> float | None:
    """The value of a report: of a share what its counts give."""
    if measure is not None and measure.is_share:
        return share(row.numerator, row.denominator)
    return 0.0 if row.nothing_occurred else row.value


def unit_then(organisation: Organisation, unit: str, day: date) -> UnitRef:
    """A unit by the name that it had on a day, else by its newest."""
    version = organisation.find(unit, day)
    if version is None and unit in organisation:
        version = organisation.versions(unit)[-1]
    return UnitRef(unit, version.short_name if version else unit)


def _printed(row: ReportRow) -> Printed | None:
    if row.printed_value is None or row.printed_decimals is None:
        return None
    compared = row.denominator is not None
    return Printed(
        row.printed_value,
        row.printed_decimals,
        row.bound,
        PRINTED_DISAGREES not in row.flags if compared else None,
    )

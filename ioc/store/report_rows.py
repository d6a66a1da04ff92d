"""One report as it is kept: what replaces it, and what can be counted with; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

import numpy as np

from ioc.kpi.counts import Counts
from ioc.kpi.cycle import covered
from ioc.kpi.period import Period
from ioc.kpi.reported import COUNTED, Bound, ReportedMeasure, ReportState
from ioc.model import Problem, Reason

Change = Literal["handed_in", "corrected", "approved", "closed", "reopened"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """A report as it stands; the unit and the feed by id."""

    report_id: UUID
    feed: str
    measure: str
    unit: str
    period_text: str
    starts: date
    ends: date
    version: int
    state: ReportState
    value: float | None
    bound: Bound
    printed_value: float | None
    printed_decimals: int | None
    numerator: float | None
    denominator: float | None
    rank: int | None
    of: int | None
    movement: int | None
    nothing_occurred: bool
    document: str
    flags: list[str]
    changed_at: datetime
    submitted_at: datetime | None
    stored_at: datetime

    @property
    def period(self) -> Period:
        """The days that it is about."""
        return Period(self.period_text, self.starts, self.ends)


@dataclass(frozen=True, slots=True)
class Offered:
    """A report that a feed hands in: its place in the body, its bytes, and why it was changed."""

    index: int
    row: ReportRow
    raw: bytes
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of a batch; `refused` stand against what is stored already."""

    stored: int
    corrected: int
    duplicate: int
    refused: list[tuple[Offered, Problem]]


CONTENT: Final = (
    "value", "bound", "printed_value", "printed_decimals", "numerator", "denominator", "rank",
    "of", "movement", "nothing_occurred", "document",
)  # fmt: skip
"""What a correction may change."""


def judged(
    there: Sequence[ReportRow], given: ReportRow
) -> Literal["handed_in", "corrected", "duplicate"] | tuple[Reason, str]:
    """What a report makes of those of its measure and unit that its days touch; or why not."""
    before = same_period(there, given)
    if before is None:
        other = next((r for r in there if r.starts < given.ends and given.starts < r.ends), None)
        if other is None:
            return "handed_in"
        return Reason.PERIOD_OVERLAP, (
            f"period {given.period_text} overlaps {other.period_text}, for which {given.measure} "
            f"of {given.unit} is handed in already; correct that one, or send periods that do not "
            "overlap"
        )
    promoted = before.state == "draft" and given.state == "submitted"
    if given.changed_at < before.changed_at or (says_the_same(before, given) and not promoted):
        return "duplicate"
    if before.feed != given.feed:
        return Reason.REPORT_STANDS, f"feed {before.feed} handed it in; only that feed corrects it"
    if before.state == "closed":
        return Reason.REPORT_STANDS, (
            f"the report {before.report_id} is closed; have it opened again with a reason "
            "(POST /api/v1/reports/ID/reopen), then send it again"
        )
    if before.state != "draft" and given.state == "draft":
        detail = "it was submitted before; a draft does not replace it, send it as submitted"
        return Reason.REPORT_STANDS, detail
    return "corrected"


def says_the_same(before: ReportRow, given: ReportRow) -> bool:
    """Whether two reports of one period hold the same figure."""
    return all(getattr(before, name) == getattr(given, name) for name in CONTENT)


def same_period(there: Sequence[ReportRow], given: ReportRow) -> ReportRow | None:
    """The report of exactly these days."""
    return next((r for r in there if (r.starts, r.ends) == (given.starts, given.ends)), None)


def counted(
    rows: Sequence[ReportRow], measures: Mapping[str, ReportedMeasure], period: Period
) -> Counts:
    """What reports, in the order of time, say of measures over a period; NaN is not known.

    A flow adds up only where the periods of its reports cover the period without a gap; a stock, a
    score or a rank is the newest at the period's end. What was only printed, and what is a bound,
    is not known.
    """
    names = tuple(measures)
    units = tuple(dict.fromkeys(row.unit for row in rows))
    values = np.full((len(units), len(names)), np.nan)
    grouped: dict[tuple[str, str], list[ReportRow]] = {}
    for row in rows:
        grouped.setdefault((row.unit, row.measure), []).append(row)
    for (unit, measure), own in grouped.items():
        found = figure_of(own, measures[measure], period)
        values[units.index(unit), names.index(measure)] = np.nan if found is None else found
    return Counts(
        units=units, measures=names, values=values, estimated=np.zeros(len(units), np.bool_)
    )


def figure_of(rows: Sequence[ReportRow], measure: ReportedMeasure, period: Period) -> float | None:
    """The figure of one measure and unit over a period, from its reports in the order of time."""
    if measure.kind != "flow":
        return exact(rows[-1])
    days, of = covered([row.period for row in rows], period)
    parts = [exact(row) for row in rows]
    if days < of or any(part is None for part in parts):
        return None
    return float(sum(part for part in parts if part is not None))


def exact(row: ReportRow) -> float | None:
    """The figure of a report where it is one that can be counted with."""
    if row.state not in COUNTED:
        return None
    if row.nothing_occurred:
        return 0.0
    return row.value if row.bound == "=" else None

"""What must hold of a report before it is stored; what does not is told with its cure."""

import difflib
import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from ingest.numbers import read_number
from ingest.report_item import (
    CLOCKS_APART,
    LONGEST,
    MOST_DECIMALS,
    NUMBERS,
    Figure,
    MeasureFacts,
    Refused,
    Report,
    ReportRules,
    decimals_of,
    invalid,
)
from ioc.errors import Invalid, NotFound
from ioc.model import Reason


def checked(report: Report, rules: ReportRules) -> Figure:
    """The report as it is understood; raises `Refused` where it cannot be true."""
    facts = rules.measures.get(report.measure)
    if facts is None:
        near = difflib.get_close_matches(report.measure, rules.measures, n=1)
        cure = f"did you mean {near[0]}?" if near else "see GET /api/v1/measures"
        detail = f"no measure has the id {report.measure[:64]!r}; {cure}"
        raise Refused(Reason.MEASURE_UNKNOWN, detail, "measure")
    period, start, end = _period(report, facts, rules)
    try:
        unit = rules.find_unit(report.unit, end - timedelta(days=1))
    except (Invalid, NotFound) as error:
        raise Refused(Reason.UNIT_UNKNOWN, error.message, "unit") from error
    if report.uom is not None and report.uom != facts.uom:
        detail = f"`uom` is {report.uom[:20]!r}, {report.measure} is in {facts.uom!r}; convert it"
        raise Refused(Reason.UOM_MISMATCH, detail, "uom")
    for name in ("document", "reason"):
        text: str = getattr(report, name)
        if (name == "document" and not text.strip()) or len(text) > LONGEST or "\x00" in text:
            detail = f"`{name}` must have {1 if name == 'document' else 0} to {LONGEST} characters"
            raise invalid(detail, name)
    numbers = {name: _number(report, name, rules.number_format) for name in NUMBERS}
    _check_numbers(report, facts, numbers)
    _check_rank(report, facts)
    decimals = _printed_decimals(report, facts, rules.number_format)
    return Figure(
        measure=report.measure, unit=unit, period=period, start=start, end=end,
        state=report.state, bound=report.bound, printed_decimals=decimals, rank=report.rank,
        of=report.of, movement=report.movement, nothing_occurred=report.nothing_occurred,
        document=report.document, reason=report.reason, changed_at=_changed_at(report, rules),
        **numbers,
    )  # fmt: skip


def _period(report: Report, facts: MeasureFacts, rules: ReportRules) -> tuple[str, date, date]:
    try:
        found = facts.period(report.period)
    except Invalid as error:
        raise Refused(Reason.PERIOD_INVALID, error.message, "period") from error
    if found[1] > rules.now.astimezone(rules.zone).date():
        detail = (
            f"period {found[0]} begins on {found[1]}, which is to come; send it when it is over"
        )
        raise Refused(Reason.TIME_FUTURE, detail, "period")
    return found


def _changed_at(report: Report, rules: ReportRules) -> datetime:
    at = report.changed_at or rules.now
    if at.tzinfo is None:
        at = at.replace(tzinfo=rules.zone)
    if at > rules.now + CLOCKS_APART:
        detail = f"`changed_at` {at.isoformat()} is to come; check the sender's clock and time zone"
        raise Refused(Reason.TIME_FUTURE, detail, "changed_at")
    return at


def _number(report: Report, name: str, number_format: str) -> float | None:
    given: float | str | None = getattr(report, name)
    if given is None:
        return None
    if isinstance(given, str):
        if number_format == "plain":
            detail = (
                f"`{name}` is the text {given[:40]!r}; send a number, or have the feed's "
                "number_format set to vietnamese"
            )
            raise Refused(Reason.VALUE_KIND, detail, name)
        number = read_number(given, number_format)
        if number is None:
            detail = f"`{name}`: {given[:40]!r} is not a number such as 1.803,5; write it so"
            raise invalid(detail, name)
        given = number
    if not math.isfinite(given) or given < 0:
        detail = f"`{name}` is {given}; a figure is a number of 0 or more"
        raise invalid(detail, name)
    return given


def _printed_decimals(report: Report, facts: MeasureFacts, number_format: str) -> int | None:
    if report.printed_value is None:
        return None
    if report.decimals is not None:
        return report.decimals
    if isinstance(report.printed_value, str):
        return decimals_of(report.printed_value, number_format)
    return facts.decimals


def _check_numbers(
    report: Report, facts: MeasureFacts, numbers: Mapping[str, float | None]
) -> None:
    value, over, under = numbers["value"], numbers["numerator"], numbers["denominator"]
    if (over is None) != (under is None):
        lacking = "numerator" if over is None else "denominator"
        detail = "`numerator` and `denominator` come together; send both, or neither"
        raise invalid(detail, lacking)
    if over is not None and not facts.is_share:
        raise invalid(
            f"{report.measure} is no share; send its count as `value`, without a denominator",
            "numerator",
        )
    if over is not None and under is not None and over > under:
        detail = f"numerator {over:g} is above denominator {under:g}; check which is which"
        raise invalid(detail, "numerator")
    if report.nothing_occurred:
        _check_nothing(report, facts, numbers)
    elif facts.is_share and over is None and value is not None:
        raise invalid(
            "a percentage needs its numerator and denominator; where only the printed figure is "
            "known send it as `printed_value`",
            "numerator",
        )
    elif value is not None and over is not None:
        raise invalid("`value` of a share is computed from its counts; leave it out", "value")
    elif all(number is None for number in numbers.values()) and report.rank is None:
        raise Refused(
            Reason.VALUE_MISSING,
            "no figure: send `value`, `numerator` and `denominator`, `printed_value`, a rank, or "
            "`nothing_occurred` where there was nothing to count",
            "numerator" if facts.is_share else "value",
        )
    if facts.kind == "rank" and value is not None and (value < 1 or value != int(value)):
        raise invalid(f"a rank is a whole number from 1 on, not {value:g}", "value")
    for name in ("value", "printed_value"):
        number = numbers[name]
        if facts.maximum is not None and number is not None and number > facts.maximum:
            raise invalid(
                f"`{name}` {number:g} is above the maximum of {facts.maximum:g}; check it",
                name,
            )


def _check_nothing(
    report: Report, facts: MeasureFacts, numbers: Mapping[str, float | None]
) -> None:
    if facts.kind != "flow":
        raise invalid(
            f"`nothing_occurred` is for flows, {report.measure} is a {facts.kind}; send its value",
            "nothing_occurred",
        )
    if any(number for number in numbers.values()):
        raise invalid(
            "`nothing_occurred` together with a figure; leave out one of them", "nothing_occurred"
        )


def _check_rank(report: Report, facts: MeasureFacts) -> None:
    rank, of, movement = report.rank, report.of, report.movement
    if rank is None and (of is not None or movement is not None):
        raise invalid("`of` and `movement` belong to a `rank`; send it too", "rank")
    if rank is not None and facts.kind not in ("score", "rank"):
        detail = f"{report.measure} is a {facts.kind}, which has no rank; leave it out"
        raise invalid(detail, "rank")
    if rank is not None and (rank < 1 or (of is not None and rank > of)):
        raise invalid(f"rank {rank} of {of} cannot be; a rank is from 1 to `of`", "rank")
    if rank is not None and movement is not None and rank + movement < 1:
        raise invalid(
            f"rank {rank} after a movement of {movement} would have been {rank + movement} before; "
            "a rise of three is 3, a fall is -3",
            "movement",
        )
    if report.decimals is not None and not 0 <= report.decimals <= MOST_DECIMALS:
        raise invalid(f"`decimals` must be 0 to {MOST_DECIMALS}", "decimals")

"""Reports as agencies hand them in: checked item by item, unknown fields refused by name."""

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec

from ingest.numbers import read_number
from ioc.errors import Invalid, NotFound
from ioc.model import Problem, Reason

FIELDS: Final = (
    "measure", "unit", "period", "value", "uom", "bound", "printed_value", "decimals",
    "numerator", "denominator", "rank", "of", "movement", "nothing_occurred", "document", "state",
    "reason", "changed_at",
)  # fmt: skip
"""All that a report says, in the order of the columns of a table."""

NUMBERS: Final = ("value", "printed_value", "numerator", "denominator")
WHOLE: Final = ("decimals", "rank", "of", "movement")

LONGEST: Final = 500
"""Characters of the document and of the reason."""

MOST_DECIMALS: Final = 6

CLOCKS_APART: Final = timedelta(minutes=5)
"""How far the sender's clock may be ahead."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of a measure, unit and period; numbers may be texts where the feed says how.

    A share comes with its numerator and denominator. Of a figure that was only printed somewhere
    there is `printed_value`, with the number of its decimals. `changed_at` is when the agency
    last changed the figure: an older one never replaces a newer.
    """

    measure: str
    unit: str
    period: str
    document: str
    value: float | str | None = None
    uom: str | None = None
    bound: Literal["=", ">=", "<=", "~"] = "="
    printed_value: float | str | None = None
    decimals: int | None = None
    numerator: float | str | None = None
    denominator: float | str | None = None
    rank: int | None = None
    of: int | None = None
    movement: int | None = None
    nothing_occurred: bool = False
    state: Literal["draft", "submitted"] = "submitted"
    reason: str = ""
    changed_at: datetime | None = None


class MeasureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the door needs to know of a measure; `period` raises `Invalid` with the cure."""

    uom: str
    kind: str
    is_share: bool
    decimals: int
    maximum: float | None
    period: Callable[[str], tuple[str, date, date]]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was understood: unit by id, days of the period, numbers as numbers."""

    measure: str
    unit: str
    period: str
    start: date
    end: date
    state: Literal["draft", "submitted"]
    value: float | None
    bound: Literal["=", ">=", "<=", "~"]
    printed_value: float | None
    printed_decimals: int | None
    numerator: float | None
    denominator: float | None
    rank: int | None
    of: int | None
    movement: int | None
    nothing_occurred: bool
    document: str
    reason: str
    changed_at: datetime


class RefusedReport(msgspec.Struct, frozen=True):
    """What was not taken: its place, why, and its own bytes, or only their SHA-256."""

    problem: Problem
    raw: bytes
    size: int
    digest: bytes | None = None


class DecodedReports(msgspec.Struct):
    """The reports that were understood with their places and bytes, and the others."""

    figures: list[tuple[int, Figure, bytes]]
    refused: list[RefusedReport]

    @property
    def received(self) -> int:
        """How many the body held."""
        return len(self.figures) + len(self.refused)


class ReportRules(msgspec.Struct, frozen=True, kw_only=True):
    """What reports of a feed are checked against; `find_unit` raises `Invalid` with the cure."""

    measures: Mapping[str, MeasureFacts]
    find_unit: Callable[[str, date], str]
    zone: tzinfo
    now: datetime
    number_format: str


class _Refused(Exception):
    """Why an item is not taken."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_anything: Final = msgspec.json.Decoder(dict[str, Any])
_report: Final = msgspec.json.Decoder(Report)
_NAME: Final = re.compile(r"[a-z_]{1,40}")
_WITHHELD: Final = frozenset({Reason.PERSONAL_DATA, Reason.JSON_INVALID})


def decode_reports(body: bytes, rules: ReportRules) -> DecodedReports:
    """Read a JSON array of reports, or one; a bad one never costs its neighbours."""
    try:
        if body.lstrip()[:1] == b"{":
            msgspec.json.decode(body)
            raws = [msgspec.Raw(body.strip())]
        else:
            raws = _raws.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"not a JSON array of reports: {error}; nothing of it is kept, send it again"
        return DecodedReports([], [_kept(Problem(-1, Reason.JSON_INVALID, detail), body)])
    found = DecodedReports([], [])
    for index, raw in enumerate(raws):
        _take(found, index, bytes(raw), rules)
    return found


def decode_rows(
    rows: Sequence[tuple[int, Mapping[str, str]]], rules: ReportRules, *, plain: bool = False
) -> DecodedReports:
    """Read the rows of a table, whose cells are texts; an empty cell says nothing.

    With `plain`, numbers may be plain although the feed writes them otherwise: a workbook does not
    tell a number from a text. One that can be read in two ways is refused.
    """
    found = DecodedReports([], [])
    for index, (_, cells) in enumerate(rows):
        filled = {name: cell.strip() for name, cell in cells.items() if cell.strip()}
        raw = msgspec.json.encode(_typed(filled, rules.number_format, plain))
        twofold = [name for name in NUMBERS if plain and _twofold(filled.get(name, ""), rules)]
        if twofold:
            detail = (
                f"`{twofold[0]}`: {filled[twofold[0]]!r} can be read in two ways; write it as "
                "1803 or as 1,803, or send the table as CSV"
            )
            found.refused.append(_kept(Problem(index, Reason.VALUE_INVALID, detail), raw))
        else:
            _take(found, index, raw, rules)
    return found


def _twofold(text: str, rules: ReportRules) -> bool:
    """Whether a number means one thing in the feed's format and another one in plain."""
    ways = {read_number(text, "plain"), read_number(text, rules.number_format)} - {None}
    return len(ways) > 1


def _typed(cells: Mapping[str, str], number_format: str, plain: bool) -> dict[str, Any]:
    """The cells as JSON would hold them; what is not of its kind stays a text, and is refused."""
    found: dict[str, Any] = dict(cells)
    for name in WHOLE:
        if re.fullmatch(r"[-+]?\d{1,9}", cells.get(name, "")):
            found[name] = int(cells[name])
    for name in NUMBERS:
        number = read_number(cells.get(name, ""), "plain")
        if number is not None and (plain or number_format == "plain"):
            found[name] = number
    if "printed_value" in cells:
        written = "plain" if isinstance(found["printed_value"], float) else number_format
        found.setdefault("decimals", _decimals(cells["printed_value"], written))
    said = cells.get("nothing_occurred", "").casefold()
    if said in _YES_OR_NO:
        found["nothing_occurred"] = _YES_OR_NO[said]
    return found


_YES_OR_NO: Final = {
    "x": True, "true": True, "1": True, "có": True, "yes": True,
    "false": False, "0": False, "không": False, "no": False,
}  # fmt: skip


def _take(found: DecodedReports, index: int, raw: bytes, rules: ReportRules) -> None:
    try:
        found.figures.append((index, _one(raw, rules), raw))
    except _Refused as refused:
        found.refused.append(_kept(Problem(index, refused.reason, refused.detail), raw))


def _kept(problem: Problem, raw: bytes) -> RefusedReport:
    """Nobody can tell what an unreadable text or an unknown field says of whom."""
    if problem.reason in _WITHHELD:
        return RefusedReport(problem, b"", len(raw), sha256(raw).digest())
    return RefusedReport(problem, raw, len(raw))


def _one(raw: bytes, rules: ReportRules) -> Figure:
    try:
        named = _anything.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Refused(
            Reason.PERSONAL_DATA, "a report is an object; the content is not kept"
        ) from error
    unknown = sorted(
        name if _NAME.fullmatch(name) else "(not shown)" for name in named.keys() - {*FIELDS}
    )
    if unknown:
        raise _Refused(
            Reason.PERSONAL_DATA,
            f"unknown fields: {', '.join(unknown[:20])}; a report has {', '.join(FIELDS)} and "
            "nothing else; its content is not kept, send it again without them",
        )
    try:
        report = _report.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Refused(
            Reason.SHAPE_INVALID, f"{error}; compare it with the fields of a report"
        ) from error
    return _checked(report, rules)


def _checked(report: Report, rules: ReportRules) -> Figure:
    facts = rules.measures.get(report.measure)
    if facts is None:
        near = difflib.get_close_matches(report.measure, rules.measures, n=1)
        cure = f"did you mean {near[0]}?" if near else "see GET /api/v1/measures"
        detail = f"no measure has the id {report.measure[:64]!r}; {cure}"
        raise _Refused(Reason.MEASURE_UNKNOWN, detail)
    period, start, end = _period(report, facts, rules)
    try:
        unit = rules.find_unit(report.unit, end - timedelta(days=1))
    except (Invalid, NotFound) as error:
        raise _Refused(Reason.UNIT_UNKNOWN, error.message) from error
    if report.uom is not None and report.uom != facts.uom:
        detail = f"`uom` is {report.uom[:20]!r}, {report.measure} is in {facts.uom!r}; convert it"
        raise _Refused(Reason.UOM_MISMATCH, detail)
    for name in ("document", "reason"):
        text: str = getattr(report, name)
        if (name == "document" and not text.strip()) or len(text) > LONGEST or "\x00" in text:
            detail = f"`{name}` must have {1 if name == 'document' else 0} to {LONGEST} characters"
            raise _Refused(Reason.VALUE_INVALID, detail)
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
        raise _Refused(Reason.PERIOD_INVALID, error.message) from error
    if found[1] > rules.now.astimezone(rules.zone).date():
        detail = (
            f"period {found[0]} begins on {found[1]}, which is to come; send it when it is over"
        )
        raise _Refused(Reason.TIME_FUTURE, detail)
    return found


def _changed_at(report: Report, rules: ReportRules) -> datetime:
    at = report.changed_at or rules.now
    if at.tzinfo is None:
        at = at.replace(tzinfo=rules.zone)
    if at > rules.now + CLOCKS_APART:
        detail = f"`changed_at` {at.isoformat()} is to come; check the sender's clock and time zone"
        raise _Refused(Reason.TIME_FUTURE, detail)
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
            raise _Refused(Reason.VALUE_KIND, detail)
        number = read_number(given, number_format)
        if number is None:
            detail = f"`{name}`: {given[:40]!r} is not a number such as 1.803,5; write it so"
            raise _Refused(Reason.VALUE_INVALID, detail)
        given = number
    if not math.isfinite(given) or given < 0:
        detail = f"`{name}` is {given}; a figure is a number of 0 or more"
        raise _Refused(Reason.VALUE_INVALID, detail)
    return given


def _check_numbers(
    report: Report, facts: MeasureFacts, numbers: Mapping[str, float | None]
) -> None:
    value, over, under = numbers["value"], numbers["numerator"], numbers["denominator"]
    if (over is None) != (under is None):
        raise _invalid("`numerator` and `denominator` come together; send both, or neither")
    if over is not None and not facts.is_share:
        raise _invalid(
            f"{report.measure} is no share; send its count as `value`, without a denominator"
        )
    if over is not None and under is not None and over > under:
        raise _invalid(f"numerator {over:g} is above denominator {under:g}; check which is which")
    if report.nothing_occurred:
        _check_nothing(report, facts, numbers)
    elif facts.is_share and over is None and value is not None:
        raise _invalid(
            "a percentage needs its numerator and denominator; where only the printed figure is "
            "known send it as `printed_value`"
        )
    elif value is not None and over is not None:
        raise _invalid("`value` of a share is computed from its counts; leave it out")
    elif all(number is None for number in numbers.values()) and report.rank is None:
        raise _Refused(
            Reason.VALUE_MISSING,
            "no figure: send `value`, `numerator` and `denominator`, `printed_value`, a rank, or "
            "`nothing_occurred` where there was nothing to count",
        )
    if facts.kind == "rank" and value is not None and (value < 1 or value != int(value)):
        raise _invalid(f"a rank is a whole number from 1 on, not {value:g}")
    for name in ("value", "printed_value"):
        number = numbers[name]
        if facts.maximum is not None and number is not None and number > facts.maximum:
            raise _invalid(
                f"`{name}` {number:g} is above the maximum of {facts.maximum:g}; check it"
            )


def _check_nothing(
    report: Report, facts: MeasureFacts, numbers: Mapping[str, float | None]
) -> None:
    if facts.kind != "flow":
        raise _invalid(
            f"`nothing_occurred` is for flows, {report.measure} is a {facts.kind}; send its value"
        )
    if any(number for number in numbers.values()):
        raise _invalid("`nothing_occurred` together with a figure; leave out one of them")


def _check_rank(report: Report, facts: MeasureFacts) -> None:
    rank, of, movement = report.rank, report.of, report.movement
    if rank is None and (of is not None or movement is not None):
        raise _invalid("`of` and `movement` belong to a `rank`; send it too")
    if rank is not None and facts.kind not in ("score", "rank"):
        raise _invalid(f"{report.measure} is a {facts.kind}, which has no rank; leave it out")
    if rank is not None and (rank < 1 or (of is not None and rank > of)):
        raise _invalid(f"rank {rank} of {of} cannot be; a rank is from 1 to `of`")
    if rank is not None and movement is not None and rank + movement < 1:
        raise _invalid(
            f"rank {rank} after a movement of {movement} would have been {rank + movement} before; "
            "a rise of three is 3, a fall is -3"
        )
    if report.decimals is not None and not 0 <= report.decimals <= MOST_DECIMALS:
        raise _invalid(f"`decimals` must be 0 to {MOST_DECIMALS}")


def _printed_decimals(report: Report, facts: MeasureFacts, number_format: str) -> int | None:
    if report.printed_value is None:
        return None
    if report.decimals is not None:
        return report.decimals
    if isinstance(report.printed_value, str):
        return _decimals(report.printed_value, number_format)
    return facts.decimals


def _decimals(text: str, number_format: str) -> int:
    """How many decimals a printed number shows."""
    return len(text.strip().partition("," if number_format == "vietnamese" else ".")[2])


def _invalid(detail: str) -> _Refused:
    return _Refused(Reason.VALUE_INVALID, detail)

"""A report as it is sent, and as it is understood; what it is checked against."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, Literal

import msgspec

from ioc.model import Reason

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


class ReportRules(msgspec.Struct, frozen=True, kw_only=True):
    """What reports of a feed are checked against; `find_unit` raises `Invalid` with the cure."""

    measures: Mapping[str, MeasureFacts]
    find_unit: Callable[[str, date], str]
    zone: tzinfo
    now: datetime
    number_format: str


class Refused(Exception):
    """Why an item is not taken; `field` is what has to be corrected, where it is one."""

    def __init__(self, reason: Reason, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.field = field


def invalid(detail: str, field: str | None = None) -> Refused:
    """A value that cannot be; the detail names the cure."""
    return Refused(Reason.VALUE_INVALID, detail, field)


def decimals_of(text: str, number_format: str) -> int:
    """How many decimals a printed number shows."""
    return len(text.strip().partition("," if number_format == "vietnamese" else ".")[2])

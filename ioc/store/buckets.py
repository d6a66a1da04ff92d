"""Widths of time: where their buckets begin and end, and what is expected in each."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from ioc.errors import Invalid
from ioc.model import to_micros

Span = Literal["day", "week", "month", "quarter", "year"]

ORIGIN: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - in the zone of whoever counts from it
"""A Monday: buckets shorter than a day, and odd ones, are counted from its midnight."""

MOST_SECONDS: Final = 10 * 366 * 86_400

_LENGTH: Final = re.compile(
    r"P(?:(\d{1,7})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?|P(\d{1,7})W"
)
_SPANS: Final[dict[str, Span]] = {
    "P1M": "month", "P3M": "quarter", "P12M": "year", "P1Y": "year",
}  # fmt: skip
_SPAN_OF_SECONDS: Final[dict[int, Span]] = {86_400: "day", 604_800: "week"}
_SHORTEST: Final[dict[Span, int]] = {
    "day": 23 * 3600, "week": 167 * 3600, "month": 28 * 86_400 - 3600,
    "quarter": 90 * 86_400 - 3600, "year": 365 * 86_400,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Width:
    """Even buckets of so many seconds, or the days, weeks, months … of a calendar (`span`)."""

    seconds: int
    span: Span | None = None

    @property
    def length(self) -> timedelta:
        """The length of a bucket; of a span, its shortest."""
        return timedelta(seconds=self.seconds)

    def end(self, start: datetime, zone: ZoneInfo) -> datetime:
        """Where the bucket that begins at `start` ends, and the next one begins."""
        if self.span is None:
            return start + self.length
        local = start.astimezone(zone).replace(hour=0, minute=0, second=0, tzinfo=None)
        match self.span:
            case "day":
                local += timedelta(days=1)
            case "week":
                local += timedelta(days=7)
            case "month":
                local = _months_later(local, 1)
            case "quarter":
                local = _months_later(local, 3)
            case "year":
                local = _months_later(local, 12)
        return local.replace(tzinfo=zone).astimezone(UTC)


def parse_width(text: str) -> Width:
    """A width as people write it: PT15M, PT1H, P1D, P1W, P1M, P3M or P1Y."""
    if text in _SPANS:
        return Width(_SHORTEST[_SPANS[text]], _SPANS[text])
    match = _LENGTH.fullmatch(text)
    days, hours, minutes, seconds, weeks = (
        [int(part or 0) for part in match.groups()] if match else [0] * 5
    )
    total = (days + 7 * weeks) * 86_400 + hours * 3600 + minutes * 60 + seconds
    if not 0 < total <= MOST_SECONDS:
        raise Invalid(f"width {text[:40]!r} is not like PT15M, PT1H, P1D, P1W, P1M, P3M or P1Y")
    span = _SPAN_OF_SECONDS.get(total)
    return Width(total if span is None else _SHORTEST[span], span)


def expected(
    start: datetime,
    end: datetime,
    *,
    interval: float | None,
    since: datetime,
    until: datetime,
    now: datetime,
) -> int | None:
    """How many observations at an interval (seconds) a bucket should hold by now.

    Counted are the beginnings of intervals in that part of the bucket that was asked for and is
    over; None where nothing regular is expected.
    """
    if interval is None:
        return None
    past = to_micros(min(end, until, now)) - to_micros(max(start, since))
    return max(0, -(-past // round(interval * 1_000_000)))


def _months_later(local: datetime, months: int) -> datetime:
    month = local.month - 1 + months
    return local.replace(year=local.year + month // 12, month=month % 12 + 1)

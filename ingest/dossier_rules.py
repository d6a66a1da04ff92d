"""What dossiers and their events are checked against, and the words of their refusals."""

from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

import msgspec

from ioc.errors import Invalid, NotFound
from ioc.model import Reason
from ioc.procedures.calendar import Calendar
from ioc.procedures.timing import Terms, Timing, day_end

EARLIEST: Final = 1990
LATEST: Final = 2200
"""Years that a time of a dossier may have."""

CLOCKS_APART: Final = timedelta(minutes=5)

Fault = tuple[Reason, str]
FindUnit = Callable[[str, date], str]
"""Unit id or official code on a day to the unit's id; `Invalid` or `NotFound` with the cure."""


class DossierRules(msgspec.Struct, frozen=True, kw_only=True):
    """What dossiers of a feed are checked against; times without an offset are in `zone`.

    Days are those of `province`.
    """

    zone: tzinfo
    province: tzinfo
    find_unit: FindUnit
    now: datetime
    timing: Timing
    calendar: Calendar
    terms: Terms


class Units:
    """Units by name and day, each looked for once."""

    def __init__(self, find: FindUnit) -> None:
        self._find = find
        self._found: dict[tuple[str, date], str | Invalid | NotFound] = {}

    def at(self, given: str, day: date) -> str | Invalid | NotFound:
        """The unit's id, or why there is none."""
        key = (given, day)
        found = self._found.get(key)
        if found is None:
            try:
                found = self._find(given, day)
            except (Invalid, NotFound) as error:
                found = error
            self._found[key] = found
        return found


def aware(at: datetime, zone: tzinfo) -> datetime:
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


def maybe_aware(at: datetime | None, zone: tzinfo) -> datetime | None:
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=zone)


def when(text: str, rules: DossierRules) -> datetime | Fault:
    try:
        if len(text) == len("2026-11-09"):
            return day_end(date.fromisoformat(text), rules.province)
        return aware(msgspec.convert(text, datetime), rules.zone)
    except (ValueError, msgspec.ValidationError):
        detail = f"`due_at` is {text!r}; write a time such as 2026-11-09T17:00:00+07:00 or a day"
        return Reason.SHAPE_INVALID, detail


def bad_year(name: str, year: object) -> Fault:
    return Reason.TIME_INVALID, (
        f"`{name}` has the year {year}; it must be {EARLIEST} to {LATEST}, check the sender's dates"
    )


def to_come(name: str) -> Fault:
    return Reason.TIME_FUTURE, f"`{name}` is to come; check the sender's clock and time zone"


def not_online(channel: str | None) -> Fault:
    told = "`channel` is not told" if channel is None else f"`channel` is {channel}"
    return Reason.VALUE_INVALID, (
        f"`source` and `device` are of filings with channel online, but {told}; leave them out, "
        "or send channel online"
    )


def closed_source(source: str, timing: Timing) -> Fault:
    rule = next(rule for rule in timing.sources if rule.source == source)
    return Reason.VALUE_INVALID, (
        f"{source} takes no filings from {rule.until} on ({rule.legal_reference}); send "
        f"{' or '.join(rule.instead)}, or correct `received_at`"
    )


def no_unit(name: str, error: Invalid | NotFound) -> Fault:
    return Reason.UNIT_UNKNOWN, f"`{name}`: {error.message}"

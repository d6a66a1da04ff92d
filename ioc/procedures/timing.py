"""Whether dossiers are early, on time or late, with pauses deducted; pure, over columns."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Any, Final, Literal, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc.model import to_micros
from ioc.procedures.calendar import Calendar

Days = NDArray[np.datetime64]
Instants = NDArray[np.datetime64]
"""Days as datetime64[D] and instants in UTC as datetime64[us]; NaT is none."""

Timeliness = Literal["early", "on_time", "late"]
TIMELINESS: Final[tuple[Timeliness | None, ...]] = (None, "early", "on_time", "late")
"""By the codes of `timeliness`; None while a dossier is unresolved or has no return date."""

UNBOUNDED: Final = np.iinfo(np.int64).max

_SECOND: Final = np.timedelta64(1_000_000, "us")
_LAST_MOMENT: Final = np.timedelta64(86_400_000_000 - 1, "us")
_DAY: Final = 86_400


class SupplementRule(msgspec.Struct, frozen=True, kw_only=True):
    """From a filing day on: more supplement requests than `most` make a dossier late."""

    valid_from: date
    most: int
    legal_reference: str


class SourceRule(msgspec.Struct, frozen=True, kw_only=True):
    """An online source that took filings only before a day, and what to send since."""

    source: str
    until: date
    instead: tuple[str, ...]
    legal_reference: str


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Dated rules; without any of one's own those that the national evaluation goes by."""

    supplements: tuple[SupplementRule, ...] = (
        SupplementRule(
            valid_from=date(2022, 6, 23),
            most=1,
            legal_reference="Quyết định 766/QĐ-TTg ngày 23/6/2022, cách tính chỉ số 2.1",
        ),
    )
    sources: tuple[SourceRule, ...] = (
        SourceRule(
            source="provincial_portal",
            until=date(2025, 7, 1),
            instead=("national_portal", "vneid"),
            legal_reference="Nghị định 118/2025/NĐ-CP ngày 9/6/2025",
        ),
    )

    def most_supplements(self, filed: Days) -> NDArray[np.int64]:
        """How many supplement requests leave a dossier in time, by filing day."""
        most = np.full(len(filed), UNBOUNDED)
        for rule in sorted(self.supplements, key=lambda rule: rule.valid_from):
            most[filed >= np.datetime64(rule.valid_from)] = rule.most
        return most


class Terms(Protocol):
    """What the catalogue of procedures says of codes on filing days, one answer for each."""

    @property
    def loaded(self) -> bool:
        """Whether there is a catalogue at all."""
        ...

    def levels(self, codes: Sequence[str], days: Days) -> Sequence[str | None]:
        """Service levels."""
        ...

    def limits(self, codes: Sequence[str], days: Days) -> NDArray[np.int64]:
        """Time limits in working days: 0 where there is none, -1 where the code is not known."""
        ...


class NoTerms:
    """Stands in until a catalogue is loaded: nothing is known, and nothing is found odd."""

    loaded = False

    def levels(self, codes: Sequence[str], days: Days) -> Sequence[str | None]:
        """No level of any."""
        return [None] * len(codes)

    def limits(self, codes: Sequence[str], days: Days) -> NDArray[np.int64]:
        """No limit of any."""
        return np.zeros(len(codes), np.int64)


class Lives(msgspec.Struct, frozen=True, kw_only=True):
    """What decides over time, as columns: `paused` are seconds of pauses that are over."""

    filed: Days
    due: Instants
    resolved: Instants
    paused: NDArray[np.int64]
    paused_since: Instants
    supplements: NDArray[np.int64]


def instants(times: Sequence[datetime | None]) -> Instants:
    """Aware times as a column."""
    told = np.array([at is not None for at in times], np.bool_)
    micros = np.array([0 if at is None else to_micros(at) for at in times], np.int64)
    return np.where(told, micros.astype("datetime64[us]"), np.datetime64("NaT", "us"))


def local_days(times: Instants, zone: tzinfo) -> Days:
    """The local day of each instant."""
    told = ~np.isnat(times)
    seconds = np.where(told, times.astype("datetime64[s]").astype(np.int64), 0)
    days, back = np.unique(seconds // _DAY, return_inverse=True)
    begun = np.array([_offset(day * _DAY, zone) for day in days.tolist()], np.int64)
    ended = np.array([_offset(day * _DAY + _DAY, zone) for day in days.tolist()], np.int64)
    offsets = begun[back]
    for row in np.flatnonzero((begun != ended)[back]).tolist():
        offsets[row] = _offset(int(seconds[row]), zone)
    local = ((seconds + offsets) // _DAY).astype("datetime64[D]")
    return np.where(told, local, np.datetime64("NaT", "D"))


@lru_cache(maxsize=50_000)
def _offset(seconds: int, zone: tzinfo) -> int:
    offset = datetime.fromtimestamp(seconds, UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def day_end(day: date, zone: tzinfo) -> datetime:
    """The last moment of a local day: a return date without a time is kept until then."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, 999_999, tzinfo=zone)


def effective_due(lives: Lives) -> Instants:
    """The return dates, put off by the pauses; one that is open at the end ends with it."""
    open_until = np.where(
        lives.resolved > lives.paused_since, lives.resolved - lives.paused_since, 0 * _SECOND
    )
    return lives.due + lives.paused * _SECOND + open_until


def timeliness(lives: Lives, timing: Timing, zone: tzinfo) -> NDArray[np.int8]:
    """Codes of `TIMELINESS`: early is a day before the return date, late a moment after it."""
    due = effective_due(lives)
    late = (lives.resolved > due) | (lives.supplements > timing.most_supplements(lives.filed))
    early = local_days(lives.resolved, zone) < local_days(due, zone)
    code: NDArray[Any] = np.where(late, 3, np.where(early, 1, 2))
    return np.where(np.isnat(lives.resolved) | np.isnat(lives.due), 0, code).astype(np.int8)


def overdue(lives: Lives, now: datetime) -> NDArray[np.bool_]:
    """Which are in hand past their return date; time stands still during a pause.

    A dossier with too many supplement requests ends late, but is not overdue before its day.
    """
    moment = instants([now])[0]
    looked = np.where(np.isnat(lives.paused_since), moment, np.minimum(lives.paused_since, moment))
    return np.isnat(lives.resolved) & (looked > lives.due + lives.paused * _SECOND)


def due_days(filed: Days, limits: NDArray[np.int64], calendar: Calendar) -> Days:
    """The day that a time limit gives; NaT without one. The filing day is not counted."""
    found = calendar.afters(filed, np.maximum(limits, 1))
    return np.where(limits > 0, found, np.datetime64("NaT", "D"))


def rest_days(days: Days, calendar: Calendar) -> NDArray[np.bool_]:
    """Which days are no working days; one outside the calendar is not held against anybody."""
    before = days - np.timedelta64(1, "D")
    next_working = calendar.afters(before, np.ones(len(days), np.int64))
    return ~np.isnat(next_working) & (next_working != days)

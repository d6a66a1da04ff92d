"""Gather decoded items one by one, checking key, time and value; the careful path of decoders."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from itertools import takewhile

import numpy as np

from ingest.payload import Decoded, GivenWarning, Place, Refused, Report, Scalar
from ioc.model import Problem, Reason, to_micros

KEY_BYTES = 255
"""The longest series key, in bytes of UTF-8."""

EARLIEST = 0
"""Times before 1970 are taken for a fault of the sender's clock."""

LATEST_YEAR = 2200
"""Times after it cannot be held by every part of the product."""

_LATEST = to_micros(datetime(LATEST_YEAR + 1, 1, 1, tzinfo=UTC))
_FAR_SECONDS = 1e20
_FINER = {1_000: "milliseconds", 1_000_000: "microseconds", 1_000_000_000: "nanoseconds"}
"""What a number of seconds may be that is too large by that factor."""

_PLAUSIBLE = to_micros(datetime(2000, 1, 1, tzinfo=UTC))

MOST_REMARKS = 100
"""Remarks on one payload; a receipt lists no more."""

Raw = bytes | Callable[[], bytes]
"""The bytes of an item for the quarantine, or what makes them if it is refused."""


def key_fault(key: str) -> str | None:
    """What is wrong with a series key, or None."""
    if not key or key.isspace():
        return "the series key is empty"
    if len(key.encode()) > KEY_BYTES:
        return f"the series key is longer than {KEY_BYTES} bytes"
    if any(ord(char) < 32 or ord(char) == 127 for char in key):
        return "the series key holds a control character"
    return None


def as_number(value: object) -> float | None:
    """A JSON number as a float, infinite where it is beyond all floats; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def read_time(written: object) -> datetime | None:
    """The instant that an ISO 8601 text names, of an interval its start; None if it is no time.

    The start, so that an average over an hour falls into that hour and not into the next.
    """
    if not isinstance(written, str):
        return None
    try:
        return datetime.fromisoformat(written.split("/", 1)[0].strip())
    except ValueError:
        return None


def from_seconds(seconds: float) -> int:
    """Seconds since 1970 as µs; what no calendar holds becomes a time that `add` refuses."""
    if math.isnan(seconds):
        return -1
    return round(min(max(seconds, -1.0), _FAR_SECONDS) * 1e6)


def time_fault(micros: int) -> str | None:
    """What is wrong with a time in µs since 1970, or None."""
    if micros < EARLIEST:
        return "the time is before 1970; check the clock of the sender"
    if micros < _LATEST:
        return None
    for factor, unit in _FINER.items():
        if _PLAUSIBLE <= micros // factor < _LATEST:
            return (
                f"the time is {factor} times too large, as {unit} are where seconds are meant; "
                "send seconds since 1970, or have the mapping divide (milliseconds: `time_format` "
                "epoch_ms)"
            )
    return f"the time is after {LATEST_YEAR}; check the clock of the sender"


class Rows:
    """Rows under construction; `done` hands them over as columns."""

    def __init__(self, zone: tzinfo) -> None:
        """Times without an offset are read in `zone`."""
        self._zone = zone
        self._keys: list[str] = []
        self._time: list[int] = []
        self._values: list[Scalar] = []
        self._index: list[int] = []
        self._uoms: list[str] = []
        self._refused: list[Refused] = []
        self._places: list[Place] = []
        self._remarks: list[Problem] = []
        self._reports: list[Report] = []
        self._warnings: list[GivenWarning] = []

    @property
    def next(self) -> int:
        """The place of the next item, for formats in which one object holds several of them."""
        others = len(self._reports) + len(self._warnings)
        return len(self._keys) + len(self._refused) + others

    def refuse(self, index: int, reason: Reason, detail: str, raw: Raw, *, kind: str = "") -> None:
        """Note an item that cannot be taken; `kind` is the content type of `raw` if not JSON."""
        kept = raw if isinstance(raw, bytes) else raw()
        self._refused.append(Refused(Problem(index, reason, detail), kept, kind))

    def remark(self, index: int, reason: Reason, detail: str) -> None:
        """Note what the sender is told of an item for which nothing is refused."""
        if len(self._remarks) < MOST_REMARKS:
            self._remarks.append(Problem(index, reason, detail))

    def instant(self, time: datetime | int) -> int:
        """An instant as µs since 1970 in UTC; without an offset it is of the feed's zone."""
        if isinstance(time, int):
            return time
        return to_micros(time if time.tzinfo else time.replace(tzinfo=self._zone))

    def newest(self, first: int) -> int | None:
        """The newest time (µs) of the rows from the item `first` on; None where there is none."""
        rows = zip(reversed(self._index), reversed(self._time), strict=True)
        return max((time for _, time in takewhile(lambda row: row[0] >= first, rows)), default=None)

    def put(self, place: Place) -> None:
        """Note where a feature is."""
        self._places.append(place)

    def report(self, index: int, raw: bytes) -> None:
        """Take an item that is a report, as the own format writes it."""
        self._reports.append(Report(index, raw))

    def warn(self, warning: GivenWarning) -> None:
        """Take an item that warns of something."""
        self._warnings.append(warning)

    def add(
        self,
        index: int,
        key: str,
        time: datetime | int,
        value: Scalar,
        raw: Raw,
        *,
        uom: str = "",
        kind: str = "",
    ) -> None:
        """Take one item; `time` is an instant, or µs since 1970 in UTC."""
        fault = key_fault(key)
        if fault is not None:
            self.refuse(index, Reason.SERIES_INVALID, fault, raw, kind=kind)
            return
        if isinstance(time, datetime):
            if time.year > LATEST_YEAR or time.year < 1900:
                detail = f"the year {time.year} is not taken; check the clock of the sender"
                self.refuse(index, Reason.TIME_INVALID, detail, raw, kind=kind)
                return
            time = self.instant(time)
        fault = time_fault(time)
        if fault is not None:
            self.refuse(index, Reason.TIME_INVALID, fault, raw, kind=kind)
            return
        if isinstance(value, str):
            if "\x00" in value:
                detail = "the text holds a NUL character; leave it out"
                self.refuse(index, Reason.VALUE_INVALID, detail, raw, kind=kind)
                return
        elif not math.isfinite(value):
            detail = "the value is not a finite number; leave out what was not measured"
            self.refuse(index, Reason.VALUE_INVALID, detail, raw, kind=kind)
            return
        self._keys.append(key)
        self._time.append(time)
        self._values.append(value)
        self._index.append(index)
        self._uoms.append(uom)

    def done(self, *, numeric_texts: bool = False) -> Decoded:
        """The rows as columns."""
        plain = all(type(value) is float or type(value) is int for value in self._values)
        return Decoded(
            keys=self._keys,
            time=np.array(self._time, np.int64),
            values=self._values,
            numbers=np.array(self._values, np.float64) if plain else None,
            index=np.array(self._index, np.int32),
            refused=self._refused,
            uoms=self._uoms if any(self._uoms) else None,
            places=self._places,
            numeric_texts=numeric_texts,
            remarks=self._remarks,
            reports=self._reports,
            warnings=self._warnings,
        )

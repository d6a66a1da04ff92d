"""Gather decoded items one by one, checking key, time and value; the careful path of decoders."""

import math
from datetime import datetime, tzinfo

import numpy as np

from ingest.payload import Decoded, Refused, Scalar
from ioc.model import Problem, Reason, to_micros

KEY_BYTES = 255
"""The longest series key, in bytes of UTF-8."""

EARLIEST = 0
"""Times before 1970 are taken for a fault of the sender's clock."""

LATEST_YEAR = 2200
"""Times after it cannot be held by every part of the product."""


def key_fault(key: str) -> str | None:
    """What is wrong with a series key, or None."""
    if not key or key.isspace():
        return "the series key is empty"
    if len(key.encode()) > KEY_BYTES:
        return f"the series key is longer than {KEY_BYTES} bytes"
    if any(ord(char) < 32 or ord(char) == 127 for char in key):
        return "the series key holds a control character"
    return None


class Rows:
    """Rows under construction; `done` hands them over as columns."""

    def __init__(self, zone: tzinfo) -> None:
        """Times without an offset are read in `zone`."""
        self._zone = zone
        self._keys: list[str] = []
        self._time: list[int] = []
        self._values: list[Scalar] = []
        self._index: list[int] = []
        self._refused: list[Refused] = []

    def refuse(self, index: int, reason: Reason, detail: str, raw: bytes) -> None:
        """Note an item that cannot be taken."""
        self._refused.append(Refused(Problem(index, reason, detail), raw))

    def add(self, index: int, key: str, time: datetime | int, value: Scalar, raw: bytes) -> None:
        """Take one item; `time` is an instant, or µs since 1970 in UTC."""
        fault = key_fault(key)
        if fault is not None:
            self.refuse(index, Reason.SERIES_INVALID, fault, raw)
            return
        if isinstance(time, datetime):
            if time.year > LATEST_YEAR or time.year < 1900:
                self.refuse(index, Reason.TIME_INVALID, f"the year {time.year} is not taken", raw)
                return
            time = to_micros(time if time.tzinfo else time.replace(tzinfo=self._zone))
        if time < EARLIEST:
            self.refuse(index, Reason.TIME_INVALID, "the time is before 1970", raw)
            return
        if isinstance(value, str):
            if "\x00" in value:
                self.refuse(index, Reason.VALUE_INVALID, "the text holds a NUL character", raw)
                return
        elif not math.isfinite(value):
            self.refuse(index, Reason.VALUE_INVALID, "the value is not a finite number", raw)
            return
        self._keys.append(key)
        self._time.append(time)
        self._values.append(value)
        self._index.append(index)

    def done(self) -> Decoded:
        """The rows as columns."""
        plain = all(type(value) is float or type(value) is int for value in self._values)
        return Decoded(
            keys=self._keys,
            time=np.array(self._time, np.int64),
            values=self._values,
            numbers=np.array(self._values, np.float64) if plain else None,
            index=np.array(self._index, np.int32),
            refused=self._refused,
        )

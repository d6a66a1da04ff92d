"""Observations to send: prebuilt JSON bodies of equal length in which only the time changes."""

from datetime import UTC, datetime
from typing import Final

_TIME: Final = b"2000-01-01T00:00:00.000Z"

STEP_MS: Final = 10
"""Between two observations of a series."""


def at(base_ms: int, step: int) -> bytes:
    """The time of a step, written."""
    instant = datetime.fromtimestamp((base_ms + step * STEP_MS) / 1e3, UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%f")[:23].encode() + b"Z"


def template(first: int, count: int) -> bytes:
    """A batch of one observation each of `count` series; `timed` sets the time."""
    items = [
        b'{"series":"s%06d/speed","time":"%b","value":%d.5}' % (first + n, _TIME, 10 + n % 80)
        for n in range(count)
    ]
    return b"[" + b",".join(items) + b"]" if count > 1 else items[0]


def timed(body: bytes, base_ms: int, step: int) -> bytes:
    """The batch with the time of a step."""
    return body.replace(_TIME, at(base_ms, step))

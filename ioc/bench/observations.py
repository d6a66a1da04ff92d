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


class Bodies:
    """Bodies of `rows` observations for one sender's share of the series, turn after turn.

    With many series a body holds one observation each of `rows` of them; with few it holds
    several steps of time of each.
    """

    def __init__(self, sender: int, senders: int, series: int, rows: int) -> None:
        """Take every `senders`-th slice of the series, or a small part where there are few."""
        if series >= senders * rows:
            count, firsts = rows, range(sender * rows, series, senders * rows)
        else:
            count, firsts = series // senders, [sender * (series // senders)]
        self._templates = [template(first, count) for first in firsts]
        self._steps = rows // count
        self._inner = [body.strip(b"[]") for body in self._templates] if self._steps > 1 else []

    @property
    def length(self) -> int:
        """Bytes of a body; all have the same."""
        if self._steps == 1:
            return len(self._templates[0])
        return (len(self._inner[0]) + 1) * self._steps + 1

    def body(self, number: int, base_ms: int, first_step: int) -> bytes:
        """The body of that number; a higher one has later times for the same series."""
        turn, place = divmod(number, len(self._templates))
        step = first_step + turn * self._steps
        if self._steps == 1:
            return timed(self._templates[place], base_ms, step)
        inner = self._inner[place]
        return b"[" + b",".join(timed(inner, base_ms, step + n) for n in range(self._steps)) + b"]"


def timed(body: bytes, base_ms: int, step: int) -> bytes:
    """The batch with the time of a step."""
    return body.replace(_TIME, at(base_ms, step))

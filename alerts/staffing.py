"""How many people looked at the alerts, by shifts, sign-ins, or else as one position."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec
import numpy as np

from alerts.rule import HOUR_US


class Duty(NamedTuple):
    """A time (µs) in which a shift of so many people ran."""

    begins: int
    ends: int
    people: int


class SignedIn(NamedTuple):
    """A time (µs) in which an operator was signed in."""

    begins: int
    ends: int
    who: int


class Staff(msgspec.Struct, frozen=True):
    """Hours of people, how they were counted, and how many there were in each hour on average."""

    operator_hours: float
    by_shift: float
    by_sign_in: float
    by_position: float
    each_hour: tuple[float, ...]


ONE_POSITION: Final = 1
"""Where nobody is known to be on duty, the list is still one place to look at."""


def staffed(
    duties: Sequence[Duty], sessions: Sequence[SignedIn], *, since: int, until: int
) -> Staff:
    """Who looked between two times: the people of the shift, else the operators signed in.

    `by_shift`, `by_sign_in` and `by_position` are hours on the clock and add up to the whole.
    """
    edges = _edges(duties, sessions, since, until)
    start = since - since % HOUR_US
    persons = np.zeros(-(-(until - start) // HOUR_US))
    lengths = np.zeros(len(persons))
    clock = {"shift": 0, "sign_in": 0, "position": 0}
    shifts = _Present((one.begins, one.ends, place) for place, one in enumerate(duties))
    people = _Present((one.begins, one.ends, one.who) for one in sessions)
    for begins, ends in pairwise(edges):
        on_duty = sum(duties[place].people for place in shifts.at(begins))
        signed_in = len(people.at(begins))
        source = "shift" if on_duty else "sign_in" if signed_in else "position"
        clock[source] += ends - begins
        hour = (begins - start) // HOUR_US
        persons[hour] += (on_duty or signed_in or ONE_POSITION) * (ends - begins)
        lengths[hour] += ends - begins
    return Staff(
        operator_hours=float(persons.sum()) / HOUR_US,
        by_shift=clock["shift"] / HOUR_US,
        by_sign_in=clock["sign_in"] / HOUR_US,
        by_position=clock["position"] / HOUR_US,
        each_hour=tuple((persons / np.maximum(lengths, 1)).tolist()),
    )


def _edges(
    duties: Iterable[Duty], sessions: Iterable[SignedIn], since: int, until: int
) -> list[int]:
    """The times at which anything may change, and every full hour."""
    known = {edge for one in (*duties, *sessions) for edge in (one.begins, one.ends)}
    known |= set(range(since - since % HOUR_US + HOUR_US, until, HOUR_US))
    return sorted({edge for edge in known if since < edge < until} | {since, until})


class _Present:
    """Who is there at times that only rise."""

    def __init__(self, spans: Iterable[tuple[int, int, int]]) -> None:
        moves = [
            move
            for begins, ends, who in spans
            if begins < ends
            for move in ((begins, 1, who), (ends, -1, who))
        ]
        self._moves = sorted(moves, reverse=True)
        self._there: Counter[int] = Counter()

    def at(self, time: int) -> set[int]:
        while self._moves and self._moves[-1][0] <= time:
            _, step, who = self._moves.pop()
            self._there[who] += step
            if not self._there[who]:
                del self._there[who]
        return set(self._there)

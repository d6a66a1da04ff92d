"""What is told of a dossier beside its life: portal, device, pauses, offices, digital parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from ioc.simulate.calendar import DAY, HOUR
from ioc.simulate.noise import once

DRAWS: Final = 18
"""Random numbers of a dossier, each in [0, 1)."""

PORTALS_MERGED: Final = date(2025, 7, 1)
"""From this day on the national portal is the only one, beside VNeID."""

DESK: Final = "Bộ phận Một cửa"
SECTION: Final = "Phòng chuyên môn"
HEAD: Final = "Lãnh đạo đơn vị"

SHORTEST_PAUSED: Final = 2 * DAY
"""What is done sooner is not asked to be supplemented."""

ONCE: Final = 0.05
TWICE: Final = 0.004
"""Shares of the longer dossiers that are asked for a supplement, and asked again."""


@dataclass(frozen=True, slots=True)
class Details:
    """Beside the life of a dossier; instants in seconds since 1970."""

    level: str
    source: str | None
    screen: str | None
    supplements: int
    pause: tuple[int, int] | None
    steps: tuple[tuple[int, str], ...]
    """When it came to which office; it leaves the last one when it is resolved."""
    result_required: bool
    result_file: bool
    digitised: bool
    reused: bool
    personal_store: bool
    population_data: bool
    authenticated: bool
    fee: bool
    paid_online: bool
    synced: bool
    asked: bool
    complained: bool
    satisfaction: str | None

    def changes(self) -> tuple[int, ...]:
        """When something of it becomes known, receipt and result aside."""
        return (*(self.pause or ()), *(at for at, _ in self.steps[1:]))


@dataclass(frozen=True, slots=True)
class _Traits:
    full: bool
    fee: bool
    paper: bool


@lru_cache(maxsize=1_000)
def _traits(seed: int, procedure: str) -> _Traits:
    return _Traits(
        full=once(seed, procedure, "level") < 0.6,
        fee=once(seed, procedure, "fee") < 0.45,
        paper=once(seed, procedure, "paper") < 0.85,
    )


def details(
    draws: Sequence[float],
    seed: int,
    procedure: str,
    channel: str,
    filed: date,
    received: int,
    resolved: int,
    *,
    late: bool,
) -> Details:
    """The details of a dossier, from the same numbers always the same."""
    traits = _traits(seed, procedure)
    online = channel == "online"
    asked_for = _supplements(draws[2]) if resolved - received > SHORTEST_PAUSED else 0
    authenticated = draws[4] < (0.93 if online else 0.35)
    asked = draws[13] < 0.35
    return Details(
        level="full" if traits.full else "partial",
        source=_source(draws[0], filed) if online else None,
        screen=_screen(draws[1]) if online else None,
        supplements=asked_for,
        pause=_pause(draws[3], received, resolved) if asked_for else None,
        steps=_steps(draws[16], draws[17], received, resolved),
        result_required=traits.paper,
        result_file=draws[5] < (0.88 if online else 0.74),
        digitised=online or draws[6] < 0.72,
        reused=draws[7] < 0.26,
        personal_store=online and draws[8] < 0.14,
        population_data=authenticated or draws[9] < 0.4,
        authenticated=authenticated,
        fee=traits.fee,
        paid_online=traits.fee and draws[11] < (0.74 if online else 0.18),
        synced=draws[12] < 0.975,
        asked=asked,
        complained=draws[15] < (0.02 if late else 0.002),
        satisfaction=_satisfaction(draws[14], late=late) if asked else None,
    )


def _source(draw: float, filed: date) -> str:
    if filed < PORTALS_MERGED:
        return "provincial_portal" if draw < 0.62 else "national_portal"
    return "national_portal" if draw < 0.74 else "vneid"


def _screen(draw: float) -> str | None:
    return "mobile" if draw < 0.54 else "desktop" if draw < 0.92 else None


def _supplements(draw: float) -> int:
    return 2 if draw < TWICE else 1 if draw < ONCE else 0


def _pause(draw: float, received: int, resolved: int) -> tuple[int, int]:
    """Within the middle of a dossier's life, at most five days."""
    span = resolved - received
    begins = received + round(span * (0.2 + 0.2 * draw))
    return begins, begins + min(round(span * 0.35), 5 * DAY)


def _steps(
    first: float, second: float, received: int, resolved: int
) -> tuple[tuple[int, str], ...]:
    """From the desk to the section that works on it, and to the head who signs."""
    span = resolved - received
    to_section = received + min(round(span * (0.04 + 0.1 * first)), 8 * HOUR)
    to_head = resolved - min(round(span * (0.05 + 0.1 * second)), 10 * HOUR)
    return (received, DESK), (to_section, SECTION), (to_head, HEAD)


def _satisfaction(draw: float, *, late: bool) -> str:
    disliked = 0.25 if late else 0.012
    return "disliked" if draw < disliked else "neutral" if draw < disliked + 0.05 else "satisfied"

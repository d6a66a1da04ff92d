"""Which alerts are one matter, which one flaps, and when a storm is folded."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from alerts.mute import Facets
from alerts.table import SECOND

MINUTE: Final = 60 * SECOND

TOGETHER: Final = 30 * MINUTE
"""Alerts of one place that begin within that time are one matter."""

FLAPS: Final = 3
FLAP_WITHIN: Final = 60 * MINUTE
"""So many beginnings of one alert within that time are a flapping one (ISA-18.2: chattering)."""

FLOOD: Final = 10
FLOOD_WITHIN: Final = 10 * MINUTE
"""More new alerts than an operator can handle (EEMUA 191: more than 10 in 10 minutes)."""


class MatterReason(StrEnum):
    """Why an alert belongs to a matter; the key of its sentence in the catalogue."""

    ALONE = "alone"
    SAME_CAUSE = "same_cause"
    SAME_FEATURE = "same_feature"
    SAME_ZONE = "same_zone"
    FLOOD = "flood"


class Member(msgspec.Struct, frozen=True):
    """An open alert with the matter that it belongs to."""

    facets: Facets
    matter: str


class Grouped(msgspec.Struct, frozen=True):
    """The matter of a new alert, and why."""

    matter: str
    reason: MatterReason


def group(new: Facets, members: Sequence[Member], *, cause: str | None, flooding: bool) -> Grouped:
    """The matter that a new alert belongs to; its own id where it is a matter by itself.

    `cause` is the alert that explains it. What begins at the same feature belongs together at
    any time, what begins in the same zone and domain only within `TOGETHER`; in a flood all
    that one rule says in the same zone is folded, or anywhere where there is no zone.
    """
    by_id = {member.facets.id: member for member in members}
    if cause is not None and cause in by_id:
        return Grouped(by_id[cause].matter, MatterReason.SAME_CAUSE)
    near = [member for member in members if member.facets.id != new.id]
    if new.feature is not None:
        for member in _oldest_first(near):
            if member.facets.feature == new.feature:
                return Grouped(member.matter, MatterReason.SAME_FEATURE)
    for member in _oldest_first(near):
        other = member.facets
        if (
            new.zones
            and other.domain == new.domain
            and other.zones == new.zones
            and abs(other.since - new.since) <= TOGETHER
        ):
            return Grouped(member.matter, MatterReason.SAME_ZONE)
    if flooding:
        for member in _oldest_first(near):
            if member.facets.rule == new.rule:
                return Grouped(member.matter, MatterReason.FLOOD)
    return Grouped(new.id, MatterReason.ALONE)


def _oldest_first(members: Iterable[Member]) -> list[Member]:
    return sorted(members, key=lambda member: (member.facets.since, member.facets.id))


def is_flapping(beginnings: Iterable[int], now_us: int) -> bool:
    """Whether an alert with these beginnings, the present one among them, flaps."""
    return sum(now_us - FLAP_WITHIN < at <= now_us for at in beginnings) >= FLAPS


def is_flood(beginnings: Iterable[int], now_us: int) -> bool:
    """Whether more alerts have begun of late than an operator can handle."""
    return sum(now_us - FLOOD_WITHIN < at <= now_us for at in beginnings) > FLOOD

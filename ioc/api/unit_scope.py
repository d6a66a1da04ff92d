"""Which units a question about counts is about, as far as somebody may see them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from ioc.api.deps import Facts
from ioc.auth.policy import Subject
from ioc.errors import NotPermitted
from ioc.org import Organisation


@dataclass(frozen=True, slots=True)
class Scope:
    """The units that were named, and the keys of those and of all below; None is the province."""

    named: tuple[str, ...]
    keys: list[int] | None


def scope_of(subject: Subject, facts: Facts, unit: str | None, days: Iterable[date]) -> Scope:
    """A unit with all that were below it on any of the days, the province unless told.

    Who sees its own units only is answered for those and the ones below them.
    """
    organisation, wanted_days = facts.city.organisation, sorted(set(days))
    province = facts.identity.province or ""
    sees_all = subject.may_see_unit(None)
    if unit is None:
        named = (province,) if sees_all else subject.units
    else:
        named = (_resolved(organisation, unit, wanted_days[-1]),)
    if sees_all and named == (province,):
        return Scope(named, None)
    wanted = _below(organisation, named, wanted_days)
    if not sees_all:
        own = _below(organisation, subject.units, wanted_days)
        if not own.issuperset(named):
            raise NotPermitted(
                f"this account may see {', '.join(subject.units)} and the units below, and "
                f"{named[0]} is none of them"
            )
        wanted &= own
    return Scope(named, [key for key, id in facts.city.unit_keys.items() if id in wanted])


def keys_below(facts: Facts, unit: str, day: date) -> list[int]:
    """The keys of a unit and of all that were below it on a day, whoever asks."""
    organisation = facts.city.organisation
    wanted = _below(organisation, [_resolved(organisation, unit, day)], [day])
    return [key for key, id in facts.city.unit_keys.items() if id in wanted]


def _resolved(organisation: Organisation, unit: str, on: date) -> str:
    return unit if unit in organisation else organisation.resolve(unit, on)


def _below(organisation: Organisation, units: Iterable[str], days: Sequence[date]) -> set[str]:
    named = list(units)
    return {one for day in days for unit in named for one in organisation.within(unit, day)}

"""Who answers for a unit: its own contact, or that of the nearest unit above it."""

from datetime import date

import msgspec

from ioc.units.organisation import Organisation
from ioc.units.unit import Contact


class Answerable(msgspec.Struct, frozen=True):
    """The unit that answers, with its names and its contact of that day."""

    unit: str
    name: str
    short_name: str
    contact: Contact


def answers_for(organisation: Organisation, unit: str, on: date) -> Answerable | None:
    """Who answers for a unit on a day; None where neither it nor a unit above says.

    A unit that does not exist on that day has nobody who answers for it any more.
    """
    own = organisation.find(unit, on)
    for version in () if own is None else (own, *organisation.ancestors(unit, on)):
        if version.contact is not None:
            return Answerable(version.unit, version.name, version.short_name, version.contact)
    return None

"""Why nobody is meant by the name of a unit on a day, and how to name the one that is."""

import difflib
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from ioc.errors import Invalid
from ioc.units.unit import UnitVersion

if TYPE_CHECKING:
    from ioc.units.organisation import Organisation

SHOWN = 5
"""How many units a refusal names at most."""

LONGEST = 80
"""Characters of what was given that are repeated."""


def refusal(organisation: "Organisation", given: str, on: date) -> Invalid:
    """What to tell whoever gave a name that means no unit, or several, on a day."""
    if given in organisation:
        return _of_another_day(organisation, given, on)
    kind, colon, code = given.partition(":")
    carrying = organisation.carrying(code if colon else given)
    held = [(of, v) for of, v in carrying if not colon or of == kind]
    today = [(of, v) for of, v in held if v.holds(on)]
    said = repr(given[:LONGEST])
    if today:
        named = [f"{of}:{v.codes[of]} is {v.name} ({v.unit})" for of, v in today]
        kinds = {of for of, _ in today}
        cure = "name the unit by its id" if len(kinds) < len(today) else "write it with its kind"
        return Invalid(f"{said} is the code of several units on {on}: {_some(named)}; {cure}")
    if held:
        return _code_of_another_day(organisation, said, [v for _, v in held], on)
    others = [f"{of}:{v.codes[of]} ({v.unit})" for of, v in carrying if v.holds(on)]
    if others:
        return Invalid(f"no unit has the code {said} on {on}; did you mean {_some(others)}?")
    near = difflib.get_close_matches(given[:LONGEST], list(organisation.as_of(on)), n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return Invalid(
        f"no unit has the id or code {said} on {on}; {hint}see GET /api/v1/units?as_of={on}"
    )


def _of_another_day(organisation: "Organisation", unit: str, on: date) -> Invalid:
    earlier = [v for v in organisation.versions(unit) if v.valid_from <= on]
    if not earlier:
        first = organisation.versions(unit)[0]
        return Invalid(
            f"unit {unit} ({first.name}) exists only from {first.valid_from}, not yet on {on}; "
            "name the unit that there was before"
        )
    last = earlier[-1]
    followers = [s.unit for s in organisation.successors(unit, on) if s.unit != unit]
    cure = f"since then name {_some(followers)}" if followers else "no unit is known to follow it"
    return Invalid(f"unit {unit} ({last.name}) ended on {last.valid_until}, before {on}: {cure}")


def _code_of_another_day(
    organisation: "Organisation", said: str, held: Iterable[UnitVersion], on: date
) -> Invalid:
    spans: list[str] = []
    followers: set[str] = set()
    for version in held:
        until = f" until {version.valid_until}" if version.valid_until else ""
        spans.append(f"{version.name} ({version.unit}) from {version.valid_from}{until}")
        if version.valid_from <= on:
            followers |= {s.unit for s in organisation.successors(version.unit, on)}
    now = sorted(unit for unit in followers if organisation.find(unit, on) is not None)
    cure = f"on that day name {_some(now)}" if now else "name the unit of that day by its id"
    return Invalid(f"{said} is no unit's code on {on}; it was that of {_some(spans)}: {cure}")


def _some(named: Iterable[str]) -> str:
    """The first few of some names."""
    names = list(dict.fromkeys(named))
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")

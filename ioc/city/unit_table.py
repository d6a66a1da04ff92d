"""The units of a whole country from one published file, with ids made by rule."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path

import msgspec

from ioc.city.decode import slug
from ioc.city.finding import CityError
from ioc.city.unit_shapes import Key, Told, read_told
from ioc.city.units import first_gap
from ioc.errors import Invalid
from ioc.org import Level, Organisation, UnitVersion

LONGEST_NAME = 48
"""Characters of a name in an id, so that code and year still fit into 64."""


class UnitTable(msgspec.Struct, frozen=True):
    """The versions that a file gives, and all of its units, also those described elsewhere."""

    versions: list[UnitVersion]
    units: set[str]

    @property
    def known(self) -> int:
        """How many of the units are described elsewhere."""
        return len(self.units) - len(self.versions)


def read_unit_table(
    path: Path,
    organisation: Organisation,
    *,
    since: date,
    until: date | None = None,
    own: Collection[str] = (),
) -> UnitTable:
    """The units of a file, which all hold from one day up to, not including, another.

    `own` are those that this file gave when it was loaded before: they keep their ids and are
    described anew. A unit that is described elsewhere, with the same level, code and name at that
    time, is left as it is. The others get ids: see `made_ids`.
    """
    if until is not None and until <= since:
        raise Invalid(f"the units end on {until} but begin on {since}: `until` is the later day")
    told, findings = read_told(path)
    table = _Table(organisation, since, until, own).read(told)
    if findings:
        raise CityError(findings)
    return table


def made_ids(told: Sequence[Told], year: int | None, taken: Collection[str]) -> dict[Key, str]:
    """Ids of units by their names: "phuong-ba-dinh", provinces without their kind: "ha-noi".

    Behind it stands the statistics code where several units of the file have that name, or the id
    is taken; then the year, for units that have ended ("ha-noi-2020"): a code alone is reused.
    """
    names = {t.key: slug(t.short_name if t.key[0] is Level.PROVINCE else t.name) for t in told}
    often = Counter(names.values())
    suffix = "" if year is None else f"-{year}"
    ids: dict[Key, str] = {}
    for key, name in names.items():
        plain = name[:LONGEST_NAME].strip("-")
        made = f"{plain}{suffix}"
        alone = often[name] == 1 and made not in taken and len(name) <= LONGEST_NAME
        ids[key] = made if alone else f"{plain}-{key[1]}{suffix}"
    return ids


class _Table:
    """A file while it is brought together with what is known."""

    def __init__(
        self, organisation: Organisation, since: date, until: date | None, own: Collection[str]
    ) -> None:
        self._organisation = organisation
        self._since = since
        self._until = until
        self._own = own
        self._ids: dict[Key, str] = {}
        self._elsewhere: set[Key] = set()

    def read(self, told: Sequence[Told]) -> UnitTable:
        """The versions; what does not go together is reported where it stands."""
        for one in told:
            self._find(one)
        year = None if self._until is None else self._since.year
        taken = {unit for unit in self._organisation if unit not in self._own}
        for key, made in made_ids(told, year, taken).items():
            self._ids.setdefault(key, made)
        given = [one for one in told if one.key not in self._elsewhere]
        again = Counter(self._ids[one.key] for one in given)
        for one in given:
            made = self._ids[one.key]
            if again[made] > 1 or made in taken:
                one.at.report(
                    f"the id made by rule, {made}, is another unit's",
                    "describe this one in the city's folder",
                )
        versions = [self._version(one) for one in given]
        return UnitTable(versions, set(self._ids.values()))

    def _find(self, told: Told) -> None:
        """Look who has that code at that time: the unit itself, or one that is in its way."""
        level, code = told.key
        for kind, version in self._organisation.carrying(code):
            if kind != "gso" or version.level is not level or not self._overlaps(version):
                continue
            if version.unit in self._own:
                self._ids[told.key] = version.unit
            elif _plain(version.name) == _plain(told.name):
                self._ids[told.key] = version.unit
                self._elsewhere.add(told.key)
            else:
                until = f" until {version.valid_until}" if version.valid_until else ""
                told.at.report(
                    f"{level} {code}, {told.name}, has the code of {version.name} "
                    f"({version.unit}), which holds from {version.valid_from}{until}",
                    "say with --until when the one that was there before ended, or describe both "
                    "names as versions of one unit in the city's folder",
                )

    def _version(self, told: Told) -> UnitVersion:
        return UnitVersion(
            unit=self._ids[told.key],
            valid_from=self._since,
            valid_until=self._until,
            name=told.name,
            short_name=told.short_name,
            level=told.key[0],
            parent=None if told.parent is None else self._parent(told, told.parent),
            codes={"gso": told.key[1]},
            area_km2=told.area_km2,
            point=told.point,
        )

    def _parent(self, told: Told, key: Key) -> str | None:
        """The unit above, which is of this file or known; it must be there all the time."""
        level, code = key
        if key in self._ids and key not in self._elsewhere:
            return self._ids[key]
        above = self._organisation.by_code("gso", code, self._since)
        if above is None or above.level is not level:
            told.at.report(
                f"no {level} has the code {code} on {self._since}", f"load the {level}s first"
            )
            return None
        gap = first_gap(self._organisation, above.unit, self._since, self._until)
        if gap is not None:
            told.at.report(
                f"its {level} {above.unit} does not exist on {gap}", "load it for a time within"
            )
        return above.unit

    def _overlaps(self, version: UnitVersion) -> bool:
        return (self._until is None or version.valid_from < self._until) and (
            version.valid_until is None or self._since < version.valid_until
        )


def _plain(name: str) -> str:
    """A name for comparison: without remarks in brackets, and Hòa like Hoà."""
    return slug(re.sub(r"\(.*\)", "", name))

"""An indicator as data: which figure, from what, which way is better, and since when."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec

from ioc.errors import NotFound
from ioc.kpi.definition import (
    Direction,
    Kind,
    Level,
    Rounding,
    UpdateCycle,
    Use,
    read_definition,
    source_of,
)
from ioc.kpi.origin import (
    CountSource,
    LatestSource,
    MeasureSource,
    PartsSource,
    Source,
)
from ioc.kpi.period import Period
from ioc.model import Domain, Severity, Text


class Indicator(msgspec.Struct, frozen=True, kw_only=True):
    """A defined figure of the province; a change of its definition is a new version.

    `imported` is the reported measure that holds the official points, `printed` the one that holds
    what somebody else published of this figure. `unit` answers for it; its figure of a period is
    due `deadline` after the period's end.
    """

    id: str
    version: int
    name: Text
    domain: Domain
    kind: Kind
    uom: str
    decimals: int
    direction: Direction
    source: Source
    legal_reference: str | None = None
    note: Text | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    use: Use | None = None
    rounding: Rounding = "half_up"
    maximum: float | None = None
    imported: str | None = None
    printed: str | None = None
    thresholds: tuple[Level, ...] = ()
    unit: str | None = None
    cycle: UpdateCycle | None = None
    deadline: timedelta | None = None

    @property
    def properties(self) -> frozenset[str]:
        """The observed properties that it is made of, none where it is made of counts."""
        if not isinstance(self.source, LatestSource):
            return frozenset()
        terms = (self.source.numerator, self.source.denominator)
        return frozenset(term.property for term in terms if term is not None)

    @property
    def counts_dossiers(self) -> bool:
        """Whether it is written as counts of dossiers by name."""
        return isinstance(self.source, CountSource) and self.source.source == "dossiers"

    @property
    def formulas(self) -> MeasureSource | None:
        """Its formulas over measures, None where it is made of something else."""
        if isinstance(self.source, MeasureSource):
            return self.source
        if isinstance(self.source, CountSource) and self.source.source == "dossiers":
            return _formulas(self.source)
        return None

    @property
    def has_periods(self) -> bool:
        """Whether it has a figure for every unit and period, not only for now."""
        return self.formulas is not None or isinstance(self.source, PartsSource)

    @property
    def made_of(self) -> str:
        """Where its values come from, in a word."""
        match self.source:
            case LatestSource():
                return "latest values"
            case CountSource(source=source):
                return source
            case MeasureSource():
                return "measures"
            case PartsSource():
                return "other indicators"

    @property
    def is_scored(self) -> bool:
        """Whether it is one of the four words of the quality of data."""
        return isinstance(self.source, CountSource) and self.source.source == "quality"

    def severity(self, value: float | None) -> Severity | None:
        """How bad a value is by the thresholds, of which the mildest stands first."""
        found: Severity | None = None
        if value is None:
            return found
        for level in self.thresholds:
            if value < level.at if self.direction == "up" else value > level.at:
                found = level.severity
        return found

    def holds(self, on: date) -> bool:
        """Whether this version is valid on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on < self.valid_until
        )


@lru_cache(maxsize=512)
def _formulas(source: CountSource) -> MeasureSource:
    return source.formulas()


class Definitions:
    """All indicators with all versions of their definitions."""

    def __init__(self, indicators: Iterable[Indicator] = ()) -> None:
        """Take versions in any order."""
        found: dict[str, list[Indicator]] = {}
        for indicator in sorted(indicators, key=lambda i: i.version):
            found.setdefault(indicator.id, []).append(indicator)
        self._versions: Mapping[str, list[Indicator]] = found
        self._current: tuple[date, dict[str, Indicator]] | None = None

    def __iter__(self) -> Iterator[str]:
        """The ids in the order of their first versions."""
        return iter(self._versions)

    def __contains__(self, id: object) -> bool:
        """Whether any version is known."""
        return id in self._versions

    def require(self, id: str) -> str:
        """The id of an indicator that there is; `NotFound` says which one may be meant."""
        if id not in self._versions:
            near = difflib.get_close_matches(id, list(self._versions), n=1)
            hint = f"; did you mean `{near[0]}`?" if near else "; see GET /api/v1/indicators"
            raise NotFound(f"there is no indicator `{id}`{hint}")
        return id

    def versions(self, id: str) -> list[Indicator]:
        """Every version, lowest number first."""
        return self._versions.get(id, [])

    def newest(self, id: str) -> Indicator | None:
        """The version of the highest number."""
        versions = self.versions(id)
        return versions[-1] if versions else None

    def on(self, id: str, day: date) -> Indicator | None:
        """The version that is valid on a day; of several the one of the highest number."""
        return next((i for i in reversed(self.versions(id)) if i.holds(day)), None)

    def of(self, id: str, period: Period) -> Indicator | None:
        """The version by which a period is counted: the one that holds on its last day."""
        return self.on(id, period.end - timedelta(days=1))

    def current(self, day: date) -> dict[str, Indicator]:
        """The version of each indicator that is valid on a day, else its newest."""
        if self._current is None or self._current[0] != day:
            found = {
                id: self.on(id, day) or versions[-1] for id, versions in self._versions.items()
            }
            self._current = (day, found)
        return self._current[1]

    def changes(self, id: str, start: date, end: date) -> list[tuple[date, Indicator]]:
        """The days within a range on which another version came into force, with that version."""
        days = sorted({i.valid_from for i in self.versions(id) if i.valid_from is not None})
        found: list[tuple[date, Indicator]] = []
        for day in days:
            now = self.on(id, day)
            before = self.on(id, day - timedelta(days=1))
            if start < day < end and now is not None and before is not None and now != before:
                found.append((day, now))
        return found


def overlapping(indicators: Iterable[Indicator]) -> list[tuple[Indicator, Indicator]]:
    """Pairs of versions of one indicator of which some day is in both.

    Where neither says when it holds, the later one took the place of the earlier.
    """
    dated = [i for i in indicators if i.valid_from is not None or i.valid_until is not None]
    ordered = sorted(dated, key=lambda i: (i.valid_from or date.min, i.version))
    return [
        (one, other)
        for one, other in pairwise(ordered)
        if one.valid_until is None or (other.valid_from or date.min) < one.valid_until
    ]


def decode_indicator(indicator_id: str, document: Mapping[str, Any]) -> Indicator:
    """The indicator that a document of `city/indicators` or of the API describes.

    Raises `Invalid`, whose message names the cure and whose values carry `indicator` and `key`.
    """
    written = read_definition(indicator_id, document)
    return Indicator(
        id=written.id,
        version=written.version,
        name=written.name,
        domain=written.domain,
        kind=written.kind,
        uom=written.uom,
        decimals=written.decimals,
        direction=written.direction,
        source=source_of(written),
        legal_reference=written.legal_reference,
        note=written.note,
        valid_from=written.valid_from,
        valid_until=written.valid_until,
        use=written.use,
        rounding=written.rounding,
        maximum=written.maximum,
        imported=written.imported,
        printed=written.printed,
        thresholds=written.thresholds,
        unit=written.unit,
        cycle=written.cycle,
        deadline=written.deadline,
    )

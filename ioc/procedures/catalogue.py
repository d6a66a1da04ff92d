"""Administrative procedures in time: what each was on a day, and how many there were; pure."""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc.errors import Conflict, Invalid, NotFound
from ioc.org import Level
from ioc.procedures.calendar import Calendar

ServiceLevel = Literal["1", "2", "3", "4", "full", "partial", "info"]

PARTS: Final = "abcdefg"
"""What a published procedure must tell, by the letters of Decree 63/2010, article 8.2."""

LONGEST_DAYS: Final = 365
"""Working days of a time limit; more is a slip of the pen."""

HOURS_OF_DAY: Final = 8.0


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """The levels that online services have while a scheme holds; there is no map between two."""

    id: str
    levels: tuple[ServiceLevel, ...]
    legal_reference: str
    valid_from: date | None = None
    valid_until: date | None = None

    def holds(self, on: date) -> bool:
        """Whether services have these levels on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on < self.valid_until
        )


SCHEMES: Final = (
    Scheme(
        id="nd43_2011",
        levels=("1", "2", "3", "4"),
        valid_until=date(2022, 8, 15),
        legal_reference="Nghị định 43/2011/NĐ-CP",
    ),
    Scheme(
        id="nd42_2022",
        levels=("full", "partial", "info"),
        valid_from=date(2022, 8, 15),
        legal_reference="Nghị định 42/2022/NĐ-CP, điều 11",
    ),
)
"""What holds where a city names no schemes of its own."""


class ProcedureVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What a procedure (thủ tục hành chính) was from one day up to, not including, another.

    It is in the competence of one `unit`, or of every unit of a `tier`. Its time limit is in
    working `days`, of 8 hours each where it is given in hours. Dates of publishing, display and
    integration say from when that is so; `parts` are the letters of what is published of it.
    """

    code: str
    valid_from: date
    valid_until: date | None = None
    name: str
    field: str
    unit: str | None = None
    tier: Level | None = None
    days: float | None = None
    level: ServiceLevel | None = None
    fee: bool = False
    paper_result: bool = False
    for_people: bool = False
    population_data: bool = False
    legal_basis_from: date | None = None
    decided_on: date | None = None
    displayed_on: date | None = None
    integrated_on: date | None = None
    payment_integrated_on: date | None = None
    parts: str = ""
    document: str = ""
    end_document: str = ""
    sample: bool = False

    def holds(self, on: date) -> bool:
        """Whether this version is the valid one on a day."""
        return self.valid_from <= on and (self.valid_until is None or on < self.valid_until)


class Catalogue:
    """All versions of all procedures."""

    def __init__(
        self, versions: Iterable[ProcedureVersion] = (), schemes: Sequence[Scheme] = SCHEMES
    ) -> None:
        """Take versions in any order; those of one code must not overlap."""
        by_code: dict[str, list[ProcedureVersion]] = defaultdict(list)
        for version in versions:
            by_code[version.code].append(version)
        for code, own in by_code.items():
            own.sort(key=lambda version: version.valid_from)
            for earlier, later in pairwise(own):
                if earlier.valid_until is None or later.valid_from < earlier.valid_until:
                    raise Conflict(
                        f"two versions of procedure {code} hold on {later.valid_from}; end the "
                        "earlier one on that day"
                    )
        self._versions: Mapping[str, Sequence[ProcedureVersion]] = by_code
        self.schemes = schemes

    def __len__(self) -> int:
        """How many procedures there ever were."""
        return len(self._versions)

    def __contains__(self, code: object) -> bool:
        """Whether the code is known at any time."""
        return code in self._versions

    def __iter__(self) -> Iterator[str]:
        """The codes of all procedures of all times."""
        return iter(self._versions)

    @property
    def loaded(self) -> bool:
        """Whether there is a catalogue at all."""
        return bool(self._versions)

    def versions(self, code: str) -> Sequence[ProcedureVersion]:
        """Every version of a procedure, oldest first; raises `NotFound`."""
        if code not in self._versions:
            near = difflib.get_close_matches(code, self._versions, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; see GET /api/v1/procedures"
            raise NotFound(f"no procedure has the code {code[:80]}{hint}", procedure=code[:80])
        return self._versions[code]

    def find(self, code: str, on: date) -> ProcedureVersion | None:
        """A procedure as it was on a day; None where it did not exist then."""
        return next((v for v in reversed(self._versions.get(code, ())) if v.holds(on)), None)

    def on(self, day: date) -> list[ProcedureVersion]:
        """Every procedure that existed on a day."""
        found = (self.find(code, day) for code in self._versions)
        return [version for version in found if version is not None]

    def level_on(self, code: str, day: date) -> ServiceLevel | None:
        """The service level of a procedure on the day of filing; None where it is not known."""
        version = self.find(code, day)
        return None if version is None else version.level

    def levels(
        self, codes: Sequence[str], days: NDArray[np.datetime64]
    ) -> list[ServiceLevel | None]:
        """Service levels on the filing days of many dossiers."""
        filed: list[date] = days.astype("datetime64[D]").tolist()
        return [self.level_on(code, day) for code, day in zip(codes, filed, strict=True)]

    def limits(self, codes: Sequence[str], days: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """Time limits in whole working days; 0 without one, -1 where the code is not known."""
        filed: list[date] = days.astype("datetime64[D]").tolist()
        found = [self.find(code, day) for code, day in zip(codes, filed, strict=True)]
        limits = [-1.0 if version is None else version.days or 0.0 for version in found]
        return np.ceil(np.array(limits, np.float64)).astype(np.int64)


def check(version: ProcedureVersion, schemes: Sequence[Scheme] = SCHEMES) -> None:
    """Raise `Invalid` where a version cannot be meant as it stands."""
    if version.valid_until is not None and version.valid_until <= version.valid_from:
        raise Invalid(
            f"{version.code} ends on {version.valid_until} but begins on {version.valid_from}; "
            "`until` is the first day on which it does not hold"
        )
    if (version.unit is None) == (version.tier is None):
        raise Invalid(f"{version.code} needs exactly one of unit and tier, who is competent")
    if version.days is not None and not 0 < version.days <= LONGEST_DAYS:
        raise Invalid(
            f"{version.code} has a time limit of {version.days:g} working days; write 0.5 to "
            f"{LONGEST_DAYS}, or leave it empty"
        )
    if unknown := sorted(set(version.parts) - set(PARTS)):
        raise Invalid(f"{version.code}: parts {', '.join(unknown)} are none of {PARTS}")
    if version.displayed_on and version.decided_on and version.displayed_on < version.decided_on:
        raise Invalid(
            f"{version.code} was displayed on {version.displayed_on}, before the decision that "
            f"publishes it ({version.decided_on})"
        )
    if version.level is not None:
        _check_level(version, version.level, schemes)


def _check_level(version: ProcedureVersion, level: ServiceLevel, schemes: Sequence[Scheme]) -> None:
    scheme = next((scheme for scheme in schemes if level in scheme.levels), None)
    if scheme is None:
        known = ", ".join(known for scheme in schemes for known in scheme.levels)
        raise Invalid(f"{version.code}: {level!r} is no service level; use {known}")
    if not scheme.holds(version.valid_from):
        right = next((s for s in schemes if s.holds(version.valid_from)), None)
        levels = "none" if right is None else ", ".join(right.levels)
        raise Invalid(
            f"{version.code} has level {level} from {version.valid_from} on, but services have the "
            f"levels {levels} then ({scheme.legal_reference})"
        )
    end = scheme.valid_until
    if end is not None and (version.valid_until is None or version.valid_until > end):
        raise Invalid(
            f"{version.code} keeps level {level} beyond {end}, when {scheme.legal_reference} "
            f"ended; end this version on {end} and give the next one a level of its own"
        )


class PublishingTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Working days for publishing procedures, as the index of Decision 766 counts them."""

    decide_before: int = 5
    """Days before the newest legal basis takes effect by which the decision must be made."""
    display_within: int = 5
    """Days after the decision within which the procedure must be displayed."""


def decided_on_time(
    version: ProcedureVersion, calendar: Calendar, terms: PublishingTerms
) -> bool | None:
    """Whether the decision came in time (component 1.1); None where a date is not known."""
    if version.decided_on is None or version.legal_basis_from is None:
        return None
    return calendar.count(version.decided_on, version.legal_basis_from) >= terms.decide_before


def displayed_on_time(
    version: ProcedureVersion, calendar: Calendar, terms: PublishingTerms, *, by: date
) -> bool | None:
    """Whether it was displayed in time (component 1.2); None where that is not due by a day."""
    if version.decided_on is None:
        return None
    due = calendar.after(version.decided_on, terms.display_within)
    if version.displayed_on is not None:
        return version.displayed_on <= due
    return None if by <= due else False

"""Rules of time of a city's dossiers: supplement requests, and portals that closed."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from ioc.city.folder import Folder, Tables
from ioc.city.spec import Named, Slug, Spec
from ioc.procedures.timing import SourceRule, SupplementRule, Timing

FILE = "timing.toml"

Source = Literal["national_portal", "vneid", "provincial_portal"]


class SupplementSpec(Spec, frozen=True, rename={"valid_from": "from"}):
    """How many supplement requests leave a dossier in time, as `[[supplements]]` has it."""

    id: Slug
    valid_from: date
    most: Annotated[int, msgspec.Meta(ge=0)]
    legal_reference: Named


class SourceSpec(Spec, frozen=True):
    """An online source that took filings before a day, as `[[sources]]` has it."""

    id: Source
    until: date
    instead: Annotated[list[Source], msgspec.Meta(min_length=1)]
    legal_reference: Named


def read_timing(folder: Folder) -> Timing:
    """What `timing.toml` says; a city without it goes by the rules of the national evaluation."""
    if not (folder.root / FILE).exists():
        return Timing()
    supplements = folder.tables([FILE], "supplements", SupplementSpec, others=["sources"])
    sources = folder.tables([FILE], "sources", SourceSpec, others=["supplements"])
    _check_days(supplements)
    for placed in sources:
        if placed.spec.id in placed.spec.instead:
            (placed.at / "instead").report("names the source that closed", "name another one")
    return Timing(
        supplements=tuple(
            SupplementRule(
                valid_from=spec.valid_from, most=spec.most, legal_reference=spec.legal_reference
            )
            for spec in supplements.specs()
        ),
        sources=tuple(
            SourceRule(
                source=spec.id,
                until=spec.until,
                instead=tuple(spec.instead),
                legal_reference=spec.legal_reference,
            )
            for spec in sources.specs()
        ),
    )


def _check_days(supplements: Tables[SupplementSpec]) -> None:
    seen: dict[date, str] = {}
    for placed in supplements:
        first = seen.setdefault(placed.spec.valid_from, placed.spec.id)
        if first != placed.spec.id:
            (placed.at / "from").report(f"{first} begins on that day already")

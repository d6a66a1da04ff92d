"""Days of a city that differ from the public calendar, each with the decision behind it."""

from datetime import date

from ioc.city.folder import Folder
from ioc.city.spec import Named, Spec
from ioc.procedures.calendar import FIRST_YEAR, LAST_YEAR, Day

FILE = "calendar.toml"


class DaySpec(Spec, frozen=True):
    """A day as `[[day]]` has it."""

    date: "date"
    working: bool
    name: Named
    source: Named


def read_days(folder: Folder) -> list[Day]:
    """What `calendar.toml` says; a city without it has the public holidays."""
    if not (folder.root / FILE).exists():
        return []
    seen: dict[date, str] = {}
    for placed in (found := folder.tables([FILE], "day", DaySpec, name="")):
        spec, at = placed.spec, placed.at / "date"
        if spec.date in seen:
            at.report(f"{spec.date} stands at {seen[spec.date]} already")
        elif not FIRST_YEAR <= spec.date.year <= LAST_YEAR:
            at.report(f"{spec.date} lies outside the years {FIRST_YEAR} to {LAST_YEAR}")
        seen[spec.date] = str(placed.at)
    return [Day(s.date, s.working, s.name, s.source) for s in found.specs()]

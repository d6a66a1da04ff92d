"""Tickets of a city: categories, terms of petitions and retention, checked against its units."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Any

import msgspec

from ioc.city.decode import decode_table
from ioc.city.finding import Spot
from ioc.city.folder import Folder, Tables
from ioc.city.spec import Named, Slug, Spec
from ioc.model import Text
from ioc.org import Level, Organisation
from ioc.tickets.life import GRADES
from ioc.tickets.plan import Category, Hours, Kind, Plan, Span, Subject, Terms

FILE = "tickets.toml"

ServiceCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Days = Annotated[int, msgspec.Meta(ge=0, le=366)]


class TermsSpec(Spec, frozen=True, rename={"valid_from": "from"}):
    """Working days of petitions from a day on, as `[[terms]]` has it."""

    id: Slug
    valid_from: date
    legal_reference: Named
    refuse: Days
    supplement: Days
    solve: Days
    publish: Days
    most_supplements: Annotated[int, msgspec.Meta(ge=0)] = 1


class CategorySpec(Spec, frozen=True):
    """What tickets are about, as `[[category]]` has it; without `service_code` its id is that."""

    id: Slug
    name: Text
    group: Text
    kind: Kind
    description: Text | None = None
    service_code: ServiceCode | None = None
    hours: Annotated[float, msgspec.Meta(gt=0, le=8784)] | None = None
    clock: Hours = "office"
    immediate: bool = False
    about: Subject | None = None
    unit: Slug | None = None
    level: Level | None = None


class SettingsSpec(Spec, frozen=True):
    """Office hours, how long contact data stay after a change, and what grade is satisfied."""

    office_hours: Annotated[list[Span], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(Plan().office_hours)
    )
    keep_contact: timedelta = timedelta(days=365)
    satisfied_from: Annotated[int, msgspec.Meta(ge=GRADES[0], le=GRADES[-1])] = 4


def read_plan(folder: Folder, organisation: Organisation) -> Plan:
    """What `tickets.toml` says; a city without it takes no tickets."""
    terms = folder.tables([FILE], "terms", TermsSpec, others=["category", "tickets"])
    categories = folder.tables([FILE], "category", CategorySpec, others=["terms", "tickets"])
    content, file = folder.toml(FILE)
    at = file / "tickets"
    settings = decode_table(SettingsSpec, content.get("tickets", {}), at) or SettingsSpec()
    times = [moment for span in settings.office_hours for moment in span]
    if any(later <= earlier for earlier, later in pairwise(times)):
        (at / "office_hours").report("the hours are not in the order of the day")
    if settings.keep_contact < timedelta(days=1):
        (at / "keep_contact").report("is less than a day", 'write such as "P365D"')
    _check_terms(terms)
    _check_codes(categories)
    for placed in categories:
        _check(placed.spec, placed.at, organisation, petitions=bool(terms.ids))
    return Plan(
        categories=tuple(_category(spec) for spec in categories.specs()),
        terms=tuple(_terms(spec) for spec in terms.specs()),
        office_hours=tuple(settings.office_hours),
        satisfied_from=settings.satisfied_from,
        keep_contact=settings.keep_contact.days,
    )


def _check_terms(terms: Tables[TermsSpec]) -> None:
    seen: dict[date, str] = {}
    for placed in terms:
        first = seen.setdefault(placed.spec.valid_from, placed.spec.id)
        if first != placed.spec.id:
            (placed.at / "from").report(f"{first} begins on that day already")


def _check_codes(categories: Tables[CategorySpec]) -> None:
    """A service code stands for one category, and never for the id of another one."""
    known: dict[str, str] = {spec.id: spec.id for spec in categories.specs()}
    for placed in categories:
        code = placed.spec.service_code
        if code is None:
            continue
        if known.setdefault(code, placed.spec.id) != placed.spec.id:
            (placed.at / "service_code").report(f"{code!r} stands for {known[code]} already")


def _check(spec: CategorySpec, at: Spot, organisation: Organisation, *, petitions: bool) -> None:
    if (spec.unit is None) == (spec.level is None):
        at.report("needs exactly one of unit and level", "level is that of the unit at the place")
    if spec.unit is not None and spec.unit not in organisation:
        (at / "unit").unknown("unit", spec.unit, organisation)
    petition = spec.kind == "petition"
    if petition and spec.hours is not None:
        (at / "hours").report("a petition goes by [[terms]]", "leave hours out")
    if petition and not petitions:
        (at / "kind").report("there are no [[terms]] of petitions", "write one")
    if not petition and spec.hours is None:
        at.report("a field report needs hours")
    if petition != (spec.about is not None):
        at.report("about says of petitions, and only of them, whether of rules or staff")
    if petition and spec.immediate:
        (at / "immediate").report("a petition is always verified first", "leave it out")


def _category(spec: CategorySpec) -> Category:
    values: dict[str, Any] = msgspec.structs.asdict(spec)
    values["service_code"] = spec.service_code or spec.id
    values["description"] = spec.description or spec.name
    return Category(**values)


def _terms(spec: TermsSpec) -> Terms:
    values: dict[str, Any] = msgspec.structs.asdict(spec)
    del values["id"]
    return Terms(**values)

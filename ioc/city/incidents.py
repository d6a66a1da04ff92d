"""Incidents of a city: categories, deadlines, checklists, escalation, checked against its units."""

from datetime import timedelta
from itertools import pairwise
from typing import Annotated

import msgspec

from ioc.city.decode import decode_table
from ioc.city.finding import Spot
from ioc.city.folder import Folder
from ioc.city.spec import Named, Slug, Spec
from ioc.incidents.life import TOP_LEVEL
from ioc.incidents.plan import Category, Plan, Rung, Step, When
from ioc.model import Text
from ioc.org import Level, Organisation
from ioc.tickets.plan import Hours, Span

FILE = "incidents.toml"

Wait = Annotated[float, msgspec.Meta(gt=0, le=8784)]


class StepSpec(Spec, frozen=True):
    """A line of a checklist."""

    id: Slug
    text: Text
    required: bool = False


class RungSpec(Spec, frozen=True):
    """To which level an incident rises, and after how many hours of what."""

    level: Annotated[int, msgspec.Meta(ge=1, le=TOP_LEVEL)]
    when: When
    after: Wait


class CategorySpec(Spec, frozen=True):
    """What incidents are about, as `[[category]]` has it; deadlines in hours."""

    id: Slug
    name: Text
    group: Text
    acknowledge: Wait
    assign: Wait
    resolve: Wait
    source: Named
    clock: Hours = "always"
    unit: Slug | None = None
    level: Level | None = None
    version: Annotated[int, msgspec.Meta(ge=1)] = 1
    steps: list[StepSpec] = msgspec.field(default_factory=list[StepSpec])
    escalation: list[RungSpec] = msgspec.field(default_factory=list[RungSpec])
    calm: Wait | None = None


class SettingsSpec(Spec, frozen=True):
    """Office hours, and how long callers are known after an incident was closed."""

    office_hours: Annotated[list[Span], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(Plan().office_hours)
    )
    keep_contact: timedelta = timedelta(days=Plan().keep_contact)


def read_incident_plan(folder: Folder, organisation: Organisation) -> Plan:
    """What `incidents.toml` says; a city without it opens no incidents."""
    categories = folder.tables([FILE], "category", CategorySpec, others=["incidents"])
    content, file = folder.toml(FILE)
    at = file / "incidents"
    settings = decode_table(SettingsSpec, content.get("incidents", {}), at) or SettingsSpec()
    times = [moment for span in settings.office_hours for moment in span]
    if any(later <= earlier for earlier, later in pairwise(times)):
        (at / "office_hours").report("the hours are not in the order of the day")
    if settings.keep_contact < timedelta(days=1):
        (at / "keep_contact").report("is less than a day", 'write such as "P90D"')
    for placed in categories:
        _check(placed.spec, placed.at, organisation)
    return Plan(
        categories=tuple(_category(spec) for spec in categories.specs()),
        office_hours=tuple(settings.office_hours),
        keep_contact=settings.keep_contact.days,
    )


def _check(spec: CategorySpec, at: Spot, organisation: Organisation) -> None:
    if (spec.unit is None) == (spec.level is None):
        at.report("needs exactly one of unit and level", "level is that of the unit at the place")
    if spec.unit is not None and spec.unit not in organisation:
        (at / "unit").unknown("unit", spec.unit, organisation)
    if not spec.acknowledge <= spec.assign <= spec.resolve:
        at.report("is to be resolved before it is to be assigned or acknowledged")
    seen: set[str] = set()
    for place, step in enumerate(spec.steps):
        if step.id in seen:
            (at / "steps" / place / "id").report(f"{step.id!r} stands there twice")
        seen.add(step.id)
    for place, (lower, higher) in enumerate(pairwise(spec.escalation), start=1):
        if lower.level >= higher.level or lower.after > higher.after:
            (at / "escalation" / place).report("does not rise in level and time")
    if spec.calm is not None and not spec.escalation:
        (at / "calm").report("is for what rises by time", "leave it out, or write escalation")


def _category(spec: CategorySpec) -> Category:
    given = {name: getattr(spec, name) for name in spec.__struct_fields__}
    given["steps"] = tuple(
        Step(id=step.id, text=step.text, required=step.required) for step in spec.steps
    )
    given["escalation"] = tuple(
        Rung(level=rung.level, when=rung.when, after=rung.after) for rung in spec.escalation
    )
    return Category(**given)

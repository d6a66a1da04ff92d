"""Forms of a city: which columns and rows each has, and for which cycles it is made."""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from ioc.city.finding import Spot
from ioc.city.folder import Folder
from ioc.city.spec import Named, Slug, Spec
from ioc.kpi.cycle import CALENDAR, Cycle
from ioc.kpi.form import MEASURES, Form, FormColumn, FormGroup, FormSection, Rows
from ioc.org import Level

FILE = "forms.toml"


class ColumnSpec(Spec, frozen=True):
    """A column, as `[[form.column]]` has it."""

    id: Slug
    group: Named
    heading: Named
    measures: list[str] = msgspec.field(default_factory=list[str])
    columns: list[Slug] = msgspec.field(default_factory=list[Slug])
    of: Slug | None = None


class GroupSpec(Spec, frozen=True):
    """Units that stand together, as `[[form.section.group]]` has it."""

    number: Named
    title: Named
    levels: Annotated[list[Level], msgspec.Meta(min_length=1)]


class SectionSpec(Spec, frozen=True):
    """A sheet, as `[[form.section]]` has it."""

    title: Named
    rows: Rows
    label: Named
    unnamed: Named
    group: list[GroupSpec] = msgspec.field(default_factory=list[GroupSpec])


class FormSpec(Spec, frozen=True):
    """A form, as `[[form]]` has it."""

    id: Slug
    number: Named
    title: Named
    legal_reference: Named
    cycles: Annotated[list[Slug], msgspec.Meta(min_length=1)]
    column: Annotated[list[ColumnSpec], msgspec.Meta(min_length=1)]
    section: Annotated[list[SectionSpec], msgspec.Meta(min_length=1)]
    notes: list[str] = msgspec.field(default_factory=list[str])


def read_forms(folder: Folder, cycles: Iterable[Cycle]) -> list[Form]:
    """Forms of `forms.toml`; a city may have none."""
    known = {*CALENDAR, *(cycle.id for cycle in cycles)}
    found: list[Form] = []
    for placed in folder.tables([FILE], "form", FormSpec):
        spec, at = placed.spec, placed.at
        for index, cycle in enumerate(spec.cycles):
            if cycle not in known:
                (at / "cycles" / index).unknown("cycle", cycle, known)
        _check_columns(spec, at)
        for index, section in enumerate(spec.section):
            _check_groups(section, at / "section" / index)
        found.append(_form(spec))
    return found


def _check_columns(spec: FormSpec, at: Spot) -> None:
    counted = {column.id for column in spec.column if column.measures}
    ids = [column.id for column in spec.column]
    for index, column in enumerate(spec.column):
        place = at / "column" / index
        if ids.index(column.id) != index:
            (place / "id").report(f"{column.id!r} stands here already", "ids are unique")
        if bool(column.measures) == bool(column.columns):
            place.report("a column adds up either measures or other columns")
        for part, measure in enumerate(column.measures):
            if measure not in MEASURES:
                (place / "measures" / part).unknown("measure", measure, MEASURES)
        for part, other in enumerate(column.columns):
            if other not in counted:
                (place / "columns" / part).unknown("column of measures", other, counted)
        if column.of is not None and column.of not in ids:
            (place / "of").unknown("column", column.of, ids)


def _check_groups(section: SectionSpec, at: Spot) -> None:
    """A unit whose level has no group would be missing in the sum, one with two come twice."""
    if (section.rows == "unit") != bool(section.group):
        at.report("groups stand in a section of units, and only there")
        return
    levels = [level for group in section.group for level in group.levels]
    for level in Level if section.group else ():
        if levels.count(level) != 1:
            (at / "group").report(
                f"level {level.value} stands in {levels.count(level)} groups", "put it in one"
            )


def _form(spec: FormSpec) -> Form:
    return Form(
        id=spec.id,
        number=spec.number,
        title=spec.title,
        legal_reference=spec.legal_reference,
        cycles=tuple(spec.cycles),
        columns=tuple(
            FormColumn(
                id=column.id, group=column.group, heading=column.heading,
                measures=tuple(column.measures), columns=tuple(column.columns), of=column.of,
            )
            for column in spec.column
        ),
        sections=tuple(
            FormSection(
                title=section.title, rows=section.rows, label=section.label,
                unnamed=section.unnamed,
                groups=tuple(
                    FormGroup(number=g.number, title=g.title, levels=tuple(g.levels))
                    for g in section.group
                ),
            )
            for section in spec.section
        ),
        notes=tuple(spec.notes),
    )  # fmt: skip

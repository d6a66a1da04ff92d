"""A table of procedures that somebody sends: what it would add and change, row by row."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import msgspec

from ioc.city.procedures import version_of
from ioc.errors import Conflict, Invalid
from ioc.procedures.catalogue import Catalogue, ProcedureVersion

Row = tuple[int, dict[str, str]]


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that was not taken, by its place in the file, with the cure."""

    row: int
    code: str
    detail: str


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What a table does to the catalogue: codes by what becomes of them, and the versions to set.

    `ended` are among the changed: those that have an end now and had none.
    """

    added: list[str]
    changed: list[str]
    ended: list[str]
    unchanged: list[str]
    refused: list[RefusedRow]
    versions: list[ProcedureVersion]

    def told(self) -> dict[str, list[str] | int]:
        """What the audit trail keeps of it."""
        return {
            "added": self.added, "changed": self.changed, "ended": self.ended,
            "refused": len(self.refused),
        }  # fmt: skip


def plan_import(
    rows: Sequence[Row], catalogue: Catalogue, find_unit: Callable[[ProcedureVersion], str | None]
) -> Planned:
    """Compare a table with the catalogue.

    The rows of a code are all its versions. A code with a row that cannot be taken stays as it is,
    whole; the others are not touched by it. `find_unit` gives the unit's id, or raises `Invalid`.
    """
    refused: list[RefusedRow] = []
    offered: dict[str, list[tuple[int, ProcedureVersion]]] = defaultdict(list)
    bad: set[str] = set()
    for number, row in rows:
        try:
            version = version_of(row, catalogue.schemes)
            version = msgspec.structs.replace(version, unit=find_unit(version))
            offered[version.code].append((number, version))
        except Invalid as fault:
            bad.add(row["code"])
            refused.append(RefusedRow(number, row["code"], fault.message))
    planned = Planned(added=[], changed=[], ended=[], unchanged=[], refused=refused, versions=[])
    for code, numbered in offered.items():
        versions = sorted((v for _, v in numbered), key=lambda v: v.valid_from)
        if code in bad:
            refused += [
                RefusedRow(number, code, "another row of this procedure was refused")
                for number, _ in numbered
            ]
            continue
        try:
            Catalogue(versions, catalogue.schemes)
        except Conflict as fault:
            refused += [RefusedRow(number, code, fault.message) for number, _ in numbered]
            continue
        _sort_in(planned, code, versions, catalogue)
    refused.sort(key=lambda one: one.row)
    return planned


def _sort_in(
    planned: Planned, code: str, versions: list[ProcedureVersion], catalogue: Catalogue
) -> None:
    if code not in catalogue:
        planned.added.append(code)
    elif list(catalogue.versions(code)) == versions:
        planned.unchanged.append(code)
        return
    else:
        planned.changed.append(code)
        if (
            versions[-1].valid_until is not None
            and catalogue.versions(code)[-1].valid_until is None
        ):
            planned.ended.append(code)
    planned.versions.extend(versions)

"""Naming a unit by id or official code on a day; each refusal says how to name it instead."""

from datetime import date, timedelta

import pytest

from ioc.errors import Invalid
from ioc.org import Level, Organisation, Passage, UnitEvent, UnitVersion

MERGE = date(2025, 7, 1)
EVE = MERGE - timedelta(days=1)


def version(unit: str, start: date, end: date | None = None, **codes: str) -> UnitVersion:
    return UnitVersion(
        unit=unit, valid_from=start, valid_until=end, name=f"Tỉnh {unit}", short_name=unit,
        level=Level.PROVINCE, codes=codes,
    )  # fmt: skip


@pytest.fixture
def organisation() -> Organisation:
    passages = tuple(Passage(u, "new", 1.0, "whole") for u in ("old", "neighbour"))
    return Organisation(
        [
            version("old", date(1997, 1, 1), MERGE, gso="25", eid="H45"),
            version("neighbour", date(1997, 1, 1), MERGE, gso="26"),
            version("new", MERGE, gso="25", one_stop="9"),
            version("office", MERGE, gso="9"),
            version("desk", MERGE, gso="77", one_stop="77"),
            version("twin-a", MERGE, gso="5"),
            version("twin-b", MERGE, gso="5"),
            version("lost", date(1997, 1, 1), MERGE),
        ],
        [
            UnitEvent(
                id="merge", kind="merge", effective=MERGE, legal_reference="-", passages=passages
            )
        ],
    )


@pytest.mark.parametrize(
    ("given", "on", "unit"),
    [
        ("old", EVE, "old"),
        ("new", MERGE, "new"),
        ("H45", EVE, "old"),
        ("gso:9", MERGE, "office"),
        ("one_stop:9", MERGE, "new"),
        ("77", MERGE, "desk"),
    ],
)
def test_a_unit_is_named_by_its_id_or_by_any_code(
    organisation: Organisation, given: str, on: date, unit: str
) -> None:
    assert organisation.resolve(given, on) == unit


def test_a_code_that_was_reused_means_the_unit_of_the_day(organisation: Organisation) -> None:
    assert organisation.resolve("25", EVE) == "old"
    assert organisation.resolve("25", MERGE) == "new"


@pytest.mark.parametrize(
    ("given", "on", "cure"),
    [
        ("9", MERGE, r"several units .*one_stop:9 is Tỉnh new \(new\), gso:9 is Tỉnh office"),
        ("9", MERGE, "write it with its kind"),
        ("5", MERGE, r"\(twin-a\), gso:5 is Tỉnh twin-b \(twin-b\); name the unit by its id"),
        ("gso:5", MERGE, "name the unit by its id"),
        ("old", MERGE, "ended on 2025-07-01, before 2025-07-01: since then name new"),
        ("lost", MERGE, "no unit is known to follow it"),
        ("new", EVE, "exists only from 2025-07-01, not yet on 2025-06-30"),
        ("26", MERGE, r"that of Tỉnh neighbour .* until 2025-07-01: on that day .*new"),
        ("one_stop:9", EVE, "name the unit of that day by its id"),
        ("eid:77", MERGE, r"did you mean gso:77 \(desk\), one_stop:77 \(desk\)\?"),
        ("offise", MERGE, r"did you mean office\? see GET /api/v1/units\?as_of=2025-07-01"),
        ("x" * 500, MERGE, r"no unit has the id or code 'x{80}' on"),
    ],
)  # fmt: skip
def test_a_name_that_means_nobody_is_refused_with_the_cure(
    organisation: Organisation, given: str, on: date, cure: str
) -> None:
    with pytest.raises(Invalid, match=cure):
        organisation.resolve(given, on)


def test_an_id_goes_before_a_code_that_looks_like_it() -> None:
    organisation = Organisation(
        [version("a", date(2000, 1, 1), MERGE), version("b", date(2000, 1, 1), gso="a")]
    )
    assert organisation.resolve("a", EVE) == "a"
    with pytest.raises(Invalid, match=r"unit a .* ended"):
        organisation.resolve("a", MERGE)

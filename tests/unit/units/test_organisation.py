"""Units in time: half-open validity, codes that are reused, and who followed whom."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.errors import Conflict, Invalid, NotFound
from ioc.org import Level, Organisation, Passage, UnitEvent, UnitVersion, unbalanced

MERGE = date(2025, 7, 1)
EVE = MERGE - timedelta(days=1)


def version(
    unit: str,
    start: date = date(1997, 1, 1),
    end: date | None = None,
    *,
    parent: str | None = None,
    level: Level = Level.PROVINCE,
    code: str | None = None,
) -> UnitVersion:
    return UnitVersion(
        unit=unit,
        valid_from=start,
        valid_until=end,
        name=unit.title(),
        short_name=unit,
        level=level,
        parent=parent,
        codes={} if code is None else {"gso": code},
    )


def merge(*sources: str, to: str) -> UnitEvent:
    return UnitEvent(
        id="merge",
        kind="merge",
        effective=MERGE,
        legal_reference="202/2025/QH15",
        passages=tuple(Passage(source, to, 1.0, "whole") for source in sources),
    )


@pytest.fixture
def provinces() -> Organisation:
    return Organisation(
        [
            version("old", end=MERGE, code="25"),
            version("neighbour", end=MERGE, code="26"),
            version("new", MERGE, code="25"),
            version("ward", MERGE, parent="new", level=Level.COMMUNE),
            version("office", MERGE, parent="ward", level=Level.BRANCH_OFFICE),
        ],
        [merge("old", "neighbour", to="new")],
    )


def test_a_version_holds_on_its_first_day_and_not_on_its_last(provinces: Organisation) -> None:
    assert set(provinces.as_of(EVE)) == {"old", "neighbour"}
    assert set(provinces.as_of(MERGE)) == {"new", "ward", "office"}


def test_the_units_between_two_changes_are_gathered_once(provinces: Organisation) -> None:
    later = MERGE + timedelta(days=500)
    assert provinces.as_of(later) is provinces.as_of(MERGE)
    assert provinces.as_of(EVE) is not provinces.as_of(MERGE)


def test_before_the_first_version_there_are_no_units(provinces: Organisation) -> None:
    assert provinces.as_of(date(1900, 1, 1)) == {}


def test_a_code_names_another_unit_after_the_merge(provinces: Organisation) -> None:
    before, after = provinces.by_code("gso", "25", EVE), provinces.by_code("gso", "25", MERGE)
    assert before is not None
    assert after is not None
    assert (before.unit, after.unit) == ("old", "new")
    assert provinces.by_code("gso", "26", MERGE) is None


def test_children_and_ancestors_are_those_of_the_day(provinces: Organisation) -> None:
    assert [v.unit for v in provinces.children("new", MERGE)] == ["ward"]
    assert provinces.children("new", EVE) == []
    assert [v.unit for v in provinces.descendants("new", MERGE)] == ["ward", "office"]
    assert [v.unit for v in provinces.ancestors("office", MERGE)] == ["ward", "new"]


def test_within_a_unit_is_the_unit_itself_and_all_below_it(provinces: Organisation) -> None:
    assert provinces.within("new", MERGE) == ["new", "ward", "office"]
    assert provinces.within("new", EVE) == ["new"]
    with pytest.raises(NotFound, match="did you mean new"):
        provinces.within("neww", MERGE)


def test_a_unit_of_another_time_says_when_it_was(provinces: Organisation) -> None:
    with pytest.raises(NotFound, match=r"did not exist on 2025-07-01 .*until 2025-07-01"):
        provinces.get("old", MERGE)


def test_a_misspelled_unit_gets_the_nearest_name(provinces: Organisation) -> None:
    with pytest.raises(NotFound, match="did you mean neighbour"):
        provinces.get("neighbor", EVE)


def test_overlapping_versions_are_refused() -> None:
    with pytest.raises(Conflict, match="two versions of unit a hold on 2025-07-01"):
        Organisation([version("a"), version("a", MERGE)])


def test_a_version_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(Invalid, match="ends before it begins"):
        Organisation([version("a", MERGE, EVE)])


def test_a_unit_that_is_its_own_ancestor_is_named() -> None:
    circle = Organisation([version("a", parent="b"), version("b", parent="a")])
    with pytest.raises(Invalid, match="its own ancestor"):
        circle.ancestors("a", MERGE)


def test_merged_units_have_one_successor_from_that_day_on(provinces: Organisation) -> None:
    assert [(s.unit, s.weight) for s in provinces.successors("old")] == [("new", 1.0)]
    assert [s.unit for s in provinces.successors("old", EVE)] == ["old"]
    assert [s.unit for s in provinces.successors("new")] == ["new"]


def test_a_split_after_a_merge_multiplies_the_weights() -> None:
    split = UnitEvent(
        id="split",
        kind="split",
        effective=MERGE + timedelta(days=365),
        legal_reference="-",
        passages=(
            Passage("c", "d", 0.75, "population"),
            Passage("c", "e", 0.25, "population"),
        ),
    )
    org = Organisation(
        [version(u) for u in "abcde"],
        [split, merge("a", "b", to="c")],
    )
    assert [(s.unit, s.weight) for s in org.successors("a")] == [("d", 0.75), ("e", 0.25)]


def test_only_a_dissolution_may_leave_a_part_without_successor() -> None:
    half = (Passage("a", "b", 0.5, "area"),)
    split = UnitEvent(id="x", kind="split", effective=MERGE, legal_reference="-", passages=half)
    dissolve = UnitEvent(
        id="x", kind="dissolve", effective=MERGE, legal_reference="-", passages=half
    )
    assert unbalanced(split) == {"a": 0.5}
    assert unbalanced(dissolve) == {}


days = st.integers(0, 400).map(lambda n: date(2025, 1, 1) + timedelta(days=n))


@given(cuts=st.lists(days, min_size=2, max_size=6, unique=True), on=days)
def test_on_every_day_at_most_one_version_of_a_unit_holds(cuts: list[date], on: date) -> None:
    edges = sorted(cuts)
    versions = [version("a", *pair) for pair in pairwise(edges)]
    org = Organisation(reversed(versions))
    holding = [v for v in versions if v.holds(on)]
    assert len(holding) == (edges[0] <= on < edges[-1])
    assert org.find("a", on) == (holding[0] if holding else None)


@given(first=st.tuples(days, days), second=st.tuples(days, days))
def test_overlap_means_that_some_day_lies_in_both(
    first: tuple[date, date], second: tuple[date, date]
) -> None:
    one, other = (version("a", min(p), max(p) + timedelta(days=1)) for p in (first, second))
    span = [date(2025, 1, 1) + timedelta(days=n) for n in range(402)]
    assert one.overlaps(other) == any(one.holds(day) and other.holds(day) for day in span)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_weights_of_successors_add_up_to_one(parts: list[int]) -> None:
    targets = [f"t{n}" for n in range(len(parts))]
    passages = tuple(
        Passage("a", target, part / sum(parts), "area")
        for target, part in zip(targets, parts, strict=True)
    )
    event = UnitEvent(id="x", kind="split", effective=MERGE, legal_reference="-", passages=passages)
    assert unbalanced(event) == {}
    org = Organisation([version("a"), *(version(t) for t in targets)], [event])
    assert sum(s.weight for s in org.successors("a")) == pytest.approx(1)

"""Counts shared out to the units of another day: nothing is lost, made up or counted twice."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.kpi.counts import Counts, counts_of
from ioc.kpi.restate import restate
from ioc.org import Level, Organisation, Passage, UnitEvent, UnitVersion

START = date(2024, 1, 1)
DAYS = (date(2025, 1, 1), date(2025, 7, 1), date(2026, 3, 1))
MERGE = DAYS[1]
EVE = MERGE - timedelta(days=1)
END = date(2027, 1, 1)


def version(unit: str, start: date, end: date | None = None, code: str = "25") -> UnitVersion:
    return UnitVersion(
        unit=unit, valid_from=start, valid_until=end, name=unit, short_name=unit,
        level=Level.PROVINCE, codes={"gso": code},
    )  # fmt: skip


def event(
    day: date, *passages: tuple[str, str, float], kind: Any = "split", id: str = "e"
) -> UnitEvent:
    return UnitEvent(
        id=id, kind=kind, effective=day, legal_reference="-",
        passages=tuple(Passage(s, t, w, "population") for s, t, w in passages),
    )  # fmt: skip


def values(counts: Counts) -> dict[str, list[float | None]]:
    return {
        unit: [None if np.isnan(value) else float(value) for value in row]
        for unit, row in zip(counts.units, counts.values, strict=True)
    }


def estimated(counts: Counts) -> set[str]:
    return {unit for unit, is_one in zip(counts.units, counts.estimated, strict=True) if is_one}


PROVINCES = Organisation(
    [
        version("hoa-binh", START, MERGE),
        version("phu-tho-old", START, MERGE),
        version("phu-tho", MERGE),
    ],
    [event(MERGE, ("hoa-binh", "phu-tho", 1), ("phu-tho-old", "phu-tho", 1), kind="merge")],
)
BEFORE = counts_of([("hoa-binh", [3, 1]), ("phu-tho-old", [4, 2])], ["received", "late"])


def test_merged_units_add_up_from_the_day_of_the_merge_on() -> None:
    assert values(restate(BEFORE, PROVINCES, EVE)) == {"hoa-binh": [3, 1], "phu-tho-old": [4, 2]}
    after = restate(BEFORE, PROVINCES, MERGE)
    assert values(after) == {"phu-tho": [7, 3]}
    assert estimated(after) == set()


def test_a_unit_that_carries_the_code_of_another_keeps_what_is_its_own() -> None:
    mixed = counts_of([("phu-tho-old", [4]), ("phu-tho", [10])], ["received"])
    assert values(restate(mixed, PROVINCES, EVE)) == {"phu-tho-old": [4], "phu-tho": [10]}
    assert values(restate(mixed, PROVINCES, MERGE)) == {"phu-tho": [14]}


def test_a_split_shares_out_by_weight_and_says_that_it_is_an_estimate() -> None:
    organisation = Organisation(
        [version("a", START, MERGE), version("b", MERGE), version("c", MERGE), version("d", START)],
        [event(MERGE, ("a", "b", 0.25), ("a", "c", 0.75))],
    )
    after = restate(counts_of([("a", [8]), ("d", [5])], ["received"]), organisation, MERGE)
    assert values(after) == {"d": [5], "b": [2], "c": [6]}
    assert estimated(after) == {"b", "c"}


def test_what_is_not_known_stays_so_and_does_not_become_zero() -> None:
    unknown = counts_of([("hoa-binh", [None, 1]), ("phu-tho-old", [None, None])], ["x", "y"])
    assert values(restate(unknown, PROVINCES, MERGE)) == {"phu-tho": [None, 1]}


def test_ranks_and_scores_are_never_shared_out() -> None:
    scored = counts_of(
        [("hoa-binh", [3, 81.5]), ("phu-tho-old", [4, 85]), ("phu-tho", [1, 88])],
        ["received", "par_index"],
    )
    after = restate(scored, PROVINCES, MERGE, fixed={"par_index"})
    assert values(after) == {"phu-tho": [8, 88]}


def test_a_score_of_a_unit_that_stays_whole_stays() -> None:
    organisation = Organisation(
        [version("a", START), version("b", START), version("c", START)],
        [event(MERGE, ("a", "a", 1), ("b", "b", 0.9), ("b", "c", 0.1), kind="transfer")],
    )
    scored = counts_of([("a", [5]), ("b", [6]), ("c", [7])], ["rank"])
    assert values(restate(scored, organisation, MERGE, fixed={"rank"})) == {
        "a": [5], "b": [None], "c": [7],
    }  # fmt: skip


def test_what_was_handed_over_before_the_period_is_not_shared_out_again() -> None:
    organisation = Organisation(
        [version("a", START), version("b", START)],
        [event(MERGE, ("a", "a", 0.5), ("a", "b", 0.5), kind="transfer")],
    )
    counts = counts_of([("a", [8]), ("b", [0])], ["received"])
    assert values(restate(counts, organisation, END)) == {"a": [4], "b": [4]}
    assert values(restate(counts, organisation, END, since=MERGE)) == {"a": [8], "b": [0]}


def test_what_a_unit_still_has_after_its_end_goes_to_its_successor() -> None:
    in_hand = counts_of([("hoa-binh", [2]), ("phu-tho", [5])], ["in_hand"])
    assert values(restate(in_hand, PROVINCES, END, since=END)) == {"phu-tho": [7]}


def test_what_goes_on_one_day_goes_at_once() -> None:
    organisation = Organisation(
        [version("a", START, MERGE), version("b", START), version("c", MERGE)],
        [
            event(MERGE, ("a", "b", 1), kind="merge", id="merge"),
            event(MERGE, ("b", "b", 0.5), ("b", "c", 0.5), id="split"),
        ],
    )
    after = restate(counts_of([("a", [10]), ("b", [4])], ["received"]), organisation, MERGE)
    assert values(after) == {"b": [12], "c": [2]}


def test_a_unit_without_known_successor_keeps_its_row() -> None:
    organisation = Organisation([version("district", START, MERGE)])
    assert values(restate(counts_of([("district", [3])], ["x"]), organisation, END)) == {
        "district": [3]
    }


def test_what_was_dissolved_without_successor_goes() -> None:
    organisation = Organisation(
        [version("a", START, MERGE), version("b", START)],
        [event(MERGE, ("a", "b", 0.25), kind="dissolve")],
    )
    after = restate(counts_of([("a", [8]), ("b", [1])], ["received"]), organisation, MERGE)
    assert values(after) == {"b": [3]}


@st.composite
def histories(draw: st.DrawFn) -> tuple[Organisation, Counts]:
    """Units that merge, split and hand over parts on some days, and whole counts of the first."""
    alive = {f"u{n}": START for n in range(draw(st.integers(1, 4)))}
    first = list(alive)
    versions: list[UnitVersion] = []
    events: list[UnitEvent] = []
    for place, day in enumerate(DAYS):
        made = [f"n{place}{n}" for n in range(draw(st.integers(0, 2)))]
        leaving = draw(st.lists(st.sampled_from(sorted(alive)), unique=True))
        ending = [unit for unit in leaving if draw(st.booleans())]
        targets = sorted((set(alive) - set(ending)) | set(made))
        passages: list[tuple[str, str, float]] = []
        for unit in leaving if targets else []:
            chosen = draw(st.lists(st.sampled_from(targets), min_size=1, max_size=3, unique=True))
            passages += [(unit, target, 1 / len(chosen)) for target in chosen]
        if passages:
            events.append(event(day, *passages, id=f"e{place}"))
        versions += [version(unit, alive.pop(unit), day) for unit in ending if targets]
        alive |= dict.fromkeys(made, day)
    versions += [version(unit, since) for unit, since in alive.items()]
    cell = st.none() | st.integers(0, 1000)
    rows = [(unit, draw(st.tuples(cell, cell))) for unit in first]
    return Organisation(versions, events), counts_of(rows, ["x", "y"])


days = st.sampled_from([START, DAYS[0] - timedelta(days=1), *DAYS, END])


def same(one: Counts, other: Counts) -> None:
    assert sorted(one.units) == sorted(other.units)
    assert estimated(one) == estimated(other)
    left, right = values(one), values(other)
    for unit, row in left.items():
        assert _close(row, right[unit])


def _close(one: Sequence[float | None], other: Sequence[float | None]) -> bool:
    return list(one) == [None if v is None else pytest.approx(v, abs=1e-6) for v in other]


@given(histories(), days)
def test_sums_over_all_units_stay(history: tuple[Organisation, Counts], on: date) -> None:
    organisation, counts = history
    after = restate(counts, organisation, on)
    before, now = counts.over(counts.units), after.over(after.units)
    assert _close(list(before.values()), list(now.values()))


@given(histories(), days)
def test_restating_to_the_day_that_counts_are_of_changes_nothing(
    history: tuple[Organisation, Counts], on: date
) -> None:
    organisation, counts = history
    once = restate(counts, organisation, on)
    same(restate(once, organisation, on, since=on), once)


@given(histories(), days, days)
def test_two_steps_are_one(history: tuple[Organisation, Counts], one: date, other: date) -> None:
    organisation, counts = history
    middle, last = sorted((one, other))
    halfway = restate(counts, organisation, middle, since=START)
    same(
        restate(halfway, organisation, last, since=middle),
        restate(counts, organisation, last, since=START),
    )


@given(histories(), days)
def test_the_shares_are_those_of_the_successors(
    history: tuple[Organisation, Counts], on: date
) -> None:
    organisation, counts = history
    expected: dict[str, float] = {}
    for unit, row in zip(counts.units, np.nan_to_num(counts.values), strict=True):
        for successor in organisation.successors(unit, on):
            share = successor.weight * float(row[0])
            expected[successor.unit] = expected.get(successor.unit, 0.0) + share
    after = restate(counts, organisation, on)
    found = dict(zip(after.units, np.nan_to_num(after.values)[:, 0].tolist(), strict=True))
    assert found == pytest.approx(expected, abs=1e-6)

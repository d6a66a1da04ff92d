"""Counts added up to the units above: what each unit has together with all below it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ioc.kpi.counts import counts_of
from ioc.kpi.rollup import rolled_up

TREE = {"tinh": None, "so-a": "tinh", "so-b": "tinh", "chi-nhanh": "so-b"}


def test_a_unit_has_its_own_counts_and_those_of_all_below_it() -> None:
    own = counts_of([("so-a", [1.0]), ("so-b", [2.0]), ("chi-nhanh", [4.0])], ["received"])
    found = rolled_up(own, TREE)
    assert dict(zip(found.units, found.values[:, 0].tolist(), strict=True)) == {
        "so-a": 1.0, "so-b": 6.0, "chi-nhanh": 4.0, "tinh": 7.0,
    }  # fmt: skip


def test_what_no_unit_knows_stays_unknown_above_it() -> None:
    found = rolled_up(counts_of([("so-a", [None]), ("so-b", [3.0])], ["paid"]), TREE)
    values = dict(zip(found.units, found.values[:, 0].tolist(), strict=True))
    assert values["tinh"] == 3
    assert np.isnan(values["so-a"])


def test_a_total_that_is_handed_in_stands_before_the_sum_of_those_below() -> None:
    own = counts_of([("tinh", [10.0]), ("so-a", [1.0]), ("so-b", [2.0])], ["documents"])
    assert rolled_up(own, TREE, own_first={"documents"}).over(["tinh"]) == {"documents": 10.0}
    assert rolled_up(own, TREE).over(["tinh"]) == {"documents": 13.0}


def test_scores_are_never_added_up() -> None:
    own = counts_of([("so-a", [80.0]), ("so-b", [90.0])], ["par_index"])
    assert rolled_up(own, TREE, single={"par_index"}).over(["tinh"]) == {"par_index": None}


def test_what_was_shared_out_below_is_estimated_above() -> None:
    own = counts_of([("chi-nhanh", [1.0]), ("so-a", [1.0])], ["received"])
    own.estimated[0] = True
    found = rolled_up(own, TREE)
    assert [u for u, e in zip(found.units, found.estimated, strict=True) if e] == [
        "chi-nhanh", "so-b", "tinh",
    ]  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 100)), max_size=40))
def test_the_top_of_a_tree_has_the_sum_of_all(rows: list[tuple[int, int | None]]) -> None:
    parents: dict[str, str | None] = {f"u{n}": f"u{(n - 1) // 2}" for n in range(1, 31)}
    parents["u0"] = None
    given_rows = {f"u{unit}": value for unit, value in rows}
    own = counts_of(
        [(unit, [None if v is None else float(v)]) for unit, v in given_rows.items()], ["n"]
    )
    known = [v for v in given_rows.values() if v is not None]
    found = rolled_up(own, parents).over(["u0"])["n"] if given_rows else None
    assert found == (sum(known) if known else None)

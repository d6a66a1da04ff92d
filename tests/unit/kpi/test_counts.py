"""Tables of counts by unit: what is not known stays so, and tables of several sources join."""

import numpy as np

from ioc.kpi.counts import counts_of, joined


def test_a_sum_over_units_leaves_out_what_is_not_known() -> None:
    table = counts_of([("a", [1, None]), ("b", [2, None]), ("c", [4, 5])], ["x", "y"])
    assert table.over(["a", "b"]) == {"x": 3.0, "y": None}
    assert table.over(["b", "c", "nowhere"]) == {"x": 6.0, "y": 5.0}
    assert table.over([]) == {"x": None, "y": None}


def test_a_count_of_none_is_0_and_not_unknown() -> None:
    assert counts_of([("a", [0])], ["x"]).over(["a"]) == {"x": 0.0}


def test_joined_tables_keep_units_that_only_one_of_them_has() -> None:
    both = joined([counts_of([("a", [1])], ["x"]), counts_of([("b", [2]), ("a", [3])], ["y"])])
    assert (both.units, both.measures) == (("a", "b"), ("x", "y"))
    assert np.array_equal(both.values, [[1, 3], [np.nan, 2]], equal_nan=True)


def test_no_rows_are_a_table_too() -> None:
    empty = counts_of([], ["x"])
    assert empty.values.shape == (0, 1)
    assert joined([empty, empty]).over(["a"]) == {"x": None}


def test_columns_of_some_measures_come_in_the_order_asked() -> None:
    table = counts_of([("a", [1, 2, 3])], ["x", "y", "z"]).of(["z", "x"])
    assert table.over(["a"]) == {"z": 3.0, "x": 1.0}

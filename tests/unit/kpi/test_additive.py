"""Whether a formula of a whole is the sum of the formula of its parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.kpi.additive import is_additive
from ioc.kpi.formula import parse

ADDITIVE = ["a", "a + b", "a - b + a", "2 * a", "a / 2", "-(a + b) * 3", "2 * (a - b)"]
OTHERS = ["1", "a + 1", "a / b", "a * b", "min(a, b)", "max(a, 5)", "if(a > b, a, b)", "1 / a",
          "2 * 3 * a"]  # fmt: skip


@pytest.mark.parametrize("text", ADDITIVE)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=9))
def test_the_sum_of_days_is_the_formula_of_their_sum(
    text: str, days: list[tuple[int, int]]
) -> None:
    formula = parse(text)
    assert is_additive(formula.root)
    values = np.array(days, np.float64)
    by_day = formula.over({"a": values[:, 0], "b": values[:, 1]}, len(days)).sum()
    whole = values.sum(axis=0)
    assert by_day == pytest.approx(formula.of({"a": whole[0], "b": whole[1]}))


@pytest.mark.parametrize("text", OTHERS)
def test_what_does_not_add_up_is_not_taken_for_it(text: str) -> None:
    assert not is_additive(parse(text).root)

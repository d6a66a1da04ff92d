"""The language of formulas: the same numbers as Python's own arithmetic, and errors that help."""

import math
from collections.abc import Callable, Mapping
from operator import add, eq, ge, gt, le, lt, mul, ne, sub

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.errors import Invalid
from ioc.kpi.formula import MOST_CHARACTERS, MOST_DEEP, parse, uom_of

NAMES = ("received", "paid_online", "n", "d")
Values = Mapping[str, float | None]
Reference = tuple[str, Callable[[Values], float | None]]

_ARITHMETIC = {"+": add, "-": sub, "*": mul}
_COMPARED = {"<": lt, "<=": le, ">": gt, ">=": ge, "=": eq, "!=": ne}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _applied(sign: str, one: Reference, other: Reference) -> Reference:
    def of(values: Values) -> float | None:
        left, right = one[1](values), other[1](values)
        if left is None or right is None or (sign == "/" and right == 0):
            return None
        return _finite(left / right if sign == "/" else _ARITHMETIC[sign](left, right))

    return f"({one[0]} {sign} {other[0]})", of


def _chosen(function: str, one: Reference, other: Reference) -> Reference:
    def of(values: Values) -> float | None:
        left, right = one[1](values), other[1](values)
        if left is None or right is None:
            return None
        return min(left, right) if function == "min" else max(left, right)

    return f"{function}({one[0]}, {other[0]})", of


def _if(sign: str, one: Reference, other: Reference, then: Reference, els: Reference) -> Reference:
    def of(values: Values) -> float | None:
        left, right = one[1](values), other[1](values)
        if left is None or right is None:
            return None
        return (then if _COMPARED[sign](left, right) else els)[1](values)

    return f"if({one[0]} {sign} {other[0]}, {then[0]}, {els[0]})", of


def _minus(one: Reference) -> Reference:
    def of(values: Values) -> float | None:
        value = one[1](values)
        return None if value is None else -value

    return f"-{one[0]}", of


def _leaf(text: str) -> Reference:
    return text, lambda values: values[text] if text in values else float(text)


_leaves = st.one_of(
    st.sampled_from(NAMES).map(_leaf),
    st.decimals(0, 1_000, places=2).map(lambda number: _leaf(str(number))),
)
formulas: st.SearchStrategy[Reference] = st.recursive(
    _leaves,
    lambda part: st.one_of(
        st.builds(_applied, st.sampled_from("+-*/"), part, part),
        st.builds(_chosen, st.sampled_from(["min", "max"]), part, part),
        st.builds(_if, st.sampled_from(list(_COMPARED)), part, part, part, part),
        st.builds(_minus, part),
    ),
    max_leaves=12,
)
counts = st.none() | st.integers(0, 10**7).map(float)
rows = st.fixed_dictionaries(dict.fromkeys(NAMES, counts))


@given(formulas, st.lists(rows, min_size=1, max_size=5))
def test_a_formula_gives_what_python_gives_in_every_row(
    formula: Reference, table: list[dict[str, float | None]]
) -> None:
    text, reference = formula
    if len(text) > MOST_CHARACTERS:
        return
    columns = {name: np.array([row[name] for row in table], np.float64) for name in NAMES}
    found = parse(text).over(columns, len(table))
    for value, row in zip(found.tolist(), table, strict=True):
        assert value == pytest.approx(reference(row), nan_ok=True) or (
            math.isnan(value) and reference(row) is None
        )


@given(st.lists(st.sampled_from("+-*/"), max_size=200), st.data())
def test_signs_in_a_row_are_applied_as_in_python(signs: list[str], data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(1, 9), min_size=len(signs) + 1, max_size=201))
    terms = [f"{numbers[0]}"]
    for sign, number in zip(signs, numbers[1:], strict=False):
        terms += [sign, str(number)]
    sums, product, pending = 0.0, float(numbers[0]), 1.0
    for sign, number in zip(signs, numbers[1:], strict=False):
        if sign in "+-":
            sums, product, pending = (
                sums + pending * product,
                float(number),
                {"+": 1, "-": -1}[sign],
            )
        else:
            product = product * number if sign == "*" else product / number
    assert parse(" ".join(terms)).of({}) == pytest.approx(sums + pending * product)


def test_what_is_divided_by_nothing_is_not_known_and_never_0() -> None:
    assert parse("n / d").of({"n": 5.0, "d": 0.0}) is None
    assert parse("1 / (n / d)").of({"n": 5.0, "d": 0.0}) is None
    assert parse("min(6, n / d)").of({"n": 0.0, "d": 0.0}) is None


def test_a_name_that_has_no_value_makes_the_formula_unknown() -> None:
    assert parse("0 * n").of({}) is None
    assert parse("if(n > 1, 1, 1)").of({"n": None}) is None


def test_the_branch_that_is_not_taken_may_be_unknown() -> None:
    assert parse("if(d = 0, 6, 6 * n / d)").of({"n": 0.0, "d": 0.0}) == 6


def test_the_signs_of_print_are_those_of_the_keyboard() -> None:
    assert parse("n × 2 ÷ d − 1").of({"n": 6.0, "d": 3.0}) == 3


def test_names_come_in_the_order_of_the_text_each_once() -> None:
    assert parse("d + n * d").names == ("d", "n")


@pytest.mark.parametrize(
    ("text", "at", "what", "cure"),
    [
        ("", 0, "ends", "write one there"),
        ("n +", 3, "ends", "write one there"),
        ("n + * d", 4, "has '*'", "write one there"),
        ("(n + d", 6, "does not close", "character 1"),
        ("n + d)", 5, "is not open", "take it away"),
        ("n d", 2, "goes on with 'd'", "put + - * or /"),
        ("0,5 * n", 1, "has a comma", "0.5"),
        ("50% * n", 2, "has the sign '%'", "0.5 for 50 %"),
        ("Received + n", 0, "has the sign 'R'", "a-z"),
        ("n ≥ 1", 2, "has the sign '≥'", "write >="),
        (".5 * n", 0, "has the sign '.'", "write 0.5"),
        ("n > 1", 0, "is a comparison", "if(comparison, 1, 0)"),
        ("1 + (n > 1)", 2, "uses a comparison as a number", "if("),
        ("if(n, 1, 2)", 0, "has an if", "if(comparison, number, number)"),
        ("if(n > 1, 1)", 0, "has an if", "if(comparison, number, number)"),
        ("if(1 < n < 2, 1, 2)", 9, "compares twice", "within the other"),
        ("min(n)", 0, "has a min", "min(number, number"),
        ("sum(n, d)", 0, "has no function 'sum'", "use min, max or if"),
        ("n(d)", 0, "has no function 'n'", "put * before"),
        ("9" * 400, 0, "too large", "smaller"),
    ],
)  # fmt: skip
def test_a_wrong_formula_is_told_the_place_and_the_cure(
    text: str, at: int, what: str, cure: str
) -> None:
    with pytest.raises(Invalid) as refused:
        parse(text)
    assert refused.value.values["at"] == at
    assert what in refused.value.message
    assert cure in refused.value.message


def test_a_formula_is_bounded_in_length_and_in_depth() -> None:
    parse("(" * (MOST_DEEP - 1) + "n" + ")" * (MOST_DEEP - 1))
    for text in ("(" * 500 + "n" + ")" * 500, "-" * 500 + "n", "n+" * MOST_CHARACTERS + "n"):
        with pytest.raises(Invalid):
            parse(text)


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                ["n", "d", "1", "0.5", "+", "-", "*", "/", "(", ")", ",", "min", "max", "if", "<",
                 ">=", "=", "!=", " ", "é"]
            ),
            max_size=60,
        ).map("".join),
    )
)  # fmt: skip
def test_any_text_is_a_formula_or_is_refused_with_a_place_within_it(text: str) -> None:
    try:
        formula = parse(text)
    except Invalid as refused:
        at = refused.values["at"]
        assert isinstance(at, int)
        assert 0 <= at <= len(text)
    else:
        formula.of({"n": 2.0, "d": 0.0})


def test_unlike_things_are_not_added_and_shares_have_no_uom() -> None:
    uoms = {"n": "{dossiers}", "d": "{dossiers}", "p": "{procedures}"}
    assert uom_of(parse("n + d - 1"), uoms) == "{dossiers}"
    assert uom_of(parse("min(2, n / d) + p"), uoms) == "{procedures}"
    assert uom_of(parse("2 * n"), uoms) == "{dossiers}"
    with pytest.raises(Invalid, match=r"mixes \{dossiers\} with \{procedures\}") as refused:
        uom_of(parse("n + p"), uoms)
    assert refused.value.values["at"] == 2

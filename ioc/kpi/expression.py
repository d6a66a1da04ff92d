"""What a formula is made of, and its value in many rows at once; pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc.errors import Invalid

Column = NDArray[np.float64]

COMPARISONS: Final = frozenset({"<", "<=", ">", ">=", "=", "!="})


class Number(msgspec.Struct, frozen=True):
    """A number as it is written."""

    value: float
    at: int


class Name(msgspec.Struct, frozen=True):
    """A measure, by its id."""

    id: str
    at: int


class Operation(msgspec.Struct, frozen=True):
    """A comparison, a function or a minus before something, with what it is applied to."""

    sign: str
    of: "tuple[Node, ...]"
    at: int


class Step(msgspec.Struct, frozen=True):
    """The next sign of a chain, and what stands behind it."""

    sign: Literal["+", "-", "*", "/"]
    right: "Node"
    at: int


class Chain(msgspec.Struct, frozen=True):
    """Signs of one rank in a row, applied from the left, so that a long sum is not deep."""

    first: "Node"
    steps: tuple[Step, ...]


Node = Number | Name | Operation | Chain


def fault(at: int, what: str, cure: str) -> Invalid:
    """What is wrong at a place of a formula, counted from 0."""
    return Invalid(f"the formula {what} (character {at + 1}); {cure}", at=at)


def names_in(node: Node) -> Iterator[str]:
    """The names in their order, each as often as it stands there."""
    match node:
        case Number():
            return
        case Name():
            yield node.id
        case Operation():
            for part in node.of:
                yield from names_in(part)
        case Chain():
            yield from names_in(node.first)
            for step in node.steps:
                yield from names_in(step.right)


def value_of(node: Node, columns: Mapping[str, Column], unknown: Column) -> Column:
    """The value in every row; `unknown` stands for a name without a column."""
    match node:
        case Number():
            return np.array(node.value)
        case Name():
            return columns.get(node.id, unknown)
        case Chain():
            found = value_of(node.first, columns, unknown)
            for step in node.steps:
                found = _applied(step.sign, found, value_of(step.right, columns, unknown))
            return found
        case Operation():
            parts = [value_of(part, columns, unknown) for part in node.of]
            if node.sign == "if":
                chosen = np.where(parts[0] != 0, parts[1], parts[2])
                return np.where(np.isnan(parts[0]), np.nan, chosen)
            if len(parts) == 1:
                return -parts[0]
            found = parts[0]
            for part in parts[1:]:
                found = _applied(node.sign, found, part)
            return found


def _applied(sign: str, left: Column, right: Column) -> Column:
    """What is no number is not known: else 1 divided by it would be 0."""
    found = _SIGNS[sign](left, right)
    return np.where(np.isfinite(found), found, np.nan)


def _compared(compare: Callable[[Any, Any], Any]) -> Callable[[Column, Column], Column]:
    def apply(left: Column, right: Column) -> Column:
        known = ~(np.isnan(left) | np.isnan(right))
        return np.where(known, compare(left, right), np.nan)

    return apply


_SIGNS: Final[Mapping[str, Callable[[Column, Column], Column]]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide,
    "min": np.minimum, "max": np.maximum,
    "<": _compared(np.less), "<=": _compared(np.less_equal),
    ">": _compared(np.greater), ">=": _compared(np.greater_equal),
    "=": _compared(np.equal), "!=": _compared(np.not_equal),
}  # fmt: skip


def uom_in(node: Node, uoms: Mapping[str, str]) -> str | None:
    """The uom that it has by those of its names, None where any would fit."""
    match node:
        case Number():
            return None
        case Name():
            return uoms.get(node.id)
        case Chain():
            found = uom_in(node.first, uoms)
            for step in node.steps:
                right = uom_in(step.right, uoms)
                found = _stepped(step, found, right)
            return found
        case Operation():
            parts = node.of[1:] if node.sign == "if" else node.of
            found: str | None = None
            for part in parts:
                found = _alike(found, uom_in(part, uoms), node.sign, node.at)
            return None if node.sign in COMPARISONS else found


def _stepped(step: Step, left: str | None, right: str | None) -> str | None:
    match step.sign:
        case "+" | "-":
            return _alike(left, right, step.sign, step.at)
        case "*":
            return left if right is None else right if left is None else None
        case "/":
            return left if right is None else None


def _alike(one: str | None, other: str | None, sign: str, at: int) -> str | None:
    if one is not None and other is not None and one != other:
        what = f"mixes {one} with {other} at {sign!r}"
        raise fault(at, what, "add and compare like with like")
    return one if other is None else other

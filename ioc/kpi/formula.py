"""The small language of indicators: names of measures, numbers, arithmetic, min, max, if; pure.

A formula is a text such as `min(6, 6 * n / d / 0.5)`. What is not known (NaN) makes everything
made of it unknown, and so do a division by nothing and what is beyond the numbers.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

import msgspec
import numpy as np

from ioc.kpi.expression import (
    COMPARISONS,
    Chain,
    Column,
    Name,
    Node,
    Number,
    Operation,
    Step,
    fault,
    names_in,
    uom_in,
    value_of,
)

MOST_CHARACTERS: Final = 2_000
MOST_DEEP: Final = 32

Kind = Literal["number", "truth"]


class Formula(msgspec.Struct, frozen=True):
    """A formula that can be evaluated, and the names that stand in it in order."""

    text: str
    root: Node
    names: tuple[str, ...]

    def over(self, columns: Mapping[str, Column], rows: int = 1) -> Column:
        """Its value in every row; a name without a column is not known anywhere."""
        unknown = np.full(rows, np.nan)
        with np.errstate(all="ignore"):
            return np.broadcast_to(value_of(self.root, columns, unknown), (rows,)).astype(
                np.float64
            )

    def of(self, values: Mapping[str, float | None]) -> float | None:
        """Its value for one set of values, None where it is not known."""
        columns = {
            name: np.array([np.nan if value is None else value], np.float64)
            for name, value in values.items()
        }
        found = float(self.over(columns)[0])
        return None if np.isnan(found) else found


def parse(text: str) -> Formula:
    """The formula that a text is; `Invalid` names the place in the text, and the cure."""
    if len(text) > MOST_CHARACTERS:
        raise fault(
            MOST_CHARACTERS, f"is longer than {MOST_CHARACTERS} characters", "split the indicator"
        )
    reader = _Reader(list(_tokens(text)))
    root, kind = reader.comparison()
    reader.end()
    if kind != "number":
        raise fault(0, "is a comparison, not a number", "write if(comparison, 1, 0)")
    return Formula(text, root, tuple(dict.fromkeys(names_in(root))))


def uom_of(formula: Formula, uoms: Mapping[str, str]) -> str | None:
    """The uom of a formula from those of its names, None where only its numbers decide.

    `Invalid` where unlike things are added or compared.
    """
    return uom_in(formula.root, uoms)


class _Token(msgspec.Struct, frozen=True):
    kind: Literal["number", "name", "sign", "end"]
    text: str
    at: int


_TOKEN: Final = re.compile(
    r"(?P<space>\s+)|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[a-z][a-z0-9_]*)"
    r"|(?P<sign><=|>=|!=|[-+*/(),<>=×÷−])"
)
_SPELLED: Final = {"×": "*", "÷": "/", "−": "-"}
_CURES: Final = {
    "%": "write 0.5 for 50 %",
    ".": "write 0.5 with its 0",
    "≤": "write <=", "≥": "write >=", "≠": "write !=", ":": "write /", "^": "multiply instead",
}  # fmt: skip


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            cure = _CURES.get(text[at], "use names a-z 0-9 _, numbers, + - * / ( ) < <= > >= = !=")
            raise fault(at, f"has the sign {text[at]!r}", cure)
        kind = found.lastgroup
        word = found.group()
        if kind == "number" or kind == "name" or kind == "sign":
            yield _Token(kind, _SPELLED.get(word, word), at)
        at = found.end()
    yield _Token("end", "", at)


class _Reader:
    """Reads tokens by descent; each level of nesting is counted."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    def comparison(self) -> tuple[Node, Kind]:
        self._deeper()
        left, kind = self._sum()
        if self._next.text in COMPARISONS:
            sign = self._take()
            self._number(kind, sign)
            right, other = self._sum()
            self._number(other, sign)
            left, kind = Operation(sign.text, (left, right), sign.at), "truth"
            if self._next.text in COMPARISONS:
                raise fault(self._next.at, "compares twice", "write one if within the other")
        self._depth -= 1
        return left, kind

    def end(self) -> None:
        token = self._next
        if token.kind == "end":
            return
        if token.text == ",":
            raise fault(token.at, "has a comma here", "write decimals with a point, as 0.5")
        if token.text == ")":
            raise fault(token.at, "closes a bracket that is not open", "take it away")
        what = f"goes on with {token.text!r} after its end"
        raise fault(token.at, what, "put + - * or / between")

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._next
        self._place += 1
        return token

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MOST_DEEP:
            what = f"is nested more than {MOST_DEEP} deep"
            raise fault(self._next.at, what, "split the indicator")

    def _number(self, kind: Kind, sign: _Token) -> None:
        if kind != "number":
            what = f"uses a comparison as a number at {sign.text!r}"
            raise fault(sign.at, what, "write if(comparison, 1, 0)")

    def _sum(self) -> tuple[Node, Kind]:
        return self._chain(self._product, "+", "-")

    def _product(self) -> tuple[Node, Kind]:
        return self._chain(self._signed, "*", "/")

    def _chain(
        self,
        part: Callable[[], tuple[Node, Kind]],
        one: Literal["+", "*"],
        other: Literal["-", "/"],
    ) -> tuple[Node, Kind]:
        first, kind = part()
        steps: list[Step] = []
        while self._next.text in (one, other):
            taken = self._take()
            self._number(kind, taken)
            right, kind = part()
            self._number(kind, taken)
            steps.append(Step(one if taken.text == one else other, right, taken.at))
        return (Chain(first, tuple(steps)) if steps else first), kind

    def _signed(self) -> tuple[Node, Kind]:
        if self._next.text != "-":
            return self._single()
        sign = self._take()
        self._deeper()
        inner, kind = self._signed()
        self._number(kind, sign)
        self._depth -= 1
        return Operation("-", (inner,), sign.at), "number"

    def _single(self) -> tuple[Node, Kind]:
        token = self._take()
        if token.kind == "number":
            return self._written(token), "number"
        if token.text == "(":
            found = self.comparison()
            self._close(token)
            return found
        if token.kind == "name" and self._next.text == "(":
            return self._call(token), "number"
        if token.kind == "name":
            return Name(token.text, token.at), "number"
        what = f"has {token.text!r} where" if token.text else "ends where"
        raise fault(token.at, f"{what} a name or a number is needed", "write one there")

    def _written(self, token: _Token) -> Number:
        value = float(token.text)
        if not np.isfinite(value):
            raise fault(token.at, "has a number that is too large", "write a smaller one")
        return Number(value, token.at)

    def _close(self, opening: _Token) -> None:
        token = self._take()
        if token.text != ")":
            what = f"does not close the bracket of character {opening.at + 1}"
            raise fault(token.at, what, "write ) there")

    def _call(self, name: _Token) -> Operation:
        if name.text not in ("min", "max", "if"):
            what = f"has no function {name.text!r}"
            raise fault(name.at, what, "use min, max or if, or put * before the bracket")
        opening = self._take()
        given = [self.comparison()]
        while self._next.text == ",":
            self._take()
            given.append(self.comparison())
        self._close(opening)
        kinds = [kind for _, kind in given]
        if name.text == "if":
            if kinds != ["truth", "number", "number"]:
                cure = "write if(comparison, number, number)"
                raise fault(name.at, "has an if that is not made so", cure)
        elif "truth" in kinds or len(kinds) < 2:
            cure = f"write {name.text}(number, number, …); decimals take a point"
            raise fault(name.at, f"has a {name.text} that is not made so", cure)
        return Operation(name.text, tuple(node for node, _ in given), name.at)

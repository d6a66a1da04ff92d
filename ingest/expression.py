"""JMESPath expressions, checked when they are written and evaluated within a bound of work."""

from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import jmespath
import jmespath.exceptions
from jmespath.functions import Functions
from jmespath.visitor import Options, TreeInterpreter

from ingest.decoders.documents import as_list, as_object
from ioc.errors import Invalid

MOST_CHARACTERS: Final = 500
"""Of an expression."""

MOST_GROWTH: Final = 1_000
"""How much larger than the payload the lists and objects that an expression builds may become."""

STEP_CHARACTERS: Final = 16
"""Characters that are looked at in one step."""

ROOT: Final = "$."
"""Before an expression: it is read from the whole document instead of from the row."""

_FUNCTIONS: Final = frozenset(Functions.FUNCTION_TABLE)


class Exhausted(Exception):
    """The expressions on a payload take more steps than they may."""


class Expression:
    """A compiled expression, of the row or of the whole document."""

    def __init__(self, text: str) -> None:
        """Compile; `Invalid` says what is wrong with the text."""
        self.of_root = text.startswith(ROOT)
        self.parsed = _compile(text.removeprefix(ROOT))


class Finder:
    """Evaluates the expressions of one payload, which share a bound of steps."""

    def __init__(self, most_steps: int) -> None:
        """Take at most so many steps."""
        self._walk = _Walk(most_steps)
        self._root: object = None
        self._found: dict[Expression, Any] = {}

    def begin(self, root: object) -> None:
        """Take up a document: expressions of the root are evaluated once on each."""
        self._root = root
        self._found.clear()

    def find(self, expression: Expression, row: object) -> Any:
        """The value, None where there is none.

        Raises `Invalid` where a function cannot work, and `Exhausted` beyond the bound.
        """
        if not expression.of_root:
            return self._evaluated(expression, row)
        if expression not in self._found:
            try:
                self._found[expression] = self._evaluated(expression, self._root)
            except Invalid as error:
                self._found[expression] = error
        found = self._found[expression]
        if isinstance(found, Invalid):
            raise found
        return found

    def spend(self, steps: int) -> None:
        """Use up steps for something else that takes time or memory."""
        self._walk.spend(steps)

    def _evaluated(self, expression: Expression, value: object) -> Any:
        try:
            return self._walk.visit(expression.parsed, value)
        except (jmespath.exceptions.JMESPathError, ArithmeticError, TypeError, ValueError) as error:
            raise Invalid(str(error)[:300]) from error
        except RecursionError:
            raise Invalid("nested too deeply") from None


class _Walk(TreeInterpreter):
    """Evaluates step by step; what is copied or looked through counts too."""

    def __init__(self, left: int) -> None:
        super().__init__(Options(custom_functions=_Counted(self.spend)))
        self._left = left
        self._visits: dict[str, Callable[..., Any]] = {}

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise Exhausted

    # Not by way of the method that this overrides: its frame would count against the recursion.
    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise Exhausted
        kind = node["type"]
        visit = self._visits.get(kind)
        if visit is None:
            visit = self._visits[kind] = getattr(self, f"visit_{kind}")
        return visit(node, *args, **kwargs)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        found = super().visit_flatten(node, value)
        self.spend(_size(found))
        return found

    def visit_slice(self, node: Any, value: Any) -> Any:
        found = super().visit_slice(node, value)
        self.spend(_size(found))
        return found


class _Counted(Functions):
    """The functions of JMESPath, whose work counts by what they are given and what they make."""

    def __init__(self, spend: Callable[[int], None]) -> None:
        super().__init__()
        self._spend = spend

    def call_function(self, function_name: str, resolved_args: Iterable[Any]) -> Any:
        given = list(resolved_args)
        self._spend(sum(map(_size, given)))
        if function_name == "join" and [type(each) for each in given] == [str, list]:
            self._spend(len(given[0]) * len(given[1]) // STEP_CHARACTERS)
        made = super().call_function(function_name, given)
        self._spend(_size(made))
        return made


def _size(value: object) -> int:
    """How many steps it takes to look through a value."""
    if isinstance(value, str):
        return len(value) // STEP_CHARACTERS
    return len(cast("list[object]", value)) if isinstance(value, list | dict) else 0


def _compile(text: str) -> dict[str, Any]:
    if len(text) > MOST_CHARACTERS:
        raise Invalid(f"longer than {MOST_CHARACTERS} characters")
    try:
        parsed = cast("dict[str, Any]", jmespath.compile(text).parsed)
    except jmespath.exceptions.JMESPathError as error:
        place = str(error).strip().splitlines()[0]
        raise Invalid(f"{text[:80]!r} is not JMESPath: {place}") from error
    except RecursionError:
        raise Invalid("nested too deeply") from None
    _check_parts(parsed)
    return parsed


def _check_parts(parsed: dict[str, Any]) -> None:
    """Raise `Invalid` for functions that do not exist, and for an expression that grows.

    `[@,@][] | [@,@][] | …` would double at each step: the sizes of all lists and objects that an
    expression builds are multiplied.
    """
    product = 1
    pending = [parsed]
    while pending:
        node = pending.pop()
        inner = as_list(node.get("children")) or []
        if node.get("type") in ("multi_select_list", "multi_select_dict"):
            product *= max(len(inner), 1)
        if node.get("type") == "function_expression" and node.get("value") not in _FUNCTIONS:
            raise Invalid(f"there is no function `{node.get('value')}` in JMESPath")
        # The children of a slice are its numbers.
        pending.extend(child for each in inner if (child := as_object(each)) is not None)
    if product > MOST_GROWTH:
        raise Invalid("builds too many lists within lists; name what is needed directly")

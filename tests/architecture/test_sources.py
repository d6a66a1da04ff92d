"""House rules that a syntax tree can show."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.architecture.conftest import Module

SQL = re.compile(
    r"\b(SELECT\s.+\sFROM\s|SELECT\s+\w+\(|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s"
    r"|(CREATE|ALTER|DROP)\s+(UNIQUE\s+)?(TABLE|INDEX|VIEW|FUNCTION|ROLE|EXTENSION)\s"
    r"|COPY\s+\w+.*\s(FROM|TO)\s+STD|TRUNCATE\s+\w|LISTEN\s+\w+$|NOTIFY\s+\w+)",
    re.DOTALL,
)
ASKING_THE_TIME = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
}
MEASURING = {("time", "monotonic"), ("time", "monotonic_ns"), ("time", "perf_counter")}
MEASURERS = ("ioc/clock.py", "ioc/bench/", "ioc/embedded/")


def docstrings(tree: ast.Module) -> set[int]:
    """The identities of the constants that are docstrings or attribute docs."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def dotted(node: ast.AST) -> tuple[str, ...]:
    """`a.b.c` as ("a", "b", "c"); what is not a plain chain of names is left out."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return (node.id, *names) if isinstance(node, ast.Name) else tuple(names)


def attributes(module: "Module") -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            yield module.at(node), dotted(node)


def fail_where(found: list[str], rule: str, decision: str) -> None:
    if found:
        pytest.fail(f"{rule} (docs/decisions/{decision}):\n  " + "\n  ".join(found), pytrace=False)


def test_sql_stands_only_in_the_store(modules: list["Module"]) -> None:
    found = [
        f"{module.at(node)}: {' '.join(node.value.split())[:70]}"
        for module in modules
        if not module.path.startswith(("ioc/store/", "ioc/bench/"))
        for known in [docstrings(module.tree)]
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in known
        and SQL.search(node.value)
    ]
    fail_where(found, "SQL outside ioc/store", "0003-sql-and-migrations.md")


def test_no_sql_is_an_f_string(modules: list["Module"]) -> None:
    found = [
        module.at(node)
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.JoinedStr)
        and SQL.search(
            "".join(
                str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values
            )
        )
    ]
    fail_where(found, "SQL made by an f-string", "0003-sql-and-migrations.md")


def test_only_the_clock_asks_what_time_it_is(modules: list["Module"]) -> None:
    found = [
        f"{where}: {'.'.join(names)}"
        for module in modules
        for where, names in attributes(module)
        if (names[-2:] in ASKING_THE_TIME and module.path != "ioc/clock.py")
        or (names[-2:] in MEASURING and not module.path.startswith(MEASURERS))
    ]
    found += [
        f"{module.at(node)}: from time import {alias.name}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
        if ("time", alias.name) in ASKING_THE_TIME | MEASURING
    ]
    fail_where(found, "the time is asked outside ioc/clock.py", "0006-two-times.md")


def test_nothing_hangs_off_the_application_object(modules: list["Module"]) -> None:
    found = [
        where
        for module in modules
        for where, names in attributes(module)
        if names[-2:] == ("app", "state")
    ]
    fail_where(found, "app.state; the lifespan yields its state", "0001-one-direction.md")


def test_package_files_are_empty(root: Path, modules: list["Module"]) -> None:
    found = [
        module.path
        for module in modules
        if module.path.endswith("/__init__.py") and (root / module.path).stat().st_size
    ]
    fail_where(found, "an __init__.py that is not empty", "0001-one-direction.md")


def test_tests_are_not_a_package(root: Path) -> None:
    found = [str(path.relative_to(root)) for path in (root / "tests").rglob("__init__.py")]
    fail_where(found, "others also ship a package named tests", "0009-packaging-and-locks.md")


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        ("SELECT a\n  FROM b", True),
        ("SELECT pg_notify('x', 'y')", True),
        ("INSERT INTO series (key) VALUES (%s)", True),
        ("COPY staging (a, b) FROM STDIN (FORMAT binary)", True),
        ("Choose one from the list, then update it", False),
        ("the observation was created FROM a payload", False),
    ],
)
def test_sql_is_told_from_prose(text: str, is_sql: bool) -> None:
    assert bool(SQL.search(text)) is is_sql

"""One word per thing: files, opening sentences, identifiers, decision records."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.architecture.conftest import Module

FORBIDDEN_STEMS = {"util", "helper", "common", "manager", "handler", "base", "misc"}
RECORD = "docs/decisions/0008-names.md"
SECTIONS = ("**Context.**", "**Decision.**", "**Consequences.**", "**Enforced by.**", "**Advice.**")


@pytest.fixture(scope="module")
def words_to_avoid(root: Path) -> set[str]:
    """What stands in `code` in the last column of the glossary's table."""
    rows = [
        line for line in (root / "GLOSSARY.md").read_text("utf-8").splitlines() if line[:1] == "|"
    ]
    words = {word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[-2])}
    assert {"device", "metric", "dashboard", "revision"} <= words
    return words


def identifiers(module: "Module") -> Iterator[tuple[str, str]]:
    """The names that a module itself gives."""
    for node in ast.walk(module.tree):
        match node:
            case (
                ast.ClassDef(name=name)
                | ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
            ):
                yield module.at(node), name
            case ast.arg(arg=name):
                yield module.at(node), name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield module.at(node), name
            case _:
                pass


def parts(name: str) -> set[str]:
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


def test_files_are_named_by_a_noun_of_the_field(project_files: list[Path], root: Path) -> None:
    found = [
        str(path.relative_to(root))
        for path in project_files
        if path.suffix in {".py", ".ts", ".tsx"}
        and any(
            part.rstrip("s") in FORBIDDEN_STEMS for part in re.split(r"[_.-]", path.stem.lower())
        )
    ]
    assert not found, f"see {RECORD}: {found}"


def test_every_module_opens_with_one_sentence(modules: list["Module"]) -> None:
    found: list[str] = []
    for module in modules:
        if not module.tree.body:
            continue
        opening = (ast.get_docstring(module.tree) or "").split("\n\n")[0]
        one_sentence = re.fullmatch(r"[^a-z\s].*[.?!]", opening, re.DOTALL)
        if not one_sentence or re.search(r"[.?!]\s+[A-Z]", opening):
            found.append(f"{module.path}: {opening!r}")
    assert not found, f"see {RECORD}:\n  " + "\n  ".join(found)


def test_identifiers_use_the_words_of_the_glossary(
    modules: list["Module"], words_to_avoid: set[str]
) -> None:
    found = [
        f"{where}: {name}"
        for module in modules
        for where, name in identifiers(module)
        if parts(name) & words_to_avoid
    ]
    assert not found, f"see GLOSSARY.md and {RECORD}:\n  " + "\n  ".join(found)


def test_a_decision_record_says_what_enforces_it(root: Path) -> None:
    records = sorted((root / "docs/decisions").glob("*.md"))
    assert [record.name[:4] for record in records] == [
        f"{number:04}" for number in range(1, len(records) + 1)
    ]
    for record in records:
        text = record.read_text("utf-8")
        assert [section for section in SECTIONS if section not in text] == [], record.name
        enforced = text.split("**Enforced by.**")[1].split("**Advice.**")[0]
        paths = re.findall(r"`([^`]+)`", enforced)
        assert paths, record.name
        assert [path for path in paths if not (root / path).exists()] == [], record.name

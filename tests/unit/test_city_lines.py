"""The index from key paths to lines agrees with what the parser reads."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.city.lines import KeyPath, json_lines, key_lines

CITY = Path(__file__).parents[2] / "city"


def paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Every path inside a parsed value."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from paths(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from paths(part, (*path, index))


@pytest.mark.parametrize("file", sorted(CITY.rglob("*.toml")), ids=lambda p: p.name)
def test_every_key_of_the_shipped_files_has_a_line(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    lines = key_lines(text)
    assert set(paths(tomllib.loads(text))) == set(lines) - {()}


@pytest.mark.parametrize("file", sorted(CITY.rglob("*.geojson")), ids=lambda p: p.name)
def test_every_member_of_the_shipped_geojson_has_a_line(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert set(paths(json.loads(text))) <= set(json_lines(text))


def test_lines_are_those_of_the_keys() -> None:
    text = """# a comment with [brackets] = "no"
title = "x" # = 1
a.b = 1

[[unit]]
id = "one # no comment"
points = [
  1,
  2, # ]
  { x = 1, y = "}" },
]
[[unit.version]]
when = 1979-05-27 07:32:00Z
text = \"\"\"
[[unit]]
\"\"\"
[[unit.version]]
"quoted key" = 'a'
[[unit]]
id = "two"
"""
    lines = key_lines(text)
    assert set(paths(tomllib.loads(text))) == set(lines) - {()}
    assert lines["a", "b"] == 3
    assert lines["unit", 0, "points", 2, "y"] == 10
    assert lines["unit", 0, "version", 0, "text"] == 14
    assert lines["unit", 0, "version", 1, "quoted key"] == 18
    assert lines["unit", 1, "id"] == 20


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(values)
def test_any_json_is_indexed_whole(value: Any) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    lines = json_lines(text)
    assert set(paths(value)) == set(lines) - {()}
    last = text.count("\n") + 1
    assert all(1 <= line <= last for line in lines.values())

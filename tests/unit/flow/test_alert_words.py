"""What alerts say of what was measured."""

import pytest

from ioc.catalogue import Language, say


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("key", ["above", "below", "rising", "falling"])
def test_a_value_without_a_unit_leaves_no_gap(language: Language, key: str) -> None:
    said = say(f"alert.{key}", language, property="x", value=4.0, uom="", level=8.0)
    assert " ," not in said
    assert "  " not in said

"""Words that are looked for without case and diacritics."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.folding import FOLD_FROM, FOLD_TO, folded


@pytest.mark.parametrize(
    ("text", "plain"),
    [("Ổ GÀ", "o ga"), ("Đường Hùng Vương", "duong hung vuong"), ("hoá, hóa", "hoa, hoa")],
)
def test_case_and_diacritics_do_not_matter(text: str, plain: str) -> None:
    assert folded(text) == folded(unicodedata.normalize("NFD", text)) == plain


def test_every_vietnamese_letter_has_its_plain_one() -> None:
    assert len(FOLD_FROM) == len(FOLD_TO) == 134
    assert FOLD_TO.isascii()
    assert FOLD_TO.islower()


@given(st.text())
def test_folding_again_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)

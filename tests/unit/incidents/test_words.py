"""The words by which an incident is found."""

from hypothesis import given
from hypothesis import strategies as st

from ioc.incidents.words import MOST_WORDS, asked_words, words_of


def test_marks_and_case_do_not_matter() -> None:
    assert asked_words("Đường NGẬP sâu") == ["duong", "ngap", "sau"]


def test_a_code_is_found_by_its_number_without_zeros() -> None:
    assert words_of("VV-2026-000123") == ["vv", "2026", "000123", "123"]


@given(st.text(max_size=300))
def test_what_is_asked_are_words_that_are_kept(text: str) -> None:
    kept = words_of(text)
    assert len(kept) <= MOST_WORDS
    assert {word[:64] for word in asked_words(text)} <= set(kept)

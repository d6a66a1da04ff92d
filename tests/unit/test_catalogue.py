"""The sentences of both languages: all there, with the same blanks, and numbers as people write."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc import errors
from ioc.catalogue import LANGUAGES, has, number, preferred, say, sentences
from ioc.model import Reason


def _blanks(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_both_languages_have_the_same_sentences() -> None:
    assert sentences("vi").keys() == sentences("en").keys()


def test_a_sentence_has_the_same_blanks_in_both_languages() -> None:
    for key, sentence in sentences("vi").items():
        assert _blanks(sentence) == _blanks(sentences("en")[key]), key


def test_no_sentence_is_empty_or_has_a_broken_blank() -> None:
    for language in LANGUAGES:
        for key in sentences(language):
            assert say(key, language).strip(), key


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_of_a_refusal_has_its_sentence_and_its_cure(reason: Reason) -> None:
    assert has(f"reason.{reason.value}")
    assert has(f"cure.{reason.value}")


def test_every_error_has_its_title() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type)]
    codes = {k.code for k in kinds if issubclass(k, errors.IocError)}
    assert all(has(f"problem.{code}") for code in codes)


def test_a_value_that_was_not_given_shows_as_a_dash() -> None:
    assert say("alert.above", "vi", property="Tốc độ") == "Tốc độ ––, vượt mức –"
    assert say("no.such.key", "vi") == "no.such.key"


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [(1234.5, "1.234,5", "1,234.5"), (1e6, "1.000.000", "1,000,000"), (0.25, "0,25", "0.25"),
     (-3.0, "-3", "-3"), (float("inf"), "–", "–"), (float("nan"), "–", "–")],
)  # fmt: skip
def test_numbers_are_written_in_the_manner_of_the_language(value: float, vi: str, en: str) -> None:
    assert (number(value, "vi"), number(value, "en")) == (vi, en)


@given(st.floats(), st.sampled_from(LANGUAGES), st.none() | st.integers(0, 4))
def test_any_number_can_be_written(value: float, language: str, decimals: int | None) -> None:
    assert number(value, "vi" if language == "vi" else "en", decimals)


@pytest.mark.parametrize(
    ("header", "language"),
    [(None, "vi"), ("", "vi"), ("en-GB,en;q=0.9", "en"), ("vi-VN,en;q=0.5", "vi"),
     ("fr,en;q=0.5", "en"), ("*", "vi"), (";;;,,", "vi")],
)  # fmt: skip
def test_the_language_is_vietnamese_unless_english_is_named_first(
    header: str | None, language: str
) -> None:
    assert preferred(header) == language

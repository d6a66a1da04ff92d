"""The four words: from counts to shares, to one mean, to a ranking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.catalogue import has
from ioc.quality.score import WORDS, Counts, Tally, counts, overall, ranking, total

DAY = Tally(
    stored=900, duplicate=50, corrected=20, late=10, quarantined=20, implausible=40,
    observed=860, expected=1000, kept=905, in_time=800,
)  # fmt: skip


def test_a_day_in_four_words() -> None:
    found = counts(DAY)
    assert found.of("right") == (880, 940)
    assert found.of("complete") == (860, 1000)
    assert found.of("clean") == (930, 1000)
    assert found.of("live") == (800, 905)
    assert found.value("complete") == 86.0


def test_what_cannot_be_said_is_null_and_not_nought() -> None:
    nothing = counts(Tally())
    assert nothing.of("right") == (0, 0)
    assert [nothing.value(word) for word in WORDS] == [None, None, None, None]
    assert nothing.of("complete") == (None, None)
    assert nothing.of("live") == (None, None)
    assert overall(nothing) == (None, 0)


def test_a_silent_feed_that_should_report_is_not_complete() -> None:
    silent = counts(Tally(expected=288, in_time=0))
    assert [silent.value(word) for word in WORDS] == [None, 0.0, None, None]
    assert overall(silent) == (0.0, 1)


def test_the_overall_figure_is_the_mean_of_the_words_that_can_be_said() -> None:
    mean, words = overall(Counts(right=9, right_of=10, clean=1, clean_of=2))
    assert (mean, words) == (70.0, 2)


_counts = st.builds(
    Tally,
    **{name: st.integers(0, 500) for name in ("stored", "duplicate", "corrected", "late")},
    quarantined=st.integers(0, 500),
    implausible=st.integers(0, 900),
    observed=st.integers(0, 900),
    expected=st.none() | st.integers(0, 500),
    kept=st.integers(500, 900),
    in_time=st.none() | st.integers(0, 500),
).map(counts)


@given(st.lists(_counts, max_size=6))
def test_shares_lie_between_nought_and_a_hundred_and_sums_keep_them_there(
    found: list[Counts],
) -> None:
    for each in [*found, total(found)]:
        for word in WORDS:
            numerator, denominator = each.of(word)
            assert (numerator is None) == (denominator is None)
            value = each.value(word)
            assert value is None or 0 <= value <= 100


@given(st.lists(_counts, max_size=6))
def test_feeds_together_have_the_sums_of_their_counts(found: list[Counts]) -> None:
    together = total(found)
    for word in WORDS:
        known = [each.of(word) for each in found if each.of(word)[1] is not None]
        expected = (sum(n or 0 for n, _ in known), sum(d or 0 for _, d in known))
        assert together.of(word) == (expected if known else (None, None))


def _of(value: int) -> Counts:
    return Counts(right=value, right_of=100)


def test_agencies_stand_best_first_equals_share_a_rank_and_those_without_data_are_last() -> None:
    found = [_of(80), Counts(), _of(95), _of(80), Counts(right=0, right_of=0), _of(10)]
    placed = [(ranked.place, ranked.rank) for ranked in ranking(found)]
    assert placed == [(2, 1), (0, 2), (3, 2), (5, 4), (1, None), (4, None)]


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_defined_in_the_catalogue(word: str) -> None:
    assert all(has(f"quality.{word}{part}") for part in ("", "_meaning", "_cure"))

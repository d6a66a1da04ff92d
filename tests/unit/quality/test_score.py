"""The four words: from counts to shares, to one mean, to a ranking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.catalogue import has
from ioc.quality.score import (
    ENOUGH_ROWS,
    WORDS,
    Candidate,
    Counts,
    Tally,
    counts,
    overall,
    ranking,
    total,
)

DAY = Tally(
    stored=900, duplicate=50, corrected=20, late=10, quarantined=20, implausible=40,
    observed=860, expected=1000, kept=905, in_time=800,
)  # fmt: skip


def test_a_day_in_four_words() -> None:
    found = counts(DAY)
    assert found.of("right") == (880, 940)
    assert found.of("complete") == (860, 1000)
    assert found.of("clean") == (930, 1000)
    assert found.of("live") == (800, 905 + 10)
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


def test_what_was_refused_as_late_was_not_live_whatever_the_freshness_limit() -> None:
    late = counts(Tally(late=5))
    assert [late.of(word) for word in WORDS] == [(0, 0), (None, None), (5, 5), (0, 5)]
    assert overall(late) == (50.0, 2)
    some = counts(Tally(stored=95, late=5, kept=95))
    assert some.of("live") == (0, 5)
    limited = counts(Tally(stored=95, late=5, kept=95, in_time=95))
    assert limited.value("live") == 95.0


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


def _of(value: int, **more: int | None) -> Counts:
    """A day of a hundred rows, all of them due and there, of which so many are right."""
    full: dict[str, int | None] = {
        "right": value, "right_of": 100, "complete": 100, "complete_of": 100,
        "clean": 100, "clean_of": 100,
    }  # fmt: skip
    return Counts(**{**full, **more})


UNSAID: dict[str, int | None] = {"complete": None, "complete_of": None}


def _placed(*found: Candidate) -> list[tuple[int, int | None, str | None]]:
    return [(ranked.place, ranked.rank, ranked.why) for ranked in ranking(found)]


def test_agencies_stand_best_first_equals_share_a_rank_and_those_without_data_are_last() -> None:
    found = [_of(80), Counts(), _of(95), _of(80), Counts(right=0, right_of=0), _of(10)]
    placed = _placed(*map(Candidate, found))
    assert placed == [
        (2, 1, None), (0, 2, None), (3, 2, None), (5, 4, None), (1, None, "few"), (4, None, "few"),
    ]  # fmt: skip


def test_who_leaves_open_what_is_to_be_expected_stands_below_who_is_judged() -> None:
    open_one = Candidate(_of(100, **UNSAID), undeclared=True)
    partly = Candidate(_of(100), undeclared=True)
    nothing_due = Candidate(_of(100, complete=0, complete_of=0))
    poor = Candidate(_of(20, complete=1))
    assert _placed(open_one, partly, nothing_due, poor) == [
        (3, 1, None), (0, 2, "undeclared"), (1, 2, "undeclared"), (2, 2, "nothing_due"),
    ]  # fmt: skip


def test_silence_where_something_was_due_is_ranked_and_last_of_those_judged() -> None:
    silent = Candidate(counts(Tally(expected=288, in_time=0)))
    assert _placed(silent, Candidate(_of(1, complete=1))) == [(1, 1, None), (0, 2, None)]


@pytest.mark.parametrize(
    ("tally", "ranked"),
    [
        (Tally(late=5), False),
        (Tally(late=ENOUGH_ROWS), True),
        (Tally(stored=ENOUGH_ROWS - 1), False),
        (Tally(stored=ENOUGH_ROWS), True),
        (Tally(duplicate=1000), False),
        (Tally(stored=1, expected=ENOUGH_ROWS, observed=1), True),
    ],
    ids=["few-late", "late", "few-rows", "rows", "one-word", "due"],
)
def test_a_rank_needs_enough_rows_and_words(tally: Tally, ranked: bool) -> None:
    [(_, rank, why)] = _placed(Candidate(counts(tally)))
    assert (rank is not None, why != "few") == (ranked, ranked)


@given(st.lists(st.builds(Candidate, _counts, st.booleans()), max_size=8))
def test_everybody_has_one_place_and_no_rank_is_above_a_better_one(found: list[Candidate]) -> None:
    placed = ranking(found)
    assert sorted(ranked.place for ranked in placed) == list(range(len(found)))
    ranks = [ranked.rank for ranked in placed if ranked.rank is not None]
    assert ranks == sorted(ranks)
    judged = [overall(found[r.place].counts)[0] or 0 for r in placed if r.rank and r.why is None]
    assert judged == sorted(judged, reverse=True)
    assert [r.why is None for r in placed[: len(judged)]] == [True] * len(judged)
    for ranked in placed:
        assert ranked.why is None or has(f"quality.rank_{ranked.why}")


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_defined_in_the_catalogue(word: str) -> None:
    assert all(has(f"quality.{word}{part}") for part in ("", "_meaning", "_cure"))

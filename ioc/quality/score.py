"""How good a day of data was: four words, each a share of two counts, and how agencies rank."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from ioc.kpi.evaluate import share

Word = Literal["right", "complete", "clean", "live"]

WORDS: Final[tuple[Word, ...]] = ("right", "complete", "clean", "live")

VERSION: Final = 2
"""Of the definitions below; their sentences are `quality.*` in the catalogue."""

ENOUGH_ROWS: Final = 10
"""Received or due on a day; of fewer no share is worth a rank."""

ENOUGH_WORDS: Final = 2
"""Words that have a share, where completeness is not among them."""

Why = Literal["few", "undeclared", "nothing_due"]
"""Why an agency is not ranked, or below those that are judged by completeness."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a feed and a day, before any share is made of it.

    The ledger's counts and `implausible` are of what came in on the day. `observed` of `expected`
    and `in_time` of `kept` are of what was observed on the day, whenever it came in; `kept` begins
    with the feed, whose earlier past could not be live. `expected` is None where nothing regular
    is expected, `in_time` where the feed has no freshness limit.
    """

    stored: int = 0
    duplicate: int = 0
    corrected: int = 0
    late: int = 0
    quarantined: int = 0
    implausible: int = 0
    observed: int = 0
    expected: int | None = None
    kept: int = 0
    in_time: int | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Numerator and denominator of each word; both None where it cannot be said."""

    right: int | None = None
    right_of: int | None = None
    complete: int | None = None
    complete_of: int | None = None
    clean: int | None = None
    clean_of: int | None = None
    live: int | None = None
    live_of: int | None = None

    def of(self, word: Word) -> tuple[int | None, int | None]:
        """Numerator and denominator of a word."""
        return getattr(self, word), getattr(self, f"{word}_of")

    def value(self, word: Word) -> float | None:
        """The share in percent; None without a denominator."""
        return share(*self.of(word))


def counts(tally: Tally) -> Counts:
    """The four words of a feed and a day.

    Right leaves repeats out of its denominator: a mistake does not shrink by being sent again
    among others. What was refused as late was not live, whatever the freshness limit; what a feed
    without one stored in time cannot be said, and does not make up for it.
    """
    news = tally.stored + tally.corrected
    right_of = news + tally.quarantined
    received = news + tally.duplicate + tally.late + tally.quarantined
    in_time, kept = (0, 0) if tally.in_time is None else (tally.in_time, tally.kept)
    said = tally.in_time is not None or tally.late > 0
    return Counts(
        right=max(news - tally.implausible, 0),
        right_of=right_of,
        complete=None if tally.expected is None else min(tally.observed, tally.expected),
        complete_of=tally.expected,
        clean=received - tally.duplicate - tally.corrected,
        clean_of=received,
        live=in_time if said else None,
        live_of=kept + tally.late if said else None,
    )


def total(parts: Iterable[Counts]) -> Counts:
    """The counts of several feeds or days together: sums over those that can say it."""
    sums: dict[str, int] = {}
    for part in parts:
        for word in WORDS:
            numerator, denominator = part.of(word)
            if numerator is not None and denominator is not None:
                sums[word] = sums.get(word, 0) + numerator
                sums[f"{word}_of"] = sums.get(f"{word}_of", 0) + denominator
    return Counts(**sums)


def overall(found: Counts) -> tuple[float | None, int]:
    """The plain mean of the words that have a share, and how many these are."""
    shares = [value for word in WORDS if (value := found.value(word)) is not None]
    return (sum(shares) / len(shares) if shares else None), len(shares)


class Today(msgspec.Struct, frozen=True):
    """The counts of the running day by agency, and when they were made."""

    at: datetime | None = None
    counts: Mapping[str, Counts] = msgspec.field(default_factory=dict[str, Counts])


class Candidate(msgspec.Struct, frozen=True):
    """An agency to be ranked; `undeclared` says that a feed of it declares no interval."""

    counts: Counts
    undeclared: bool = False


class Ranked(msgspec.Struct, frozen=True):
    """A place in the ranking: equals share a rank, None is not ranked; `why` it is not higher."""

    place: int
    rank: int | None
    why: Why | None


def ranking(found: Sequence[Candidate]) -> list[Ranked]:
    """The best first by the overall mean, those without enough data last; `place` is in `found`.

    Who cannot be judged by completeness stands below all who are: it must not pay to leave open
    what is to be expected.
    """
    reasons: list[Why | None] = [_why(each) for each in found]
    values = [
        None if why == "few" else (why is None, overall(each.counts)[0] or 0.0)
        for each, why in zip(found, reasons, strict=True)
    ]
    best = sorted((value for value in values if value is not None), reverse=True)
    ranks = [None if value is None else best.index(value) + 1 for value in values]
    order = sorted(range(len(found)), key=lambda place: (ranks[place] or len(found) + 1, place))
    return [Ranked(place, ranks[place], reasons[place]) for place in order]


def _why(each: Candidate) -> Why | None:
    received, due = each.counts.clean_of or 0, each.counts.complete_of or 0
    judged = due > 0
    if max(received, due) < ENOUGH_ROWS or not (judged or overall(each.counts)[1] >= ENOUGH_WORDS):
        return "few"
    if each.undeclared:
        return "undeclared"
    return None if judged else "nothing_due"

"""State-space models of weekly counts, by statsmodels; imported by the child process alone."""

import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from statsmodels.tsa.exponential_smoothing.ets import (  # pyright: ignore[reportMissingTypeStubs]
    ETSModel,
)
from statsmodels.tsa.statespace.structural import (  # pyright: ignore[reportMissingTypeStubs]
    UnobservedComponents,
)

from ioc.forecast.course import (
    DRAWS,
    SEED,
    Answer,
    Counted,
    Course,
    Foreseen,
    Question,
    as_so_far,
    floats,
    foreseen,
    is_long_enough,
    usable,
)

STEPS: Final = 60
"""Of the search for the likeliest variances."""

MOST_COMING: Final = 1e7
"""No week brings more; a rate that runs away in a draw is cut there."""

HALF: Final = 0.5
"""Added to counts so that none and all have logarithms too."""

Model = Any
"""statsmodels has no types."""


class ShareModel(UnobservedComponents):
    """A level that wanders, seen through chance that is known from how many were counted.

    The log odds of a week of n dossiers vary by about 1 / (n p (1 - p)) by chance alone; on top of
    that comes what weeks differ by.
    """

    def __init__(self, odds: Counted, chance: Counted) -> None:
        """Take log odds by week (NaN: not known), and how much they vary by chance."""
        # Before the constructor, which may call `update`.
        self._chance = chance
        parent: Any = super()
        parent.__init__(odds, level="local level")

    def update(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, params: Any, **given: Any
    ) -> Any:
        """Set the variances of the observations week by week."""
        parent: Any = super()
        found = parent.update(params, **given)
        space: Model = self.ssm
        space["obs_cov"] = (space["obs_cov"].flat[0] + self._chance)[None, None, :]
        return found


def answer(question: Question) -> Answer:
    """Foresee all courses: shares by one model whose level wanders alike in all units.

    Taken alone, a unit with few dossiers tells too little of how much its share wanders.
    """
    found: list[Foreseen | None] = [as_so_far(question, course) for course in question.courses]
    long = [p for p, course in enumerate(question.courses) if is_long_enough(question, course)]
    with warnings.catch_warnings():
        # A search that stops early gives wider or narrower bounds, which the backtest measures.
        warnings.simplefilter("ignore")
        shares = _shares(question, [p for p in long if question.courses[p].denominators])
        for place in long:
            course = question.courses[place]
            generator = np.random.default_rng([SEED, place])
            coming = _coming(question, course, generator)
            if course.denominators is None:
                found[place] = foreseen(course, coming.sum(0), coming.sum(0), "weeks")
            else:
                over = generator.binomial(coming.astype(np.int64), shares[place])
                found[place] = foreseen(
                    course, over.sum(0).astype(np.float64), coming.sum(0), "weeks"
                )
    return Answer(found)


def _shares(question: Question, places: list[int]) -> dict[int, NDArray[np.float64]]:
    """Drawn shares of the weeks ahead, by course."""
    fitted: dict[int, tuple[Model, NDArray[np.float64]]] = {}
    for place in places:
        model: Model = _share_model(question, question.courses[place])
        fitted[place] = (model, np.asarray(model.fit(disp=False, maxiter=STEPS).params))
    if not fitted:
        return {}
    level = float(np.mean([params[1] for _, params in fitted.values()]))
    weeks = len(question.ahead)
    found: dict[int, NDArray[np.float64]] = {}
    for place, (model, params) in fitted.items():
        generator = np.random.default_rng([SEED, place, 1])
        state: Model = model.smooth(np.array([params[0], level]))
        start = float(state.predicted_state[0, -1])
        spread = max(float(state.predicted_state_cov[0, 0, -1]), 0.0)
        wander = np.sqrt(level) * generator.standard_normal((weeks, DRAWS))
        odds = (
            start
            + np.sqrt(spread) * generator.standard_normal(DRAWS)
            + np.cumsum(wander, axis=0)
            + np.sqrt(params[0]) * generator.standard_normal((weeks, DRAWS))
        )
        found[place] = 1.0 / (1.0 + np.exp(-odds))
    return found


def _share_model(question: Question, course: Course) -> ShareModel:
    assert course.denominators is not None
    under, over = floats(course.denominators), floats(course.numerators)
    good = usable(question, course)
    part = np.where(good, over, 0.0).sum()
    whole = np.where(good, under, 0.0).sum()
    pooled = (part + HALF) / (whole + 2 * HALF)
    known = np.where(good, under, 1.0)
    share = (np.clip(np.where(good, over, HALF), 0, known) + HALF) / (known + 2 * HALF)
    odds = np.where(good, np.log(share / (1 - share)), np.nan)
    return ShareModel(odds, 1.0 / ((known + 2 * HALF) * pooled * (1 - pooled)))


def _coming(
    question: Question, course: Course, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Drawn counts of the weeks ahead: what a working day brings, smoothed exponentially."""
    good = usable(question, course)
    whole, days = floats(course.wholes), np.array(question.behind, np.float64)
    weeks = np.arange(len(days))
    rates = np.log((whole[good] + HALF) / days[good])
    first = int(np.flatnonzero(good)[0])
    level = np.interp(weeks[first:], weeks[good], rates)
    model: Model = ETSModel(level, error="add", initialization_method="heuristic")
    fitted: Model = model.fit(disp=False, maxiter=STEPS)
    drawn: Any = fitted.simulate(
        len(question.ahead), anchor="end", repetitions=DRAWS, rng=generator
    )
    rate = np.exp(np.asarray(drawn, np.float64).reshape(len(question.ahead), DRAWS))
    ahead = np.array(question.ahead, np.float64)[:, None]
    return generator.poisson(np.minimum(rate * ahead, MOST_COMING)).astype(np.float64)

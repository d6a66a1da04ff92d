"""How long chores rest: by what they cost, and not by how long a database is away."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from time import thread_time
from types import SimpleNamespace
from typing import Any

import pytest

from ioc.errors import Unavailable
from ioc.runtime import chores

LONG = 500.0


Work = Callable[..., Awaitable[Any]]


class Ended(Exception):
    """The time for a chore is over."""


@dataclass
class Time:
    """Seconds that pass only where something is said to take them; `rests` are the pauses."""

    now: float = 0.0
    rests: list[float] = field(default_factory=list[float])

    async def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        if len(self.rests) == 3:
            raise Ended

    def taking(
        self, seconds: float, fault: Exception | None = None
    ) -> Callable[[], Awaitable[Any]]:
        async def work(*_: object) -> bool:
            self.now += seconds
            if fault is not None:
                raise fault
            return True

        return work


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(chores, "monotonic", lambda: made.now)
    monkeypatch.setattr(chores, "asyncio", SimpleNamespace(sleep=made.sleep))
    return made


async def _rests(time: Time, chore: Work, **center: Any) -> list[float]:
    with pytest.raises(Ended):
        await chore(SimpleNamespace(**center))
    return time.rests


@pytest.mark.parametrize(
    ("took", "fault", "rest"),
    [
        (0.1, None, chores.SCORE_SECONDS),
        (5.0, None, 5.0 * chores.SCORE_REST),
        (LONG, None, chores.LONGEST_REST),
        (LONG, Unavailable("away"), chores.SCORE_SECONDS),
    ],
    ids=["little", "more", "stalled", "away"],
)
async def test_scores_rest_by_what_they_took_unless_the_database_was_away(
    time: Time, took: float, fault: Exception | None, rest: float
) -> None:
    scoring = SimpleNamespace(refresh=time.taking(took, fault))
    assert await _rests(time, chores.keep_scores, scoring=scoring) == [rest] * 3


async def test_slices_of_the_newest_observations_rest_one_by_one(time: Time) -> None:
    checkpoint = SimpleNamespace(slices=lambda: [1, 2], keep_some=time.taking(0.5))
    writer = SimpleNamespace(checkpoint=checkpoint)
    wanted = [0.5 * chores.CHECKPOINT_REST] * 2 + [chores.CHECKPOINT_SECONDS]
    assert await _rests(time, chores.keep_newest, writer=writer) == wanted


async def test_boards_rest_by_their_own_cpu_time_and_not_by_what_they_waited(time: Time) -> None:
    burnt = 2 * chores.BOARD_SECONDS / chores.BOARD_REST

    async def refresh() -> list[Any]:
        time.now += LONG
        until = thread_time() + burnt
        while thread_time() < until:
            pass
        return []

    rests = await _rests(time, chores.keep_boards, boards=SimpleNamespace(refresh=refresh))
    assert all(2 * chores.BOARD_SECONDS <= rest < LONG for rest in rests)
    time.rests.clear()
    quick = SimpleNamespace(refresh=time.taking(LONG, Unavailable("away")))
    rests = await _rests(time, chores.keep_boards, boards=quick)
    assert rests == [2 * chores.BOARD_SECONDS] * 3


async def test_forecasts_that_are_asked_for_come_between_and_those_that_fail_end_nothing(
    time: Time,
) -> None:
    done: list[str] = []

    async def refresh(_: object) -> None:
        done.append("all")
        raise OSError

    async def answer_asked(_: object) -> None:
        done.append("asked")
        time.now += chores.FIRST_TICK_SECONDS

    standings = SimpleNamespace(refresh=refresh, answer_asked=answer_asked, is_asked=True)
    clock = SimpleNamespace(now=lambda: None)
    rests = await _rests(time, chores.keep_standings, standings=standings, clock=clock)
    assert rests == [chores.ASKED_SECONDS] * 3
    assert done == ["asked", "all"]


async def test_forecasts_rest_by_what_they_took(
    time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[float] = []

    async def refresh(_: object) -> None:
        began.append(time.now)
        time.now += 5

    async def passing(seconds: float) -> None:
        time.now += seconds
        if len(began) == 3:
            raise Ended

    monkeypatch.setattr(chores, "asyncio", SimpleNamespace(sleep=passing))
    standings = SimpleNamespace(refresh=refresh, is_asked=False)
    clock = SimpleNamespace(now=lambda: None)
    await _rests(time, chores.keep_standings, standings=standings, clock=clock)
    pauses = [later - before - 5 for before, later in pairwise(began)]
    assert pauses == [5 * chores.FORECAST_REST] * 2


@pytest.mark.parametrize("more", [True, False])
async def test_slices_of_rhythms_rest_until_the_database_has_rested_too(
    time: Time, more: bool
) -> None:
    async def learn_some(*_: object) -> bool:
        time.now += 3.0
        return more

    alerting = SimpleNamespace(rhythms=SimpleNamespace(learn_some=learn_some))
    clock = SimpleNamespace(now=lambda: None)
    rests = await _rests(time, chores.learn_rhythms, alerting=alerting, clock=clock, reads=None)
    assert rests == [3.0 if more else chores.RHYTHM_SECONDS] * 3

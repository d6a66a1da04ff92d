"""Whether a ticket was in time: its clocks as people read them, and what counts; pure."""

from datetime import datetime
from typing import Literal

import msgspec

from ioc.tickets.clock import Deadlines
from ioc.tickets.life import ENDED, Life, Outcome, State

Step = Literal["refuse", "supplement", "solve", "publish"]
Standing = Literal["running", "paused", "met", "missed", "void"]


class StepClock(msgspec.Struct, frozen=True):
    """One deadline of a ticket; it is void once it cannot matter any more."""

    step: Step
    due_at: datetime
    done_at: datetime | None
    standing: Standing


class Judged(msgspec.Struct, frozen=True):
    """What decides whether a ticket was handled in time, as it is stored beside it.

    `late` is true where no date can make it timely: supplements were asked for too often.
    """

    ended_at: datetime | None
    due_at: datetime
    late: bool


def judged(life: Life, deadlines: Deadlines) -> Judged:
    """By which deadline a ticket is judged: a refusal at once by that of refusals."""
    due = life.due_at
    if _refused(life) and not life.supplements:
        due = deadlines.refuse(life.received_at) or due
    terms = deadlines.terms
    late = terms is not None and life.supplements > terms.most_supplements
    return Judged(life.ended_at, due, late)


def _refused(life: Life) -> bool:
    """Whether it ended before any unit was asked to handle it."""
    return life.unit is None and life.outcome not in (None, Outcome.SOLVED)


def clocks(life: Life, deadlines: Deadlines, now: datetime) -> list[StepClock]:
    """The clocks of a ticket, in the order of their work."""
    found = [_solve(life, now)]
    refuse, ask = deadlines.refuse(life.received_at), deadlines.ask(life.received_at)
    refused = _refused(life)
    if ask is not None:
        asked = life.first_asked_at
        over = asked is None and (life.unit is not None or life.state in ENDED)
        found.insert(0, _clock("supplement", ask, asked, now, void=over))
    if refuse is not None:
        done = life.ended_at if refused else None
        over = not refused and (life.state is not State.RECEIVED)
        found.insert(0, _clock("refuse", refuse, done, now, void=over))
    publish = None if life.ended_at is None else deadlines.publish(life.ended_at)
    if publish is not None and life.outcome is Outcome.SOLVED:
        found.append(_clock("publish", publish, life.published_at, now))
    return found


def handling(state: State, due: datetime, now: datetime) -> Standing:
    """How the clock of the handling stands of a ticket that has not ended."""
    if state is State.WAITING:
        return "paused"
    return "missed" if now > due else "running"


def _solve(life: Life, now: datetime) -> StepClock:
    if life.ended_at is None:
        return StepClock("solve", life.due_at, None, handling(life.state, life.due_at, now))
    return _clock("solve", life.due_at, life.ended_at, now)


def _clock(
    step: Step, due: datetime, done: datetime | None, now: datetime, *, void: bool = False
) -> StepClock:
    if void:
        return StepClock(step, due, done, "void")
    missed = (now if done is None else done) > due
    running: Standing = "running" if done is None else "met"
    return StepClock(step, due, done, "missed" if missed else running)

"""What time alone does to an incident: it rises where nobody acts, and falls back; pure."""

from datetime import datetime
from typing import Final

from ioc.incidents.clock import Deadlines
from ioc.incidents.life import ENDED, Life
from ioc.incidents.moves import Act, Move
from ioc.incidents.plan import When

BY_TIME: Final = "engine"
"""The actor of moves that no person made."""

CALM: Final = "calm"
"""The reason of a fall: what was missing has been done."""


def due(life: Life, deadlines: Deadlines, now: datetime) -> Act | None:
    """The move that time makes with an incident now, if any.

    A level is reached by time once after an opening: who lowers it by hand is not overruled.
    """
    if life.state in ENDED:
        return None
    holding = [
        rung
        for rung in deadlines.category.escalation
        if is_missing(life, rung.when) and deadlines.after(life.since, rung.after) <= now
    ]
    reached = max(holding, key=lambda rung: rung.level, default=None)
    if reached is not None and reached.level > max(life.rung, life.level):
        return _act(Move.ESCALATE, now, reached.when, reached.level)
    level, calm = 0 if reached is None else reached.level, deadlines.category.calm
    if not life.timed or calm is None or level >= life.level:
        return None
    if deadlines.after(max(life.level_at, _done_at(life)), calm) > now:
        return None
    return _act(Move.DE_ESCALATE, now, CALM, level)


def is_missing(life: Life, when: When) -> bool:
    """Whether something has not been done with an incident yet."""
    match when:
        case "unacknowledged":
            return life.acknowledged_at is None
        case "unassigned":
            return life.assignee is None
        case "unresolved":
            return life.resolved_at is None


def _done_at(life: Life) -> datetime:
    """When what could be missing was last done."""
    done = [at for at in (life.acknowledged_at, life.assigned_at) if at is not None]
    return max([life.since, *done])


def _act(move: Move, now: datetime, reason: str, level: int) -> Act:
    return Act(move=move, actor=BY_TIME, at=now, reason=reason, level=level, by_time=True)

"""Boards, rankings and the leader's summary."""

from datetime import date, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from ioc.api.deps import Alerts, Health, KpiBoards, Now, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Subject
from ioc.flow.boards import Boards
from ioc.kpi.cycle import CALENDAR
from ioc.kpi.period import Period
from ioc.live.wire import AlertItem, FigureItem
from ioc.org import Level

MOST_ALERTS = 200
"""Alerts that a leader's page holds."""

router = APIRouter(tags=["boards"])

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]


class Board(msgspec.Struct):
    """A board in one document; without a period it is as of now."""

    board: str
    items: list[FigureItem]
    period: str | None = None


class Ranking(msgspec.Struct):
    """The figure of every unit that has one, best first; rank 0 is not ranked.

    Equals share a rank; `movement` of an item is by how many ranks it rose since `previous`.
    """

    indicator: str
    period: str
    previous: str
    items: list[FigureItem]


class Summary(msgspec.Struct):
    """The leader's page in one document."""

    as_of: datetime
    items: list[FigureItem]
    alerts: list[AlertItem]
    feeds: dict[str, int]


def chosen_period(text: str | None, boards: Boards, now: datetime) -> Period:
    """The period that is asked for, the running year unless told."""
    return CALENDAR["any"].period(text or str(boards.figures.today(now).year))


@router.get("/boards/{board}", responses=shape(Board))
async def get_board(
    board: str, _: Reader, boards: KpiBoards, period: str | None = None
) -> Response:
    """A board as it is now, or its figures of a period."""
    wanted = None if period is None else CALENDAR["any"].period(period)
    items = await boards.board(board, wanted)
    return answer(Board(board, items, wanted.text if wanted else None))


@router.get("/rankings/{indicator}", responses=shape(Ranking))
async def get_ranking(
    indicator: str,
    _: Reader,
    boards: KpiBoards,
    now: Now,
    period: str | None = None,
    level: Annotated[Level | None, Query()] = None,
    as_of: Annotated[date | None, Query()] = None,
) -> Response:
    """The units by an indicator: departments, communes and centers, or those of one level."""
    wanted = chosen_period(period, boards, now)
    boards.figures.defined(indicator, wanted)
    beside = await boards.figures.beside([indicator], wanted, now, as_of)
    items = boards.figures.ranked(indicator, beside, now, level)
    return answer(Ranking(indicator, wanted.text, beside.compared.previous.text, items))


@router.get("/summary", responses=shape(Summary))
async def get_summary(
    _: Reader, boards: KpiBoards, alerting: Alerts, health: Health, now: Now
) -> Response:
    """What a leader looks at for thirty seconds: worst first."""
    items = boards.items("summary") if "summary" in boards.topics else []
    items.sort(key=lambda item: item.standing != "behind")
    return answer(Summary(now, items, alerting.worst_items(MOST_ALERTS), health.counts(now)))

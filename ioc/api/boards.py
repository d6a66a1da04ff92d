"""Boards, indicators, rankings and the leader's summary."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Response
from msgspec import to_builtins

from ioc.api.deps import Alerts, Health, KpiBoards, Now, ServerFacts, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid
from ioc.kpi.period import Period, parse_period
from ioc.live.wire import AlertItem, FigureItem

router = APIRouter(tags=["boards"])

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]


class Board(msgspec.Struct):
    """A board in one document."""

    board: str
    items: list[FigureItem]


class IndicatorList(msgspec.Struct):
    """The indicators with their definitions."""

    items: list[dict[str, Any]]
    next: str | None = None


class Ranking(msgspec.Struct):
    """The figure of every unit that has one, best first; rank 0 is not ranked."""

    indicator: str
    period: str
    items: list[FigureItem]


class Summary(msgspec.Struct):
    """The leader's page in one document."""

    as_of: datetime
    items: list[FigureItem]
    alerts: list[AlertItem]
    feeds: dict[str, int]


def _months(text: str) -> Period:
    period = parse_period(text)
    if not period.whole_months:
        raise Invalid("dossiers are counted by month; name a month, quarter or year")
    return period


@router.get("/boards/{board}", responses=shape(Board))
async def get_board(board: str, _: Reader, boards: KpiBoards) -> Response:
    """A board as it is now."""
    return answer(Board(board, boards.items(board)))


@router.get("/indicators", responses=shape(IndicatorList))
async def get_indicators(_: Reader, boards: KpiBoards) -> Response:
    """The indicators."""
    return answer(IndicatorList([to_builtins(i) for i in boards.indicators.values()]))


@router.get("/indicators/{indicator}/values", responses=shape(FigureItem))
async def get_values(
    indicator: str,
    _: Reader,
    boards: KpiBoards,
    facts: ServerFacts,
    now: Now,
    unit: str | None = None,
    period: str | None = None,
) -> Response:
    """The figure of a unit (the province unless told) for a period (this year unless told)."""
    wanted = _months(period or str(now.year))
    return answer(await boards.values(indicator, unit or facts.identity.province or "", wanted))


@router.get("/rankings/{indicator}", responses=shape(Ranking))
async def get_ranking(
    indicator: str, _: Reader, boards: KpiBoards, now: Now, period: str | None = None
) -> Response:
    """The units by an indicator."""
    wanted = _months(period or str(now.year))
    return answer(Ranking(indicator, wanted.text, await boards.ranking_of(indicator, wanted)))


@router.get("/summary", responses=shape(Summary))
async def get_summary(
    _: Reader, boards: KpiBoards, alerting: Alerts, health: Health, now: Now
) -> Response:
    """What a leader looks at for thirty seconds: worst first."""
    items = boards.items("summary") if "summary" in boards.topics else []
    items.sort(key=lambda item: item.standing != "behind")
    return answer(Summary(now, items, alerting.open_items(), health.counts(now)))

"""`ioc forecast`: how good the forecasts of targets would have been on the demo's dossiers."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Annotated, Any

import msgspec
import numpy as np
import typer

from ioc.city.read import packaged_city, read_city
from ioc.city.spec import City
from ioc.clock import SystemClock
from ioc.forecast.backtest import Case, Days, Score, backtest, cases_before, score
from ioc.forecast.course import LEVEL
from ioc.procedures.calendar import vietnam
from ioc.simulate.calendar import Calendar
from ioc.simulate.dossiers import Office

app = typer.Typer(no_args_is_help=True, help="Forecasts of targets: how good they would have been.")


class CaseScore(msgspec.Struct):
    """How good the forecasts of one day were."""

    case: Case
    score: Score


class Backtested(msgspec.Struct):
    """How good all were, those of the province alone, and those of each day.

    `level` is which part ought to lie within the bounds.
    """

    dossiers: int
    units: int
    level: float
    all: Score
    province: Score
    cases: list[CaseScore]


@app.callback()
def _group() -> None:
    """Keep the name of the only command."""


@app.command("backtest")
def backtest_command(
    dossiers: Annotated[int, typer.Option(min=1_000, help="dossiers in all months")] = 60_000,
    months: Annotated[int, typer.Option(min=18, help="months of dossiers")] = 24,
    seed: Annotated[int, typer.Option(help="another seed is another province")] = 1,
    until: Annotated[
        str | None, typer.Option(help="the day after the last, today unless told")
    ] = None,
    json: Annotated[bool, typer.Option(help="as JSON")] = False,
) -> None:
    """Foresee the online share of all units of the demo province from days of the past year."""
    last = SystemClock().now().date() if until is None else date.fromisoformat(until)
    found = backtested(dossiers, months, seed, last)
    if json:
        typer.echo(msgspec.json.encode(found))
        return
    typer.echo(
        f"{found.dossiers} dossiers of {found.units} units; {found.level:.0%} ought to lie within"
    )
    typer.echo(_line("all", found.all))
    typer.echo(_line("the province", found.province))
    for one in found.cases:
        typer.echo(_line(f"{one.case.start} to {one.case.end}, on {one.case.on}", one.score))


def backtested(dossiers: int, months: int, seed: int, last: date) -> Backtested:
    """Simulate dossiers, foresee with what was known on days of the past, and compare."""
    # Takes seconds to import, which no other command should pay.
    from ioc.forecast.weekly import answer

    city = read_city(packaged_city())
    many, days = _days(
        city, dossiers / months, seed, last - timedelta(days=round(months * 30.4)), last
    )
    cases = [case for case in cases_before(last) if case.start > days.first]
    outcomes = backtest(days, cases, answer)
    whole = Days(
        days.first, days.numerators.sum(0)[None], days.denominators.sum(0)[None], days.working
    )
    return Backtested(
        dossiers=many,
        units=len(days.numerators),
        level=LEVEL,
        all=score(outcomes),
        province=score(backtest(whole, cases, answer)),
        cases=[CaseScore(case, score([o for o in outcomes if o.case == case])) for case in cases],
    )


def _days(city: City, a_month: float, seed: int, first: date, last: date) -> tuple[int, Days]:
    """Dossiers by day since the units are what they are."""
    begins = [event.effective for event in city.organisation.events if event.effective < last]
    first = max([first, *begins])
    office = Office(
        city.organisation, city.province.unit, Calendar(city.province.time_zone),
        seed=seed, a_month=a_month, ends=last,
    )  # fmt: skip
    width = (last - first).days
    over: dict[str, Any] = defaultdict(lambda: np.zeros(width))
    under: dict[str, Any] = defaultdict(lambda: np.zeros(width))
    for place in range(width):
        for dossier in office.day(first + timedelta(days=place)):
            under[dossier.handling_unit][place] += 1
            over[dossier.handling_unit][place] += dossier.channel == "online"
    calendar = vietnam(city.days)
    working = np.array([calendar.works(first + timedelta(days=n)) for n in range(width)])
    units = sorted(under)
    counts = np.array([under[unit] for unit in units])
    return int(counts.sum()), Days(first, np.array([over[unit] for unit in units]), counts, working)


def _line(name: str, found: Score) -> str:
    return (
        f"{name}: {found.coverage:.1%} of {found.forecasts} within the bounds, off by "
        f"{found.error:.2f} points (share so far: {found.naive_error:.2f}), "
        f"{found.width:.1f} wide"
    )

"""What is done again and again beside the flow: freshness, silence, boards, what was forbidden."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ingest.dossier_rules import DossierRules
from ioc.clock import monotonic
from ioc.errors import Invalid, Unavailable
from ioc.runtime.center import Center
from ioc.runtime.metered import Metered
from ioc.store import batches, dossier_judging, feeds, housekeeping, quarantine

log = logging.getLogger(__name__)

Chore = Callable[[], Awaitable[None]]

TICK_SECONDS: Final = 1.0
"""How often freshness, silence and forbidden publishes are looked at."""

FIRST_TICK_SECONDS: Final = 20.0
"""Silence is judged only after what waited in the broker has had time to come in."""

FIGURE_SECONDS: Final = 1.0
FIGURE_REST: Final = 60
"""Figures of newest values rest for that many times the CPU seconds that they took from the flow,
which has the same thread: with a million series they grow a little older instead of everything
slower."""

BOARD_SECONDS: Final = 1.0
BOARD_REST: Final = 4
"""Likewise the boards, of which somebody expects what just came in."""

BATCH_SECONDS: Final = 60.0
"""How often old batches are dropped."""

HOUSE_SECONDS: Final = 3600.0
"""How often partitions are made ahead and old observations deleted."""

QUARANTINE_SECONDS: Final = 60.0

REPORT_SECONDS: Final = 5.0
"""How often it is looked at which reports are overdue."""
JUDGE_FIGURE_SECONDS: Final = 10.0
JUDGE_FIGURE_REST: Final = 30
"""Figures that rules are about are judged so often, and rest for that many times the CPU seconds
that they took from the flow."""

WARNING_SECONDS: Final = 1.0
WARNING_REST: Final = 10
"""How often it is looked at which warnings are in force; it rests for that many times as long as
looking took."""

REPORT_REST: Final = 20
"""It rests for that many times as long as looking took."""

JUDGE_SECONDS: Final = 5.0
"""How often it is looked at whether the rules or days that dossiers are judged by have changed."""
JUDGE_REST: Final = 4
"""A slice of stored dossiers is judged anew after that many times as long as the last one took."""

SCORE_SECONDS: Final = 10.0
SCORE_REST: Final = 10
"""Scores rest for that many times as long as the database took to count."""

ESCALATION_SECONDS: Final = 5.0
"""How often it is looked at whether an incident rises because nobody acts."""
ESCALATION_REST: Final = 20

RHYTHM_SECONDS: Final = 5.0
"""How often it is looked at whether an hour is over that rhythms learn."""
RHYTHM_REST: Final = 20
"""Each slice rests for that many times the CPU seconds that it took from the flow, and as long as
the database took."""

TICKET_REST: Final = 4
"""The layer of field reports rests for that many times as long as reading them took."""

CHECKPOINT_SECONDS: Final = 10.0
CHECKPOINT_REST: Final = 20
"""Likewise each slice of what is kept for the next start: half a million busy series take seconds
of the database, which are spread over a minute."""

ASKED_SECONDS: Final = 5.0
"""How often it is looked at whether somebody asked for a forecast."""

FORECAST_SECONDS: Final = 60.0
FORECAST_REST: Final = 60
LONGEST_FORECAST_REST: Final = 900.0
"""Forecasts rest for that many times as long as they took, and a minute at least: with a short
history, as while the past still comes in, they cost next to nothing."""

LONGEST_REST: Final = 120.0
"""However long a database that stalled has taken."""


def chores(center: Center) -> dict[str, Chore]:
    """The chores by name; each lasts as long as the process, and one that ends takes it along.

    What is done once for all processes is done by the one that judges.
    """
    found: dict[str, Chore] = {
        "tick": lambda: tick(center),
        "checkpoint": lambda: keep_newest(center),
    }
    if center.role.shows or center.role.judges:
        found["figures"] = lambda: keep_figures(center)
        found["boards"] = lambda: keep_boards(center)
        found["standings"] = lambda: keep_standings(center)
        # Counting twice costs twice and does no harm; who shows or judges needs it in memory.
        found["scores"] = lambda: keep_scores(center)
        found["warnings"] = lambda: keep_warnings(center)
    if center.role.judges:
        found["housekeeping"] = lambda: keep_house(center)
        found["quarantine"] = lambda: tidy_quarantine(center)
        found["reports"] = lambda: judge_reports(center)
        found["escalation"] = lambda: escalate_incidents(center)
        found["rhythms"] = lambda: learn_rhythms(center)
        found["judging"] = lambda: judge_figures(center)
        found["dossiers"] = lambda: judge_dossiers(center)
    if center.role.judges and center.role.shared:
        found["batches"] = lambda: drop_batches(center)
    return found


async def tick(center: Center) -> None:
    """Let time pass: freshness, silence, counts of what was forbidden; for ever."""
    started = center.clock.now()
    while True:
        await asyncio.sleep(TICK_SECONDS)
        now = center.clock.now()
        for topic in center.live.age(now):
            center.hub.changed(topic)
        for topic in center.field_reports.age():
            center.hub.changed(topic)
        center.health.age(now)
        center.hub.changed(center.health.topic)
        if center.role.judges and now - started > timedelta(seconds=FIRST_TICK_SECONDS):
            await center.alerting.tick()
        await _count_forbidden(center, now)


async def _count_forbidden(center: Center, now: datetime) -> None:
    counted, center.forbidden = center.forbidden, {}
    if not counted:
        return
    minute = now.replace(second=0, microsecond=0)
    try:
        async with center.writes.connection() as conn:
            for agency, count in counted.items():
                await feeds.count_forbidden(conn, agency, count, minute)
    except Unavailable:
        for agency, count in counted.items():
            center.forbidden[agency] = center.forbidden.get(agency, 0) + count


async def drop_batches(center: Center) -> None:
    """Drop what the processes told each other long ago; for ever."""
    while True:
        await asyncio.sleep(BATCH_SECONDS)
        with suppress(Unavailable):
            await batches.drop_old(center.writes, center.clock.now())


async def tidy_quarantine(center: Center) -> None:
    """Let go what was held back longer than its feed allows; for ever."""
    while True:
        await asyncio.sleep(QUARANTINE_SECONDS)
        with suppress(Unavailable):
            await quarantine.tidy(center.writes, center.clock.now())


async def judge_reports(center: Center) -> None:
    """Look again and again at which reports are overdue; a lost database only delays that."""
    while True:
        began = monotonic()
        try:
            overdue = await center.reporting.overdue(center.clock.now())
            await center.alerting.judge_reports(overdue)
        except Unavailable:
            log.warning("the database is away; which reports are overdue is looked at later")
        except Invalid:
            log.exception("an obligation cannot be judged; correct it in reporting.toml")
        await asyncio.sleep(max(REPORT_SECONDS, REPORT_REST * (monotonic() - began)))


async def judge_figures(center: Center) -> None:
    """Look again and again at the figures that rules are about."""
    while True:
        rest = JUDGE_FIGURE_SECONDS
        looking = Metered(_judge_figures(center))
        try:
            await looking
        except Unavailable:
            log.warning("the database is away; figures are judged later")
        except Exception:
            log.exception("figures could not be judged; their alerts stay as they are")
        await asyncio.sleep(max(rest, JUDGE_FIGURE_REST * looking.seconds))


async def _judge_figures(center: Center) -> None:
    wanted = center.alerting.judged_indicators
    # Without boards that were computed nothing is known yet, which is no reason to end an alert.
    if not wanted or center.boards.computed_at is not None:
        await center.alerting.judge_figures(await center.boards.of_rules(wanted))


async def keep_warnings(center: Center) -> None:
    """Look again and again at which warnings are in force; a lost database only delays that."""
    while True:
        began = monotonic()
        try:
            await center.look_at_warnings()
        except Unavailable:
            log.warning("the database is away; warnings stay as they are")
        except Exception:
            log.exception("the warnings in force could not be shown; they stay as they are")
        await asyncio.sleep(max(WARNING_SECONDS, _rest(WARNING_REST, began)))


async def judge_dossiers(center: Center) -> None:
    """Judge stored dossiers anew where what they were judged by has changed; for ever."""
    while True:
        began, rest = monotonic(), JUDGE_SECONDS
        try:
            if await dossier_judging.step(center.writes, _rules(center)):
                rest = _rest(JUDGE_REST, began)
        except Unavailable:
            log.warning("the database is away; stored dossiers are judged anew later")
        except Exception:
            log.exception("stored dossiers could not be judged anew; they stay as they were judged")
        await asyncio.sleep(rest)


def _rules(center: Center) -> DossierRules:
    city, zone = center.facts.city, ZoneInfo(center.facts.zone)
    return DossierRules(
        zone=zone,
        province=zone,
        find_unit=city.organisation.resolve,
        now=center.clock.now(),
        timing=city.timing,
        calendar=city.calendar,
        terms=city.procedures,
    )


async def escalate_incidents(center: Center) -> None:
    """Let time raise and lower incidents; a lost database only delays that; for ever."""
    while True:
        began = monotonic()
        try:
            await center.incidents.tick()
        except Unavailable:
            log.warning("the database is away; incidents rise later")
        await asyncio.sleep(max(ESCALATION_SECONDS, _rest(ESCALATION_REST, began)))


async def learn_rhythms(center: Center) -> None:
    """Learn each hour once it is over, a slice of the series at a time; for ever."""
    while True:
        began, rest = monotonic(), RHYTHM_SECONDS
        learning = Metered(center.alerting.rhythms.learn_some(center.reads, center.clock.now()))
        try:
            if await learning:
                rest = max(_rest(1, began), RHYTHM_REST * learning.seconds)
        except Unavailable:
            log.warning("the database is away; rhythms are learned later")
        await asyncio.sleep(rest)


async def keep_figures(center: Center) -> None:
    """Evaluate the newest values again and again."""
    while True:
        looking = Metered(center.boards.look())
        try:
            await looking
        except Exception:
            log.exception("the newest values could not be evaluated; figures stay and age")
        await asyncio.sleep(max(FIGURE_SECONDS, FIGURE_REST * looking.seconds))


async def keep_boards(center: Center) -> None:
    """Compute the boards again and again; a lost database only makes them older."""
    while True:
        refreshing = Metered(center.boards.refresh())
        rest = BOARD_SECONDS
        try:
            for topic in await refreshing:
                center.hub.changed(topic)
        except Unavailable:
            log.warning("the database is away; the boards stay as they are and age")
            rest += BOARD_SECONDS
        except Exception:
            log.exception("the boards could not be computed; they stay as they are and age")
            rest += BOARD_SECONDS
        await asyncio.sleep(max(rest, BOARD_REST * refreshing.seconds))


async def keep_standings(center: Center) -> None:
    """Foresee again and again how targets end; without it they have the forecasts of before."""
    due = monotonic() + FIRST_TICK_SECONDS
    while True:
        await asyncio.sleep(ASKED_SECONDS)
        began = monotonic()
        try:
            if began >= due:
                due = began + LONGEST_FORECAST_REST
                await center.standings.refresh(center.clock.now())
                rest = max(FORECAST_SECONDS, FORECAST_REST * (monotonic() - began))
                due = monotonic() + min(LONGEST_FORECAST_REST, rest)
            elif center.standings.is_asked:
                await center.standings.answer_asked(center.clock.now())
        except Exception:
            log.exception("the forecasts could not be made; they stay as they are and age")


async def keep_scores(center: Center) -> None:
    """Count the quality of the data again and again; a lost database only makes scores older."""
    while True:
        began, rest = monotonic(), SCORE_SECONDS
        try:
            await center.scoring.refresh()
            rest = max(rest, _rest(SCORE_REST, began))
        except Exception:
            log.exception("the scores could not be counted; they stay as they are and age")
        await asyncio.sleep(rest)


async def show_field_reports(center: Center) -> None:
    """Show what tickets have become, and let the database rest before it is asked again."""
    began = monotonic()
    await center.show_field_reports()
    await asyncio.sleep(_rest(TICKET_REST, began))


async def keep_newest(center: Center) -> None:
    """Keep the newest observations again and again; a lost database only makes them older."""
    checkpoint = center.writer.checkpoint
    while True:
        for some in checkpoint.slices():
            began = monotonic()
            if not await checkpoint.keep_some(some):
                break
            await asyncio.sleep(_rest(CHECKPOINT_REST, began))
        await asyncio.sleep(CHECKPOINT_SECONDS)


def _rest(times: float, began: float) -> float:
    """How long to leave the database alone after what it has done since `began`."""
    return min(LONGEST_REST, times * (monotonic() - began))


async def keep_house(center: Center) -> None:
    """Keep the store in order; for ever."""
    while True:
        await housekeeping.keep_house(center.url, center.clock.now())
        await asyncio.sleep(HOUSE_SECONDS)

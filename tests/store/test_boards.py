"""The figures of the boards from dossiers that are really stored."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ingest.dossier import DossierState, Way
from ioc.flow.boards import Boards
from ioc.flow.standing import Standings
from ioc.forecast.forecaster import Forecaster
from ioc.live.feeds import FeedHealth
from ioc.live.latest import Latest
from ioc.live.topic import StateTopic
from ioc.live.wire import FigureItem
from ioc.model import Series, SeriesId, to_micros
from ioc.org import Level, Organisation, UnitVersion
from ioc.procedures.calendar import Calendar
from ioc.store import dossier_sums, dossiers
from ioc.store.city import Described, Target
from ioc.store.pool import ReadPool, WritePool
from ioc.store.registry import Registry
from tests.fixtures.decoding import a_feed
from tests.fixtures.store import ZONE, a_feed_key, a_province

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
JANUARY = datetime(2026, 1, 1, tzinfo=ZoneInfo(ZONE))

INDICATORS: dict[str, dict[str, Any]] = {
    "online-share": {
        "name": {"vi": "Trực tuyến", "en": "Online"}, "domain": "service", "kind": "share",
        "source": "dossiers", "numerator": "received_online",
        "denominator": ["received_direct", "received_online", "received_post"], "uom": "%",
        "decimals": 1, "direction": "up",
    },
    "on-time-share": {
        "name": {"vi": "Đúng hạn", "en": "On time"}, "domain": "service", "kind": "share",
        "source": "dossiers", "numerator": ["resolved_early", "resolved_on_time"],
        "denominator": ["resolved_early", "resolved_on_time", "resolved_late"], "uom": "%",
        "decimals": 1, "direction": "up",
    },
    "in-hand-overdue": {
        "name": {"vi": "Quá hạn", "en": "Overdue"}, "domain": "service", "kind": "sum",
        "source": "dossiers", "numerator": "in_hand_overdue", "uom": "1", "decimals": 0,
        "direction": "down",
    },
}  # fmt: skip


class Hand:
    def now(self) -> datetime:
        return NOW


def _version(unit: str, level: Level, parent: str | None = None) -> UnitVersion:
    return UnitVersion(
        unit=unit, valid_from=date(2020, 1, 1), name=unit, short_name=unit, level=level,
        parent=parent,
    )  # fmt: skip


class Desk:
    """Boards over a province `tinh` with the departments so-a and so-b."""

    def __init__(self, boards: Boards, writes: WritePool, units: dict[str, int], feed: int) -> None:
        self.boards, self._writes, self._units, self._feed = boards, writes, units, feed
        self._made = 0

    async def receive(self, many: int, channel: Way, unit: str = "so-a", **more: Any) -> None:
        rows = [
            DossierState(
                code=f"HS-{self._made + n}", procedure="p", field="",
                received_unit=unit, handling_unit=unit, applicant_unit=None, channel=channel,
                outcome=None, changed_at=NOW,
                **{"received_at": JANUARY, "due_at": None, "resolved_at": None, **more},
            )
            for n in range(many)
        ]  # fmt: skip
        self._made += many
        await dossiers.put(
            self._writes, self._feed, rows, [], units=self._units, zone=ZONE, now=NOW
        )
        # Boards may rest between two counts; a test does not wait for that.
        while await dossier_sums.recount(self._writes):
            pass

    async def figures(self) -> dict[str, FigureItem]:
        await self.boards.refresh()
        return {item.id: item for item in self.boards.items("procedures")}


@pytest.fixture
async def desk(database: str, pools: tuple[ReadPool, WritePool]) -> Desk:
    units = await a_province(database, "so-a", "so-b")
    health = FeedHealth("e", Hand().now)
    boards = Boards(
        registry=Registry(), latest=Latest(), health=health, reads=pools[0], writes=pools[1],
        units_topic=StateTopic("units", "e"), epoch="e", clock=Hand(), zone=ZONE,
    )  # fmt: skip
    organisation = Organisation(
        [
            _version("tinh", Level.PROVINCE),
            _version("so-a", Level.DEPARTMENT, "tinh"),
            _version("so-b", Level.DEPARTMENT, "tinh"),
        ]
    )
    targets = [
        Target("online-share", "tinh", date(2026, 1, 1), date(2027, 1, 1), 51, "up", "KH", True),
        Target("on-time-share", "tinh", date(2025, 1, 1), date(2026, 1, 1), 98, "up", "KH", True),
    ]
    ranked = ["online-share", "on-time-share"]
    board = {"figures": list(INDICATORS), "units": "children", "ranked": ranked}
    boards.load(
        Described(organisation, {}, {}, {}, {"procedures": board}, {}, INDICATORS, targets), "tinh"
    )
    return Desk(boards, pools[1], units, await a_feed_key(database))


async def test_ten_of_twenty_five_online_are_forty_percent_and_behind_a_target_of_51(
    desk: Desk,
) -> None:
    await desk.receive(10, "online")
    await desk.receive(12, "direct", "so-b")
    await desk.receive(3, "post", "so-b")
    item = (await desk.figures())["online-share"]
    assert (item.value, item.numerator, item.denominator) == (40.0, 10, 25)
    assert item.target is not None
    assert (item.target.value, item.standing, item.period) == (51, "behind", "2026")


async def test_the_provinces_figure_says_where_it_is_headed(desk: Desk) -> None:
    await desk.receive(10, "online")
    await desk.receive(15, "direct", "so-b")
    boards = desk.boards
    standings = Standings(
        figures=boards.figures, cube=boards.dossiers.cube,
        targets=lambda: [
            Target("online-share", "tinh", date(2026, 1, 1), date(2027, 1, 1), 51, "up", "KH", True)
        ],
        calendar=Calendar, forecaster=Forecaster(),
    )  # fmt: skip
    boards.standing_of = standings.standing_of
    assert (await desk.figures())["online-share"].outlook is None
    await standings.refresh(NOW)
    await desk.receive(1, "online")
    found = await desk.figures()
    outlook = found["online-share"].outlook
    assert outlook is not None
    assert outlook.course in ("at_risk", "off_track")
    assert found["online-share@so-a"].outlook is None


async def test_the_oldest_overdue_are_late_by_working_days_up_to_a_pause(desk: Desk) -> None:
    def morning(day: int) -> datetime:
        return datetime(2026, 11, day, 8, tzinfo=ZoneInfo(ZONE))

    # It is Sunday the 22nd.
    await desk.receive(1, "direct", due_at=morning(16), paused_since=morning(18))
    await desk.receive(1, "direct", due_at=morning(18))
    await desk.receive(1, "direct", due_at=morning(20))
    late = (await desk.figures())["in-hand-overdue"].late
    assert [(one.due_at, one.days_late) for one in late] == [
        (morning(16), 2), (morning(18), 2), (morning(20), 0)
    ]  # fmt: skip


async def test_a_share_of_nothing_is_null_and_stands_nowhere(desk: Desk) -> None:
    item = (await desk.figures())["online-share"]
    assert (item.value, item.numerator, item.denominator) == (None, None, None)
    assert item.standing == "none"


async def test_dossiers_received_but_none_resolved_have_no_share_on_time(desk: Desk) -> None:
    await desk.receive(3, "online")
    item = (await desk.figures())["on-time-share"]
    assert (item.value, item.numerator, item.denominator) == (None, 0, 0)


async def test_dossiers_without_a_due_time_do_not_count_as_on_time(desk: Desk) -> None:
    await desk.receive(3, "online", resolved_at=JANUARY)
    await desk.receive(1, "online", resolved_at=JANUARY, due_at=JANUARY, timeliness="on_time")
    item = (await desk.figures())["on-time-share"]
    assert (item.value, item.numerator, item.denominator) == (100.0, 1, 1)


async def test_a_target_of_last_year_is_not_this_years(desk: Desk) -> None:
    await desk.receive(1, "online", resolved_at=JANUARY, due_at=JANUARY)
    assert (await desk.figures())["on-time-share"].target is None


async def test_units_are_ranked_best_first_and_those_without_dossiers_are_left_out(
    desk: Desk,
) -> None:
    await desk.receive(1, "online", "so-b")
    assert list(await desk.figures()) == [
        "online-share", "on-time-share", "in-hand-overdue", "online-share@so-b",
        "on-time-share@so-b",
    ]  # fmt: skip
    await desk.receive(1, "online")
    await desk.receive(1, "post")
    items = [
        item for key, item in (await desk.figures()).items() if key.startswith("online-share@")
    ]
    assert [(item.id, item.value, item.rank) for item in items] == [
        ("online-share@so-b", 100.0, 1), ("online-share@so-a", 50.0, 2),
    ]  # fmt: skip


async def test_the_year_is_that_of_the_provinces_calendar(desk: Desk) -> None:
    await desk.receive(1, "online", received_at=JANUARY)
    await desk.receive(1, "direct", received_at=datetime(2025, 12, 31, 16, 59, 59, tzinfo=UTC))
    item = (await desk.figures())["online-share"]
    assert (item.numerator, item.denominator) == (1, 1)


async def test_what_is_in_hand_and_overdue_has_a_line_of_months_and_a_year_before(
    desk: Desk,
) -> None:
    held = {
        id: {
            "name": {"vi": id, "en": id}, "domain": "service", "kind": "count",
            "source": "dossiers", "numerator": measure, "uom": "{dossiers}", "decimals": 0,
            "direction": "down",
        }
        for id, measure in (("dossiers-in-hand", "in_hand"), ("in-hand-overdue", "in_hand_overdue"))
    }  # fmt: skip
    organisation = Organisation([_version("tinh", Level.PROVINCE)])
    board = {"figures": list(held), "units": "children"}
    desk.boards.load(
        Described(organisation, {}, {}, {}, {"procedures": board}, {}, held, []), "tinh"
    )
    filed = JANUARY.replace(year=2025, month=10)
    await desk.receive(2, "post", "tinh", received_at=filed, due_at=JANUARY.replace(month=2, day=9))
    await desk.receive(
        3, "post", "tinh", received_at=filed, due_at=filed.replace(month=11),
        resolved_at=JANUARY.replace(month=4), timeliness="late",
    )  # fmt: skip
    found = await desk.figures()
    overdue, in_hand = found["in-hand-overdue"], found["dossiers-in-hand"]
    assert overdue.trend is not None
    assert in_hand.trend is not None
    assert overdue.trend.value == [3, 3, 5, 5] + [2] * 8
    assert in_hand.trend.value == [5, 5, 5, 5] + [2] * 8
    assert overdue.trend.ghost[-2:] == [0, 3]
    assert overdue.previous is not None
    assert in_hand.previous is not None
    assert (overdue.value, overdue.previous.value, in_hand.previous.value) == (2, 3, 5)


async def test_only_figures_that_changed_are_sent(desk: Desk) -> None:
    await desk.receive(1, "online")
    await desk.figures()
    topic = desk.boards.topics["procedures"]
    offset = topic.offset
    assert topic not in await desk.boards.refresh()
    await desk.receive(1, "direct")
    assert topic in await desk.boards.refresh()
    assert topic.offset > offset


async def test_boards_show_the_same_figure_of_newest_values_that_is_told_when_asked(
    pools: tuple[ReadPool, WritePool],
) -> None:
    registry, latest = Registry(), Latest()
    registry.feeds = {1: a_feed(interval=60.0)}
    for number, prop in enumerate(("beds", "occupied") * 2, start=1):
        registry._put(
            Series(id=SeriesId(number), feed_key=1, key=f"{number}", property=prop,
                   feature=f"f/{(number + 1) // 2}")
        )  # fmt: skip
        latest.time[number], latest.value[number] = to_micros(NOW), 10 * number
    boards = Boards(
        registry=registry, latest=latest, health=FeedHealth("e", Hand().now), reads=pools[0],
        writes=pools[1], units_topic=StateTopic("units", "e"), epoch="e", clock=Hand(), zone=ZONE,
    )  # fmt: skip
    term = {"property": "occupied", "take": "sum"}
    sane = INDICATORS["online-share"] | {"source": "latest", "numerator": term}
    indicators = {
        "share": sane | {"denominator": {"property": "beds", "take": "sum"}},
        "sum": {key: sane[key] for key in sane if key != "denominator"} | {"kind": "sum"},
    }
    shown = {"overview": {"figures": ["share", "sum"]}, "summary": {"figures": ["share"]}}
    boards.load(
        Described(Organisation([]), {}, {}, {}, shown, {}, indicators, []), "tinh"
    )  # fmt: skip
    await boards.refresh()
    for board, topic in boards.topics.items():
        items = [msgspec.json.decode(item, type=FigureItem) for item in topic.items()]
        assert items == boards.items(board)
    assert [item.value for item in boards.items("overview")] == [150.0, 60.0]

"""The layer of field reports: what is open is on it, as it stands, for whom it is meant."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ioc.flow.field_reports import FieldReports
from ioc.live.topic import StateTopic
from ioc.org import Organisation
from ioc.store.pool import ReadPool
from ioc.store.ticket_places import PlacedReport
from ioc.tickets.life import ENDED, State

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
UNITS = ("so-a", "so-b", "so-c")
NAMES = {"o-ga": "Ổ gà"}


def _report(number: int, **more: Any) -> PlacedReport:
    plain = PlacedReport(
        ticket_id=UUID(int=number), category="o-ga", state="assigned", unit="so-a", lead="so-b",
        due_at=NOW + timedelta(hours=1), changed_at=NOW, longitude=105.3, latitude=21.3,
    )  # fmt: skip
    return replace(plain, **more)


class Layer:
    """The layer at a time that tests set."""

    def __init__(self) -> None:
        self.now = NOW
        organisation = Organisation([])
        self.reports = FieldReports(
            reads=cast(ReadPool, None), topic=StateTopic("layer:field-reports", "e"), epoch="e",
            organisation=lambda: organisation, now=lambda: self.now,
        )  # fmt: skip

    def show(self, *rows: PlacedReport) -> list[str]:
        return [topic.name for topic in self.reports.show(rows, NAMES)]


def _items(topic: StateTopic) -> dict[str, dict[str, Any]]:
    found = [msgspec.json.decode(item) for item in topic.items()]
    return {item["id"]: item for item in found}


def _only(topic: StateTopic) -> dict[str, Any]:
    [item] = _items(topic).values()
    return item


def _words(topic: StateTopic) -> dict[str, str]:
    values = _only(topic)["properties"]["values"]
    return {name: value["value"] for name, value in values.items()}


def test_a_report_is_a_point_with_its_category_its_state_and_its_clock() -> None:
    layer = Layer()
    layer.show(_report(1))
    item = _only(layer.reports.topic)
    assert item["geometry"] == {"type": "Point", "coordinates": [105.3, 21.3]}
    assert item["properties"]["name"] == "Ổ gà"
    assert _words(layer.reports.topic) == {
        "clock": "running", "state": "assigned", "category": "o-ga",
    }  # fmt: skip


def test_a_report_becomes_overdue_by_itself_but_not_while_its_reporter_is_asked() -> None:
    layer = Layer()
    layer.show(_report(1), _report(2, state="waiting"))
    layer.now += timedelta(hours=1)
    assert layer.reports.age() == []
    layer.now += timedelta(seconds=1)
    assert layer.reports.age() == [layer.reports.topic]
    items = _items(layer.reports.topic)
    shown = [items[str(UUID(int=n))]["properties"] for n in (1, 2)]
    assert [one["values"]["clock"]["value"] for one in shown] == ["missed", "paused"]
    assert [one["severity"] for one in shown] == ["medium", None]
    assert layer.reports.age() == []


def test_what_is_open_no_more_leaves_and_what_stands_as_before_sends_nothing() -> None:
    layer = Layer()
    layer.show(_report(1), _report(2))
    assert layer.show(_report(1), _report(2)) == []
    assert layer.show(_report(2)) == ["layer:field-reports"]
    assert list(_items(layer.reports.topic)) == [str(UUID(int=2))]


def test_a_category_that_is_renamed_is_renamed_on_what_stands_there() -> None:
    layer = Layer()
    layer.show(_report(1))
    layer.reports.show([_report(1)], {"o-ga": "Mặt đường hỏng"})
    assert _only(layer.reports.topic)["properties"]["name"] == "Mặt đường hỏng"


def test_a_deadline_that_passes_unseen_is_seen_when_anything_is_shown() -> None:
    layer = Layer()
    layer.show(_report(1))
    layer.now += timedelta(hours=2)
    layer.show(_report(1))
    assert _words(layer.reports.topic)["clock"] == "missed"


def test_a_box_holds_the_reports_within_it() -> None:
    layer = Layer()
    layer.show(_report(1), _report(2, longitude=106.0))
    [inside] = layer.reports.topic.items((105.0, 21.0, 105.5, 21.5))
    assert msgspec.json.decode(inside)["id"] == str(UUID(int=1))


def test_a_report_that_goes_to_another_unit_leaves_the_first_ones_view() -> None:
    layer = Layer()
    mine, theirs = layer.reports.of(["so-a"]), layer.reports.of(["so-b"])
    layer.show(_report(1))
    assert (len(mine), len(theirs)) == (1, 0)
    layer.show(_report(1, unit="so-b"))
    assert (len(mine), len(theirs)) == (0, 1)


_reports = st.builds(
    _report,
    st.integers(0, 5),
    unit=st.sampled_from([None, *UNITS]),
    state=st.sampled_from(sorted(set(State) - ENDED)),
    due_at=st.sampled_from([NOW + timedelta(hours=hours) for hours in (-1, 0, 1, 2)]),
)
_lists = st.lists(_reports, max_size=6, unique_by=lambda row: row.ticket_id)


@given(
    st.lists(st.tuples(_lists, st.integers(0, 90)), max_size=5),
    st.lists(st.sampled_from(UNITS), min_size=1, unique=True),
    st.integers(0, 5),
)
def test_every_view_holds_the_open_reports_of_its_units_as_one_made_now_would(
    steps: Sequence[tuple[Sequence[PlacedReport], int]], units: list[str], opened: int
) -> None:
    layer = Layer()
    rows: Sequence[PlacedReport] = ()
    for number, (rows, minutes) in enumerate(steps):
        if number == opened:
            layer.reports.of(units)
        layer.show(*rows)
        layer.now += timedelta(minutes=minutes)
    layer.reports.age()
    fresh = Layer()
    fresh.now = layer.now
    fresh.show(*rows)
    everything = _items(layer.reports.topic)
    assert everything == _items(fresh.reports.topic)
    own = {str(row.ticket_id) for row in rows if row.unit in units}
    assert _items(layer.reports.of(units)) == {key: everything[key] for key in own}

"""How alerts are told by CAP."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.cap import Certainty, Grade, Kind, Status, Urgency
from alerts.cap_telling import area_of, messages_of, severity_of
from ioc.model import Severity
from tests.fixtures.cap import AREA, SETTING, entry, shown


def test_an_alert_is_told_updated_and_cancelled_by_its_log() -> None:
    log = [
        entry(1),
        entry(2, severity=Severity.CRITICAL, national_level=4),
        entry(3, state="cleared"),
    ]
    found = messages_of(log, AREA, SETTING)
    assert [one.kind for one in found] == [Kind.ALERT, Kind.UPDATE, Kind.CANCEL]
    assert found[2].infos[0].urgency is Urgency.PAST


def test_what_people_do_among_themselves_is_told_to_nobody() -> None:
    assert len(messages_of([entry(1), entry(2), entry(3)], AREA, SETTING)) == 1


@given(st.lists(st.sampled_from(Severity), min_size=1, max_size=20))
def test_each_message_names_all_before_it(severities: list[Severity]) -> None:
    log = [
        entry(n, severity=severity, national_level=None) for n, severity in enumerate(severities)
    ]
    found = messages_of(log, AREA, SETTING)
    assert found[0].references == ()
    for before, after in pairwise(found):
        assert after.references == (*before.references, before.reference)
    assert len({one.identifier for one in found}) == len(found)


def test_a_longer_log_changes_no_earlier_message() -> None:
    log = [entry(1), entry(2, severity=Severity.LOW, national_level=1), entry(3, state="cleared")]
    assert messages_of(log[:2], AREA, SETTING) == messages_of(log, AREA, SETTING)[:2]


@pytest.mark.parametrize(
    ("more", "simulated", "status"),
    [
        ({}, False, Status.ACTUAL),
        ({}, True, Status.TEST),
        ({"exercise": True}, False, Status.EXERCISE),
        ({"exercise": True}, True, Status.EXERCISE),
    ],
)
def test_exercises_and_invented_figures_are_never_actual(
    more: dict[str, Any], simulated: bool, status: Status
) -> None:
    setting = msgspec.structs.replace(SETTING, simulated=simulated)
    assert messages_of([entry(1, **more)], AREA, setting)[0].status is status


@pytest.mark.parametrize(
    ("severity", "level", "grade"),
    [
        (Severity.CRITICAL, None, Grade.EXTREME),
        (Severity.LOW, None, Grade.MINOR),
        (Severity.LOW, 3, Grade.SEVERE),
        (Severity.LOW, 5, Grade.EXTREME),
    ],
)
def test_the_national_level_decides_where_there_is_one(
    severity: Severity, level: int | None, grade: Grade
) -> None:
    found = severity_of(shown(severity=severity, national_level=level))
    assert found.word == grade
    assert str(level or severity.value) in found.why


def test_the_national_level_goes_along_as_it_is() -> None:
    info = messages_of([entry(1)], AREA, SETTING)[0].infos[0]
    assert dict(info.parameters)["national-level"] == "3"


def test_missing_data_are_not_told_as_observed() -> None:
    info = messages_of([entry(1, kind="missing")], AREA, SETTING)[0].infos[0]
    assert info.certainty is Certainty.UNKNOWN


def test_vietnamese_comes_first() -> None:
    infos = messages_of([entry(1)], AREA, SETTING)[0].infos
    assert [info.language for info in infos] == ["vi-VN", "en-US"]
    assert infos[0].event == "Nước sông vượt báo động II"


def test_a_point_becomes_a_circle_a_polygon_its_outer_ring_a_line_its_box() -> None:
    ring = [[105.0, 21.0], [105.1, 21.0], [105.1, 21.1], [105.0, 21.0]]
    geometry = {
        "type": "GeometryCollection",
        "geometries": [
            {"type": "Point", "coordinates": [105.4, 21.3]},
            {"type": "MultiPolygon", "coordinates": [[ring, ring]]},
            {"type": "LineString", "coordinates": [[105.0, 21.2], [105.3, 21.0]]},
        ],
    }
    area = area_of("Việt Trì", geometry)
    assert [(one.longitude, one.latitude) for one in area.circles] == [(105.4, 21.3)]
    assert area.rings[0] == tuple((x, y) for x, y in ring)
    assert len(area.rings) == 2
    assert area.rings[1][0] == area.rings[1][-1] == (105.0, 21.0)


def test_an_area_without_a_geometry_has_its_words() -> None:
    assert area_of("Tỉnh", None).description == "Tỉnh"

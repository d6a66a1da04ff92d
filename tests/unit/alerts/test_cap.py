"""How alerts are told by CAP."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.cap import Area, Certainty, Circle, Grade, Info, Kind, Message, Status, Urgency
from alerts.cap_hearing import ends_at, geometry_of, warned
from alerts.cap_telling import area_of, messages_of, severity_of
from ioc.model import SEVERITY_RANK, Severity, Text
from tests.fixtures.cap import AREA, SENT, SETTING, entry, shown


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


INFO = Info(
    categories=("Met",), event="mưa lớn", urgency=Urgency.EXPECTED, severity=Grade.EXTREME,
    certainty=Certainty.LIKELY,
)  # fmt: skip


def _message(*infos: Info, **more: Any) -> Message:
    given: dict[str, Any] = {
        "identifier": "a", "sender": "x@y", "sent": SENT, "status": Status.ACTUAL,
        "kind": Kind.ALERT, "infos": infos,
    }  # fmt: skip
    return Message(**{**given, **more})


@pytest.mark.parametrize(
    ("trusted", "severity"), [(True, Severity.CRITICAL), (False, Severity.HIGH)]
)
def test_only_what_is_trusted_is_critical(trusted: bool, severity: Severity) -> None:
    found = warned(_message(INFO), trusted=trusted)
    assert found.severity is severity
    assert ("unverified" in found.why) is not trusted


@given(st.lists(st.sampled_from(Grade), min_size=1, max_size=6))
def test_the_worst_block_decides_and_nothing_unverified_is_critical(grades: list[Grade]) -> None:
    infos = [msgspec.structs.replace(INFO, severity=grade) for grade in grades]
    found = warned(_message(*infos), trusted=False)
    assert found.severity is not Severity.CRITICAL
    alone = {warned(_message(one), trusted=False).severity for one in infos}
    assert found.severity is min(alone, key=lambda one: SEVERITY_RANK[one])


def test_the_title_is_in_the_language_that_there_is() -> None:
    vi = msgspec.structs.replace(INFO, language="vi", headline="Mưa lớn")
    en = msgspec.structs.replace(INFO, language="en-AU", headline="Heavy rain")
    assert warned(_message(en, vi), trusted=False).title == Text("Mưa lớn", "Heavy rain")
    assert warned(_message(en), trusted=False).title == Text("Heavy rain", "Heavy rain")


def test_a_warning_ends_with_its_last_block_or_a_day_after_it_was_sent() -> None:
    later = msgspec.structs.replace(INFO, expires=SENT + timedelta(hours=3))
    sooner = msgspec.structs.replace(INFO, expires=SENT + timedelta(hours=1))
    assert ends_at(_message(sooner, later)) == SENT + timedelta(hours=3)
    assert ends_at(_message(INFO)) == SENT + timedelta(days=1)


@pytest.mark.parametrize("more", [{"urgency": Urgency.PAST}, {"responses": ("AllClear",)}])
def test_an_all_clear_warns_of_nothing(more: dict[str, Any]) -> None:
    assert ends_at(_message(msgspec.structs.replace(INFO, **more))) == SENT
    assert ends_at(_message(INFO, msgspec.structs.replace(INFO, **more))) > SENT


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 20_000))
def test_every_circle_is_a_ring_on_the_map(
    longitude: float, latitude: float, radius: float
) -> None:
    geometry = geometry_of([Area(description="x", circles=(Circle(longitude, latitude, radius),))])
    assert geometry is not None
    ring = geometry["coordinates"][0][0]
    assert ring[0] == ring[-1]
    assert all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in ring)


def test_an_area_in_words_only_has_no_geometry() -> None:
    assert geometry_of([Area(description="cả tỉnh")]) is None

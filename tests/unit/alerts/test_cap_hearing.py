"""What messages of CAP mean to us."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.cap import Area, Certainty, Circle, Grade, Info, Kind, Message, Status, Urgency
from alerts.cap_hearing import ends_at, geometry_of, warned
from ioc.model import SEVERITY_RANK, Severity, Text
from tests.fixtures.cap import SENT

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

"""What the open alerts show on the map is always what all of them say together."""

from dataclasses import replace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from ioc.flow.open_alerts import OpenAlerts
from ioc.model import SEVERITY_RANK, Feature, Severity
from ioc.store.alerts import AlertRow
from tests.unit.flow.test_muting import NOW, an_alert

MUTED = {"cause": "silence", "by": "x", "rule": "", "why": "", "until": None}


class Places:
    """The feature of an alert is the one that its subject names."""

    def feature(self, row: AlertRow) -> Feature | None:
        if row.subject is None:
            return None
        return Feature(id=row.subject, feed_key=1, name="Đường", layer="roads")


class Map:
    """The severities that features show."""

    def __init__(self) -> None:
        self.shown: dict[str, Severity] = {}

    def set_severity(self, key: str, severity: Severity | None) -> str | None:
        if severity is None:
            return "roads" if self.shown.pop(key, None) else None
        differs = self.shown.get(key) != severity
        self.shown[key] = severity
        return "roads" if differs else None


changes = st.lists(
    st.tuples(
        st.integers(0, 4), st.sampled_from(list(Severity)),
        st.sampled_from(["active", "cleared", "closed", "muted"]),
    ),
    max_size=20,
)  # fmt: skip


@given(changes)
def test_a_feature_shows_the_worst_of_its_active_alerts(
    moves: list[tuple[int, Severity, str]],
) -> None:
    city, rows = Map(), [an_alert(minute=n, subject=[None, "a", "b"][n % 3]) for n in range(5)]
    alerts = OpenAlerts(cast("Any", Places()), cast("Any", city))
    for number, severity, state in moves:
        row = rows[number] = replace(
            rows[number], severity=severity.value, state="active" if state == "muted" else "cleared"
            if state == "closed" else state, closed_at=NOW if state == "closed" else None,
            muted=MUTED if state == "muted" else None,
        )  # fmt: skip
        before = dict(city.shown)
        layer = alerts.take(row)
        alerts.forget_closed([row])
        assert (layer == "roads") is (city.shown != before)
        expected: dict[str, Severity] = {}
        for one in sorted(alerts.rows.values(), key=lambda r: -SEVERITY_RANK[Severity(r.severity)]):
            if one.subject and one.state == "active" and one.muted is None:
                expected[one.subject] = Severity(one.severity)
        assert city.shown == expected
        assert alerts.of_kind("threshold").keys() == {
            r.fingerprint for r in alerts.rows.values() if r.state == "active"
        }

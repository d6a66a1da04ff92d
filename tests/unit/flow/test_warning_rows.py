"""What becomes of alerts by what is warned of."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from alerts.cap import Certainty, Grade, Info, Kind, Message, Status, Urgency
from ioc.flow.alert_items import AlertItems
from ioc.flow.warning_rows import changes, standings
from ioc.live.latest import Latest
from ioc.live.state import LiveState
from ioc.org import Organisation
from ioc.store.alerts import AlertRow
from ioc.store.registry import Registry
from ioc.store.warnings import WarningRow

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
ITEMS = AlertItems(Registry(), LiveState(Latest(), "e", lambda: NOW), "Asia/Ho_Chi_Minh")
ITEMS.load({}, Organisation([]), {1: "tinh"}, NOW.date())


def _row(
    name: str, *, lineage: str = "", severity: Grade = Grade.SEVERE, **more: Any
) -> WarningRow:
    info = Info(
        categories=("Met",), event=f"mưa {name}", urgency=Urgency.EXPECTED, severity=severity,
        certainty=Certainty.LIKELY, description="mưa lớn",
    )  # fmt: skip
    message = Message(
        identifier=name, sender="x@y", sent=NOW, status=Status.ACTUAL, kind=Kind.ALERT,
        infos=(info,),
    )  # fmt: skip
    given: dict[str, Any] = {
        "warning_id": UUID(int=len(name)), "feed_key": 7, "sender": "x@y", "identifier": name,
        "sent": NOW, "kind": "Alert", "lineage": lineage or name,
        "ends": NOW + timedelta(hours=1), "signature": "absent",
        "document": msgspec.to_builtins(message), "received_at": NOW, "received_by": "feed:f",
    }  # fmt: skip
    return WarningRow(**{**given, **more})


def _after(rows: Sequence[WarningRow], before: dict[str, AlertRow]) -> dict[str, AlertRow]:
    """The open alerts once all is done."""
    after = dict(before)
    for row, _ in changes(ITEMS, standings(rows, ZONE, "tinh"), before, NOW):
        after[row.fingerprint] = row
    return {mark: row for mark, row in after.items() if row.state != "cleared"}


@given(st.lists(st.text("abc", min_size=1, max_size=3), unique=True))
def test_what_was_done_is_not_done_again(names: list[str]) -> None:
    rows = [_row(name) for name in names]
    stands = _after(rows, {})
    assert len(stands) == len(names)
    assert not list(changes(ITEMS, standings(rows, ZONE, "tinh"), stands, NOW))


def test_of_one_lineage_the_newest_message_tells() -> None:
    (alert,) = _after([_row("bb", lineage="a"), _row("a")], {}).values()
    assert alert.about is not None
    assert alert.about["title"]["vi"] == "mưa bb"


def test_the_same_message_by_two_feeds_is_two_alerts() -> None:
    assert len(_after([_row("a"), _row("a", feed_key=8)], {})) == 2


def test_an_update_that_is_milder_leaves_the_acknowledgement() -> None:
    (alert,) = _after([_row("a")], {}).values()
    seen = replace(alert, acknowledged_at=NOW, acknowledged_by="lan")
    milder = [_row("bb", lineage="a", severity=Grade.MINOR)]
    (after,) = _after(milder, {seen.fingerprint: seen}).values()
    assert (after.severity, after.acknowledged_by) == ("low", "lan")
    worse = [_row("bb", lineage="a", severity=Grade.SEVERE)]
    (again,) = _after(worse, {after.fingerprint: after}).values()
    assert (again.severity, again.acknowledged_by) == ("high", None)


def test_what_is_typed_in_is_trusted_and_said_to_be() -> None:
    (alert,) = _after([_row("a", feed_key=None, severity=Grade.EXTREME)], {}).values()
    assert alert.about is not None
    assert (alert.severity, alert.unit_key) == ("critical", 1)
    assert "nhập tay" in alert.about["reason"]["vi"]


def test_what_is_over_clears() -> None:
    assert _after([], _after([_row("a")], {})) == {}

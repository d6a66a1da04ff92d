"""Forecasts at the front door: made by a child process from what came in, beside the standing."""

from datetime import timedelta
from typing import Any

from tests.fixtures.server import Server, eventually, now

UNIT = "so-khoa-hoc-cong-nghe"
WEEKS = 20


def _dossiers() -> list[dict[str, Any]]:
    """Ten a week for months, six of them online."""
    found: list[dict[str, Any]] = []
    for week in range(WEEKS):
        at = (now() - timedelta(days=7 * week + 2)).isoformat()
        found += [
            {
                "code": f"F-{week}-{n}", "procedure": "1.1", "received_unit": UNIT,
                "handling_unit": UNIT, "channel": "online" if n < 6 else "direct",
                "received_at": at, "changed_at": at,
            }
            for n in range(10)
        ]  # fmt: skip
    return found


def test_the_end_of_the_period_is_foreseen_from_the_weeks_before(server: Server) -> None:
    client = server.sign_in("leader")
    period = f"{now().date() - timedelta(days=60)}/{now().date() + timedelta(days=60)}"
    door = server.feed("mot-cua.du-bao", "vp-ubnd", domain="service", late_limit=None)

    def standing() -> dict[str, Any]:
        asked = {"indicator": "online-share", "period": period, "unit": UNIT}
        answer = client.get("/targets/standing", params=asked)
        assert answer.status_code == 200, answer.text
        found = answer.json()["items"]
        assert {one["figure"]["unit"]["id"] for one in found} <= {UNIT}
        return found[0] if found else {}

    assert door.post(_dossiers(), part="dossiers").json()["stored"] == 10 * WEEKS
    eventually(lambda: (standing().get("figure") or {}).get("value") == 60)
    eventually(lambda: (standing().get("forecast") or {}).get("method") == "weeks")
    found = standing()
    assert found["forecast"]["low"] < found["forecast"]["value"] < found["forecast"]["high"]
    assert found["pace"]["coming"] > 0
    assert "dự báo cuối kỳ" in found["reason"]["vi"]


def test_the_standing_of_a_unit_that_never_was_is_refused(server: Server) -> None:
    asked = {"indicator": "online-share", "unit": "so-khong-co"}
    answer = server.sign_in("leader").get("/targets/standing", params=asked)
    assert answer.status_code == 404

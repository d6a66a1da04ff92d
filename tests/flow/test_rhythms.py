"""Rules on deviation in the running product: what is unusual for the hour, over a restart."""

import asyncio
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from alerts.rhythm import CLEAR, HOLD, LEVEL
from alerts.rule import Deviation
from alerts.selection import SeriesFacts
from ioc.flow.rhythms import Rhythms
from ioc.flow.rule_trial import TrialAlert, tried
from ioc.model import Domain, Severity, Text
from ioc.procedures.calendar import Calendar, Day
from ioc.store.pool import open_pools
from tests.fixtures.server import FeedDoor, Server, eventually, external_database, now, stamp

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
QUARTER = timedelta(minutes=15)
USUAL, UNUSUAL = 50.0, 20.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A product of the test's own, to be restarted, with the demo's city."""
    with external_database() as url:
        settings = {"IOC_DEMO": "1"} | ({} if url is None else {"IOC_DATABASE_URL": url})
        running = Server(tmp_path_factory.mktemp("rhythms") / "data", settings)
        try:
            yield running.start()
        finally:
            running.close()


def send(door: FeedDoor, series: str, rows: list[tuple[datetime, float]]) -> None:
    body = [{"series": series, "time": stamp(at), "value": value} for at, value in rows]
    answer = door.post(body)
    assert answer.json()["stored"] == len(body), answer.text


def past(until: datetime, length: timedelta) -> list[tuple[datetime, float]]:
    return [(until - n * QUARTER, USUAL + n % 3 - 1) for n in range(length // QUARTER, 0, -1)]


def drop(until: datetime) -> list[tuple[datetime, float]]:
    return [(until + timedelta(minutes=n), UNUSUAL) for n in range(0, 12, 2)]


def unusual(client: httpx2.Client) -> list[dict[str, Any]]:
    items = client.get("/alerts").json()["items"]
    return [item for item in items if item["rule"] == "traffic-unusual"]


def test_traffic_slower_than_usual_is_alerted_until_it_is_usual_again_over_restarts(
    server: Server,
) -> None:
    began = now() - timedelta(minutes=50)
    door = server.feed("rhythm.road", "so-xay-dung", domain="traffic", late_limit=None)
    send(door, "old/speed", past(began, timedelta(days=14)))
    send(door, "young/speed", past(began, timedelta(days=2)))
    server.stop()
    server.start()
    assert "rhythms are not known yet" in server.log
    door.wait_known()
    send(door, "young/speed", drop(began))
    send(door, "old/speed", drop(began))
    client = server.sign_in()
    eventually(lambda: [a["state"] for a in unusual(client)] == ["active"])
    [alert] = unusual(client)
    with server.database() as conn:
        key = conn.execute("SELECT key FROM series WHERE series_id = %s", [alert["series"]])
        assert key.fetchone() == ("old/speed",)
    server.stop()
    server.start()
    door.wait_known()
    client = server.sign_in()
    assert [a["id"] for a in unusual(client)] == [alert["id"]]
    send(
        door,
        "old/speed",
        [(began + timedelta(minutes=n), USUAL) for n in range(20, 50, 5)],
    )
    eventually(lambda: unusual(client)[0]["state"] == "cleared")


DETECTORS = {"TravelTime_387": 3, "speed_7578": 4}
LABOR_DAY = Day(date(2015, 9, 7), working=False, name="Labor Day", source="test")


def test_real_detectors_played_through_the_door_are_alerted_in_their_known_windows(
    server: Server, data: Path
) -> None:
    folder = data / "traffic" / "loop_detectors"
    marked = json.loads((folder / "windows_of_two.json").read_text())
    files = [str(folder / f"{name}.csv") for name in DETECTORS]
    door = server.feed("rhythm.loops", "so-xay-dung", domain="traffic", late_limit=None)
    server.command(
        "replay", *files, "--feed", door.feed, "--key", door.key, "--speed", "max",
        "--shift", "keep",
    )  # fmt: skip
    rule = Deviation(
        id="r", name=Text("r", "r"), severity=Severity.LOW, domain=Domain.TRAFFIC,
        observed_property="value", above=LEVEL, clear=CLEAR, hold=HOLD,
    )  # fmt: skip
    with server.database() as conn:
        known = dict(
            conn.execute(
                "SELECT key, series_id FROM series WHERE key LIKE ANY(%s)",
                ([f"{name}/value" for name in DETECTORS],),
            ).fetchall()
        )
    for name, windows in DETECTORS.items():
        facts = SeriesFacts(
            series_id=known[f"{name}/value"], feed_key=1, domain=Domain.TRAFFIC, property="value"
        )
        alerts = asyncio.run(relived(server.database_url, rule, facts))
        assert len(marked[f"realTraffic/{name}.csv"]) == windows
        assert [begun_inside(alerts, *window) for window in marked[f"realTraffic/{name}.csv"]] == (
            [True] * windows
        )


async def relived(database: str, rule: Deviation, facts: SeriesFacts) -> list[TrialAlert]:
    """What the rule would have raised in the summer of the detectors."""
    rhythms = Rhythms(ZONE, "plain")
    rhythms.keep(Calendar([LABOR_DAY]))
    since, until = datetime(2015, 7, 1, tzinfo=ZONE), datetime(2015, 10, 1, tzinfo=ZONE)
    async with open_pools(database) as (reads, _):
        return (await tried(rule, [facts], reads, rhythms, since=since, until=until)).alerts


def begun_inside(alerts: list[TrialAlert], start: str, end: str) -> bool:
    first, last = (datetime.fromisoformat(at).replace(tzinfo=ZONE) for at in (start, end))
    return any(first <= alert.since <= last for alert in alerts)

"""From dossiers to an alert about an indicator."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.fixtures.server import ROOT, Server, eventually, external_database, now, stamp

RULE = """
[[rule]]
id = "overdue-now"
name = { vi = "Hồ sơ quá hạn", en = "Dossiers overdue" }
kind = "figure"
domain = "service"
indicator = "in-hand-overdue"
above = 0
severity = "high"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo's city, in which a single overdue dossier is an alert."""
    folder = tmp_path_factory.mktemp("figures")
    shutil.copytree(ROOT / "city", folder / "city")
    rules = folder / "city" / "rules.toml"
    rules.write_text(rules.read_text(encoding="utf-8") + RULE, encoding="utf-8")
    with external_database() as url:
        settings = {"IOC_DEMO": "1", "IOC_CITY_DIR": str(folder / "city")}
        if url is not None:
            settings["IOC_DATABASE_URL"] = url
        running = Server(folder / "data", settings)
        try:
            yield running.start()
        finally:
            running.close()


def found(client: httpx2.Client, rule: str) -> list[dict[str, Any]]:
    return [item for item in client.get("/alerts").json()["items"] if item["rule"] == rule]


def test_an_overdue_dossier_is_an_alert_of_who_answers_until_it_is_resolved(
    server: Server,
) -> None:
    door, client = server.feed("figures.mot-cua", "so-y-te", domain="service"), server.sign_in()
    received = now() - timedelta(days=9)
    dossier = {
        "code": "H-1", "procedure": "1.000894", "received_unit": "so-y-te",
        "handling_unit": "so-y-te", "channel": "online", "received_at": stamp(received),
        "due_at": stamp(received + timedelta(days=5)), "resolved_at": None, "outcome": None,
        "changed_at": stamp(received),
    }  # fmt: skip
    assert door.post([dossier], part="dossiers").json()["stored"] == 1
    eventually(lambda: found(client, "overdue-now"), 60)
    alert = found(client, "overdue-now")[0]
    assert (alert["kind"], alert["value"], alert["level"]) == ("figure", 1, 0)
    assert alert["unit"] is not None
    assert alert["domain"] == "service"
    resolved = {
        **dossier, "resolved_at": stamp(), "outcome": "granted", "changed_at": stamp(),
    }  # fmt: skip
    answer = door.post([resolved], part="dossiers").json()
    assert answer["quarantined"] == 0, answer
    eventually(lambda: found(client, "overdue-now")[0]["state"] == "cleared", 60)

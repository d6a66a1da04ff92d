"""From dossiers to figures on the board, with numerator and denominator."""

from datetime import timedelta
from typing import Any

import httpx2

from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

UNIT = "so-noi-vu"


def _dossier(code: str, **more: Any) -> dict[str, Any]:
    received = now() - timedelta(days=1)
    return {
        "code": code,
        "procedure": "1.000894",
        "received_unit": UNIT,
        "handling_unit": UNIT,
        "channel": "online",
        "received_at": stamp(received),
        "due_at": stamp(received + timedelta(days=5)),
        "resolved_at": None,
        "outcome": None,
        "changed_at": stamp(received),
        **more,
    }


def _door(server: Server, feed: str) -> FeedDoor:
    return server.feed(feed, "vp-ubnd", domain="service", late_limit=None)


def _figure(server: Server, indicator: str, unit: str) -> dict[str, Any]:
    client = server.clients[0] if server.clients else server.sign_in()
    return client.get(f"/indicators/{indicator}/values", params={"unit": unit}).json()


def test_a_share_is_shown_with_its_counts_against_its_target(server: Server) -> None:
    door = _door(server, "mot-cua.share")
    body = [
        _dossier(f"H-{n}", channel="online" if n < 10 else "direct" if n < 22 else "post")
        for n in range(25)
    ]
    answer = door.post(body, part="dossiers")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["received"], answer.json()["stored"]) == (25, 25)
    eventually(lambda: _figure(server, "online-share", UNIT)["denominator"] == 25)
    figure = _figure(server, "online-share", UNIT)
    assert (figure["numerator"], figure["value"]) == (10, 40.0)
    assert figure["target"]["value"] == 51
    assert figure["target"]["sample"] is True
    assert figure["standing"] == "behind"


def test_a_unit_without_dossiers_has_no_share_rather_than_zero(server: Server) -> None:
    figure = _figure(server, "online-share", "so-tu-phap")
    assert (figure["value"], figure["numerator"], figure["denominator"]) == (None, None, None)
    assert figure["standing"] == "none"


def test_a_later_state_of_a_dossier_counts_and_an_older_one_does_not(server: Server) -> None:
    door = _door(server, "mot-cua.states")
    unit = "so-tai-chinh"
    first = _dossier("T-1", handling_unit=unit)
    resolved = {
        **first,
        "resolved_at": stamp(now() - timedelta(hours=2)),
        "outcome": "granted",
        "changed_at": stamp(now() - timedelta(hours=2)),
    }
    assert door.post([first], part="dossiers").json()["stored"] == 1
    assert door.post([resolved], part="dossiers").json()["corrected"] == 1
    assert door.post([first], part="dossiers").json()["duplicate"] == 1
    assert door.post([resolved], part="dossiers").json()["duplicate"] == 1
    eventually(lambda: _figure(server, "on-time-share", unit)["denominator"] == 1)
    assert _figure(server, "on-time-share", unit)["value"] == 100
    assert _figure(server, "in-hand-overdue", unit)["value"] == 0


def test_an_overdue_dossier_in_hand_is_counted(server: Server) -> None:
    door = _door(server, "mot-cua.overdue")
    unit = "so-cong-thuong"
    overdue = _dossier("O-1", handling_unit=unit, due_at=stamp(now() - timedelta(hours=1)))
    door.post([overdue, _dossier("O-2", handling_unit=unit)], part="dossiers")
    eventually(lambda: _figure(server, "in-hand-overdue", unit)["value"] == 1)


def test_fields_about_people_are_refused_by_name_and_neighbours_are_kept(server: Server) -> None:
    door = _door(server, "mot-cua.people")
    body = [
        _dossier("P-1"),
        {**_dossier("P-2"), "applicant_name": "Nguyễn Văn A", "phone": "0912"},
        {**_dossier("P-3"), "handling_unit": "no-such-unit"},
    ]
    answer = door.post(body, part="dossiers").json()
    assert (answer["stored"], answer["quarantined"]) == (1, 2)
    assert "applicant_name, phone" in answer["problems"][0]["detail"]
    assert "handling_unit" in answer["problems"][1]["detail"]
    ledger = door.ledger()
    assert ledger["received"] == ledger["stored"] + ledger["quarantined"] == 3


def test_a_unit_may_be_named_by_its_official_code(server: Server) -> None:
    client = server.sign_in()
    units = client.get("/units").json()["items"]
    commune = next(u for u in units if u["level"] == "commune" and u["codes"])
    code = next(iter(commune["codes"].values()))
    door = _door(server, "mot-cua.codes")
    answer = door.post([_dossier("C-1", handling_unit=code)], part="dossiers")
    assert answer.json()["stored"] == 1
    eventually(lambda: _figure(server, "online-share", commune["id"])["denominator"] == 1)


def test_the_ranking_lists_units_with_figures_only_best_first(server: Server) -> None:
    door = _door(server, "mot-cua.ranking")
    for unit, online in (("so-xay-dung", 9), ("so-van-hoa-the-thao-du-lich", 3)):
        body = [
            _dossier(f"{unit}-{n}", handling_unit=unit, channel="online" if n < online else "post")
            for n in range(10)
        ]
        answer = door.post(body, part="dossiers").json()
        assert answer["stored"] == 10, answer
    client = server.sign_in()

    def ranking() -> list[dict[str, Any]]:
        return client.get("/rankings/online-share").json()["items"]

    eventually(lambda: {"so-xay-dung"} <= {item["unit"]["id"] for item in ranking()})
    values = [item["value"] for item in ranking()]
    assert values == sorted(values, reverse=True)
    assert all(item["denominator"] for item in ranking())


def _event(code: str, kind: str, ago: timedelta, **more: Any) -> dict[str, Any]:
    return {"code": code, "event": kind, "at": stamp(now() - ago), **more}


def test_events_make_a_dossier_in_whatever_order_they_come(server: Server) -> None:
    door = _door(server, "mot-cua.events")
    unit = "so-y-te"
    received = {
        name: value
        for name, value in _dossier("E-1", handling_unit=unit).items()
        if name in ("procedure", "received_unit", "handling_unit", "channel", "due_at")
    }
    answer = door.post(
        [
            _event("E-1", "resolved", timedelta(hours=1), result_file=True),
            _event("E-1", "received", timedelta(days=1), **received),
            _event("E-1", "rated", timedelta(minutes=9), satisfaction="satisfied", rater="A"),
        ],
        part="dossiers",
    ).json()
    assert (answer["stored"], answer["quarantined"]) == (2, 1)
    assert "rater" in answer["problems"][0]["detail"]
    eventually(lambda: _figure(server, "on-time-share", unit)["denominator"] == 1)
    assert _figure(server, "on-time-share", unit)["value"] == 100


def test_the_document_tells_the_fields_of_dossiers_and_events(server: Server) -> None:
    schemas = httpx2.get(f"{server.base}/api/v1/openapi.json").json()["components"]["schemas"]
    assert {"source", "steps", "paused_since"} <= schemas["Dossier"]["properties"].keys()
    assert schemas["Dossier"]["additionalProperties"] is False
    assert "supplement_requested" in schemas["DossierEvent"]["properties"]["event"]["enum"]

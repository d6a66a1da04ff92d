"""A broken sensor from the front door to the wall: stored, suspect, no alarm, and in the score."""

from datetime import timedelta
from typing import Any

import httpx2

from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

WORDS = ("right", "complete", "clean", "live")


def _gauge(server: Server, feed: str, agency: str, **more: Any) -> FeedDoor:
    """A river gauge in metres whose first alarm level is at 10 m."""
    door = server.feed(
        feed, agency, domain="environment", auto_series=False, interval=60.0, freshness=600.0,
        **more,
    )  # fmt: skip
    placed = httpx2.put(
        f"{server.base}/api/v1/feeds/{feed}/features",
        json={"type": "FeatureCollection", "features": [
            {"type": "Feature", "id": "tram", "properties": {
                "name": f"Trạm {feed}", "alarm_1": 10, "alarm_2": 11, "alarm_3": 12},
             "geometry": {"type": "Point", "coordinates": [105.3, 21.3]}}]},
        headers={"Authorization": f"Bearer {door.key}"},
    )  # fmt: skip
    assert placed.status_code == 200, placed.text
    described = httpx2.put(
        f"{server.base}/api/v1/feeds/{feed}/series",
        json=[{"key": "tram/water-level", "feature": "tram", "property": "water-level",
               "uom": "m"}],
        headers={"Authorization": f"Bearer {door.key}"},
    )  # fmt: skip
    assert described.json() == {"described": 1}, described.text
    own = {"Authorization": f"Bearer {door.key}"}
    eventually(
        lambda: httpx2.get(
            f"{server.base}/api/v1/series", params={"feed": feed}, headers=own
        ).json()["items"]
    )
    assert _send(door, 5, 10)["stored"] == 1
    return door


def _send(door: FeedDoor, value: float, minutes_ago: float) -> dict[str, Any]:
    at = stamp(now().replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago))
    return door.post([{"series": "tram/water-level", "time": at, "value": value}]).json()


def _shown(operator: httpx2.Client, feed: str) -> dict[str, Any]:
    """The newest value as the wall's map shows it."""
    found = operator.get("/layers/environment").json()["features"]
    one = next(f for f in found if f["id"] == f"{feed}/tram")
    return one["properties"]["values"]["water-level"]


def _alerts(operator: httpx2.Client, feed: str) -> list[dict[str, Any]]:
    return [a for a in operator.get("/alerts").json()["items"] if a["feed"] == feed]


def _suspect(operator: httpx2.Client, feed: str) -> dict[float, list[str]]:
    """The suspect values among the observations of the gauge, with the reasons."""
    key = {"key": f"{feed}/tram/water-level"}
    series = operator.get("/series", params=key).json()["items"][0]["id"]
    found = operator.get(f"/series/{series}/observations").json()
    values = dict(zip(found["time"], found["mean"], strict=True))
    return {values[int(at)]: flags for at, flags in found["suspect"].items()}


def _score(client: httpx2.Client, agency: str) -> dict[str, Any] | None:
    found = client.get("/quality", params={"agency": agency}).json()["items"]
    return found[0]["scores"] if found else None


def test_a_broken_sensor_is_seen_but_sets_off_no_alarm(server: Server) -> None:
    operator = server.sign_in("operator")
    door = _gauge(server, "tram-hong", "so-thu-nghiem-mot")
    assert _send(door, 5.1, 9)["stored"] == 1
    assert "suspect" not in _shown(operator, door.feed)
    answer = _send(door, 250, 8)
    assert (answer["stored"], answer["quarantined"]) == (1, 0)
    eventually(lambda: _shown(operator, door.feed).get("suspect") == ["range", "rate"])
    assert _shown(operator, door.feed)["value"] == 250
    # The same level by small steps is a flood, and an alarm: the engine is awake.
    assert _send(door, 9.9, 7)["stored"] == 1
    assert _send(door, 12.3, 1)["stored"] == 1
    eventually(lambda: len(_alerts(operator, door.feed)) > 0)
    assert [alert["value"] for alert in _alerts(operator, door.feed)] == [12.3]

    def scored() -> bool:
        found = _score(operator, door.agency)
        return found is not None and found["right"]["denominator"] == 5

    eventually(scored)
    found = _score(operator, door.agency)
    assert found is not None
    # 250 m is suspect; the way back from there is not held against 9.9 m.
    assert found["right"] == {"value": 80, "numerator": 4, "denominator": 5}
    assert found["clean"]["value"] == 100
    assert _suspect(operator, door.feed) == {250: ["range", "rate"]}


def test_a_correction_takes_the_suspicion_away_and_mends_the_score(server: Server) -> None:
    operator = server.sign_in("operator")
    door = _gauge(server, "tram-sua", "so-thu-nghiem-hai")
    _send(door, 300, 5)
    eventually(lambda: "suspect" in _shown(operator, door.feed))
    assert _send(door, 5.2, 5)["corrected"] == 1
    eventually(lambda: "suspect" not in _shown(operator, door.feed))

    def mended() -> bool:
        found = _score(operator, door.agency)
        return found is not None and found["right"] == {
            "value": 100, "numerator": 3, "denominator": 3,
        }  # fmt: skip

    eventually(mended)
    found = _score(operator, door.agency)
    assert found is not None
    assert found["clean"]["numerator"] == found["clean"]["denominator"] - 1


def _ranking(operator: httpx2.Client) -> dict[str, dict[str, Any]]:
    items = operator.get("/quality/ranking").json()["items"]
    return {item["agency"]["id"]: item for item in items}


def test_agencies_are_ranked_with_their_counts_and_those_without_data_last(server: Server) -> None:
    good = _gauge(server, "tram-tot", "so-thu-nghiem-tot")
    for minutes in range(12):
        _send(good, 5 + minutes / 100, minutes)
    silent = server.feed("im-lang", "so-thu-nghiem-im", interval=None)
    operator = server.sign_in("operator")
    eventually(lambda: _ranking(operator)[good.agency]["rank"] is not None)
    answer = operator.get("/quality/ranking").json()
    by_agency = {item["agency"]["id"]: item for item in answer["items"]}
    assert by_agency[good.agency]["reason"] is None
    assert by_agency[silent.agency]["rank"] is None
    assert "quá ít số liệu" in by_agency[silent.agency]["reason"]["vi"]
    ranks = [item["rank"] for item in answer["items"]]
    known = [rank for rank in ranks if rank is not None]
    assert known == sorted(known)
    assert ranks == known + [None] * (len(ranks) - len(known))
    judged = [item for item in answer["items"] if item["rank"] and item["reason"] is None]
    means = [item["scores"]["overall"] for item in judged]
    assert means == sorted(means, reverse=True)
    assert judged == answer["items"][: len(judged)]
    assert [each["word"] for each in answer["definitions"]] == list(WORDS)
    assert all(each["meaning"]["vi"] and each["cure"]["en"] for each in answer["definitions"])


def test_who_declares_no_interval_or_is_late_does_not_come_out_ahead(server: Server) -> None:
    poor = _gauge(server, "tram-thua", "so-thu-nghiem-thua")
    for minutes in range(12):
        _send(poor, 500, minutes)
    undeclared = server.feed("khong-chu-ky", "so-thu-nghiem-mo", interval=None)
    items = [{"series": f"a/{n}", "time": stamp(), "value": n} for n in range(12)]
    assert undeclared.post(items).json()["stored"] == 12
    late = server.feed("toan-tre", "so-thu-nghiem-tre", interval=None, late_limit=3600.0)
    old = [{**item, "time": stamp(now() - timedelta(hours=40))} for item in items]
    answer = late.post(old).json()
    assert answer["late"] == 12
    assert "ioc feed set toan-tre --late-limit P2D" in answer["problems"][0]["detail"]
    operator = server.sign_in("operator")
    agencies = (poor.agency, undeclared.agency, late.agency)
    eventually(lambda: all(_ranking(operator)[agency]["rank"] for agency in agencies))
    found = _ranking(operator)
    ranks = [found[agency]["rank"] for agency in agencies]
    assert ranks == sorted(ranks)
    assert found[poor.agency]["reason"] is None
    assert found[poor.agency]["scores"]["right"]["value"] < 50
    assert found[undeclared.agency]["undeclared"] == [
        {"feed": "khong-chu-ky", "name": "khong-chu-ky"}
    ]
    assert "chưa khai báo chu kỳ" in found[undeclared.agency]["reason"]["vi"]
    assert found[late.agency]["scores"]["live"] == {
        "value": 0, "numerator": 0, "denominator": 12,
    }  # fmt: skip
    own = operator.get("/quality", params={"agency": undeclared.agency}).json()["items"][0]
    assert own["undeclared"] == found[undeclared.agency]["undeclared"]


def test_an_agency_sees_its_own_scores_and_the_whole_ranking(server: Server) -> None:
    mine = _gauge(server, "tram-cua-toi", "so-thu-nghiem-toi")
    theirs = _gauge(server, "tram-cua-ho", "so-thu-nghiem-ho")
    agency = server.sign_in("agency", mine.agency)
    eventually(lambda: _score(agency, mine.agency) is not None)
    listed = agency.get("/quality", params={"days": 30}).json()["items"]
    assert {item["agency"]["id"] for item in listed} == {mine.agency}
    assert [feed["feed"] for feed in listed[0]["feeds"]] == [mine.feed]
    assert agency.get("/quality", params={"agency": theirs.agency}).status_code == 404
    ranked = agency.get("/quality/ranking").json()["items"]
    assert {mine.agency, theirs.agency} <= {item["agency"]["id"] for item in ranked}
    nobody = httpx2.get(f"{server.base}/api/v1/quality")
    assert nobody.status_code == 401


def test_the_four_words_are_indicators_of_a_board_with_targets(server: Server) -> None:
    door = _gauge(server, "tram-bang", "so-thu-nghiem-bang")
    operator = server.sign_in("operator")

    def figures() -> dict[str, Any]:
        items = operator.get("/boards/data").json()["items"]
        return {item["id"]: item for item in items}

    eventually(lambda: f"data-right@{door.agency}" in figures())
    found = figures()
    own = found[f"data-right@{door.agency}"]
    assert own["value"] == 100
    assert own["numerator"] == own["denominator"] >= 1
    assert own["rank"] >= 1
    assert own["time"] is not None
    province = found["data-right"]
    assert province["denominator"] >= own["denominator"]
    assert province["target"]["value"] == 99
    by_period = operator.get("/rankings/data-right", params={"period": "2025"})
    assert by_period.status_code == 400
    assert "/quality" in by_period.json()["detail"]

"""From a value to a letter in somebody's box, by a real mail server that hangs, through kills."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from ioc.city.read import packaged_city
from tests.fixtures.mail import MailServer, mail_server
from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

SLOW = 5

ROSTER = """
[[person]]
id = "truc"
name = "Trực ban"
unit = "phu-tho"
email = "truc@tinh.example"

[[shift]]
id = "luon"
unit = "phu-tho"
persons = ["truc"]
begins = 00:00:00
ends = 00:00:00
"""

NOTIFY = """
[[channel]]
id = "email"
kind = "mail"
enabled = true
host = "127.0.0.1"
port = {port}
security = "none"
sender = "ioc@tinh.example"

[[route]]
id = "tat-ca"
severities = ["critical", "high", "medium", "low"]
steps = [{{ channels = ["email"], on_call = "answering" }}]
"""


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def house(
    mail: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, httpx2.Client]]:
    folder = tmp_path_factory.mktemp("notify")
    city = folder / "city"
    shutil.copytree(packaged_city(), city)
    (city / "roster.toml").write_text(ROSTER, encoding="utf-8")
    (city / "notify.toml").write_text(NOTIFY.format(port=mail.port), encoding="utf-8")
    settings = {"IOC_DEMO": "1", "IOC_CITY_DIR": str(city)}
    server = Server(folder / "var", settings).start()
    try:
        with server.sign_in("administrator") as client:
            yield server, client
    finally:
        server.stop()


def _slow(door: FeedDoor, road: str) -> None:
    body = [
        {"series": f"{road}/speed", "time": stamp(now() - timedelta(minutes=ago)), "value": SLOW}
        for ago in (12, 1)
    ]
    assert door.post(body).json()["stored"] == len(body)


def test_an_alert_reaches_who_is_on_call_and_a_kill_repeats_at_most_what_was_in_hand(
    house: tuple[Server, httpx2.Client], mail: MailServer
) -> None:
    server, client = house
    door = server.feed("bao.duong", "so-xay-dung", domain="traffic")
    _slow(door, "ql-1")
    eventually(lambda: mail.letters)
    (first,) = mail.letters
    assert first["To"] == "Trực ban <truc@tinh.example>"
    eventually(lambda: client.get("/notify/outbox?state=sent").json()["items"])

    mail.reached.clear()
    mail.answer = "hang"
    _slow(door, "ql-2")
    assert mail.reached.wait(60)
    server.kill()
    mail.answer = "250 taken"
    server.start()
    eventually(lambda: len(mail.letters) > 1)
    eventually(lambda: not client.get("/notify/outbox?state=waiting").json()["items"])
    ids = [letter["Message-ID"] for letter in mail.letters]
    assert len(ids) == len(set(ids)) == 2
    sent = client.get("/notify/outbox?state=sent").json()["items"]
    assert [(item["person"], item["channel"], item["reason"]) for item in sent] == [
        ("truc", "email", "first")
    ] * 2


def test_the_test_button_sends_by_the_same_way_and_refuses_what_there_is_not(
    house: tuple[Server, httpx2.Client], mail: MailServer
) -> None:
    _, client = house
    channels = client.get("/notify/channels").json()["items"]
    assert {"id": "email", "kind": "mail", "enabled": True} in channels
    answer = client.post("/notify/test", json={"channel": "email", "person": "truc"})
    assert answer.status_code == 202
    eventually(lambda: "Tin thử từ trung tâm điều hành" in mail.subjects)
    for note in ({"channel": "sms", "person": "truc"}, {"channel": "email", "person": "ai"}):
        assert client.post("/notify/test", json=note).status_code == 400


def test_a_dead_letter_says_why_and_is_sent_again(
    house: tuple[Server, httpx2.Client], mail: MailServer
) -> None:
    _, client = house
    mail.answer = "554 no"
    made = client.post("/notify/test", json={"channel": "email", "person": "truc"}).json()["id"]

    def found(state: str) -> list[dict[str, Any]]:
        items = client.get("/notify/outbox", params={"state": state}).json()["items"]
        return [item for item in items if item["id"] == made]

    eventually(lambda: found("dead"))
    assert "554" in found("dead")[0]["detail"]
    mail.answer = "250 taken"
    assert client.post(f"/notify/outbox/{made}/retry").status_code == 200
    eventually(lambda: found("sent"))
    assert client.post(f"/notify/outbox/{made}/retry").status_code == 409


def test_a_warning_reaches_who_is_on_call_and_one_that_is_an_exercise_nobody(
    house: tuple[Server, httpx2.Client], mail: MailServer
) -> None:
    _, client = house
    note = {
        "level": 4, "text": "Mưa 200 mm", "units": ["phu-tho"],
        "ends": stamp(now() + timedelta(hours=1)),
    }  # fmt: skip
    drill = client.post("/warnings", json={**note, "hazard": "Diễn tập", "exercise": True})
    assert drill.status_code == 201
    assert client.post("/warnings", json={**note, "hazard": "Mưa lớn"}).status_code == 201
    eventually(lambda: any("Mưa lớn" in subject for subject in mail.subjects))
    eventually(lambda: not client.get("/notify/outbox?state=waiting").json()["items"])
    assert not any("Diễn tập" in subject for subject in mail.subjects)
    [quiet] = [a for a in client.get("/alerts").json()["items"] if a["title"]["vi"] == "Diễn tập"]
    sheet = client.get(f"/alerts/{quiet['id']}").json()
    assert (sheet["told"], sheet["untold"]["reason"]) == ([], "exercise")

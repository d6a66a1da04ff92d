"""From a value to a letter in a box or on a phone, by servers that fail, through kills."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ioc.city.read import packaged_city
from ioc.notify.encryption import as_text
from ioc.notify.vapid import Vapid, new_key
from tests.fixtures.mail import MailServer, mail_server
from tests.fixtures.outside import Outside, Reply, a_certificate, an_outside
from tests.fixtures.push import PushedBrowser
from tests.fixtures.server import PASSWORD, FeedDoor, Server, eventually, now, stamp

SLOW = 5
KEY = new_key()

ROSTER = """
[[person]]
id = "truc"
name = "Trực ban"
unit = "phu-tho"
email = "truc@tinh.example"

[[person]]
id = "chu-tich"
name = "Chủ tịch"
unit = "phu-tho"
account = "chu.tich"

[[shift]]
id = "luon"
unit = "phu-tho"
persons = ["truc"]
begins = 00:00:00
ends = 00:00:00
"""

NOTIFY = """
[notify]
incidents = ["email"]

[[channel]]
id = "email"
kind = "mail"
enabled = true
host = "127.0.0.1"
port = {port}
security = "none"
sender = "ioc@tinh.example"

[[channel]]
id = "push"
kind = "push"
enabled = true
contact = "mailto:ioc@tinh.example"
secret = "push-key"
services = ["127.0.0.1"]

[[route]]
id = "lanh-dao"
severities = ["critical", "high", "medium", "low"]
steps = [{{ channels = ["push"], persons = ["chu-tich"] }}]

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
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_certificate(tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def service(certificate: Path) -> Iterator[Outside]:
    with an_outside(certificate) as server:
        yield server


@pytest.fixture(scope="module")
def house(
    mail: MailServer, certificate: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, httpx2.Client]]:
    folder = tmp_path_factory.mktemp("notify")
    city = folder / "city"
    shutil.copytree(packaged_city(), city)
    (city / "roster.toml").write_text(ROSTER, encoding="utf-8")
    (city / "notify.toml").write_text(NOTIFY.format(port=mail.port), encoding="utf-8")
    settings = {
        "IOC_DEMO": "1", "IOC_CITY_DIR": str(city), "IOC_SECRET_PUSH_KEY": KEY,
        "IOC_SOURCES_CA": str(certificate), "IOC_SOURCES_ALLOW": "127.0.0.1",
    }  # fmt: skip
    server = Server(folder / "var", settings).start()
    try:
        with server.sign_in("administrator") as client:
            yield server, client
    finally:
        server.close()


def _slow(door: FeedDoor, road: str) -> None:
    body = [
        {"series": f"{road}/speed", "time": stamp(now() - timedelta(minutes=ago)), "value": SLOW}
        for ago in (12, 1)
    ]
    assert door.post(body).json()["stored"] == len(body)


def _letters(client: httpx2.Client, state: str, channel: str) -> list[dict[str, Any]]:
    items = client.get("/notify/outbox", params={"state": state}).json()["items"]
    return [item for item in items if item["channel"] == channel]


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
    sent = _letters(client, "sent", "email")
    assert [(item["person"], item["reason"]) for item in sent] == [("truc", "first")] * 2


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


def _subscribe(
    phone: httpx2.Client, browser: PushedBrowser, endpoint: str, least: str = "low"
) -> dict[str, Any]:
    keys = {"p256dh": as_text(browser.point), "auth": as_text(browser.secret)}
    answer = phone.post("/notify/push", json={"endpoint": endpoint, "keys": keys, "least": least})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def chairman(house: tuple[Server, httpx2.Client]) -> None:
    server, _ = house
    name = ("chu.tich", "--role", "leader", "--password-stdin")
    server.command("user", "add", *name, said=PASSWORD)


@pytest.mark.usefixtures("chairman")
def test_a_phone_is_pushed_to_once_through_failures_and_a_kill_until_its_person_signs_out(
    house: tuple[Server, httpx2.Client], service: Outside
) -> None:
    server, client = house
    door = server.feed("bao.xe", "so-xay-dung", domain="traffic")
    phone, browser = server.client("chu.tich", PASSWORD), PushedBrowser()
    state = phone.get("/notify/push").json()
    assert (state["key"], state["reached"], state["subscriptions"]) == (Vapid(KEY).public, True, [])
    url = service.on("/p/1", Reply(503, headers={"Retry-After": "3"}), Reply(201))
    _subscribe(phone, browser, url)

    _slow(door, "ql-11")
    eventually(lambda: "/p/1" in service.paths())
    server.kill()
    server.start()
    eventually(lambda: _letters(client, "sent", "push"))
    assert service.paths() == ["/p/1", "/p/1"]
    shown = json.loads(browser.read(service.asked[-1].body))
    alert = _letters(client, "sent", "push")[0]["alert"]
    assert shown["link"] == f"/m#alert={alert}"
    assert "ql-11" in shown["title"]

    assert phone.post("/logout").status_code == 204
    _slow(door, "ql-12")
    eventually(lambda: len(_letters(client, "dropped", "push")) > 0)
    assert _letters(client, "dropped", "push")[0]["held"] == "no_subscription"
    assert len(service.asked) == 2


@pytest.mark.usefixtures("chairman")
def test_a_person_tests_their_phone_and_one_that_is_gone_is_forgotten(
    house: tuple[Server, httpx2.Client], service: Outside
) -> None:
    server, client = house
    phone, browser = server.client("chu.tich", PASSWORD), PushedBrowser()
    # What may still be told of the alerts before is not severe enough to be told here.
    url = service.on("/p/2", Reply(201), Reply(410))
    subscription = _subscribe(phone, browser, url, least="critical")
    for state in ("sent", "dropped"):
        letter = phone.post("/notify/push/test").json()["letter"]
        eventually(
            lambda state=state, letter=letter: (
                letter in [item["id"] for item in _letters(client, state, "push")]
            )
        )
    assert "Tin thử" in browser.read(service.asked[-2].body).decode()
    assert subscription["id"] not in [
        one["id"] for one in phone.get("/notify/push").json()["subscriptions"]
    ]


@pytest.mark.usefixtures("chairman")
def test_a_device_is_switched_off_and_an_endpoint_elsewhere_is_refused(
    house: tuple[Server, httpx2.Client], service: Outside
) -> None:
    server, _ = house
    phone = server.client("chu.tich", PASSWORD)
    subscription = _subscribe(phone, PushedBrowser(), service.url("/p/3"))
    assert phone.delete(f"/notify/push/{subscription['id']}").status_code == 204
    assert subscription["id"] not in [
        one["id"] for one in phone.get("/notify/push").json()["subscriptions"]
    ]
    good = {"p256dh": as_text(PushedBrowser().point), "auth": as_text(b"s" * 16)}
    for endpoint, keys in (
        ("https://192.168.1.1/p", good),
        (service.url("/p/3").replace("https", "http"), good),
        (service.url("/p/3"), {**good, "p256dh": as_text(b"\x04" + b"x" * 64)}),
        (service.url("/p/3"), {**good, "auth": "khoa"}),
    ):
        said = {"endpoint": endpoint, "keys": keys}
        assert phone.post("/notify/push", json=said).status_code == 400


def test_an_incident_reaches_who_is_on_call_for_its_lead_and_one_that_is_an_exercise_nobody(
    house: tuple[Server, httpx2.Client], mail: MailServer
) -> None:
    _, client = house
    category = client.get("/incidents/categories").json()["items"][0]["id"]
    for title, exercise in (("Diễn tập vỡ đê", True), ("Cháy chợ", False)):
        note = {"category": category, "title": title, "exercise": exercise, "unit": "phu-tho"}
        note["place"] = {"unit": "phu-tho"}
        assert client.post("/incidents", json=note).status_code == 200
    eventually(lambda: any("Cháy chợ" in subject for subject in mail.subjects))
    told = [item for item in client.get("/notify/outbox").json()["items"] if item["incident"]]
    assert [(item["person"], item["stage"], item["reason"]) for item in told] == [
        ("truc", "lead:phu-tho", "incident")
    ]

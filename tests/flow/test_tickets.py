"""Tickets through the front door: handed in, moved by people, hidden reporters, rights by unit."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

HOUR = timedelta(hours=1)
SECRETS = ("Nguyễn Thị Bí Mật", "0912345678", "bi.mat@example.org")
REPORTER = dict(zip(("name", "phone", "email"), SECRETS, strict=True))
PLACE = {"longitude": 105.317642, "latitude": 20.868489}


@pytest.fixture(scope="module")
def door(server: Server) -> FeedDoor:
    return server.feed("phan-anh.thu", "vp-ubnd", domain="service", late_limit=None)


def _ticket(code: str, **more: Any) -> dict[str, Any]:
    return {
        "code": code, "category": "o-ga-mat-duong", "contact": REPORTER, **PLACE,
        "received_at": stamp(now() - timedelta(hours=1)), "description": "ổ gà to", **more,
    }  # fmt: skip


def _hand_in(door: FeedDoor, client: httpx2.Client, **more: Any) -> dict[str, Any]:
    """A ticket that is stored, as somebody sees it."""
    code = f"PA-{uuid4().hex[:8]}"
    answer = door.post([_ticket(code, **more)], part="tickets")
    assert answer.json()["stored"] == 1, answer.text
    [item] = client.get("/tickets", params={"q": code}).json()["items"]
    return client.get(f"/tickets/{item['id']}").json()


def _move(client: httpx2.Client, ticket: dict[str, Any], move: str, **more: Any) -> httpx2.Response:
    body = {"version": ticket["version"], "reason": "vì thế", **more}
    return client.post(f"/tickets/{ticket['id']}/{move}", json=body)


def _through(client: httpx2.Client, ticket: dict[str, Any], *moves: str, **more: Any) -> Any:
    for move in moves:
        answer = _move(client, ticket, move, **more)
        assert answer.status_code == 200, answer.text
        ticket = answer.json()
    return ticket


def test_tickets_come_by_code_and_bad_ones_never_cost_their_neighbours(
    server: Server, door: FeedDoor
) -> None:
    swapped = {"longitude": PLACE["latitude"], "latitude": PLACE["longitude"]}
    body = [_ticket("LO-1"), _ticket("LO-2", **swapped), _ticket("LO-3", citizen_id="x")]
    before = door.ledger()
    receipt = door.post(body, part="tickets").json()
    assert (receipt["received"], receipt["stored"], receipt["quarantined"]) == (3, 1, 2)
    assert "swapped" in receipt["problems"][0]["detail"]
    assert door.post([body[0]], part="tickets").json()["duplicate"] == 1
    ledger = door.ledger()
    assert ledger["received"] - before.get("received", 0) == 4
    unknown, misplaced = door.quarantine()
    assert (unknown["payload"], unknown["replayable"]) == ("", False)
    assert unknown["sha256"]
    assert "LO-2" in misplaced["payload"]
    assert misplaced["replayable"]
    assert not any(secret in misplaced["payload"] for secret in SECRETS)


def _repair(door: FeedDoor, item: dict[str, Any], ticket: dict[str, Any]) -> httpx2.Response:
    url = f"{door.server.base}/api/v1/feeds/{door.feed}/quarantine/{item['id']}"
    return httpx2.put(url, json=ticket, headers={"Authorization": f"Bearer {door.key}"})


def _replay(door: FeedDoor) -> dict[str, Any]:
    url = f"{door.server.base}/api/v1/feeds/{door.feed}/quarantine/replay"
    answer = httpx2.post(url, json={}, headers={"Authorization": f"Bearer {door.key}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_refused_ticket_is_repaired_and_replayed_exactly_once(server: Server) -> None:
    door = server.feed("phan-anh.sua", "vp-ubnd", domain="service", late_limit=None)
    operator = server.sign_in("operator")
    ticket = _ticket("SUA-1", category="o-ga")
    assert door.post([ticket], part="tickets").json()["quarantined"] == 1
    [item] = door.quarantine()
    assert _replay(door)["kept"] == [item["id"]]
    del ticket["contact"]
    assert _repair(door, item, {**ticket, "category": "o-ga-mat-duong"}).status_code == 200
    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda _: _replay(door), range(4)))
    assert sum(receipt["stored"] for receipt in receipts) == 1
    assert [id for receipt in receipts for id in receipt["replayed"]] == [item["id"]]
    found = operator.get("/tickets", params={"q": "SUA-1"}).json()["items"]
    assert [one["category"]["id"] for one in found] == ["o-ga-mat-duong"]
    ledger = door.ledger()
    assert (ledger["stored"], ledger["quarantined"], ledger["received"]) == (1, 2, 3)


def test_a_repair_that_would_be_about_a_person_is_refused(server: Server) -> None:
    door = server.feed("phan-anh.nguoi", "vp-ubnd", domain="service", late_limit=None)
    ticket = _ticket("NGUOI-1", category="o-ga")
    door.post([ticket], part="tickets")
    [item] = door.quarantine()
    named = _repair(door, item, {**ticket, "category": "o-ga-mat-duong"})
    assert (named.status_code, "leave it out" in named.text) == (400, True)
    del ticket["contact"]
    more = _repair(door, item, {**ticket, "citizen_id": "1"})
    assert (more.status_code, "citizen_id" in more.text) == (400, True)


def test_a_replay_never_puts_an_older_state_over_a_newer_one(server: Server) -> None:
    door = server.feed("phan-anh.cu", "vp-ubnd", domain="service", late_limit=None)
    operator = server.sign_in("operator")
    old = _ticket("CU-1", unit="khong-co", state="assigned", changed_at=stamp(now() - HOUR))
    old["received_at"] = stamp(now() - 2 * HOUR)
    door.post([old], part="tickets")
    [item] = door.quarantine()
    newer = {**old, "unit": "so-xay-dung", "state": "accepted", "changed_at": stamp()}
    assert door.post([newer], part="tickets").json()["stored"] == 1
    del old["contact"]
    assert _repair(door, item, {**old, "unit": "so-y-te"}).status_code == 200
    assert _replay(door)["duplicate"] == 1
    [found] = operator.get("/tickets", params={"q": "CU-1"}).json()["items"]
    assert (found["state"], found["unit"]["id"]) == ("accepted", "so-xay-dung")


def test_a_ticket_goes_its_way_and_every_step_stands_in_its_timeline(
    server: Server, door: FeedDoor
) -> None:
    operator = server.sign_in("operator")
    agency = server.sign_in("agency", "so-xay-dung")
    ticket = _hand_in(door, operator)
    assert ticket["lead"]["id"] == "so-xay-dung"
    assert ticket["allowed"] == ["verify", "reject", "ask-supplement"]
    assert agency.get(f"/tickets/{ticket['id']}").status_code == 403
    ticket = _through(operator, ticket, "verify", "assign", unit="so-xay-dung")
    assert agency.get(f"/tickets/{ticket['id']}").json()["allowed"] == ["accept", "return"]
    ticket = _through(agency, ticket, "accept", "start")
    wanted = datetime.fromisoformat(ticket["due_at"]) + timedelta(days=3)
    ticket = _through(agency, ticket, "request-extension", due_at=wanted.isoformat())
    assert _move(agency, ticket, "extend").status_code == 403
    ticket = _through(operator, ticket, "extend")
    assert datetime.fromisoformat(ticket["due_at"]) == wanted
    ticket = _through(agency, ticket, "resolve", result="đã vá")
    ticket = _through(operator, ticket, "approve", "publish", "rate", "close", rating=5)
    assert (ticket["state"], ticket["outcome"], ticket["rating"]) == ("closed", "solved", 5)
    assert ticket["allowed"] == []
    moves = [step["move"] for step in ticket["timeline"]]
    assert moves == [
        "told", "verify", "assign", "accept", "start", "request-extension", "extend", "resolve",
        "approve", "publish", "rate", "close",
    ]  # fmt: skip
    assert all(step["actor"] and step["at"] for step in ticket["timeline"])
    with server.database() as conn:
        actions = conn.execute(
            "SELECT action FROM audit WHERE subject = %s ORDER BY audit_id", [ticket["id"]]
        ).fetchall()
    assert [action for (action,) in actions] == [f"ticket.{move}" for move in moves[1:]]


def test_an_illegal_move_is_answered_with_the_allowed_ones(server: Server, door: FeedDoor) -> None:
    operator = server.sign_in("operator")
    answer = _move(operator, _hand_in(door, operator), "publish")
    assert answer.status_code == 409
    assert answer.json()["values"]["allowed"] == ["verify", "reject", "ask-supplement"]


def test_who_decides_on_an_old_version_is_told_how_the_ticket_stands(
    server: Server, door: FeedDoor
) -> None:
    operator = server.sign_in("operator")
    old = _hand_in(door, operator)
    _through(operator, old, "verify")
    answer = _move(operator, old, "reject")
    assert answer.status_code == 409
    assert answer.json()["values"] == {"state": "verified", "version": 2, "unit": None}
    etag = operator.get(f"/tickets/{old['id']}").headers["etag"]
    url = f"/tickets/{old['id']}/reject"
    reason = {"reason": "vì thế"}
    assert operator.post(url, json=reason).status_code == 400
    assert operator.post(url, json=reason, headers={"If-Match": '"1"'}).status_code == 409
    assert operator.post(url, json=reason, headers={"If-Match": etag}).status_code == 200


def test_an_agency_sees_and_moves_only_what_is_of_its_own_units(
    server: Server, door: FeedDoor
) -> None:
    operator = server.sign_in("operator")
    own, other = server.sign_in("agency", "so-xay-dung"), server.sign_in("agency", "so-y-te")
    ticket = _through(
        operator, _hand_in(door, operator), "verify", "assign", unit="so-xay-dung"
    )  # fmt: skip
    listed = {item["id"] for item in own.get("/tickets").json()["items"]}
    assert ticket["id"] in listed
    assert ticket["id"] not in {item["id"] for item in other.get("/tickets").json()["items"]}
    assert other.get("/tickets", params={"unit": "so-xay-dung"}).json()["items"] == []
    assert _move(other, ticket, "accept").status_code == 403
    assert _move(own, ticket, "assign", unit="so-y-te").status_code == 403
    nowhere = own.get(f"/tickets/{uuid4()}")
    assert nowhere.status_code == other.get(f"/tickets/{ticket['id']}").status_code == 403


def test_who_reported_is_shown_to_the_centre_alone_and_every_look_is_noted(
    server: Server, door: FeedDoor
) -> None:
    operator, leader = server.sign_in("operator"), server.sign_in("leader")
    agency = server.sign_in("agency", "so-xay-dung")
    ticket = _through(
        operator, _hand_in(door, operator), "verify", "assign", unit="so-xay-dung"
    )  # fmt: skip
    url = f"/tickets/{ticket['id']}"
    said = [
        client.get(path).text
        for client in (operator, leader, agency)
        for path in ("/tickets", url)
    ]  # fmt: skip
    assert not any(secret in text for secret in SECRETS for text in said)
    assert agency.get(f"{url}/contact").status_code == 403
    assert leader.get(f"{url}/contact").status_code == 403
    assert operator.get(f"{url}/contact").json() == REPORTER
    assert operator.delete(f"{url}/contact").status_code == 204
    assert operator.get(f"{url}/contact").status_code == 404
    with server.database() as conn:
        rows = conn.execute(
            "SELECT action, after::text FROM audit WHERE subject = %s "
            "AND action LIKE 'ticket.contact.%%' ORDER BY audit_id", [ticket["id"]],
        ).fetchall()  # fmt: skip
    assert rows == [
        ("ticket.contact.read", '{"found": true}'),
        ("ticket.contact.forget", '{"forgotten": true}'),
        ("ticket.contact.read", '{"found": false}'),
    ]
    assert not any(secret in server.log for secret in SECRETS)


def test_a_move_here_stays_when_the_sender_tells_of_another_state(
    server: Server, door: FeedDoor
) -> None:
    operator = server.sign_in("operator")
    ticket = _through(operator, _hand_in(door, operator), "verify")
    at = stamp()
    later = _ticket(
        ticket["code"], received_at=ticket["received_at"], description="ổ gà to hơn",
        changed_at=at, state="closed", outcome="withdrawn", ended_at=at,
    )  # fmt: skip
    assert door.post([later], part="tickets").json()["corrected"] == 1
    found = operator.get(f"/tickets/{ticket['id']}").json()
    assert (found["state"], found["description"]) == ("verified", "ổ gà to hơn")


def test_lists_go_on_page_by_page_and_show_what_is_overdue(server: Server, door: FeedDoor) -> None:
    operator = server.sign_in("operator")
    old = stamp(now() - timedelta(days=100))
    late = _hand_in(door, operator, received_at=old, category="rac-thai")
    assert late["overdue"]
    assert late["lead"]["id"] == "phuong-tan-hoa"
    items: list[Any] = []
    page = operator.get("/tickets", params={"limit": 2}).json()
    while True:
        items += page["items"]
        if page["next"] is None:
            break
        page = operator.get("/tickets", params={"limit": 2, "cursor": page["next"]}).json()
    assert [item["id"] for item in items] == [
        item["id"] for item in operator.get("/tickets").json()["items"]
    ]
    overdue = operator.get("/tickets", params={"overdue": True}).json()["items"]
    assert late["id"] in {item["id"] for item in overdue}
    assert operator.get("/tickets", params={"cursor": "x"}).status_code == 400
    assert operator.get("/tickets", params={"q": "a\x00b"}).status_code == 400
    only = operator.get("/tickets", params={"category": "rac-thai", "state": "received"})
    assert [item["id"] for item in only.json()["items"]] == [late["id"]]


def test_a_petition_has_its_four_clocks(server: Server, door: FeedDoor) -> None:
    operator = server.sign_in("operator")
    ticket = _hand_in(door, operator, category="quy-dinh-hanh-chinh")
    assert [clock["step"] for clock in ticket["clocks"]] == ["refuse", "supplement", "solve"]
    asked = _through(operator, ticket, "ask-supplement")
    assert {clock["step"]: clock["standing"] for clock in asked["clocks"]}["solve"] == "paused"
    rejected = _through(operator, asked, "reject", outcome="withdrawn")
    assert rejected["outcome"] == "withdrawn"


def test_numbers_of_tickets_reach_the_feeds_health(server: Server, door: FeedDoor) -> None:
    operator = server.sign_in("operator")
    _hand_in(door, operator)

    def spoke() -> bool:
        feeds = operator.get("/feeds").json()["items"]
        return any(feed["id"] == door.feed and feed["state"] != "never" for feed in feeds)

    eventually(spoke)

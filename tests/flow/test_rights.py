"""Who may do what: every route of the document and every topic, for every role; default deny."""

import asyncio
import importlib
import json
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

import ioc.api
from alerts.channel import Webhook
from alerts.roster import Person, Roster
from alerts.route import Plan
from ioc.store import accounts, outbox, roster
from ioc.store.outbox import Letter
from ioc.store.pool import connect as connect_database
from tests.fixtures.server import PASSWORD, FeedDoor, Server, eventually, now, stamp

API = "/api/v1"

NONE, WALL, LEADER, OPERATOR, ADMIN = "nobody", "wall", "leader", "operator", "administrator"
AGENCY, OTHER_AGENCY = "agency", "another agency"
KEY, OTHER_KEY = "feed key", "key of another feed"
PEOPLE = {AGENCY, OTHER_AGENCY, LEADER, OPERATOR, ADMIN}
READERS = PEOPLE | {WALL}
KNOWN = READERS | {KEY, OTHER_KEY}
ALL = KNOWN | {NONE}
ACTORS = {LEADER, OPERATOR, ADMIN}
SOURCE = "quyen.nguon"
NOWHERE = {"kind": "poll", "url": "https://nowhere.invalid/observations.json", "every": "P1D"}
LEDGER = {KEY, AGENCY, OPERATOR, ADMIN}
REPAIR = {KEY, AGENCY, ADMIN}

# Who is let through; a route without a line here fails the test, and so does a line too many.
TABLE: dict[str, set[str]] = {
    "POST /api/v1/login": ALL,
    "GET /api/v1/me": KNOWN,
    "POST /api/v1/feeds/{feed}/observations": {KEY},
    "POST /api/v1/feeds/{feed}/dossiers": {KEY},
    "POST /api/v1/feeds/{feed}/reports": {KEY},
    "GET /api/v1/measures": KNOWN,
    "GET /api/v1/scores": READERS,
    "GET /api/v1/reports": READERS,
    "POST /api/v1/reports": {AGENCY, OTHER_AGENCY},  # each only of its own units and those below
    "GET /api/v1/reports/due": READERS,
    "GET /api/v1/reports/template.xlsx": READERS,
    "GET /api/v1/reports/{report}/history": READERS,
    "POST /api/v1/reports/approve": {AGENCY, OTHER_AGENCY},  # each only what is its own
    "POST /api/v1/reports/close": {OPERATOR, ADMIN},
    "POST /api/v1/reports/{report}/approve": {AGENCY},
    "POST /api/v1/reports/{report}/close": {OPERATOR, ADMIN},
    "POST /api/v1/reports/{report}/reopen": {OPERATOR, ADMIN},
    "GET /api/v1/feeds": READERS,
    "GET /api/v1/feeds/{feed}/ledger": LEDGER,
    "GET /api/v1/feeds/{feed}/quarantine": LEDGER,
    "GET /api/v1/feeds/{feed}/quarantine/{item}/payload": LEDGER,
    "PUT /api/v1/feeds/{feed}/quarantine/{item}": REPAIR,
    "DELETE /api/v1/feeds/{feed}/quarantine/{item}": REPAIR,
    "POST /api/v1/feeds/{feed}/quarantine/replay": REPAIR,
    "GET /api/v1/feeds/{feed}/mapping": LEDGER,
    "PUT /api/v1/feeds/{feed}/mapping": REPAIR,
    "POST /api/v1/feeds/{feed}/mapping/test": REPAIR,
    "PUT /api/v1/feeds/{feed}/features": {KEY, ADMIN},
    "PUT /api/v1/feeds/{feed}/series": {KEY, ADMIN},
    "GET /api/v1/series": KNOWN,
    "GET /api/v1/series/{series}/observations": READERS | {KEY},
    "GET /api/v1/observations.{file_format}": KNOWN,  # a feed key gets its own feed
    "GET /api/v1/sources": {AGENCY, OTHER_AGENCY, OPERATOR, ADMIN},
    "POST /api/v1/sources": {AGENCY, ADMIN},
    "GET /api/v1/sources/{source}/exchanges": {AGENCY, OPERATOR, ADMIN},
    "PUT /api/v1/sources/{source}": {AGENCY, ADMIN},
    "POST /api/v1/sources/{source}/run": {AGENCY, ADMIN},
    "POST /api/v1/sources/{source}/enable": {AGENCY, ADMIN},
    "POST /api/v1/sources/{source}/disable": {AGENCY, ADMIN},
    "POST /api/v1/feeds/{feed}/tickets": {KEY},
    "POST /api/v1/feeds/{feed}/warnings": {KEY},
    "GET /api/v1/warnings": READERS,
    "POST /api/v1/warnings": {OPERATOR, ADMIN},
    "PUT /api/v1/warnings/{warning}/bulletin": {OPERATOR, ADMIN},
    "GET /api/v1/warnings/{warning}/bulletin": READERS,
    "POST /api/v1/warnings/{warning}/cancel": {OPERATOR, ADMIN},
    "GET /api/v1/tickets": PEOPLE,
    "GET /api/v1/tickets/{ticket}": PEOPLE - {OTHER_AGENCY},
    "POST /api/v1/tickets/{ticket}/{move}": {AGENCY, OPERATOR, ADMIN},
    "GET /api/v1/tickets/{ticket}/contact": {OPERATOR, ADMIN},
    "DELETE /api/v1/tickets/{ticket}/contact": {OPERATOR, ADMIN},
    "GET /api/v1/incidents/categories": PEOPLE,
    "GET /api/v1/incidents": PEOPLE,
    "GET /api/v1/incidents/{incident}": PEOPLE - {OTHER_AGENCY},
    "POST /api/v1/incidents": {OPERATOR, ADMIN},
    "POST /api/v1/incidents/{incident}/entries": PEOPLE - {OTHER_AGENCY},
    "POST /api/v1/incidents/{incident}/steps/{step}": {AGENCY, OPERATOR, ADMIN},
    "POST /api/v1/incidents/{incident}/join": {OPERATOR, ADMIN},
    "POST /api/v1/incidents/{incident}/leave": {OPERATOR, ADMIN},
    "GET /api/v1/incidents/{incident}/caller": {OPERATOR, ADMIN},  # whole for who took the call
    "POST /api/v1/incidents/{incident}/files": {AGENCY, OPERATOR, ADMIN},
    "GET /api/v1/incidents/{incident}/files/{file}": PEOPLE - {OTHER_AGENCY},
    "POST /api/v1/incidents/{incident}/{move}": {AGENCY, OPERATOR, ADMIN},
    "GET /api/v1/shifts": {LEADER, OPERATOR, ADMIN},
    "POST /api/v1/shifts": {OPERATOR, ADMIN},
    "GET /api/v1/shifts/{shift}/report": {LEADER, OPERATOR, ADMIN},
    "GET /api/v1/shifts/{shift}/report.{file_format}": {LEADER, OPERATOR, ADMIN},
    "POST /api/v1/shifts/{shift}/end": {OPERATOR, ADMIN},
    "GET /api/v1/shifts/{shift}/entries": {LEADER, OPERATOR, ADMIN},
    "POST /api/v1/shifts/{shift}/entries": {OPERATOR, ADMIN},
    "GET /api/v1/calls": {LEADER, OPERATOR, ADMIN},
    "POST /api/v1/calls": {OPERATOR, ADMIN},
    "GET /api/v1/duty": {LEADER, OPERATOR, ADMIN},
    "GET /api/v1/places": READERS,
    "GET /api/v1/open311/discovery.json": ALL,
    "GET /api/v1/open311/v2/services.json": ALL,
    "GET /api/v1/open311/v2/services/{service_code}.json": ALL,
    "POST /api/v1/open311/v2/requests.json": {KEY, OTHER_KEY},  # each by its own feed
    "GET /api/v1/open311/v2/requests.json": {KEY, OTHER_KEY},
    "GET /api/v1/open311/v2/requests/{service_request_id}.json": {KEY},
    "GET /api/v1/open311/v2/tokens/{token}.json": {KEY},
    "GET /api/v1/layers": READERS,
    "GET /api/v1/layers/{layer}": READERS,
    "GET /api/v1/units": KNOWN,
    "GET /api/v1/units/{unit}": KNOWN,
    "GET /api/v1/alerts": READERS,
    "GET /api/v1/alerts/health": READERS,
    "GET /api/v1/alerts/{alert}": READERS,
    "GET /api/v1/alerts/{alert}/log": READERS,
    "GET /api/v1/alerts.cap.atom": READERS,
    "GET /api/v1/alerts/{alert}.cap.xml": READERS,
    "POST /api/v1/alerts/bulk": ACTORS,
    "POST /api/v1/alerts/{alert}/acknowledge": ACTORS,
    "POST /api/v1/alerts/{alert}/comment": ACTORS,
    "POST /api/v1/alerts/{alert}/assign": ACTORS,
    "POST /api/v1/alerts/{alert}/shelve": {OPERATOR, ADMIN},
    "POST /api/v1/alerts/{alert}/unshelve": {OPERATOR, ADMIN},
    "POST /api/v1/alerts/{alert}/close": {OPERATOR, ADMIN},
    "GET /api/v1/rules": READERS,
    "GET /api/v1/rules/{rule}/history": READERS,
    "POST /api/v1/rules/{rule}/trial": {OPERATOR, ADMIN},
    "PUT /api/v1/rules/{rule}": {ADMIN},
    "DELETE /api/v1/rules/{rule}": {ADMIN},
    "PUT /api/v1/feeds/{feed}/windows": {KEY},
    "GET /api/v1/silences": READERS,
    "POST /api/v1/silences": {OPERATOR, ADMIN},
    "POST /api/v1/silences/{silence}/end": {OPERATOR, ADMIN},
    "GET /api/v1/notify/channels": {ADMIN},
    "GET /api/v1/notify/outbox": {OPERATOR, ADMIN},
    "POST /api/v1/notify/outbox/{letter}/retry": {OPERATOR, ADMIN},
    "POST /api/v1/notify/test": {ADMIN},
    "GET /api/v1/notify/push": PEOPLE,
    "POST /api/v1/notify/push": PEOPLE,
    "POST /api/v1/notify/push/test": PEOPLE,
    "DELETE /api/v1/notify/push/{subscription}": PEOPLE,  # each only a subscription of their own
    "GET /api/v1/boards/{board}": READERS,
    "GET /api/v1/targets": READERS,
    "GET /api/v1/targets/uncascaded": READERS,
    "GET /api/v1/targets/standing": READERS,
    "PUT /api/v1/targets": {ADMIN},  # an agency only for the units below it
    "GET /api/v1/actions": READERS,
    "POST /api/v1/actions": {AGENCY, ADMIN},  # an agency only of its own units and those below
    "POST /api/v1/targets/import": {AGENCY, OTHER_AGENCY, ADMIN},
    "GET /api/v1/procedures": READERS,
    "GET /api/v1/procedures/counts": READERS,
    "GET /api/v1/procedures/{code}": READERS,
    "POST /api/v1/procedures/import": {ADMIN},
    "GET /api/v1/dossiers": PEOPLE,
    "GET /api/v1/dossiers/counts": READERS,
    "GET /api/v1/forms": PEOPLE,
    "GET /api/v1/forms/{form}.{file_format}": PEOPLE,
    "GET /api/v1/calendar": READERS,
    "PUT /api/v1/calendar/{day}": {ADMIN},
    "DELETE /api/v1/calendar/{day}": {ADMIN},
    "GET /api/v1/indicators": READERS,
    "GET /api/v1/indicators/{indicator}/values": READERS,
    "GET /api/v1/indicators/{indicator}/history": READERS,
    "PUT /api/v1/indicators/{indicator}": {ADMIN},
    "GET /api/v1/rankings/{indicator}": READERS,
    "GET /api/v1/quality": READERS,
    "GET /api/v1/quality/ranking": READERS,
    "GET /api/v1/summary": READERS,
    "GET /api/v1/city": READERS,
    "GET /api/v1/stream/sse": READERS,
    "GET /api/v1/asyncapi.json": ALL,
    "GET /healthz": ALL,
    "GET /readyz": ALL,
    "GET /metrics": ALL,
    "POST /api/v1/logout": KNOWN,  # last, because it ends the tokens
}

TOPICS: dict[str, set[str]] = {
    "alerts": READERS,
    "incidents": READERS,
    "summary": READERS,
    "board:overview": READERS,
    "board:procedures": READERS,
    "board:data": READERS,
    "layer:units": READERS,
    "layer:traffic": READERS,
    "series:{series}": READERS,
    "feeds": READERS - {AGENCY, OTHER_AGENCY},
}


@dataclass
class House:
    """A server with one of each who may knock."""

    server: Server
    door: FeedDoor
    alert: str
    series: int
    item: int
    report: str
    ticket: str
    incident: str
    file: str
    shift: str
    silence: str
    letter: int
    warning: str
    tokens: dict[str, str]
    client: httpx2.Client

    def headers(self, who: str) -> dict[str, str]:
        token = self.tokens.get(who)
        return {} if token is None else {"Authorization": f"Bearer {token}"}

    def filled(self, text: str) -> str:
        return text.format(
            feed=self.door.feed, series=self.series, alert=self.alert, layer="traffic",
            item=self.item, report=self.report, source=SOURCE,
            file_format="html" if "/shifts/" in text else "csv",
            board="overview", indicator="online-share", unit="so-y-te", ticket=self.ticket,
            move="acknowledge" if "/incidents/" in text else "accept",
            service_code="o-nhiem", service_request_id=self.ticket,
            token=self.ticket, code="dang-ky-khai-sinh", day="2027-05-05",
            form="dossiers-quarterly", silence=self.silence, rule="quyen",
            incident=self.incident, file=self.file, step="giuong", shift=self.shift,
            letter=self.letter, warning=self.warning, subscription=1,
        )  # fmt: skip

    def knock(self, who: str, route: str) -> int:
        """The status that somebody gets at a route, with a body that would be taken."""
        method, path = self.filled(route).split(" ")
        content, kind, query = _request(route, self)
        with self.client.stream(
            method, path, content=content, params=query,
            headers={"Content-Type": kind, **self.headers(who)},
        ) as answer:  # fmt: skip
            if "event-stream" not in answer.headers.get("content-type", ""):
                answer.read()
            self.client.cookies.clear()
            return answer.status_code

    def socket(self, who: str, **headers: str) -> ClientConnection:
        return connect(
            f"ws://127.0.0.1:{self.server.http_port}{API}/stream",
            subprotocols=["ioc.v1"],  # pyright: ignore[reportArgumentType]
            additional_headers={**self.headers(who), **headers},
            compression=None,
        )


def _request(route: str, house: House) -> tuple[bytes, str, dict[str, str]]:
    """A body, its type and a query that the route takes."""
    bodies: dict[str, Any] = {
        "login": {"name": "co-nguoi", "password": PASSWORD},
        "observations": [{"series": "a/x", "time": stamp(), "value": 1}],
        "dossiers": [],
        "reports": [],
        "tickets": [],
        "{move}": {"version": 1},
        "incidents": {"category": "khac", "place": {"name": "chợ"}},
        "entries": {"text": "đã gọi"},
        "calls": {"person": "Trực ban", "result": "reached"},
        "{step}": {"done": True},
        "shifts": {"on_duty": ["An"]},
        "end": {"to": "Bình"},
        "join": {"tickets": [house.ticket]},
        "leave": {"tickets": [house.ticket]},
        "approve": {"ids": [house.report]},
        "close": {"ids": [house.report]},
        "reopen": {"reason": "nộp nhầm"},
        "features": {"type": "FeatureCollection", "features": []},
        "series": [{"key": "a/x"}],
        "comment": {"comment": "đã gọi đơn vị vận hành"},
        "bulk": {"move": "acknowledge", "alerts": [{"id": house.alert, "version": 1}]},
        "assign": {"assignee": "so-y-te"},
        "shelve": {"comment": "đang sửa", "until": stamp(now() + timedelta(hours=1))},
        "windows": [],
        "silences": {
            "matcher": {"rule": "pm25-high"},
            "starts": stamp(now() + timedelta(days=300)),
            "ends": stamp(now() + timedelta(days=301)),
            "why": "bảo trì",
        },
        "warnings": _WARNING,
        "cancel": {"why": "nhập nhầm"},
        "{item}": [{"series": "a/x"}],
        "sources": {"id": SOURCE, "feed": house.door.feed, "document": NOWHERE, "enabled": False},
        "{source}": NOWHERE,
        "{indicator}": _DEFINITION,
        "{rule}": _RULE,
        "trial": _RULE,
        "targets": {
            "indicator": "online-share",
            "unit": "so-y-te",
            "from": "2100-01-01",
            "value": 60,
            "document": "QĐ mẫu",
        },
        "actions": {
            "unit": "so-y-te",
            "kind": "urging_letter",
            "name": {"vi": "Công văn đôn đốc", "en": "Urging letter"},
            "from": "2026-05-05",
            "document": "CV mẫu",
            "indicators": ["online-share"],
        },
        "{day}": {"working": False, "name": "Nghỉ", "source": "Công văn mẫu"},
        "replay": {},
        "mapping": {"mapping": {"series": "id", "time": "at", "value": "v"}},
        "test": {"mapping": {"series": "id", "time": "at", "value": "v"}, "sample": []},
    }
    last = route.rsplit("/", 1)[1]
    if last == "push":
        keys = {"p256dh": "", "auth": ""}
        bodies["push"] = {"endpoint": "https://push.example/1", "keys": keys}
    if route.endswith("/notify/test"):
        bodies["test"] = {"channel": "quyen", "person": "quyen"}
    query = {"topic": "alerts"} if last == "sse" else {}
    if last == "places":
        query = {"q": "vinh"}
    if last == "standing":
        query = {"indicator": "online-share"}
    if route == "POST /api/v1/open311/v2/requests.json":
        form = b"service_code=o-nhiem&address_string=Vi%E1%BB%87t+Tr%C3%AC"
        return form, "application/x-www-form-urlencoded", query
    if last == "files":
        return b"%PDF-1.7", "application/pdf", {"name": "a.pdf"}
    if route == "POST /api/v1/feeds/{feed}/warnings":
        return b'<feed xmlns="http://www.w3.org/2005/Atom"/>', "application/atom+xml", query
    if route == "PUT /api/v1/warnings/{warning}/bulletin":
        return b"%PDF-1.4", "application/pdf", query
    if last == "import":
        tables = {"procedures": b"code,name,field,from\n",
                  "targets": b"indicator,unit,from,value,document\n"}  # fmt: skip
        return tables[route.rsplit("/", 2)[1]], "text/csv", query
    if route.startswith("GET") or last not in bodies:
        return b"", "application/json", query
    return json.dumps(bodies[last]).encode(), "application/json", query


_ONCE = (
    "/alerts/", "/reports/", "/tickets/", "/incidents/", "/shifts", "DELETE", "/sources",
    "/notify/outbox/", "/notify/push", "/warnings/",
)  # fmt: skip
_WARNING = {
    "level": 1, "hazard": "Mưa lớn", "text": "Mưa lớn diện rộng", "units": ["phu-tho"],
    "ends": stamp(now() + timedelta(days=1)),
}  # fmt: skip
_REPORT = {
    "measure": "documents_out", "unit": "so-y-te", "period": "2026-07", "value": 7,
    "document": "BC 1",
}  # fmt: skip
_DEFINITION = {
    "name": {"vi": "Nộp trực tuyến", "en": "Filed online"}, "domain": "service", "kind": "share",
    "source": "measures", "numerator": "received_online", "denominator": "received_here",
    "uom": "%", "decimals": 1, "direction": "up", "from": "2100-01-01",
}  # fmt: skip
_RULE = {
    "kind": "missing", "domain": "it", "after": "P900D", "severity": "low",
    "name": {"vi": "Thử quyền", "en": "Rights"}, "each": "series",
}  # fmt: skip
_INCIDENT = {
    "category": "qua-tai-benh-vien", "place": {"name": "bệnh viện"},
    "caller": {"phone": "0900000000"},
}  # fmt: skip
_TICKET = {
    "code": "Q-1", "category": "an-toan-thuc-pham", "received_at": "2026-07-01T08:00:00+07:00",
    "state": "assigned", "unit": "so-y-te", "contact": {"phone": "0900000000"},
}  # fmt: skip


@pytest.fixture(scope="module")
def house(server: Server) -> Iterator[House]:
    door = server.feed("quyen.so-y-te", "so-y-te", domain="health")
    other = server.feed("quyen.so-noi-vu", "so-noi-vu", domain="service")
    grid = server.feed("quyen.luoi-dien", "dien-luc-phu-tho", domain="electricity")
    item = {"series": "a/x", "time": stamp(), "value": 1}
    assert door.post([item]).json()["stored"] == 1
    assert door.post([{"series": "a/x"}]).json()["quarantined"] == 1
    assert door.post([_REPORT], part="reports").json()["stored"] == 1
    assert door.post([_TICKET], part="tickets").json()["stored"] == 1
    assert grid.post([{**item, "series": "tram/customers-out", "value": 9000}]).status_code == 200

    def token(role: str, *units: str) -> str:
        return server.sign_in(role, *units).headers["Authorization"].removeprefix("Bearer ")

    async def wall() -> str:
        async with await connect_database(server.database_url) as conn:
            return await accounts.add_wall(conn, "phòng trực", now())

    async def letter() -> int:
        """A dead letter, and whom the test button may reach: a channel that leads nowhere."""
        hook = Webhook(id="quyen", url="http://127.0.0.1:9/", secret="quyen", enabled=True)
        person = Person(id="quyen", name="Quyền", unit="so-y-te")
        dead = Letter(
            alert_id=None, stage="test", person="quyen", channel="quyen", reason="test",
            message={}, due_at=now(), created_at=now(), created_by="quyen", state="dead",
        )  # fmt: skip
        async with await connect_database(server.database_url) as conn:
            await roster.put(conn, Plan(channels=(hook,)), Roster(persons=(person,)))
            return (await outbox.add_test(conn, dead)).outbox_id

    tokens = {
        WALL: asyncio.run(wall()),
        AGENCY: token("agency", "so-y-te"),
        OTHER_AGENCY: token("agency", "so-noi-vu"),
        LEADER: token("leader"),
        OPERATOR: token("operator"),
        ADMIN: token("administrator"),
        KEY: door.key,
        OTHER_KEY: other.key,
    }
    operator = {"Authorization": f"Bearer {tokens[OPERATOR]}"}

    def get(path: str, **query: str) -> Any:
        return httpx2.get(f"{server.base}{API}{path}", headers=operator, params=query).json()

    eventually(lambda: get("/alerts")["items"])
    eventually(lambda: get("/series", key="quyen.so-y-te/a/x")["items"])
    series = get("/series", key="quyen.so-y-te/a/x")["items"][0]["id"]
    server.command("user", "add", "co-nguoi", "--role", "leader", "--password-stdin", said=PASSWORD)
    alert = get("/alerts")["items"][0]["id"]
    report = get("/reports", measure="documents_out")["items"][0]["id"]
    ticket = get("/tickets", q="Q-1")["items"][0]["id"]
    incident, file = _incident(server, operator)
    shift = httpx2.post(
        f"{server.base}{API}/shifts", headers=operator, json={"on_duty": ["An"]}
    ).json()["id"]
    item = door.quarantine()[0]["id"]
    coming = {"starts": stamp(now() + timedelta(days=9)), "ends": stamp(now() + timedelta(days=10))}
    silence = httpx2.post(
        f"{server.base}{API}/silences", headers=operator,
        json={"matcher": {"rule": "outage"}, "why": "bảo trì", **coming},
    ).json()["id"]  # fmt: skip
    warning = httpx2.post(
        f"{server.base}{API}/warnings", headers=operator, json=_WARNING
    ).json()["id"]  # fmt: skip
    with httpx2.Client(base_url=server.base, timeout=30) as client:
        yield House(
            server,
            door,
            alert,
            series,
            item,
            report,
            ticket,
            incident,
            file,
            shift,
            silence,
            asyncio.run(letter()),
            warning,
            tokens,
            client,
        )


def _incident(server: Server, operator: dict[str, str]) -> tuple[str, str]:
    """An incident of a department, with a caller and a file."""
    url = f"{server.base}{API}/incidents"
    opened = httpx2.post(url, headers=operator, json=_INCIDENT).json()["id"]
    kept = httpx2.post(
        f"{url}/{opened}/files", headers=operator, params={"name": "b.pdf"}, content=b"%PDF-1.4"
    )
    return opened, kept.json()["files"][0]["id"]


def _document(server: Server) -> dict[str, Any]:
    return httpx2.get(f"{server.base}{API}/openapi.json").json()


def _operations(document: dict[str, Any]) -> set[str]:
    return {f"{verb.upper()} {path}" for path, item in document["paths"].items() for verb in item}


def test_the_document_holds_every_route_of_the_program(house: House) -> None:
    routers = [
        importlib.import_module(f"ioc.api.{module.name}").router.routes
        for module in pkgutil.iter_modules(ioc.api.__path__)
        if hasattr(importlib.import_module(f"ioc.api.{module.name}"), "router")
    ]
    made: set[str] = set()
    for route in (route for routes in routers for route in routes):
        if isinstance(route, APIRoute) and route.include_in_schema:
            root = route.path in ("/healthz", "/readyz", "/metrics")
            made |= {f"{verb} {'' if root else API}{route.path}" for verb in route.methods or ()}
    assert _operations(_document(house.server)) == made


def test_every_route_lets_through_whom_the_table_names_and_nobody_else(house: House) -> None:
    assert _operations(_document(house.server)) == set(TABLE)
    found: dict[str, dict[str, int]] = {}
    wrong: list[str] = []
    spent = [route for route in TABLE if not route.endswith("/logout")]
    for route in spent:
        found[route] = {who: house.knock(who, route) for who in sorted(ALL)}
        for who, status in found[route].items():
            if who in TABLE[route]:
                # Made by another before, gone by another before, or a source that is disabled.
                done_before = any(part in route for part in _ONCE)
                right = 200 <= status < 300 or (status == 409 and done_before)
            else:
                right = status == (401 if who == NONE else 403)
                # The standard has its own way: no key is 403, and what is of others is 404.
                right |= "/open311/" in route and status in (403, 404)
            if not right:
                wrong.append(f"{route}: {who} got {status}")
    assert wrong == []


def test_a_feed_nobody_made_answers_as_a_feed_of_others_does(house: House) -> None:
    for who in (AGENCY, KEY, OPERATOR):
        there, nowhere = (
            httpx2.get(f"{house.server.base}{API}/feeds/{feed}/ledger", headers=house.headers(who))
            for feed in ("quyen.so-noi-vu", "quyen.khong-co")
        )
        assert nowhere.status_code == 403
        if who != OPERATOR:
            assert there.status_code == 403
            assert there.json()["code"] == nowhere.json()["code"]


def test_agencies_and_keys_see_their_own_feeds_and_series_only(house: House) -> None:
    def items(who: str, path: str) -> list[dict[str, Any]]:
        answer = httpx2.get(house.server.base + API + path, headers=house.headers(who))
        return answer.json()["items"]

    assert {feed["agency"]["id"] for feed in items(AGENCY, "/feeds")} == {"so-y-te"}
    assert {feed["agency"]["id"] for feed in items(OTHER_AGENCY, "/feeds")} == {"so-noi-vu"}
    assert len({feed["agency"]["id"] for feed in items(OPERATOR, "/feeds")}) > 2
    assert {series["feed"] for series in items(KEY, "/series")} == {house.door.feed}
    assert items(OTHER_KEY, "/series") == []


def _ask(socket: ClientConnection, topic: str) -> str:
    """What comes of a subscription: `snapshot`, or the code of the error."""
    socket.send(json.dumps({"type": "subscribe", "id": topic, "topic": topic}))
    while True:
        frame = json.loads(socket.recv(10))
        if frame.get("id") == topic and frame["type"] in ("snapshot", "error"):
            return frame["code"] if frame["type"] == "error" else frame["type"]


def test_topics_open_to_whom_the_table_names(house: House) -> None:
    for who in sorted(READERS):
        with house.socket(who) as socket:
            assert json.loads(socket.recv(10))["type"] == "hello"
            for topic, allowed in TOPICS.items():
                expected = "snapshot" if who in allowed else "not_permitted"
                assert _ask(socket, house.filled(topic)) == expected, (who, topic)
            assert _ask(socket, "layer:khong-co") == "not_found"


def _refused(socket: ClientConnection) -> int:
    """The close code of a socket that is told to sign in first."""
    frame = json.loads(socket.recv(10))
    assert (frame["type"], frame["code"]) == ("error", "not_signed_in")
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(10)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


@pytest.mark.parametrize("who", [KEY, OTHER_KEY])
def test_a_feed_key_is_refused_on_the_websocket(house: House, who: str) -> None:
    with house.socket(who) as socket:
        assert _refused(socket) == 4401
    with house.socket(NONE) as socket:
        socket.send(json.dumps({"type": "auth", "token": house.tokens[who]}))
        assert _refused(socket) == 4401


def test_a_websocket_is_opened_by_header_by_first_frame_or_by_cookie_of_this_site(
    house: House,
) -> None:
    token = house.tokens[LEADER]
    with house.socket(NONE) as socket:
        socket.send(json.dumps({"type": "auth", "token": token}))
        assert json.loads(socket.recv(10))["type"] == "hello"
    with house.socket(NONE, Cookie=f"ioc_session={token}", Origin=house.server.base) as socket:
        assert json.loads(socket.recv(10))["type"] == "hello"
    with house.socket(NONE, Cookie=f"ioc_session={token}", Origin="https://la.example") as socket:
        assert _refused(socket) == 4401
    with house.socket(NONE) as socket:
        socket.send('{"type":"subscribe","id":"a","topic":"alerts"}')
        assert _refused(socket) == 4401


ELSEWHERE = [
    {"Origin": "https://la.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", ELSEWHERE, ids=lambda h: next(iter(h.values())))
def test_a_cookie_that_another_site_makes_travel_changes_nothing(
    house: House, headers: dict[str, str]
) -> None:
    cookie = {"Cookie": f"ioc_session={house.tokens[OPERATOR]}"}
    url = f"{house.server.base}{API}/alerts/{house.alert}/comment"
    said = {"comment": "từ trang khác"}
    refused = httpx2.post(url, json=said, headers={**cookie, **headers})
    assert refused.status_code == 403
    own = {"Origin": house.server.base, "Sec-Fetch-Site": "same-origin"}
    assert httpx2.post(url, json=said, headers={**cookie, **own}).status_code == 200
    log = httpx2.get(
        f"{house.server.base}{API}/alerts/{house.alert}/log", headers=house.headers(OPERATOR)
    )
    assert log.status_code == 200


def test_another_site_cannot_sign_a_browser_in(house: House) -> None:
    url = f"{house.server.base}{API}/login"
    body = {"name": "co-nguoi", "password": PASSWORD}
    refused = httpx2.post(url, json=body, headers={"Origin": "https://la.example"})
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    form = httpx2.post(url, content=json.dumps(body), headers={"Content-Type": "text/plain"})
    assert form.status_code in (400, 415, 422)
    assert "set-cookie" not in form.headers


def test_the_session_cookie_is_for_this_site_and_no_script(house: House) -> None:
    body = {"name": "co-nguoi", "password": PASSWORD}
    answer = httpx2.post(f"{house.server.base}{API}/login", json=body)
    name, *flags = (part.strip().lower() for part in answer.headers["set-cookie"].split(";"))
    assert name == f"ioc_session={answer.json()['token']}".lower()
    assert {"httponly", "samesite=strict", "path=/", "max-age=43200"} <= set(flags)
    wall = httpx2.get(f"{house.server.base}/w/{house.tokens[WALL]}", follow_redirects=False)
    assert wall.status_code == 303
    assert wall.headers["location"] == "/"
    flags = [part.strip().lower() for part in wall.headers["set-cookie"].split(";")]
    assert {"httponly", "samesite=strict", "path=/"} <= set(flags)


def test_a_wrong_name_and_a_wrong_password_get_the_same_problem(house: House) -> None:
    problems = []
    for name, password in (("co-nguoi", "khong-phai-mat-khau"), ("khong-co-ai", PASSWORD)):
        answer = httpx2.post(
            f"{house.server.base}{API}/login", json={"name": name, "password": password}
        )
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "set-cookie" not in answer.headers
        problems.append(answer.json())
    assert problems[0] == problems[1]
    assert problems[0]["code"] == "not_signed_in"


def test_a_session_is_over_after_signing_out(house: House) -> None:
    body = {"name": "co-nguoi", "password": PASSWORD}
    token = httpx2.post(f"{house.server.base}{API}/login", json=body).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx2.get(f"{house.server.base}{API}/me", headers=headers).status_code == 200
    out = httpx2.post(f"{house.server.base}{API}/logout", headers=headers)
    assert out.status_code == 204
    assert httpx2.get(f"{house.server.base}{API}/me", headers=headers).status_code == 401
    assert httpx2.post(f"{house.server.base}{API}/logout").status_code == 401


def _kinds(schema: dict[str, Any]) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else kind


IS = {
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "string": lambda v: isinstance(v, str),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}


def _faults(schema: dict[str, Any], value: Any, document: dict[str, Any], at: str) -> list[str]:
    """Where a value does not fit a JSON schema, as far as our documents use it."""
    if "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return _faults(found, value, document, at)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            each = [_faults(one, value, document, at) for one in schema[several]]
            return [] if [] in each else [f"{at}: fits none of {several}: {min(each, key=len)}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is not one of {schema['enum']}"]
    if "const" in schema and value != schema["const"]:
        return [f"{at}: {value!r} is not {schema['const']!r}"]
    kinds = _kinds(schema)
    if kinds and not any(IS[kind](value) for kind in kinds):
        return [f"{at}: {value!r} is not {kinds}"]
    out: list[str] = []
    if isinstance(value, dict):
        known = schema.get("properties", {})
        out += [
            f"{at}: {name} is missing" for name in schema.get("required", []) if name not in value
        ]
        rest = schema.get("additionalProperties")
        for name, part in value.items():
            inner = known.get(name, rest if isinstance(rest, dict) else None)
            if inner is not None:
                out += _faults(inner, part, document, f"{at}.{name}")
            elif known and rest is not True:
                out.append(f"{at}: {name} is not in the document")
    if isinstance(value, list):
        places = schema.get("prefixItems")
        inners = places or [schema.get("items", {})] * len(value)
        if isinstance(inners[0] if inners else {}, dict):
            for n, part in enumerate(value):
                out += _faults(inners[min(n, len(inners) - 1)], part, document, f"{at}[{n}]")
    return out


SEEN = [route for route in TABLE if route.startswith("GET") and route not in (
    "GET /api/v1/stream/sse", "GET /metrics", "GET /api/v1/asyncapi.json",
    "GET /api/v1/feeds/{feed}/quarantine/{item}/payload",
    "GET /api/v1/observations.{file_format}",
    "GET /api/v1/forms/{form}.{file_format}",
    "GET /api/v1/reports/template.xlsx", "GET /api/v1/incidents/{incident}/files/{file}",
    "GET /api/v1/shifts/{shift}/report.{file_format}",
    "GET /api/v1/warnings/{warning}/bulletin",
    "GET /api/v1/alerts.cap.atom", "GET /api/v1/alerts/{alert}.cap.xml",
    "GET /api/v1/tickets/{ticket}/contact",  # deleted above
)]  # fmt: skip


@pytest.mark.parametrize("route", SEEN)
def test_answers_fit_the_document(house: House, route: str) -> None:
    document = _document(house.server)
    path = route.split(" ")[1]
    content = document["paths"][path]["get"]["responses"]["200"]["content"]
    who = KEY if "/open311/" in route else ADMIN
    answer = httpx2.get(
        house.server.base + house.filled(path),
        headers=house.headers(who),
        timeout=30,
        params=_request(route, house)[2],
    )
    assert answer.status_code == 200
    kind = answer.headers["content-type"].split(";")[0]
    assert list(content) == [kind]
    assert _faults(content[kind]["schema"], answer.json(), document, path) == []


def test_refusals_fit_the_document_too(house: House) -> None:
    document = _document(house.server)
    for status, path, headers in (
        (401, "/me", {}),
        (403, "/alerts", house.headers(KEY)),
        (404, "/boards/khong-co", house.headers(ADMIN)),
        (404, "/khong-co", house.headers(ADMIN)),
        (400, "/layers/traffic?bbox=1,2", house.headers(ADMIN)),
        (400, "/alerts?limit=0", house.headers(ADMIN)),
    ):
        answer = httpx2.get(house.server.base + API + path, headers=headers)
        assert (answer.status_code, path) == (status, path)
        assert answer.headers["content-type"] == "application/problem+json"
        schema = document["components"]["schemas"]["ProblemDocument"]
        assert _faults(schema, answer.json(), document, path) == []


def test_every_reference_of_both_documents_leads_somewhere(house: House) -> None:
    async_document = httpx2.get(f"{house.server.base}{API}/asyncapi.json").json()
    assert async_document["asyncapi"].startswith("3.")
    assert "stream" in async_document["channels"]
    for document in (_document(house.server), async_document):
        for reference in _references(document):
            found: Any = document
            for part in reference.removeprefix("#/").split("/"):
                assert part in found, reference
                found = found[part]


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, inner in part.items():
            if name == "$ref":
                yield inner
            else:
                yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def test_signing_out_ends_the_token_that_was_sent_and_no_key(house: House) -> None:
    for who in sorted(TABLE["POST /api/v1/logout"]):
        assert house.knock(who, "POST /api/v1/logout") == 204, who
    assert house.knock(NONE, "POST /api/v1/logout") == 401
    for who in sorted(KNOWN):
        after = house.knock(who, "GET /api/v1/me")
        assert after == (200 if who in (KEY, OTHER_KEY) else 401), who

"""Alerts as CAP for other systems: read as anybody would read them, by feed and by message."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import httpx2
import pytest
from defusedxml.ElementTree import fromstring

from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp
from tests.fixtures.xsd import Schema

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
ATOM = "{http://www.w3.org/2005/Atom}"
SLOW, FREE = 5, 60


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx2.Client]:
    with server.sign_in() as client:
        yield client


def _send(door: FeedDoor, *pairs: tuple[float, float]) -> None:
    body = [
        {"series": "ql-2/speed", "time": stamp(now() - timedelta(minutes=ago)), "value": value}
        for ago, value in pairs
    ]
    assert door.post(body).json()["stored"] == len(body)


def _open(client: httpx2.Client, feed: str) -> list[dict[str, Any]]:
    return [item for item in client.get("/alerts").json()["items"] if item["feed"] == feed]


def _message(client: httpx2.Client, alert: str) -> Element:
    answer = client.get(f"/alerts/{alert}.cap.xml")
    assert answer.headers["content-type"].startswith("application/cap+xml")
    return fromstring(answer.content)


def test_an_alert_is_told_and_cancelled_in_cap(server: Server, client: httpx2.Client) -> None:
    door = server.feed("cap.duong", "so-xay-dung", domain="traffic")
    _send(door, (12, SLOW), (1, SLOW))
    eventually(lambda: _open(client, "cap.duong"))
    alert = _open(client, "cap.duong")[0]["id"]
    first = _message(client, alert)
    assert first.findtext(f"{CAP}msgType") == "Alert"
    assert first.findtext(f"{CAP}status") == "Test"  # the demo's figures are invented
    assert client.post(f"/alerts/{alert}/acknowledge").status_code == 200
    _send(door, (0, FREE))
    eventually(lambda: not _open(client, "cap.duong"))
    last = _message(client, alert)
    assert last.findtext(f"{CAP}msgType") == "Cancel"
    assert (first.findtext(f"{CAP}identifier") or "-") in (last.findtext(f"{CAP}references") or "")


def test_the_feed_leads_to_each_alert_once_page_by_page(client: httpx2.Client) -> None:
    url, links = "/alerts.cap.atom?limit=1", list[str]()
    while url:
        feed = fromstring(client.get(url).content)
        found = {link.get("rel"): link.get("href") or "" for link in feed.findall(f"{ATOM}link")}
        links += [link.get("href") or "" for link in feed.findall(f"{ATOM}entry/{ATOM}link")]
        url = found.get("next", "")
    assert len(links) == len(set(links)) > 0
    assert client.get(links[0]).status_code == 200


def test_what_is_served_is_valid_by_the_schema(client: httpx2.Client, data: Path) -> None:
    schema = Schema(data / "cap" / "schema" / "CAP-v1.2.xsd")
    feed = fromstring(client.get("/alerts.cap.atom").content)
    links = [link.get("href") or "" for link in feed.findall(f"{ATOM}entry/{ATOM}link")]
    assert links
    for link in links:
        assert schema.faults(client.get(link).content) == []

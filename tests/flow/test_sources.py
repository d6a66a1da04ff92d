"""Sources of a running product: fetched, stored, shown, kept over its death, each within rights."""

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fixtures.outside import Asked, Outside, Reply, a_json, an_outside
from tests.fixtures.server import Server, eventually, external_database, now, stamp

SECRET = "mot-bi-mat-rat-dai"
SETTINGS = {
    "IOC_DEMO": "1", "IOC_SOURCES_ALLOW": "127.0.0.1", "IOC_SECRET_LGSP": SECRET,
    "IOC_SECRET_SO_Y_TE_CONG": "cua-so-y-te",
}  # fmt: skip


@pytest.fixture
def outside() -> Iterator[Outside]:
    with an_outside() as made:
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A product that may ask this machine, and knows a secret."""
    with external_database() as url:
        settings = SETTINGS | ({} if url is None else {"IOC_DATABASE_URL": url})
        running = Server(tmp_path_factory.mktemp("server") / "data", settings)
        running.start()
        try:
            yield running
        finally:
            running.close()


def _rows(*values: float) -> list[dict[str, Any]]:
    return [
        {"series": "a/x", "time": stamp(now() - timedelta(seconds=60 + n)), "value": value}
        for n, value in enumerate(values)
    ]


def _poll(url: str, **more: Any) -> dict[str, Any]:
    return {"kind": "poll", "url": url, "every": "PT1H", **more}


def _source(client: httpx2.Client, id: str) -> dict[str, Any]:
    items = client.get("/sources").json()["items"]
    return next(item for item in items if item["id"] == id)


def _made(client: httpx2.Client, id: str, feed: str, document: dict[str, Any]) -> httpx2.Response:
    return client.post("/sources", json={"id": id, "feed": feed, "document": document})


def _runs(client: httpx2.Client, id: str) -> dict[str, Any]:
    """The source after its first run."""
    eventually(lambda: _source(client, id)["ran_at"] is not None)
    return _source(client, id)


def test_a_source_fetches_what_is_then_stored_and_listed(server: Server, outside: Outside) -> None:
    server.feed("tu-lay")
    client = server.sign_in("administrator")
    url = outside.on("/a", a_json(_rows(1, 2), ETag='"1"'), Reply(304))
    answer = _made(client, "tu-lay", "tu-lay", _poll(url))
    assert answer.status_code == 200
    found = _runs(client, "tu-lay")
    assert (found["outcome"], found["kind"], found["failures"]) == ("ok", "poll", 0)
    assert server.stored("tu-lay") == 2
    assert client.post("/sources/tu-lay/run").status_code == 200
    eventually(lambda: _source(client, "tu-lay")["outcome"] == "unchanged")
    exchanges = client.get("/sources/tu-lay/exchanges").json()["items"]
    assert [(e["status"], e["rows"], e["outcome"]) for e in exchanges] == [
        (304, None, "unchanged"), (200, 2, "ok"),
    ]  # fmt: skip
    page = client.get("/sources/tu-lay/exchanges", params={"limit": 1}).json()
    older = client.get("/sources/tu-lay/exchanges", params={"before": page["next"]}).json()
    assert page["items"] + older["items"] == exchanges
    with server.database() as conn:
        audited = conn.execute(
            "SELECT action FROM audit WHERE subject = 'tu-lay' AND action LIKE 'source.%' "
            "ORDER BY at"
        ).fetchall()
    assert audited == [("source.add",), ("source.run",)]


def test_a_file_that_is_compressed_by_itself_is_unpacked(server: Server, outside: Outside) -> None:
    server.feed("tu-lay.gz")
    client = server.sign_in("administrator")
    packed = gzip.compress(json.dumps(_rows(1, 2, 3)).encode())
    reply = Reply(body=packed, headers={"Content-Type": "application/json"})
    _made(client, "tu-lay-gz", "tu-lay.gz", _poll(outside.on("/a.json.gz", reply)))
    assert _runs(client, "tu-lay-gz")["outcome"] == "ok"
    assert server.stored("tu-lay.gz") == 3


def test_a_disabled_source_rests_until_it_is_enabled(server: Server, outside: Outside) -> None:
    server.feed("nghi")
    client = server.sign_in("administrator")
    _made(client, "nghi", "nghi", _poll(outside.on("/a", a_json(_rows(1)))))
    _runs(client, "nghi")
    assert client.post("/sources/nghi/disable").json()["next_at"] is None
    refused = client.post("/sources/nghi/run")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    outside.on("/a", a_json(_rows(1, 2)))
    assert client.post("/sources/nghi/enable").json()["enabled"]
    eventually(lambda: server.stored("nghi") == 3)


def test_every_fault_of_a_document_is_named(server: Server) -> None:
    server.feed("sai")
    client = server.sign_in("administrator")
    answer = _made(client, "sai", "sai", {"kind": "poll", "urll": "x", "evry": "PT5M"})
    assert answer.status_code == 400
    assert {fault["path"] for fault in answer.json()["values"]["faults"]} == {"urll", "evry", ""}
    assert _made(client, "Sai", "sai", _poll("http://x/")).status_code == 400
    assert _made(client, "sai", "khong-co", _poll("http://x/")).status_code == 403
    assert client.put("/sources/khong-co", json=_poll("http://x/")).status_code == 404
    assert client.put("/sources/sai", content=b"[").status_code == 400
    assert all(item["id"] != "sai" for item in client.get("/sources").json()["items"])


def test_an_agency_keeps_the_sources_of_its_own_feeds(server: Server, outside: Outside) -> None:
    own = server.feed("cua-minh", "so-y-te")
    server.feed("cua-ho", "so-noi-vu")
    admin, agency = server.sign_in("administrator"), server.sign_in("agency", "so-y-te")
    url = outside.on("/a", a_json(_rows(1)))
    assert _made(admin, "cua-ho", "cua-ho", _poll(url)).status_code == 200
    assert _made(agency, "cua-minh", "cua-minh", _poll(url)).status_code == 200
    assert _made(agency, "trom", "cua-ho", _poll(url)).status_code == 403
    assert {item["agency"] for item in agency.get("/sources").json()["items"]} == {"so-y-te"}
    for there in ("cua-ho", "khong-co"):
        for answer in (
            agency.get(f"/sources/{there}/exchanges"),
            agency.put(f"/sources/{there}", json=_poll(url)),
            agency.post(f"/sources/{there}/run"),
            agency.post(f"/sources/{there}/disable"),
        ):
            assert answer.status_code == 403, answer.request.url
    assert agency.put("/sources/cua-minh", json=_poll(url, every="PT2H")).status_code == 200
    assert agency.post("/sources/cua-minh/run").status_code == 200
    operator = server.sign_in("operator")
    assert operator.get("/sources/cua-ho/exchanges").status_code == 200
    assert operator.post("/sources/cua-ho/run").status_code == 403
    key = httpx2.get(
        f"{server.base}/api/v1/sources", headers={"Authorization": f"Bearer {own.key}"}
    )
    assert key.status_code == 403


def test_an_agency_cannot_have_the_secret_of_another_sent_to_itself(
    server: Server, outside: Outside
) -> None:
    server.feed("bi-mat", "so-y-te")
    agency = server.sign_in("agency", "so-y-te")
    url = outside.on("/a", a_json(_rows(1)))
    refused = _made(agency, "bi-mat", "bi-mat", _poll(url, secret="lgsp"))
    assert refused.status_code == 403
    assert "named `so-y-te-…`" in refused.json()["detail"]
    assert _made(agency, "bi-mat", "bi-mat", _poll(url, secret="so-y-te-cong")).status_code == 200
    assert _runs(agency, "bi-mat")["outcome"] == "ok"
    assert [a.headers["authorization"] for a in outside.asked] == ["Bearer cua-so-y-te"]


def test_commands_make_run_and_show_a_source(
    server: Server, outside: Outside, tmp_path: Path
) -> None:
    server.feed("bang-lenh")
    outside.on("/token", a_json({"access_token": "the-rat-tot", "expires_in": 60}))
    outside.on("/rows", a_json(_rows(1, 2, 3)))
    file = tmp_path / "lgsp.toml"
    file.write_text(
        f"""
        kind = "token-rest"
        at = [06:00:00, 18:30:00]
        secret = "lgsp"
        [token]
        url = "{outside.url("/token")}"
        client_id = "phu-tho"
        [pull]
        url = "{outside.url("/rows")}"
        query = {{ tu = "{{since}}" }}
        """
    )
    server.command("source", "add", "bang-lenh", str(file), "--disabled")
    listed = server.command("source", "list")
    assert "lgsp\tbang-lenh\ttoken-rest\tnew\t" in listed
    server.command("source", "enable", "lgsp")
    said = server.command("source", "run", "lgsp")
    assert said.splitlines()[-1] == "ok"
    eventually(lambda: server.stored("bang-lenh") == 3)
    log = server.command("source", "log", "lgsp")
    assert "\ttoken\tPOST\t" in log
    assert "\t3 rows\tok\t" in log
    file.write_text(file.read_text().replace("client_id", "clientid"))
    with pytest.raises(AssertionError, match=r"lgsp\.toml:7: token\.clientid: .*'client_id'"):
        server.command("source", "add", "bang-lenh", str(file), "--replace")
    server.command("source", "disable", "lgsp")
    assert "\tdisabled\t" in server.command("source", "list")
    for text in (SECRET, "the-rat-tot"):
        assert text not in log + said + listed + server.log


def test_a_probe_of_the_product_itself_becomes_series(server: Server) -> None:
    server.feed("tham-do", domain="it", auto_series=False)
    client = server.sign_in("administrator")
    system = {"id": "ioc", "url": f"{server.base}/healthz", "ipv6": False}
    document = {"kind": "probe", "every": "PT1M", "systems": [system]}
    assert _made(client, "tham-do", "tham-do", document).status_code == 200
    eventually(lambda: server.stored("tham-do") == 2)
    items = client.get("/series", params={"feed": "tham-do"}).json()["items"]
    latest = {item["key"]: item["latest"]["value"] for item in items}
    assert latest["ioc/up"] == 1
    assert latest["ioc/latency"] > 0
    assert {item["key"]: item["uom"] for item in items} == {"ioc/up": None, "ioc/latency": "ms"}


@pytest.mark.long
def test_what_is_pushed_after_a_pull_is_what_was_stored(server: Server, outside: Outside) -> None:
    server.feed("hai-chieu")
    rows = _rows(1, 2)
    outside.on("/token", a_json({"access_token": "the-rat-tot", "expires_in": 600}))
    outside.on("/rows", a_json(rows))
    outside.on("/in", Reply(201))
    document = {
        "kind": "token-rest", "every": "PT10S", "secret": "lgsp",
        "token": {"url": outside.url("/token"), "client_id": "x"},
        "pull": {"url": outside.url("/rows")}, "push": {"url": outside.url("/in")},
    }  # fmt: skip
    client = server.sign_in("administrator")
    assert _made(client, "hai-chieu", "hai-chieu", document).status_code == 200
    # Whole minutes are pushed: the one in which the rows were received must be over.
    eventually(lambda: "/in" in outside.paths(), 110)
    sent = next(asked for asked in outside.asked if asked.path == "/in")
    assert {row["value"] for row in sent.json} == {1, 2}
    client.post("/sources/hai-chieu/disable")


def test_a_killed_product_goes_on_where_it_was(tmp_path: Path, outside: Outside) -> None:
    with external_database() as url:
        settings = SETTINGS | ({} if url is None else {"IOC_DATABASE_URL": url})
        server = Server(tmp_path / "data", settings)
        try:
            _kill_and_go_on(server.start(), outside)
        finally:
            server.close()


def _kill_and_go_on(server: Server, outside: Outside) -> None:
    server.feed("song-lai")
    client = server.sign_in("administrator")
    rows = _rows(1, 2, 3)

    def answer(asked: Asked) -> Reply:
        known = asked.headers.get("if-none-match")
        if known is None:
            return a_json(rows[:2], ETag='"1"')
        return Reply(hang=True) if known == '"1"' and not outside.asked[2:] else fresh

    fresh = a_json(rows, ETag='"2"')
    url = outside.on("/a", answer)
    assert _made(client, "song-lai", "song-lai", _poll(url)).status_code == 200
    eventually(lambda: server.stored("song-lai") == 2)
    _runs(client, "song-lai")
    client.post("/sources/song-lai/run")
    eventually(lambda: len(outside.asked) == 2)  # it hangs now, in the midst of a run
    server.kill()
    server.start()
    eventually(lambda: server.stored("song-lai") == 3)
    assert [a.headers.get("if-none-match") for a in outside.asked[:3]] == [None, '"1"', '"1"']
    ledger = server.door("song-lai", "so-y-te").ledger()
    assert (ledger["received"], ledger["stored"], ledger["duplicate"]) == (5, 3, 2)
    eventually(lambda: json.loads(_progress(server)).get("etag") == '"2"')


def _progress(server: Server) -> str:
    with server.database() as conn:
        row = conn.execute("SELECT progress::text FROM source WHERE id = 'song-lai'").fetchone()
    assert row is not None
    return row[0]


def test_what_is_held_back_of_one_feed_says_which_source_fetched_it(
    server: Server, outside: Outside
) -> None:
    door = server.feed("hai-nguon")
    client = server.sign_in("administrator")
    bad = [{"series": "a/x", "time": "hôm qua", "value": 1}, *_rows(1)]
    lines = b"series,time,value\na/x,,2\n"
    one = outside.on("/mot", a_json(bad))
    two = outside.on("/hai", Reply(body=lines, headers={"Content-Type": "text/csv"}))
    document = _poll(f"{one}?trang=2", secret="lgsp", send_secret="query:khoa")
    assert _made(client, "nguon-mot", "hai-nguon", document).status_code == 200
    assert _made(client, "nguon-hai", "hai-nguon", _poll(two)).status_code == 200
    _runs(client, "nguon-mot")
    _runs(client, "nguon-hai")
    assert door.post(bad[:1]).json()["quarantined"] == 1
    items = client.get("/feeds/hai-nguon/quarantine").json()["items"]
    assert {(item["channel"], item["source"]) for item in items} == {
        ("poll", f"nguon-mot {one}"), ("poll", f"nguon-hai {two}"), ("rest", None),
    }  # fmt: skip
    assert client.post("/feeds/hai-nguon/quarantine/replay").json()["replayed"] == []
    again = client.get("/feeds/hai-nguon/quarantine").json()["items"]
    assert [item["source"] for item in again] == [item["source"] for item in items]
    assert SECRET in [asked.query.get("khoa") for asked in outside.asked]
    kpi = {
        "id": "k", "type": "KeyPerformanceIndicator", "name": "x", "organization": "u",
        "kpiValue": 1, "calculationPeriod": {"from": "2026-07-01", "to": "2026-07-31"},
    }  # fmt: skip
    ngsi = outside.on("/ba", a_json([kpi]))
    server.feed("nguon-ngsi", format="ngsi-ld")
    assert _made(client, "nguon-ba", "nguon-ngsi", _poll(ngsi)).status_code == 200
    _runs(client, "nguon-ba")
    [report] = client.get("/feeds/nguon-ngsi/quarantine").json()["items"]
    assert (report["kind"], report["source"]) == ("reports", f"nguon-ba {ngsi}")
    with server.database() as conn:
        kept = conn.execute("SELECT string_agg(source, ' ') FROM quarantine").fetchone()
    assert kept is not None
    assert SECRET not in kept[0]
    assert "trang=2" not in kept[0]

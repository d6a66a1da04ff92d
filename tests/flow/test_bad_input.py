"""Bad input at every door: a clear answer, no good neighbour lost, and the process stays up."""

import gzip
import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

TWINS = Path(__file__).parents[1] / "data" / "bad_input"
PARTS = ("stored", "duplicate", "corrected", "late", "quarantined")

Named = list[tuple[str, bytes]]


def _bodies(folder: Path) -> Named:
    found = [(path.name, path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    assert len(found) >= 25
    return found


@pytest.fixture(params=["own", "suite"])
def bodies(request: pytest.FixtureRequest) -> Named:
    """Bodies that are broken in all ways: our own, and those of JSONTestSuite."""
    if request.param == "own":
        return _bodies(TWINS)
    data: Path = request.getfixturevalue("data")
    return _bodies(data / "json_test_suite" / "test_parsing")


@pytest.fixture(params=["own", "big list"])
def naughty(request: pytest.FixtureRequest) -> list[str]:
    """Texts that programs stumble over: our own, and the big list of naughty strings."""
    if request.param == "own":
        controls = ["\x00", "a\x00b", "\r\n", "\t", "\x7f", "\x1b[31m", "x" * 256, "đ" * 127]
        return (TWINS / "strings.txt").read_text(encoding="utf-8").split("\n") + controls
    data: Path = request.getfixturevalue("data")
    listed = data / "naughty" / "big_list_of_naughty_strings" / "blns.json"
    return json.loads(listed.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def unhurt(server: Server) -> Iterator[None]:
    """Whatever a test sends, the same process serves on and nothing unexpected is in its log."""
    assert server.process is not None
    pid = server.process.pid
    before = len(server.log)
    yield
    assert server.process is not None
    assert (server.process.pid, server.process.poll()) == (pid, None)
    assert httpx2.get(f"{server.base}/healthz").status_code == 200
    said = server.log[before:]
    for word in ("unexpected error", "a decoder failed", "Traceback"):
        assert word not in said, said[said.index(word) - 200 :][:3_000]


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    """A client that keeps its connection, for many requests."""
    with httpx2.Client(base_url=f"{server.base}/api/v1", timeout=60) as made:
        yield made


def _send(
    client: httpx2.Client, door: FeedDoor, body: bytes, kind: str = "application/json",
    part: str = "observations", method: str = "POST",
) -> httpx2.Response:  # fmt: skip
    return client.request(
        method,
        f"/feeds/{door.feed}/{part}",
        content=body,
        headers={"Authorization": f"Bearer {door.key}", "Content-Type": kind},
    )


def _clear(answer: httpx2.Response, name: str) -> dict[str, Any]:
    """The receipt or the problem document that the answer is; one of both it must be."""
    document = answer.json()
    if answer.status_code == 200:
        return document
    assert 400 <= answer.status_code < 500, (name, answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json", name
    assert (document["status"], document["title"] != "") == (answer.status_code, True), name
    return document.get("values", {}).get("receipt", {})


def _adds_up(counts: dict[str, int]) -> bool:
    return counts["received"] == sum(counts[part] for part in PARTS)


def _name() -> str:
    return f"bad.{uuid4().hex[:8]}"


def _item(series: str, value: object = 1, seconds_ago: float = 0) -> dict[str, object]:
    return {"series": series, "time": stamp(now() - timedelta(seconds=seconds_ago)), "value": value}


def _stored_keys(server: Server, feed: str) -> set[str]:
    with server.database() as conn:
        found = conn.execute(
            "SELECT s.key FROM series s JOIN feed f USING (feed_key) WHERE f.id = %s AND ("
            "EXISTS (SELECT 1 FROM observation o WHERE o.series_id = s.series_id) OR "
            "EXISTS (SELECT 1 FROM observation_text o WHERE o.series_id = s.series_id))",
            [feed],
        ).fetchall()
    return {row[0] for row in found}


@pytest.mark.parametrize("kind", ["application/json", "application/senml+json"])
def test_every_body_by_rest_gets_a_receipt_or_a_problem_and_the_ledger_adds_up(
    server: Server, client: httpx2.Client, bodies: Named, kind: str
) -> None:
    door = server.feed(_name())
    received = 0
    for name, body in bodies:
        receipt = _clear(_send(client, door, body, kind), name)
        assert _adds_up(receipt), name
        assert not receipt["stored"], name
        received += receipt["received"]
    ledger = door.ledger()
    assert _adds_up(ledger)
    assert ledger["received"] == received
    assert server.stored(door.feed) == 0


@pytest.mark.parametrize("kind", ["application/x-ndjson", "text/csv"])
def test_every_body_as_lines_or_csv_is_answered_too(
    server: Server, client: httpx2.Client, bodies: Named, kind: str
) -> None:
    door = server.feed(_name())
    for name, body in bodies:
        assert _adds_up(_clear(_send(client, door, body, kind), name)), name
    assert _adds_up(door.ledger())


def test_every_body_by_mqtt_is_counted_and_a_broken_one_is_never_stored(
    server: Server, bodies: Named
) -> None:
    # The topic names the series and the arrival the time, so that any value that can be read
    # at all would be stored.
    door = server.feed(_name(), time_source="arrival")
    client = door.mqtt()
    sent = [
        client.publish(f"{door.topic}/{name[0]}/{place}", body, qos=1)
        for place, (name, body) in enumerate(bodies)
    ]
    for info in sent:
        info.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()
    empty_arrays = sum(
        body.removeprefix(b"\xef\xbb\xbf").strip().replace(b" ", b"") == b"[]" for _, body in bodies
    )
    eventually(lambda: door.ledger()["received"] >= len(bodies) - empty_arrays)
    assert _adds_up(door.ledger())
    keys = _stored_keys(server, door.feed)
    assert keys
    assert not {key for key in keys if key.startswith("n/")}


@pytest.mark.parametrize(
    ("part", "method"), [("dossiers", "POST"), ("features", "PUT"), ("series", "PUT")]
)
def test_every_body_at_the_other_doors_of_a_feed_is_answered(
    server: Server, client: httpx2.Client, bodies: Named, part: str, method: str
) -> None:
    door = server.feed(_name(), domain="service")
    for name, body in bodies:
        _clear(_send(client, door, body, part=part, method=method), name)
    assert _adds_up(door.ledger())


def test_every_body_at_the_sign_in_is_answered(client: httpx2.Client, bodies: Named) -> None:
    for name, body in bodies:
        headers = {"Content-Type": "application/json"}
        answer = client.post("/login", content=body, headers=headers)
        assert answer.status_code != 200
        _clear(answer, name)


def _batch(place: int, text: str) -> list[dict[str, object]]:
    return [_item(f"good/{place}"), _item(text), _item(f"text/{place}", text)]


def test_a_good_neighbour_of_a_naughty_key_and_a_naughty_text_is_stored_by_rest(
    server: Server, client: httpx2.Client, naughty: list[str]
) -> None:
    door = server.feed(_name())
    items = [_batch(place, text) for place, text in enumerate(naughty)]
    for start in range(0, len(items), 4):
        body = [item for batch in items[start : start + 4] for item in batch]
        receipt = _clear(_send(client, door, json.dumps(body).encode()), naughty[start])
        assert receipt["received"] == len(body)
        assert _adds_up(receipt)
    keys = _stored_keys(server, door.feed)
    assert {f"good/{place}" for place in range(len(naughty))} <= keys
    assert _adds_up(door.ledger())


def test_a_good_neighbour_of_a_naughty_key_and_a_naughty_text_is_stored_by_mqtt(
    server: Server, naughty: list[str]
) -> None:
    door = server.feed(_name())
    items = [_batch(place, text) for place, text in enumerate(naughty)]
    door.publish(*(json.dumps(batch).encode() for batch in items))
    eventually(lambda: door.ledger()["received"] == 3 * len(naughty))
    keys = _stored_keys(server, door.feed)
    assert {f"good/{place}" for place in range(len(naughty))} <= keys
    assert _adds_up(door.ledger())


def test_a_naughty_text_is_given_back_as_it_came(
    server: Server, client: httpx2.Client, naughty: list[str]
) -> None:
    door = server.feed(_name())
    kept = [text for text in naughty if "\x00" not in text]
    # What looks like a number or like nothing makes no series of texts by itself.
    described = [{"key": f"text/{place}", "value_kind": "text"} for place in range(len(kept))]
    described = json.dumps(described).encode()
    assert _send(client, door, described, part="series", method="PUT").status_code == 200
    body = json.dumps([_item(f"text/{place}", text) for place, text in enumerate(kept)]).encode()
    assert _send(client, door, body).json()["stored"] == len(kept)
    with server.database() as conn:
        found = conn.execute(
            "SELECT s.key, o.value FROM observation_text o JOIN series s USING (series_id) "
            "JOIN feed f USING (feed_key) WHERE f.id = %s",
            [door.feed],
        ).fetchall()
    assert dict(found) == {f"text/{place}": text for place, text in enumerate(kept)}


def test_naughty_words_in_a_description_are_answered(
    server: Server, client: httpx2.Client, naughty: list[str]
) -> None:
    door = server.feed(_name())
    for start in range(0, len(naughty), 15):
        texts = naughty[start : start + 15]
        series = [{"key": text or "x", "property": text, "uom": text} for text in texts]
        features = [
            {
                "type": "Feature", "id": text or "x", "geometry": None,
                "properties": {"name": text, text: text, "more": {"deep": [text]}},
            }
            for text in texts
        ]  # fmt: skip
        collection = {"type": "FeatureCollection", "features": features}
        for part, body in (("series", series), ("features", collection)):
            answer = _send(client, door, json.dumps(body).encode(), part=part, method="PUT")
            _clear(answer, texts[0])


@pytest.mark.parametrize(
    "feature",
    [
        {"properties": {"unit": []}}, {"properties": {"unit": 5}}, {"properties": {"unit": {}}},
        {"geometry": {"type": "Point"}}, {"geometry": {"type": "Point", "coordinates": "x"}},
        {"geometry": {"type": "Point", "coordinates": [10**400, 0]}},
        {"geometry": {"type": "Point", "coordinates": [None, 0]}},
        {"geometry": {"type": "Polygon", "coordinates": [[[105, 21]]]}},
        {"geometry": {"type": "Sphere", "coordinates": []}},
        {"geometry": {"type": "GeometryCollection", "geometries": [{}]}},
        {"properties": {"size": 10**400}}, {"properties": {"x": "\ud800"}},
        {"id": 10**400}, {"id": []},
    ],
)  # fmt: skip
def test_a_feature_that_makes_no_sense_is_refused_with_its_place(
    server: Server, client: httpx2.Client, feature: dict[str, Any]
) -> None:
    door = server.feed(_name())
    whole = {"type": "Feature", "id": "a", "geometry": None, "properties": {}, **feature}
    body = json.dumps({"type": "FeatureCollection", "features": [whole]}).encode()
    _clear(_send(client, door, body, part="features", method="PUT"), str(feature))


def test_csv_of_other_people_is_refused_by_its_header(
    server: Server, client: httpx2.Client, data: Path
) -> None:
    door = server.feed(_name())
    files = [*(data / "naughty" / "csv_spectrum" / "csvs").glob("*.csv"),
             data / "traffic" / "montreal_counters_2012_latin1.csv"]  # fmt: skip
    for path in files:
        answer = _send(client, door, path.read_bytes(), "text/csv")
        assert answer.status_code == 400, path.name
        assert _adds_up(_clear(answer, path.name))
    assert _adds_up(door.ledger())


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b'{"series":"a/\x00"}', "application/x-ndjson"),
        (b"[" * 100_000, "application/x-ndjson"),
        ('{"series":"x"}'.encode("utf-16"), "application/x-ndjson"),
        (b"a/x,\xff,1", "text/csv"),
        (b'a/x,"2026,1', "text/csv"),
        (b"a/x,2026-11-22T09:00:00Z," + b"9" * 200_000, "text/csv"),
        (b"a/\x00,2026-11-22T09:00:00Z,1", "text/csv"),
    ],
)
def test_good_lines_around_a_bad_one_are_stored(
    server: Server, client: httpx2.Client, bad: bytes, kind: str
) -> None:
    door = server.feed(_name())
    good = [_item("a/x", seconds_ago=n) for n in range(2)]
    if kind == "text/csv":
        lines = [f"{item['series']},{item['time']},{item['value']}".encode() for item in good]
        body = b"\n".join([b"series,time,value", lines[0], bad, lines[1]])
    else:
        body = b"\n".join([json.dumps(good[0]).encode(), bad, json.dumps(good[1]).encode()])
    receipt = _clear(_send(client, door, body, kind), kind)
    assert receipt["stored"] == 2
    assert receipt["quarantined"] >= 1


LONG = "9" * 6_000

JUNK = [
    ("GET", "/layers/traffic?bbox=abc"), ("GET", "/layers/traffic?bbox=1,2,3"),
    ("GET", "/layers/traffic?bbox=nan,0,1,1"), ("GET", "/layers/traffic?bbox=1e999,0,1,1"),
    ("GET", "/layers/traffic?limit=-1"), ("GET", f"/layers/traffic?limit={LONG}"),
    ("GET", "/layers/nothing"), ("GET", f"/layers/{LONG}"), ("GET", "/layers/%00"),
    ("GET", "/units?as_of=yesterday"), ("GET", "/units?as_of=2026-02-30"),
    ("GET", "/units?as_of=\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0661"),
    ("GET", "/units?as_of=0000-00-00"),
    ("GET", "/series?limit=0"), ("GET", "/series?after=-1"), ("GET", f"/series?after={LONG}"),
    ("GET", f"/series/{LONG}/observations"), ("GET", "/series/abc/observations"),
    ("GET", "/series/-1/observations"), ("GET", "/series/999999999/observations"),
    ("GET", "/alerts?cursor=x"), ("GET", "/alerts?bbox=1,2"),
    ("GET", "/alerts?cursor=low_x"), ("GET", "/alerts?severity=worst"),
    ("GET", "/alerts?since=2026-01-01T00:00"), ("GET", "/alerts?feed=%00"),
    ("GET", "/alerts?unit=%00"),
    ("GET", "/alerts?limit=0"), ("GET", "/alerts?closed=maybe"),
    ("GET", "/alerts/x/log"), ("GET", "/alerts/00000000-0000-7000-8000-000000000000/log"),
    ("POST", "/alerts/00000000-0000-7000-8000-000000000000/acknowledge"),
    ("POST", "/alerts/00000000-0000-7000-8000-000000000000/comment"),
    ("POST", "/alerts/x/acknowledge"), ("POST", "/alerts"), ("DELETE", "/feeds"),
    ("GET", "/boards/nothing"), ("GET", f"/boards/{LONG}"),
    ("GET", "/indicators/nothing/values"), ("GET", "/indicators/online-share/values?unit=nowhere"),
    ("GET", f"/indicators/online-share/values?unit={LONG}"),
    ("GET", "/indicators/online-share/values?period=2026-13"),
    ("GET", "/indicators/online-share/values?period=0000"),
    ("GET", "/indicators/online-share/values?period=9999"),
    ("GET", "/indicators/online-share/values?period=0001"),
    ("GET", "/indicators/online-share/values?as_of=now"),
    ("GET", "/indicators/online-share/history?cycle=week"),
    ("GET", "/indicators/online-share/history?since=2000&until=2026&cycle=day"),
    ("GET", "/indicators/online-share/history?since=2026&until=2025"),
    ("PUT", "/indicators/online-share"), ("GET", "/boards/procedures?period=0001"),
    ("GET", "/rankings/online-share?level=village"),
    ("GET", "/rankings/online-share?period=now"), ("GET", "/rankings/nothing"),
    ("GET", "/stream/sse"), ("GET", "/stream/sse?topic=nothing"),
    ("GET", "/stream/sse?topic=series:²"), ("GET", f"/stream/sse?topic=series:{LONG[:150]}"),
    ("GET", "/stream/sse?topic=layer:traffic&bbox=x"), ("GET", f"/stream/sse?topic={LONG}"),
    ("GET", "/nothing"), ("GET", "/feeds/nothing/ledger"), ("PUT", "/feeds/nothing/series"),
]  # fmt: skip


@pytest.fixture(scope="module")
def operator(server: Server) -> httpx2.Client:
    return server.sign_in("operator")


@pytest.mark.parametrize(("method", "path"), JUNK, ids=lambda part: part[:60])
def test_a_request_that_makes_no_sense_gets_a_problem_document(
    operator: httpx2.Client, method: str, path: str
) -> None:
    answer = operator.request(method, path)
    assert 400 <= answer.status_code < 500
    _clear(answer, path)


@pytest.mark.parametrize(
    "query",
    ["width=", "width=P", "width=PT", "width=abc", "width=P0Y", "width=PT0S", f"width=PT{LONG}S",
     "width=PT9999999H&since=1971-01-01T00:00:00Z&until=bad", "since=x",
     "since=2026-01-01T00:00:00", "until=0001-01-01T00:00:00Z",
     "since=0001-01-01T00:00:00%2B14:00&until=0001-01-01T00:00:00%2B13:00",
     "until=9999-12-31T23:59:59-14:00", "since=1e30", "since=-9999999999999999999",
     "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
     "since=1971-01-01T00:00:00Z&width=PT1S", "width=²"],
    ids=lambda query: query[:60],
)  # fmt: skip
@pytest.mark.parametrize("door", ["series", "ledger"])
def test_a_time_or_width_that_makes_no_sense_gets_a_problem_document(
    server: Server, operator: httpx2.Client, known: tuple[FeedDoor, int], query: str, door: str
) -> None:
    feed, series = known
    if door == "ledger" and "since" not in query and "until" not in query:
        query = f"limit={query}"
    path = f"/series/{series}/observations" if door == "series" else f"/feeds/{feed.feed}/ledger"
    answer = operator.get(f"{path}?{query}")
    if door == "ledger" and query in ("since=1971-01-01T00:00:00Z&width=PT1S",):
        assert answer.status_code == 200
        return
    assert 400 <= answer.status_code < 500, answer.text
    _clear(answer, query)


@pytest.fixture(scope="module")
def known(server: Server, operator: httpx2.Client) -> tuple[FeedDoor, int]:
    """A feed with one series in it."""
    door = server.feed(_name())
    assert door.post([_item("a/x")]).json()["stored"] == 1
    found = operator.get("/series", params={"key": f"{door.feed}/a/x"}).json()["items"]
    return door, found[0]["id"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"{}", "application/xml"), (b"{}", "multipart/form-data"), (b"[]", ";"),
     (b"{}", "application/json; charset=utf-7")],
)  # fmt: skip
def test_a_type_that_nobody_reads_is_named_in_the_problem(
    server: Server, client: httpx2.Client, known: tuple[FeedDoor, int], content: bytes, kind: str
) -> None:
    _clear(_send(client, known[0], content, kind), kind)


@pytest.mark.parametrize(
    "token", ["x", "đ".encode().decode("latin-1"), "Bearer", "x" * 10_000, "a b c"]
)
def test_a_token_that_is_none_is_answered_by_401(client: httpx2.Client, token: str) -> None:
    answer = client.get("/city", headers={b"Authorization": f"Bearer {token}".encode("latin-1")})
    assert answer.status_code == 401
    _clear(answer, token)


@pytest.mark.parametrize(
    ("name", "password"), [("a\x00b", "x"), ("x", "a\x00b"), ("", ""), ("đ" * 200, "x" * 1_000)]
)
def test_a_sign_in_with_strange_characters_is_refused(
    client: httpx2.Client, name: str, password: str
) -> None:
    answer = client.post("/login", json={"name": name, "password": password})
    assert answer.status_code == 401
    _clear(answer, name)


@pytest.mark.parametrize("comment", ["\x00", "   ", "x" * 2_001, "\ud800"])
def test_a_comment_that_cannot_be_kept_is_refused(operator: httpx2.Client, comment: str) -> None:
    answer = operator.post(
        "/alerts/00000000-0000-7000-8000-000000000000/comment",
        content=json.dumps({"comment": comment}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in (400, 404)
    _clear(answer, repr(comment))


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /api/v1/city HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 500_000 + b"\r\n\r\n",
        b"GET /api/v1/city HTTP/1.1\r\n" + b"X-Many: a\r\n" * 20_000 + b"\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\r\n" * 1_000,
    ],
    ids=["long header", "many headers", "long path", "bytes in path", "tls", "negative length",
         "bad chunk", "nothing"],
)  # fmt: skip
def test_bytes_that_are_hardly_a_request_are_never_answered_by_500(
    server: Server, request_bytes: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=20) as sock:
        try:
            sock.sendall(request_bytes)
            sock.shutdown(socket.SHUT_WR)
            answer = sock.recv(4_096)
        except OSError:
            return
    status = answer.split(b" ", 2)[1:2]
    assert not status or status[0].startswith((b"4", b"3"))


def _lines(count: int) -> list[bytes]:
    start = now() - timedelta(days=1)
    return [
        json.dumps(
            {"series": "a/x", "time": stamp(start + timedelta(seconds=n)), "value": n}
        ).encode()
        for n in range(count)
    ]


def _cut(server: Server, door: FeedDoor, body: bytes, kind: str) -> None:
    """Send a part of a body that is declared to be longer, and go."""
    head = (
        f"POST /api/v1/feeds/{door.feed}/observations HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {door.key}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body) + 1_000_000}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=20) as sock:
        sock.sendall(head.encode() + body)


@pytest.mark.parametrize("kind", ["application/x-ndjson", "text/csv"])
def test_a_stream_that_is_cut_keeps_what_was_committed_and_a_retry_is_harmless(
    server: Server, kind: str
) -> None:
    door = server.feed(_name(), late_limit=None)
    count = 40_000
    lines = _lines(count)
    if kind == "text/csv":
        items = (json.loads(line) for line in lines)
        rows = [f"a/x,{item['time']},{item['value']}".encode() for item in items]
        body = b"\n".join([b"series,time,value", *rows])
    else:
        body = b"\n".join(lines)
    _cut(server, door, body[: len(body) * 3 // 4], kind)
    eventually(lambda: door.ledger()["stored"] > 0)
    again = door.post(body, kind).json()
    assert again["received"] == count
    assert again["stored"] + again["duplicate"] == count
    assert again["duplicate"] > 0
    assert server.stored(door.feed) == count
    eventually(lambda: _adds_up(door.ledger()))


def test_a_json_body_that_is_cut_stores_nothing(server: Server) -> None:
    door = server.feed(_name(), late_limit=None)
    _cut(server, door, b"[" + b",".join(_lines(100)), "application/json")
    assert door.post(b"[]").json()["received"] == 0
    assert server.stored(door.feed) == 0


def test_a_packed_stream_that_is_cut_is_answered_and_keeps_what_was_committed(
    server: Server, client: httpx2.Client
) -> None:
    door = server.feed(_name(), late_limit=None)
    packed = gzip.compress(b"\n".join(_lines(40_000)))
    answer = door.post(packed[:-2_000], "application/x-ndjson", **{"Content-Encoding": "gzip"})
    assert answer.status_code == 400
    assert 0 < server.stored(door.feed) < 40_000
    again = door.post(packed, "application/x-ndjson", **{"Content-Encoding": "gzip"}).json()
    assert (again["received"], again["quarantined"]) == (40_000, 0)
    assert server.stored(door.feed) == 40_000

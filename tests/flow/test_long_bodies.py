"""Lines and CSV without an end: what came whole is stored, and the answer says how far it came."""

import gzip
import json
from datetime import timedelta

import zstandard

from ingest.payload import MOST_BYTES
from ioc.api.bodies import BLOCK
from tests.fixtures.server import Server, now, stamp

NDJSON = "application/x-ndjson"


def _lines(many: int) -> bytes:
    start = now() - timedelta(days=2)
    return b"".join(
        json.dumps(
            {"series": "a/x", "time": stamp(start + timedelta(seconds=n)), "value": n}
        ).encode()
        + b"\n"
        for n in range(many)
    )


def test_a_cut_stream_keeps_what_was_committed_and_a_retry_is_harmless(server: Server) -> None:
    door = server.feed("dai.cut", late_limit=None)
    body = _lines(40_000)
    assert len(body) > 2 * BLOCK
    packed = gzip.compress(body)
    cut = door.post(packed[: len(packed) * 3 // 4], NDJSON, **{"Content-Encoding": "gzip"})
    assert cut.status_code == 400
    assert "cut off" in cut.json()["detail"]
    receipt = cut.json()["values"]["receipt"]
    assert 0 < receipt["stored"] == server.stored(door.feed) < 40_000
    again = door.post(zstandard.compress(body), NDJSON, **{"Content-Encoding": "zstd"}).json()
    assert again["duplicate"] == receipt["stored"]
    assert again["stored"] + again["duplicate"] == again["received"] == 40_000
    assert server.stored(door.feed) == 40_000
    assert door.ledger()["received"] == 40_000 + receipt["received"]


def test_a_line_without_an_end_is_refused_and_the_lines_before_it_are_stored(
    server: Server,
) -> None:
    door = server.feed("dai.line", late_limit=None)
    body = _lines(20_000)
    assert len(body) > BLOCK
    answer = door.post(gzip.compress(body + b"[" * (MOST_BYTES + 2 * BLOCK)), NDJSON,
                       **{"Content-Encoding": "gzip"})  # fmt: skip
    assert answer.status_code == 413
    assert "end each item with a line break" in answer.json()["detail"]
    assert 0 < answer.json()["values"]["receipt"]["stored"] == server.stored(door.feed)


def test_two_members_of_gzip_are_both_stored(server: Server) -> None:
    door = server.feed("dai.two", late_limit=None)
    one, two = _lines(10), _lines(20)
    packed = gzip.compress(one) + gzip.compress(two)
    answer = door.post(packed, NDJSON, **{"Content-Encoding": "gzip"}).json()
    assert answer["received"] == 30

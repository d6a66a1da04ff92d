"""Lines and CSV without an end: what came whole is stored, and the answer says how far it came."""

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import psutil
import pytest
import zstandard

from ingest.lines import BLOCK
from ingest.payload import MOST_BYTES
from tests.fixtures.server import Server, now, stamp

NDJSON, CSV = "application/x-ndjson", "text/csv"

GIGABYTE = 1_000_000_000
MOST_GROWTH = 100_000_000
"""Bytes by which the process may grow while a file of ten times that comes in."""

PAD = "x" * 8_000
"""What a line bears beside its observation, so that a gigabyte needs few rows."""


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


def _file(kind: str, sizes: list[int]) -> Iterator[bytes]:
    """A file of a gigabyte that lies nowhere, some lines at a time; `sizes` tells what left."""
    start, number = now() - timedelta(days=6), 0
    if kind == CSV:
        yield b"series,time,value,note\n"
    while sum(sizes) < GIGABYTE:
        lines: list[str] = []
        for n in range(number, number + 250):
            at = stamp(start + timedelta(seconds=n))
            if kind == CSV:
                lines.append(f"a/x,{at},{n},{PAD}")
            else:
                lines.append(f'{{"series":"a/x","time":"{at}","value":{n},"note":"{PAD}"}}')
        number += 250
        body = ("\n".join(lines) + "\n").encode()
        sizes.append(len(body))
        yield body


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", [NDJSON, CSV])
def test_a_file_of_a_gigabyte_is_stored_in_flat_memory(own_server: Server, kind: str) -> None:
    own_server.start()
    door = own_server.feed("dai.giga", late_limit=None)
    assert door.post(_lines(40_000), NDJSON).json()["stored"] == 40_000
    assert own_server.process is not None
    process = psutil.Process(own_server.process.pid)
    before, grown = process.memory_info().rss, 0
    sizes: list[int] = []

    def watched() -> Iterator[bytes]:
        nonlocal grown
        for body in _file(kind, sizes):
            grown = max(grown, process.memory_info().rss - before)
            yield body

    answer = httpx2.post(
        f"{own_server.base}/api/v1/feeds/{door.feed}/observations", content=watched(),
        headers={"Authorization": f"Bearer {door.key}", "Content-Type": kind}, timeout=120,
    )  # fmt: skip
    receipt = answer.json()
    assert sum(sizes) >= GIGABYTE
    assert grown < MOST_GROWTH
    assert receipt["received"] == 250 * len(sizes)
    assert receipt["quarantined"] == 0
    assert receipt["stored"] + receipt["duplicate"] + receipt["corrected"] == receipt["received"]

"""Exports: every observation once, with its names, its measuring unit and its time in UTC."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ioc.flow import exporting
from ioc.flow.exporting import FileFormat, exported
from ioc.live.latest import Latest
from ioc.model import to_micros
from ioc.store.export import Wanted
from ioc.store.pool import connect
from ioc.store.writer import BatchWriter
from tests.fixtures.store import NOW, a_feed_key, a_part, a_province, real_series, rows_of

DAY = timedelta(days=1)
SINCE, UNTIL = NOW - 10 * DAY, NOW + DAY
TEXT = 'mưa, "to"\nvà gió'


@pytest.fixture
async def city(database: str) -> dict[str, str]:
    """Two feeds of two domains; series with and without a feature, one of texts."""
    units = await a_province(database, "so-y-te")
    cars, beds = await a_feed_key(database), await a_feed_key(database)
    await rows_of(database, "UPDATE feed SET domain = 'traffic' WHERE feed_key = %s", cars)
    [speed, words] = await real_series(database, cars, "ql6, km 42/speed", "sign/text")
    [occupied] = await real_series(database, beds, "bv/beds")
    await rows_of(database, "UPDATE series SET value_kind = 'text' WHERE series_id = %s", words)
    await rows_of(
        database, "UPDATE series SET uom = 'km/h', property = 'speed' WHERE series_id = %s", speed
    )
    [feature] = await rows_of(
        database,
        "INSERT INTO feature (feed_key, id, name, layer, unit_key) "
        "VALUES (%s, 'bv', 'Bệnh viện', 'hospitals', %s) RETURNING feature_key",
        beds, units["so-y-te"],
    )  # fmt: skip
    await rows_of(
        database, "UPDATE series SET feature_key = %s WHERE series_id = %s", feature[0], occupied
    )
    writer = BatchWriter(database, Latest())
    await writer.open()
    for feed, series in ((cars, speed), (beds, occupied)):
        rows = [(series, to_micros(NOW - n * 7 * timedelta(hours=1)), n / 3) for n in range(30)]
        await writer.flush([a_part(feed, rows)], NOW)
    await writer.flush([a_part(cars, text=[(words, to_micros(NOW - 3 * DAY), TEXT)])], NOW)
    await writer.close()
    ids = dict(await rows_of(database, "SELECT feed_key, id FROM feed"))
    return {"url": database, "cars": ids[cars], "beds": ids[beds]}


async def _file(url: str, file_format: FileFormat, **wanted: Any) -> bytes:
    given = {"since": SINCE, "until": UNTIL, **wanted}
    async with await connect(url) as conn:
        return b"".join([p async for p in exported(conn, Wanted(**given), file_format)])


async def _rows(url: str, **wanted: Any) -> list[dict[str, str]]:
    text = (await _file(url, "csv", **wanted)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_the_two_formats_hold_the_same_observations(city: dict[str, str]) -> None:
    rows = await _rows(city["url"])
    table = pq.read_table(io.BytesIO(await _file(city["url"], "parquet")))
    assert len(rows) == table.num_rows == 61
    for row, other in zip(rows, table.to_pylist(), strict=True):
        for name in exporting.COLUMNS:
            assert row[name] == other[name]
        assert datetime.fromisoformat(row["time"]) == other["time"]
        assert datetime.fromisoformat(row["received_at"]) == other["received_at"]
        value = other["text"] if other["value"] is None else repr(other["value"])
        assert row["value"] == value
    days = [row["time"][:10] for row in rows if row["uom"]]
    assert days == sorted(days)
    [text] = [row for row in rows if row["series"] == "sign/text"]
    assert text["value"] == TEXT


async def test_parquet_says_its_types_and_measuring_units(city: dict[str, str]) -> None:
    table = pq.read_table(io.BytesIO(await _file(city["url"], "parquet")))
    assert table.schema.names == [
        "feed", "series", "feature", "property", "unit", "uom", "time", "value", "text",
        "received_at",
    ]  # fmt: skip
    assert table.schema.field("time").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("value").type == pa.float64()
    uoms = msgspec.json.decode(table.schema.metadata[b"uom"])
    assert uoms == {f"{city['cars']}/ql6, km 42/speed": "km/h"}


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
async def test_nothing_to_export_is_a_file_without_rows(
    city: dict[str, str], file_format: FileFormat
) -> None:
    for wanted in ({"feeds": ["none"]}, {"until": SINCE + timedelta(seconds=1)}):
        content = await _file(city["url"], file_format, **wanted)
        if file_format == "csv":
            assert content.count(b"\r\n") == 1
        else:
            assert pq.read_table(io.BytesIO(content)).num_rows == 0


async def test_what_is_chosen_is_combined(city: dict[str, str]) -> None:
    url = city["url"]

    async def series(**wanted: Any) -> set[str]:
        return {row["series"] for row in await _rows(url, **wanted)}

    assert await series(feeds=[city["cars"]]) == {"ql6, km 42/speed", "sign/text"}
    assert await series(domain="health") == {"bv/beds"}
    assert await series(layer="hospitals") == {"bv/beds"}
    assert await series(units=["so-y-te"]) == {"bv/beds"}
    assert await series(series=[f"{city['cars']}/sign/text"]) == {"sign/text"}
    assert await series(domain="health", feeds=[city["cars"]]) == set()


async def test_the_end_of_the_time_is_not_in_it(city: dict[str, str]) -> None:
    times = {row["time"] for row in await _rows(
        city["url"], since=NOW - 7 * timedelta(hours=1), until=NOW, domain="health"
    )}  # fmt: skip
    assert times == {(NOW - 7 * timedelta(hours=1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}


async def test_a_large_export_comes_in_pieces(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ioc.store.export.BLOCK_ROWS", 1_000)
    monkeypatch.setattr("ioc.flow.exporting.ROW_GROUP", 2_000)
    feed = await a_feed_key(database)
    [series] = await real_series(database, feed, "a/x")
    writer = BatchWriter(database, Latest())
    await writer.open()
    start = to_micros(NOW - 3 * DAY)
    rows = [(series, start + n * 20_000_000, n / 7) for n in range(12_345)]
    await writer.flush([a_part(feed, rows)], NOW)
    await writer.close()
    for file_format in ("csv", "parquet"):
        wanted = Wanted(SINCE, UNTIL)
        async with await connect(database) as conn:
            pieces = [len(p) async for p in exported(conn, wanted, file_format)]
        # None holds a large part of the whole: what is made is sent before the next is read.
        assert len(pieces) >= 6
        assert max(pieces) < sum(pieces) / 3
    table = pq.read_table(io.BytesIO(await _file(database, "parquet")))
    assert table["value"].to_pylist() == [n / 7 for n in range(12_345)]

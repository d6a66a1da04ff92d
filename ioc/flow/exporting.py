"""Observations as files: CSV and Parquet made of the store's blocks, a piece at a time."""

import asyncio
import csv
import importlib
import io
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc.store.export import Block, ExportedSeries, Wanted, blocks, chosen
from ioc.store.pool import Connection

FileFormat = Literal["csv", "parquet"]

MEDIA_TYPES: Final[dict[FileFormat, str]] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}

COLUMNS: Final = ("feed", "series", "feature", "property", "unit", "uom")
"""What each row says of its series; then come time, value and received_at."""

ROW_GROUP: Final = 262_144
"""Rows that Parquet writes together; about 8 MB in memory."""

_HEADER: Final = ",".join((*COLUMNS, "time", "value", "received_at")) + "\r\n"


async def exported(
    conn: Connection, wanted: Wanted, file_format: FileFormat
) -> AsyncGenerator[bytes]:
    """The file, a piece at a time; all of it is of one moment, and times are UTC."""
    series = await chosen(conn, wanted)
    written = _csv if file_format == "csv" else _parquet
    # Whoever stops in the middle leaves a connection that is fit for others.
    async with (
        aclosing(blocks(conn, series, wanted)) as found,
        aclosing(written(series, found)) as pieces,
    ):
        async for piece in pieces:
            yield piece


def _names(series: ExportedSeries) -> tuple[str, ...]:
    return (series.feed, series.key, series.feature, series.property, series.unit, series.uom)


async def _csv(
    series: Sequence[ExportedSeries], found: AsyncIterator[Block]
) -> AsyncGenerator[bytes]:
    starts = [_csv_cells(_names(one)) for one in series]
    yield _HEADER.encode()
    async for block in found:
        yield await asyncio.to_thread(_csv_rows, starts, block)


def _csv_rows(starts: Sequence[str], block: Block) -> bytes:
    if block.text is not None:
        values = [_csv_cells([text]) for text in block.text]
    else:
        assert block.value is not None
        values = [repr(value) for value in block.value.tolist()]
    rows = zip(
        block.place.tolist(), _written(block.time), values, _written(block.received), strict=True
    )
    return "".join(
        f"{starts[place]},{time}Z,{value},{received}Z\r\n" for place, time, value, received in rows
    ).encode()


def _csv_cells(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def _written(micros: NDArray[np.int64]) -> list[str]:
    unit = "us" if (micros % 1_000_000).any() else "s"
    return np.datetime_as_string(micros.astype("M8[us]"), unit=unit).tolist()


class _Sink(io.RawIOBase):
    """A file to write to from which what was written is taken away."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._held += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._held)
        self._held.clear()
        return taken


async def _parquet(
    series: Sequence[ExportedSeries], found: AsyncIterator[Block]
) -> AsyncGenerator[bytes]:
    # pyarrow takes 0.3 s to import, which only an export should pay.
    pa: Any = importlib.import_module("pyarrow")
    pq: Any = importlib.import_module("pyarrow.parquet")

    columns = _Columns(pa, series)
    sink = _Sink()
    writer = pq.ParquetWriter(sink, columns.schema, compression="zstd")
    try:
        held: list[Any] = []
        async for block in found:
            held.append(columns.batch(block))
            if sum(len(batch) for batch in held) >= ROW_GROUP:
                await asyncio.to_thread(writer.write_table, pa.Table.from_batches(held))
                held = []
                yield sink.take()
        if held:
            await asyncio.to_thread(writer.write_table, pa.Table.from_batches(held))
    finally:
        writer.close()
    yield sink.take()


class _Columns:
    """Names as dictionaries, so that a row carries small numbers instead of texts."""

    def __init__(self, pa: Any, series: Sequence[ExportedSeries]) -> None:
        self._pa = pa
        names = list(zip(*map(_names, series), strict=True)) or [()] * len(COLUMNS)
        self._dictionaries: list[tuple[NDArray[np.int32], Any]] = []
        for column in names:
            unique, codes = np.unique(np.array(column, dtype=object), return_inverse=True)
            words = pa.array(unique.tolist(), pa.string())
            self._dictionaries.append((codes.astype(np.int32), words))
        stamp = pa.timestamp("us", tz="UTC")
        word = pa.dictionary(pa.int32(), pa.string())
        uoms = {f"{one.feed}/{one.key}": one.uom for one in series if one.uom}
        self.schema: Any = pa.schema(
            [
                *((name, word) for name in COLUMNS),
                ("time", stamp), ("value", pa.float64()), ("text", pa.string()),
                ("received_at", stamp),
            ],
            metadata={"uom": msgspec.json.encode(uoms)},
        )  # fmt: skip

    def batch(self, block: Block) -> Any:
        """The rows of a block."""
        pa, stamp = self._pa, self.schema.field("time").type
        named = [
            pa.DictionaryArray.from_arrays(pa.array(codes[block.place]), words)
            for codes, words in self._dictionaries
        ]
        nothing = len(block.place)
        value = pa.nulls(nothing, pa.float64()) if block.value is None else pa.array(block.value)
        text = pa.nulls(nothing, pa.string()) if block.text is None else pa.array(block.text)
        times = [pa.array(column).cast(stamp) for column in (block.time, block.received)]
        return pa.RecordBatch.from_arrays(
            [*named, times[0], value, text, times[1]], schema=self.schema
        )

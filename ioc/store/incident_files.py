"""Files of incidents, in parts of a bounded size."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from ioc.store.pool import Connection, ReadPool

PART_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A file without its bytes."""

    file_id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    added_at: datetime
    added_by: str


_ADD: Final = """
    INSERT INTO incident_file (file_id, incident_id, name, media_type, size, sha256, added_at,
           added_by)
    VALUES (%(file_id)s, %(incident_id)s, %(name)s, %(media_type)s, %(size)s, %(sha256)s,
           %(added_at)s, %(added_by)s)
    ON CONFLICT (incident_id, sha256) DO NOTHING
"""

_ADD_PART: Final = "INSERT INTO incident_file_part (file_id, place, bytes) VALUES (%s, %s, %s)"

_FILES: Final = """
    SELECT file_id, name, media_type, size, sha256, added_at, added_by FROM incident_file
     WHERE incident_id = %s ORDER BY added_at, file_id
"""

_ONE: Final = """
    SELECT file_id, name, media_type, size, sha256, added_at, added_by FROM incident_file
     WHERE incident_id = %s AND file_id = %s
"""

_COUNT: Final = "SELECT count(*) FROM incident_file WHERE incident_id = %s"

_PART: Final = "SELECT bytes FROM incident_file_part WHERE file_id = %s AND place = %s"


async def count(conn: Connection, incident: UUID) -> int:
    """How many files an incident has."""
    row = await (await conn.execute(_COUNT, [incident])).fetchone()
    assert row is not None
    return row[0]


async def add(conn: Connection, incident: UUID, file: FileRow, body: bytes) -> bool:
    """Keep a file; False where the incident has the same one already."""
    given = {name: getattr(file, name) for name in FileRow.__slots__}
    if not (await conn.execute(_ADD, {**given, "incident_id": incident})).rowcount:
        return False
    for place, start in enumerate(range(0, len(body), PART_BYTES)):
        await conn.execute(_ADD_PART, [file.file_id, place, body[start : start + PART_BYTES]])
    return True


async def files(pool: ReadPool, incident: UUID) -> list[FileRow]:
    """The files of an incident, without their bytes."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(FileRow)) as cur:
        await cur.execute(_FILES, [incident])
        return await cur.fetchall()


async def one(pool: ReadPool, incident: UUID, file: UUID) -> FileRow | None:
    """One file of an incident, without its bytes."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(FileRow)) as cur:
        await cur.execute(_ONE, [incident, file])
        return await cur.fetchone()


async def parts(pool: ReadPool, file: FileRow) -> AsyncGenerator[bytes]:
    """The bytes of a file, part by part; no connection is held while a slow client reads."""
    for place in range(-(-file.size // PART_BYTES)):
        async with pool.connection() as conn:
            row = await (await conn.execute(_PART, [file.file_id, place])).fetchone()
        assert row is not None, "a file has all of its parts"
        yield bytes(row[0])

"""The file of a backup: a tar of compressed pieces, and a list of their checksums at the end."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import zstandard

from ioc.errors import Invalid

S = TypeVar("S")

FORMAT: Final = 1

PIECE_BYTES: Final = 8_000_000
"""Of a table, before compression: the memory that a backup or a restore takes."""

HEAD: Final = "backup.json"
LIST: Final = "contents.json"

MOST_PIECE_BYTES: Final = 64_000_000
"""A piece that says it is larger was not made by us."""


class Table(msgspec.Struct, frozen=True):
    """A table in a backup: its columns in the order of the rows."""

    name: str
    columns: list[str]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is of; it stands first. `weeks` are those that observations fall into."""

    format: int
    release: str
    schema: int
    store: str
    created_at: str
    simulated: bool
    tables: list[Table]
    weeks: list[int]


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What must be there; it stands last: SHA-256 by piece, rows by table, sequences by column."""

    pieces: dict[str, str]
    rows: dict[str, int]
    sequences: dict[str, int]


class ArchiveWriter:
    """Writes a backup to a path, under another name until it is complete."""

    def __init__(self, path: Path) -> None:
        """Begin the file."""
        self._path = path
        self._part = path.with_name(path.name + ".part")
        # For ourselves alone: a backup holds the hashes of passwords.
        opened = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(opened, "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
        self._pieces: dict[str, str] = {}

    def head(self, head: Head) -> None:
        """Write what stands first."""
        self._add(HEAD, msgspec.json.format(msgspec.json.encode(head)))

    def piece(self, table: str, number: int, content: bytes) -> None:
        """Write a piece of a table's rows."""
        name = f"{table}/{number:06}.zst"
        compressed = self._compressor.compress(content)
        self._pieces[name] = hashlib.sha256(compressed).hexdigest()
        self._add(name, compressed)

    def finish(self, rows: dict[str, int], sequences: dict[str, int]) -> int:
        """Write the list, and give the file its name; returns its size in bytes."""
        contents = Contents(pieces=self._pieces, rows=rows, sequences=sequences)
        self._add(LIST, msgspec.json.encode(contents))
        self._tar.close()
        size = self._file.tell()
        self._file.close()
        self._part.replace(self._path)
        return size

    def abandon(self) -> None:
        """Remove what was written."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    def _add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        member.mode = 0o600
        self._tar.addfile(member, io.BytesIO(content))


def verified(path: Path) -> tuple[Head, Contents]:
    """What a backup holds, once every piece of it was found whole; `Invalid` says what is not."""
    head: Head | None = None
    contents: Contents | None = None
    found: dict[str, str] = {}
    for name, content in _members(path):
        if head is None and name != HEAD:
            raise Invalid(f"{path} is not a backup of this product")
        if name == HEAD:
            head = _decoded(path, content, Head)
            if head.format > FORMAT:
                raise Invalid(f"{path} was made by release {head.release}: install that or a newer")
        elif name == LIST:
            contents = _decoded(path, content, Contents)
        else:
            found[name] = hashlib.sha256(content).hexdigest()
    if head is None:
        raise Invalid(f"{path} is not a backup of this product")
    if contents is None:
        raise Invalid(f"{path} ends early: copy it again, or take another backup")
    for name, digest in contents.pieces.items():
        if found.get(name) != digest:
            raise Invalid(f"{path} is damaged at {name}: copy it again, or take another backup")
    return head, contents


def pieces(path: Path) -> Iterator[tuple[str, bytes]]:
    """Table and rows of each piece, in the order in which they were written."""
    decompressor = zstandard.ZstdDecompressor()
    for name, content in _members(path):
        if name not in (HEAD, LIST):
            rows = decompressor.decompress(content, max_output_size=MOST_PIECE_BYTES)
            yield name.split("/", 1)[0], rows


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(path, "r|") as tar:
            for member in tar:
                taken = tar.extractfile(member) if member.size <= MOST_PIECE_BYTES else None
                if taken is None:
                    raise Invalid(f"{path} is not a backup of this product")
                yield member.name, taken.read()
    except FileNotFoundError as error:
        raise Invalid(f"there is no file {path}") from error
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Invalid(f"{path} is cut off or no backup ({error}): copy it again") from error


def _decoded(path: Path, content: bytes, kind: type[S]) -> S:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise Invalid(f"{path} is damaged: {error}; copy it again") from error

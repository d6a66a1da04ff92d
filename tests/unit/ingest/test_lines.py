"""Blocks of lines: each line once, and where it stands."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from ingest.lines import LineCutter, blocks

HEAD = b"series,value\n"


def _in_pieces(body: bytes, piece: int, size: int, *, header: bool) -> Iterator[tuple[bytes, int]]:
    cutter = LineCutter(header=header, size=size)
    for at in range(0, len(body), piece):
        block = cutter.cut(body[at : at + piece])
        assert cutter.held <= size + piece + max(map(len, body.split(b"\n")))
        if block is not None:
            yield block
    rest = cutter.rest()
    if rest is not None:
        yield rest


@given(
    st.lists(st.sampled_from([b"a,1", b"", b"bb ", b"ccc\r", b"d" * 30]), max_size=60),
    st.integers(1, 50),
    st.integers(1, 40),
    st.booleans(),
    st.booleans(),
)
def test_blocks_hold_every_line_once_and_say_where_it_stands(
    rows: list[bytes], piece: int, size: int, header: bool, ended: bool
) -> None:
    body = b"\n".join(rows) + (b"\n" if ended else b"")
    head = HEAD if header else b""
    wanted = list(enumerate(row for row in body.split(b"\n") if row.strip()))
    for way in (
        _in_pieces(head + body, piece, size, header=header),
        blocks(head + body, header=header, size=size),
    ):
        found: list[tuple[int, bytes]] = []
        for block, first in way:
            assert block.startswith(head)
            lines = [line for line in block[len(head) :].split(b"\n") if line.strip()]
            found += [(first + place, line) for place, line in enumerate(lines)]
        assert found == wanted


def test_blank_lines_before_a_header_are_not_taken_for_it() -> None:
    body = b"\r\n" * 20 + HEAD + b"a,1\nb,2\n"
    found = [block for block, _ in blocks(body, header=True, size=8)]
    assert all(block.startswith(HEAD) for block in found)
    assert b"".join(block.removeprefix(HEAD) for block in found) == b"a,1\nb,2\n"


def test_a_body_without_a_line_is_one_block_as_it_comes_in_and_none_once_it_is_there() -> None:
    assert list(_in_pieces(b"\n \n", 1, 1, header=False)) == [(b"", 0)]
    assert list(blocks(b"\n \n", header=False)) == []

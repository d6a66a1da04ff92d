"""Blocks of lines: each line once, and where it stands."""

from hypothesis import given
from hypothesis import strategies as st

from ioc.sources.errand import blocks


@given(st.lists(st.sampled_from([b"a,1", b"", b"bb,22", b"c" * 30]), max_size=60),
       st.integers(1, 40), st.booleans(), st.booleans())  # fmt: skip
def test_blocks_hold_every_line_once_and_say_where_it_stands(
    rows: list[bytes], size: int, header: bool, ended: bool
) -> None:
    body = b"".join(row + b"\n" for row in rows)
    body = body if ended else body.rstrip(b"\n")
    head = b"series,value\n" if header else b""
    found: list[tuple[int, bytes]] = []
    for block, first in blocks(head + body, header=header, size=size):
        assert block.startswith(head)
        lines = [line for line in block[len(head) :].split(b"\n") if line.strip()]
        found += [(first + place, line) for place, line in enumerate(lines)]
    assert found == list(enumerate(row for row in body.split(b"\n") if row.strip()))

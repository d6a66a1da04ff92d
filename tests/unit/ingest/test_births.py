"""Certificates in memory: bounded, and in step with what is to be written down of them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.decoders.births import Birth, Births, Change, Tag


def _birth(*names: str, bd_seq: int | None = None) -> Birth:
    return Birth(tuple(Tag(name, alias, 10) for alias, name in enumerate(names)), bd_seq)


def test_certificates_are_bounded_and_the_longest_silent_node_goes_first() -> None:
    births = Births(most=8)
    for node in ("a", "b"):
        births.born(1, node, "", _birth("x", "y"))
    assert births.find(1, "a", "", 1, "") is not None
    births.born(1, "c", "", _birth("x"))
    assert births.find(1, "b", "", 1, "") is None
    assert births.find(1, "a", "", 1, "") is not None
    births.born(1, "d", "", _birth("x", "y", "z", "u", "v"))
    assert [node for node in "abcd" if births.editions(1, node) is not None] == []


def test_a_birth_of_a_node_ends_all_below_it() -> None:
    births = Births()
    births.born(1, "n", "", _birth("x", bd_seq=3))
    births.born(1, "n", "be", _birth("y"))
    births.born(1, "n", "", _birth("x", bd_seq=4))
    assert births.find(1, "n", "be", None, "y") is None
    assert births.changes()[-2:] == [
        Change(1, "n", None, None), Change(1, "n", "", _birth("x", bd_seq=4)),
    ]  # fmt: skip
    assert births.changes() == []


def test_what_is_forgotten_for_want_of_room_is_not_ended() -> None:
    births = Births(most=4)
    births.born(1, "a", "", _birth("x"))
    births.born(1, "b", "", _birth("x", "y"))
    assert births.editions(1, "a") is None
    ended = [change.node for change in births.changes() if change.birth is None]
    assert ended == ["a", "b"]  # each by its own birth


_steps = st.lists(
    st.tuples(
        st.sampled_from(["born", "died", "ended", "find"]),
        st.sampled_from("ab"),
        st.sampled_from(["", "p", "q"]),
        st.integers(0, 3),
    ),
    max_size=30,
)


@given(_steps)
def test_the_changes_lead_to_what_is_in_memory(steps: Any) -> None:
    births = Births()
    written: dict[tuple[str, str], Birth] = {}
    for kind, node, below, number in steps:
        if kind == "born":
            births.born(1, node, below, _birth(*"xyz"[:number], bd_seq=None if below else number))
        elif kind == "died":
            births.died(1, node, number)
        elif kind == "ended" and below:
            births.ended(1, node, below)
        else:
            births.find(1, node, below, number, "")
        for change in births.changes():
            if change.birth is None:
                for key in [k for k in written if k[0] == change.node]:
                    if change.below in (None, key[1]):
                        del written[key]
            else:
                assert change.below is not None
                written[change.node, change.below] = change.birth
    held = {(n, below) for n in "ab" for below in births.editions(1, n) or ()}
    assert held == written.keys()
    for (node, below), birth in written.items():
        for tag in birth.tags:
            assert births.find(1, node, below, tag.alias, "") == tag

"""Topics: a snapshot and the deltas since are always what a fresh snapshot says."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.live import topic as topics
from ioc.live.topic import Box, Change, LogTopic, StateTopic

BOX: Box = (0, 0, 10, 10)
PLACES = [None, (1.0, 1.0), (5.0, 5.0), (50.0, 50.0)]


def _item(key: str, value: int) -> bytes:
    return json.dumps({"id": key, "value": value}).encode()


def _read(data: bytes) -> dict[str, Any]:
    return {item["id"]: item for item in json.loads(data)["items"]}


class Follower:
    """What a client knows: a snapshot, and every delta laid over it."""

    def __init__(self, topic: StateTopic | LogTopic, box: Box | None) -> None:
        self._topic, self._box = topic, box
        self.resyncs = -1
        self._start()

    def _start(self) -> None:
        self.items = _read(self._topic.snapshot(self._box))
        self._offset = self._topic.offset
        self.resyncs += 1

    def catch_up(self) -> int:
        """Take what is new; returns how many frames that took."""
        frames = self._topic.since(self._offset, self._box)
        if frames is None:
            self._start()
            return 0
        for _, data in frames:
            delta = json.loads(data)
            for item in [*delta["update"], *delta["add"]]:
                self.items[item["id"]] = item
            for key in delta["remove"]:
                self.items.pop(key, None)
        self._offset = self._topic.offset
        return len(frames)


_moves = st.one_of(
    st.tuples(st.just("put"), st.sampled_from("abcde"), st.integers(0, 3), st.sampled_from(PLACES)),
    st.tuples(st.just("remove"), st.sampled_from("abcde"), st.just(0), st.none()),
    st.tuples(st.just("read"), st.sampled_from(["0", "1", "2"]), st.just(0), st.none()),
)


@settings(max_examples=300)
@given(st.lists(_moves, max_size=40), st.sampled_from([None, BOX]), st.sampled_from([1, 10_000]))
def test_snapshot_and_deltas_are_a_fresh_snapshot_whenever_one_reads(
    moves: list[Any], box: Box | None, most_removed: int
) -> None:
    topic = StateTopic("t", "e")
    followers = [Follower(topic, box) for _ in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topics, "MOST_REMOVED", most_removed)
        for verb, key, value, place in moves:
            if verb == "put":
                topic.put(key, _item(key, value), place)
            elif verb == "remove":
                topic.remove(key)
            else:
                follower = followers[int(key)]
                assert follower.catch_up() <= 1
                assert follower.items == _read(topic.snapshot(box))
    for follower in followers:
        follower.catch_up()
        assert follower.items == _read(topic.snapshot(box))


@given(st.lists(_moves, max_size=30), st.integers(1, 6))
def test_a_log_tells_every_change_in_order_or_says_start_over(moves: list[Any], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topics, "MOST_LOGGED", most)
        topic = LogTopic("alerts", "e")
    follower = Follower(topic, None)
    open_keys: set[str] = set()
    unread = 0
    for verb, key, value, _ in moves:
        if verb == "read":
            resyncs = follower.resyncs
            follower.catch_up()
            assert follower.items == _read(topic.snapshot(None))
            assert follower.resyncs == resyncs or unread > most
            unread = 0
            continue
        if verb == "remove" and key not in open_keys:
            topic.apply(Change(topic.offset + 1, "none", key, b""))
            continue
        word = "remove" if verb == "remove" else "update" if key in open_keys else "add"
        (open_keys.discard if verb == "remove" else open_keys.add)(key)
        topic.apply(Change(topic.offset + 1, word, key, _item(key, value)))
        unread += 1
    follower.catch_up()
    assert follower.items == _read(topic.snapshot(None))


def test_two_changes_of_one_alert_come_as_two_frames_in_order() -> None:
    topic = LogTopic("alerts", "e")
    for offset, verb in enumerate(["add", "update", "remove"], start=1):
        topic.apply(Change(offset, verb, "a", _item("a", offset)))
    frames = topic.since(0, None)
    assert frames is not None
    assert [offset for offset, _ in frames] == [1, 2, 3]
    assert [json.loads(data)["remove"] for _, data in frames] == [[], [], ["a"]]


def test_a_log_taken_from_the_store_goes_on_from_its_cursors() -> None:
    topic = LogTopic("alerts", "e")
    tail = [Change(n, "update", "a", _item("a", n)) for n in (5, 7)]
    topic.load([("a", _item("a", 7))], tail, 9)
    assert topic.since(3, None) is None
    assert [offset for offset, _ in topic.since(5, None) or []] == [7]
    assert topic.since(9, None) == []
    assert topic.since(10, None) is None


def test_a_thing_that_moves_out_of_a_view_leaves_it() -> None:
    topic = StateTopic("t", "e")
    topic.put("a", _item("a", 1), (5, 5))
    follower = Follower(topic, BOX)
    topic.put("a", _item("a", 2), (50, 50))
    follower.catch_up()
    assert follower.items == {}


def test_a_thing_without_a_place_belongs_to_every_view() -> None:
    topic = StateTopic("t", "e")
    topic.put("a", _item("a", 1))
    assert set(_read(topic.snapshot(BOX))) == {"a"}


def test_items_are_rendered_when_somebody_asks_and_once_for_all() -> None:
    topic = StateTopic("t", "e")
    rendered: list[str] = []

    def render(key: str) -> bytes:
        rendered.append(key)
        return _item(key, len(rendered))

    topic.render = render
    for _ in range(5):
        topic.put("a")
    assert rendered == []
    assert topic.since(0, None) is topic.since(0, None)
    topic.snapshot(None)
    assert rendered == ["a"]


@given(
    st.lists(st.lists(st.integers(0, 19), unique=True, max_size=20), max_size=8),
    st.sampled_from([None, BOX]),
    st.sets(st.integers(0, 19)),
)
def test_items_marked_together_are_items_put_one_by_one(
    rounds: list[list[int]], box: Box | None, gone: set[int]
) -> None:
    values = dict.fromkeys(map(str, range(20)), 0)
    topics = [StateTopic("t", "e"), StateTopic("t", "e")]
    for topic in topics:
        topic.render = lambda key: _item(key, values[key])
        for key in values:
            topic.put(key, point=(float(key), 5.0) if int(key) % 3 else None)
        for key in gone:
            topic.remove(str(key))
    followers = [Follower(topic, box) for topic in topics]
    for marked in rounds:
        keys = [str(key) for key in marked if key not in gone]
        for key in keys:
            values[key] += 1
        topics[0].touch(np.array([topics[0].slot(key) for key in keys], np.intp))
        for key in keys:
            topics[1].put(key)
        for follower in followers:
            follower.catch_up()
        assert followers[0].items == followers[1].items == _read(topics[0].snapshot(box))
    assert topics[0].offset == topics[1].offset


def test_a_place_that_is_free_again_is_taken_by_another_thing() -> None:
    topic = StateTopic("t", "e")
    topic.put("a", _item("a", 1), (5, 5))
    follower = Follower(topic, BOX)
    topic.remove("a")
    topic.put("b", _item("b", 2))
    follower.catch_up()
    assert set(follower.items) == {"b"}
    assert len(topic) == 1


def test_an_item_that_stands_so_already_is_no_change() -> None:
    topic = StateTopic("t", "e")
    assert topic.put_if_changed("a", b"1")
    assert not topic.put_if_changed("a", b"1")
    assert topic.offset == 1


def test_a_cursor_of_the_future_starts_over() -> None:
    assert StateTopic("t", "e").since(1, None) is None

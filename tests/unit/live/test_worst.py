"""The worst of many: a follower sees what a fresh snapshot says, and how many more there are."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ioc.live.topic import Change
from ioc.live.worst import Rank, WorstTopic
from ioc.model import Severity

MOST = 3


def rank_of(key: str, severity: int) -> Rank:
    return Rank(False, False, severity, False, 0, key)


class Centre:
    """The open things as a centre knows them, with their topic."""

    def __init__(self) -> None:
        self.topic = WorstTopic("alerts", "e", most=MOST)
        self.open: dict[str, tuple[Rank, int]] = {}
        self.topic.render = self.render
        self.log: list[Change] = []

    def render(self, key: str) -> bytes:
        rank, version = self.open[key]
        return json.dumps({"id": key, "severity": rank.severity, "version": version}).encode()

    def put(self, key: str, severity: int) -> None:
        rank = rank_of(key, severity)
        verb = "update" if key in self.open else "add"
        offset = self.topic.offset + 1
        self.open[key] = rank, offset
        self._tell(Change(offset, verb, key, self.render(key)), rank)

    def remove(self, key: str) -> None:
        gone = self.open.get(key)
        if gone is not None:
            self._tell(Change(self.topic.offset + 1, "remove", key, b""), gone[0])
            del self.open[key]

    def _tell(self, change: Change, rank: Rank) -> None:
        self.log.append(change)
        self.topic.follow(change, rank)

    def restarted(self) -> WorstTopic:
        topic = WorstTopic("alerts", "e", most=MOST)
        topic.render = self.render
        topic.load_ranked([rank for rank, _ in self.open.values()], self.log, self.topic.offset)
        return topic


def known(data: bytes) -> tuple[dict[str, Any], dict[str, int]]:
    document = json.loads(data)
    return {item["id"]: item for item in document["items"]}, document.get("rest", {})


class Follower:
    """A client that takes some of the frames, loses its connection, and comes back."""

    def __init__(self, topic: WorstTopic) -> None:
        self.items, self.rest = known(topic.snapshot(None))
        self.offset = topic.offset

    def take(self, topic: WorstTopic, most: int) -> bool:
        """Take at most so many frames; False where it had to start over."""
        frames = topic.since(self.offset, None)
        if frames is None:
            self.__init__(topic)
            return False
        for offset, data in frames[:most]:
            delta = json.loads(data)
            self.items |= {item["id"]: item for item in delta["update"] + delta["add"]}
            for key in delta["remove"]:
                self.items.pop(key, None)
            self.rest = delta.get("rest", {})
            self.offset = offset
        return True


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abcdefg"), st.integers(0, 3)),
        st.tuples(st.just("remove"), st.sampled_from("abcdefg"), st.just(0)),
        st.tuples(st.just("read"), st.just(""), st.integers(0, 3)),
    ),
    max_size=40,
)


def moved(centre: Centre, verb: str, key: str, number: int) -> None:
    if verb == "put":
        centre.put(key, number)
    else:
        centre.remove(key)


@given(steps)
def test_whoever_follows_knows_what_a_fresh_snapshot_says(
    moves: list[tuple[str, str, int]],
) -> None:
    centre = Centre()
    follower = Follower(centre.topic)
    for verb, key, number in moves:
        if verb == "read":
            follower.take(centre.topic, number)
        else:
            moved(centre, verb, key, number)
    follower.take(centre.topic, 1_000)
    assert (follower.items, follower.rest) == known(centre.topic.snapshot(None))
    worst = sorted(rank for rank, _ in centre.open.values())
    assert set(follower.items) == {rank.key for rank in worst[:MOST]}
    left = [list(Severity)[rank.severity] for rank in worst[MOST:]]
    assert follower.rest == {severity: left.count(severity) for severity in left}


@given(steps, steps)
def test_a_client_misses_nothing_over_a_restart(
    before: list[tuple[str, str, int]], after: list[tuple[str, str, int]]
) -> None:
    centre = Centre()
    follower = Follower(centre.topic)
    for verb, key, number in [*before, ("read", "", 1_000), *after]:
        if verb == "read":
            follower.take(centre.topic, number)
        else:
            moved(centre, verb, key, number)
    topic = centre.restarted()
    follower.take(topic, 1_000)
    items, rest = known(topic.snapshot(None))
    assert (set(follower.items), follower.rest) == (set(items), rest)
    assert {key: item["version"] for key, item in follower.items.items()} == {
        key: item["version"] for key, item in items.items()
    }


def test_the_log_resumes_over_a_restart_where_all_were_shown() -> None:
    centre = Centre()
    follower = Follower(centre.topic)
    for key in "ab":
        centre.put(key, 1)
    assert follower.take(centre.restarted(), 10)
    for key in "cde":
        centre.put(key, 1)
    assert not follower.take(centre.restarted(), 10)
    assert len(follower.items) == MOST
    assert follower.rest == {"high": 2}


def test_a_thing_is_known_until_its_removal_is_told_shown_or_not() -> None:
    centre = Centre()
    for key in "abcd":
        centre.put(key, 1)
    assert all(key in centre.topic for key in "abcd")
    centre.remove("d")
    assert "d" not in centre.topic

"""What is sent of the past: complete, thinned, in pieces, and never twice."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.city.read import packaged_city, read_city
from ioc.model import ValueKind
from ioc.simulate import backfill, encode, progress
from ioc.simulate.backfill import Run
from ioc.simulate.calendar import DAY, HOUR
from ioc.simulate.episodes import Episode
from ioc.simulate.progress import Progress
from ioc.simulate.province import SimulatedProvince
from ioc.simulate.rhythm import Rhythm
from ioc.simulate.truth import TruthFile

NOW = int(datetime(2026, 11, 18, 3, 0, tzinfo=UTC).timestamp())


@pytest.fixture(scope="module")
def province() -> SimulatedProvince:
    return SimulatedProvince(read_city(packaged_city()), seed=7)


def test_the_past_of_five_weeks_is_at_most_700_000_observations(province: SimulatedProvince):
    window = (NOW - 35 * DAY, NOW)
    rows = sum(
        piece.rows
        for feed in province.feeds.values()
        for piece in backfill.slices(feed, window, NOW)
    )
    assert 400_000 < rows <= 700_000


def test_slices_join_without_gap_or_overlap_and_begin_with_the_newest(
    province: SimulatedProvince,
):
    for feed in province.feeds.values():
        pieces = list(backfill.slices(feed, (NOW - 35 * DAY, NOW), NOW))
        assert pieces[0].until == NOW
        assert pieces[-1].since == NOW - 35 * DAY
        assert all(a.since == b.until for a, b in pairwise(pieces))


def test_recent_reports_are_all_sent_and_older_ones_every_quarter_of_an_hour(
    province: SimulatedProvince,
):
    feed = province.feeds["giao-thong"]
    times: dict[str, list[int]] = {}
    for piece in backfill.slices(feed, (NOW - 6 * DAY, NOW), NOW):
        for run in backfill.runs(province, piece, NOW, {}):
            times.setdefault(run.key, []).extend(run.time.tolist())
    spoken = 0
    for key, sent in times.items():
        feature = key.split("/")[0]
        assert len(set(sent)) == len(sent)
        every = feed.reports(feature, NOW - 2 * DAY, NOW)
        wanted = every[province.speaks(feed, feature, every)]
        assert sorted(t for t in sent if t > NOW - 2 * DAY) == wanted.tolist()
        older = np.diff(sorted(t for t in sent if t <= NOW - 2 * DAY))
        assert older.min() == 900
        spoken += len(sent)
    assert spoken > 100_000 / 4


def test_after_a_pause_only_what_is_newer_than_the_stored_is_sent(province: SimulatedProvince):
    feed = province.feeds["benh-vien"]
    window = (NOW - 35 * DAY, NOW)
    newest = {s.key: NOW - 3 * HOUR for s in feed.spec.series}
    newest[feed.spec.series[0].key] = NOW - 5 * HOUR
    spans, gap = backfill.missing(window, newest, [])
    assert spans == []
    assert gap is not None
    assert gap == (NOW - 5 * HOUR, NOW)
    for piece in backfill.slices(feed, gap, NOW):
        for run in backfill.runs(province, piece, NOW, newest):
            assert run.time.min() > newest[run.key]


def test_an_interrupted_past_is_finished_at_the_next_start():
    left = [(NOW - 35 * DAY, NOW - 20 * DAY)]
    newest = {"a/b": NOW - 60}
    assert backfill.missing((NOW - 35 * DAY, NOW), newest, left) == (left, (NOW - 60, NOW))


def test_an_empty_database_gets_the_whole_past():
    window = (NOW - 35 * DAY, NOW)
    assert backfill.missing(window, {}, [(1, 2)]) == ([window], None)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=8))
def test_closing_spans_leaves_exactly_what_was_not_sent(sent: list[tuple[int, int]]):
    memory = Progress(open={"f": [(0, 60)]})
    for since, length in sent:
        memory.close("f", (since, since + length))
    left = {second for a, b in memory.open["f"] for second in range(a, b)}
    done = {second for a, n in sent for second in range(a, a + n)}
    assert left == set(range(60)) - done


def test_what_is_remembered_of_another_database_is_void(tmp_path: Path):
    path = tmp_path / "progress.json"
    assert progress.load(path, "one") == Progress(database="one")
    kept = Progress(database="one", open={"f": [(1, 5)]}, told={"d": 9})
    progress.save(path, kept)
    assert progress.load(path, "one") == kept
    assert progress.load(path, "two") == Progress(database="two")


def a_run(kind: ValueKind, many: int) -> Run:
    return Run(f"{kind}/x", kind, "km/h", np.arange(many) + NOW, np.ones(many))


def test_bodies_hold_at_most_a_thousand_and_booleans_stand_alone():
    runs = [a_run(ValueKind.BOOLEAN, 3), a_run(ValueKind.NUMBER, 2_300)]
    found = [msgspec.json.decode(body) for body in encode.bodies(runs, "ioc")]
    assert [len(body) for body in found] == [1_000, 1_000, 300, 3]
    assert found[0][0] == {"series": "number/x", "time": "2026-11-18T03:00:00Z", "value": 1.0}
    assert found[3][0]["value"] is True


def test_a_feed_in_senml_is_written_in_senml():
    (body,) = encode.bodies([a_run(ValueKind.NUMBER, 1)], "senml")
    assert msgspec.json.decode(body) == [{"n": "number/x", "t": NOW, "u": "km/h", "v": 1.0}]


def test_the_truth_is_told_once_even_after_a_restart(tmp_path: Path):
    path = tmp_path / "truth.jsonl"
    episode = Episode("incident", "a", NOW, NOW + 600, 0.9, (("b", 1.0),))
    rhythm = Rhythm(NOW)
    assert TruthFile(path).tell([("f", episode)], rhythm) == 1
    path.write_bytes(path.read_bytes() + b'{"id":"cut off')
    again = TruthFile(path)
    assert again.tell([("f", episode)], rhythm) == 0
    line = msgspec.json.decode(path.read_bytes().splitlines()[0])
    assert line["since"] == "2026-11-18T03:00:00Z"
    assert line["touched"] == {"b": 1.0}

"""Silences and causes: which alerts are kept quiet, and the reason that is given."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.mute import (
    Causes,
    Facets,
    Inhibition,
    Matcher,
    MuteCause,
    Silence,
    matches,
    silenced_by,
)
from ioc.model import Severity

DEAD_FEED = Inhibition(id="dead-feed", cause=Matcher(kind="missing"), equal=("feed",))
HANGS_ON = Inhibition(id="power", cause=Matcher(rule="outage"), link="substation")


def facets(id: str = "a", **known: Any) -> Facets:
    sane: dict[str, Any] = {
        "rule": "dust", "kind": "threshold", "domain": "environment", "severity": Severity.MEDIUM,
        "feed": "air", "unit": "so-a", "feature": "station-1", "layer": "air",
        "zones": frozenset({"xa-b"}), "attributes": {"road": "QL6"}, "since": 100,
    }  # fmt: skip
    return Facets(id=id, **(sane | known))


def a_silence(id: str = "s", starts: int = 0, ends: int = 1_000, **matcher: Any) -> Silence:
    return Silence(
        id=id, matcher=Matcher(**matcher), starts=starts, ends=ends, why="thay cột", by="an"
    )


@pytest.mark.parametrize(
    ("matcher", "meant"),
    [
        ({}, True),
        ({"rule": "dust", "zone": "xa-b", "tag": "road=QL6"}, True),
        ({"rule": "dust", "feed": "water"}, False),
        ({"zone": "xa-c"}, False),
        ({"tag": "bridge"}, False),
        ({"severity": Severity.MEDIUM}, True),
        ({"severity": Severity.HIGH}, True),
        ({"severity": Severity.LOW}, False),
    ],
)
def test_all_that_a_matcher_names_must_hold(matcher: dict[str, Any], meant: bool) -> None:
    assert matches(Matcher(**matcher), facets()) is meant


def test_a_silence_holds_from_its_start_until_before_its_end() -> None:
    silence = a_silence(starts=10, ends=20)
    held = [silenced_by(facets(), [silence], now) is not None for now in (9, 10, 19, 20)]
    assert held == [False, True, True, False]


def test_the_silence_that_ends_last_is_the_reason() -> None:
    muted = silenced_by(facets(), [a_silence("long"), a_silence("short", ends=500)], 5)
    assert muted is not None
    assert (muted.cause, muted.by, muted.why, muted.until) == (
        MuteCause.SILENCE, "long", "thay cột", 1_000,
    )  # fmt: skip


def test_a_dead_feed_explains_the_alerts_of_its_series_older_ones_too() -> None:
    dead = facets("dead", kind="missing", rule="silence", feature=None, since=200)
    muted = Causes([DEAD_FEED], [dead]).of(facets())
    assert muted is not None
    assert (muted.cause, muted.by, muted.rule) == (MuteCause.INHIBITED, "dead", "silence")
    assert muted.why == "dead-feed"
    assert Causes([DEAD_FEED], [dead]).of(facets(feed="water")) is None


def test_an_outage_explains_what_hangs_on_the_substation() -> None:
    outage = facets("out", rule="outage", feature="tram-110", since=10)
    pump = facets(attributes={"substation": "tram-110"})
    muted = Causes([HANGS_ON], [outage]).of(pump)
    assert muted is not None
    assert muted.by == "out"
    assert Causes([HANGS_ON], [outage]).of(facets(attributes={})) is None


def test_what_an_alert_lacks_is_never_in_common() -> None:
    dead = facets("dead", kind="missing", feed=None)
    assert Causes([DEAD_FEED], [dead]).of(facets(feed=None)) is None


alerts = st.lists(
    st.builds(
        lambda n, kind, feed, since: facets(f"a{n}", kind=kind, feed=feed, since=since),
        st.integers(0, 9), st.sampled_from(["missing", "threshold"]),
        st.sampled_from(["air", "water", None]), st.integers(0, 3),
    ),
    unique_by=lambda one: one.id,
)  # fmt: skip


@given(alerts)
def test_two_alerts_never_keep_each_other_quiet(members: list[Facets]) -> None:
    muted = {one.id: Causes([DEAD_FEED], members).of(one) for one in members}
    for one, answer in muted.items():
        if answer is not None:
            seen = {one}
            by = answer
            while by is not None:
                assert by.by not in seen, "a ring of alerts that explain each other is silent"
                seen.add(by.by)
                by = muted[by.by]


EACH_OTHER = Inhibition(id="each", cause=Matcher(), effect=Matcher(kind="missing"), equal=("feed",))


@pytest.mark.parametrize("inhibition", [DEAD_FEED, EACH_OTHER])
@given(alerts, st.data())
def test_who_is_to_be_looked_at_again_is_said(
    inhibition: Inhibition, members: list[Facets], data: st.DataObject
) -> None:
    causes = Causes([inhibition])
    answers: dict[str, object] = {}
    steps = [*members, *data.draw(st.lists(st.sampled_from(members or [facets()])))]
    for one in steps:
        if one.id not in answers:
            again = causes.add(one)
            answers[one.id] = causes.of(one)
        elif data.draw(st.booleans()):
            again = causes.clear(one)
        else:
            again = causes.remove(one.id)
            del answers[one.id]
        now = {other.id: causes.of(other) for other in members if other.id in answers}
        assert {id for id in now if now[id] != answers[id]} <= again
        answers = dict(now)


def test_an_alert_that_has_cleared_may_be_explained_and_explains_nothing() -> None:
    dead = facets("dead", kind="missing", since=50)
    dust = facets("dust", since=60)
    causes = Causes([DEAD_FEED], [dead, dust])
    causes.clear(dust)
    assert causes.of(dust) is not None
    assert causes.clear(dead) >= {"dust"}
    assert causes.of(dust) is None


def test_a_matcher_says_whether_it_means_everything() -> None:
    assert Matcher().is_empty
    assert not Matcher(rule="dust").is_empty
    with pytest.raises(msgspec.ValidationError, match="rules"):
        msgspec.convert({"rules": "dust"}, Matcher)

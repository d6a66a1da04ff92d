"""Planned windows: what they keep quiet, what a table says of them, and what is wrong with them."""

from typing import Any

import msgspec
import pytest

from alerts.mute import Facets, MuteCause, Silence, matches, silenced_by
from alerts.window import PlannedWork, Window, from_rows, planned
from ioc.errors import Invalid
from ioc.model import Severity

SANE: dict[str, Any] = {
    "id": "LCD-1", "from": "2026-11-28T07:30:00+07:00", "until": "2026-11-28T11:00:00+07:00",
    "reason": "thay dây", "features": ["tba-a"],
}  # fmt: skip


def a_window(**more: Any) -> Window:
    return msgspec.convert(SANE | more, Window)


def the_feature(name: str) -> str:
    if name == "nowhere":
        raise Invalid("there is no feature 'nowhere'")
    return f"grid/{name}"


def plan(*windows: Window) -> list[PlannedWork]:
    return planned(
        windows, domain="electricity", province="tinh", feature=the_feature, unit=lambda name: name
    )


def an_outage(feature: str = "grid/tba-a", *zones: str, domain: str = "electricity") -> Facets:
    return Facets(
        id="a", rule="outage", kind="threshold", domain=domain, severity=Severity.CRITICAL,
        feature=feature, zones=frozenset(zones),
    )  # fmt: skip


def test_a_window_keeps_quiet_what_is_of_its_domain_and_at_what_it_names() -> None:
    (work,) = plan(a_window(units=["xa-a"]))

    def quiet(facets: Facets) -> bool:
        return any(matches(matcher, facets) for matcher in work.matchers)

    assert quiet(an_outage())
    assert quiet(an_outage("grid/tba-b", "xa-a", "tinh"))
    assert not quiet(an_outage("grid/tba-b", "xa-b", "tinh"))
    assert not quiet(an_outage(domain="health")), "a hospital without beds is not the grid's plan"


def test_a_withdrawn_window_keeps_nothing_quiet() -> None:
    assert plan(a_window(withdrawn=True, features=[]))[0].matchers == ()


def test_an_outage_is_planned_within_its_window_and_a_fault_before_and_after() -> None:
    (work,) = plan(a_window())
    starts, until = (
        int(moment.timestamp()) * 1_000_000 for moment in (work.window.starts, work.window.until)
    )
    silence = Silence(
        id="s", matcher=work.matchers[0], starts=starts, ends=until, why="thay dây", by="feed:grid",
        plan="KH 12",
    )  # fmt: skip
    found = {now: silenced_by(an_outage(), [silence], now) for now in (starts - 1, starts, until)}
    assert [one is None for one in found.values()] == [True, False, True]
    muted = found[starts]
    assert muted is not None
    assert (muted.cause, muted.why, muted.until) == (MuteCause.PLANNED, "thay dây", until)


@pytest.mark.parametrize(
    ("change", "cure"),
    [
        ({"from": "2026-11-28T07:30:00"}, "time zone"),
        ({"until": "2026-11-28T07:30:00+07:00"}, "after"),
        ({"until": "2028-11-28T07:30:00+07:00"}, "366"),
        ({"features": []}, "features"),
        ({"features": ["nowhere"]}, "nowhere"),
        ({"units": ["tinh"]}, "communes"),
    ],
)
def test_a_wrong_window_is_told_its_id_and_its_cure(change: dict[str, Any], cure: str) -> None:
    with pytest.raises(Invalid) as refused:
        plan(a_window(**change))
    assert refused.value.message.startswith("window LCD-1")
    assert cure in refused.value.message


def test_a_window_that_stands_twice_in_a_list_is_refused() -> None:
    with pytest.raises(Invalid, match="twice"):
        plan(a_window(), a_window())


def test_a_row_of_a_table_is_a_window() -> None:
    row = {key: value for key, value in SANE.items() if key != "features"}
    row |= {"features": "tba-a; tba-b", "withdrawn": "Có"}
    (window,) = from_rows([(2, row)])
    assert window == a_window(features=["tba-a", "tba-b"], withdrawn=True)
    with pytest.raises(Invalid, match="line 3"):
        from_rows([(3, row | {"from": "mai"})])

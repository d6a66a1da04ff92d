"""Indicators as documents: what is read, and what a wrong one is told."""

from typing import Any

import pytest

from ioc.errors import Invalid
from ioc.kpi.indicator import decode_indicator
from ioc.kpi.origin import COUNTS, CountSource, LatestSource, Term
from ioc.model import Domain

BEDS = {
    "name": {"vi": "Công suất giường", "en": "Bed occupancy"},
    "domain": "health",
    "kind": "share",
    "source": "latest",
    "uom": "%",
    "decimals": 1,
    "direction": "down",
    "numerator": {"property": "beds-occupied", "take": "sum"},
    "denominator": {"property": "beds-planned", "take": "sum"},
}
ONLINE = {
    "name": {"vi": "Tỷ lệ nộp trực tuyến", "en": "Online share"},
    "domain": "service",
    "kind": "share",
    "source": "dossiers",
    "uom": "%",
    "decimals": 1,
    "direction": "up",
    "numerator": "received_online",
    "denominator": ["received_direct", "received_online", "received_post"],
}
LOAD = {
    "name": {"vi": "Phụ tải", "en": "Load"},
    "domain": "electricity",
    "kind": "max",
    "source": "latest",
    "uom": "MW",
    "decimals": 0,
    "direction": "down",
    "numerator": {"property": "load"},
}


def without(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}


def test_a_share_of_latest_values_is_read() -> None:
    indicator = decode_indicator("bed-occupancy", BEDS)
    assert (indicator.id, indicator.version) == ("bed-occupancy", 1)
    assert (indicator.domain, indicator.direction) == (Domain.HEALTH, "down")
    assert indicator.source == LatestSource(
        Term(property="beds-occupied", take="sum"), Term(property="beds-planned", take="sum")
    )


def test_a_share_of_dossiers_is_read_and_one_name_is_a_list_of_one() -> None:
    indicator = decode_indicator("online-share", ONLINE | {"version": 3})
    assert indicator.version == 3
    assert indicator.source == CountSource(
        "dossiers", ("received_online",), ("received_direct", "received_online", "received_post")
    )


def test_outside_a_share_the_kind_says_what_is_taken() -> None:
    for written in (LOAD, LOAD | {"numerator": {"property": "load", "take": "max"}}):
        source = decode_indicator("load", written).source
        assert source == LatestSource(Term(property="load", take="max"), None)


def test_dossiers_may_be_summed_without_a_denominator() -> None:
    written = without(ONLINE, "denominator") | {
        "kind": "sum",
        "numerator": list(COUNTS["dossiers"][:3]),
    }
    assert decode_indicator("received", written).source == CountSource(
        "dossiers", COUNTS["dossiers"][:3], ()
    )


@pytest.mark.parametrize(
    ("document", "key", "cure"),
    [
        (BEDS | {"kind": "median"}, "kind", "share, sum, max, mean, count"),
        (BEDS | {"kind": "ratio"}, "kind", 'source = "measures"'),
        (BEDS | {"source": "history"}, "source", "latest, dossiers, ledger, feeds or quality"),
        (BEDS | {"direction": "better"}, "direction", "up where more is better"),
        (BEDS | {"domain": "hospital"}, "domain", "health"),
        (BEDS | {"decimals": 7}, "decimals", "0 to 6"),
        (BEDS | {"decimals": "1"}, "decimals", "0 to 6"),
        (BEDS | {"version": 0}, "version", "from 1 on"),
        (BEDS | {"name": {"vi": "Giường"}}, "name", "both languages"),
        (BEDS | {"name": {"vi": "a", "en": "b", "fr": "c"}}, "fr", "use vi, en"),
        (without(BEDS, "uom"), "uom", "add it"),
        (BEDS | {"denominater": 1}, "denominater", "did you mean denominator?"),
        (without(BEDS, "denominator"), "denominator", "a share needs one"),
        (LOAD | {"denominator": {"property": "x", "take": "sum"}}, "denominator", "leave it out"),
        (BEDS | {"numerator": {"property": "beds-occupied"}}, "numerator", "take ="),
        (BEDS | {"numerator": "beds-occupied"}, "numerator", "take ="),
        (BEDS | {"numerator": {"property": "a", "take": "sum", "abov": 1}}, "abov", "above?"),
        (LOAD | {"numerator": {"property": "load", "take": "sum"}}, "numerator", "'max'"),
        (LOAD | {"numerator": {"property": "l", "above": float("nan")}}, "numerator", "a number"),
        (ONLINE | {"numerator": "received_onlin"}, "numerator", "did you mean received_online?"),
        (ONLINE | {"numerator": "số"}, "numerator", "use some of received_direct"),
        (ONLINE | {"numerator": {"property": "x"}}, "numerator", "name of a count"),
        (ONLINE | {"denominator": []}, "denominator", "names of counts"),
        (ONLINE | {"denominator": ["received_post"] * 2}, "denominator", "names of counts"),
        (without(ONLINE, "denominator") | {"kind": "mean"}, "kind", "share, sum and count"),
        (ONLINE | {"id": "other"}, "id", "one id of the two"),
    ],
)
def test_a_wrong_indicator_is_told_the_key_and_the_cure(
    document: dict[str, Any], key: str, cure: str
) -> None:
    with pytest.raises(Invalid) as refused:
        decode_indicator("online-share", document)
    assert refused.value.values == {"indicator": "online-share", "key": key}
    assert refused.value.message.startswith(f"indicator online-share: {key} ")
    assert cure in refused.value.message


def test_an_id_is_a_slug() -> None:
    with pytest.raises(Invalid, match="use a-z"):
        decode_indicator("Online Share", ONLINE)

"""Key performance indicators of FIWARE as reports, in all the ways in which they are written."""

import json
from typing import Any

import pytest

from ingest.payload import Decoded
from tests.fixtures.decoding import decoded, refusals

PERIOD = {"from": "2026-06-15", "to": "2026-07-14"}
KPI: dict[str, Any] = {
    "id": "urn:ngsi-ld:KeyPerformanceIndicator:1", "type": "KeyPerformanceIndicator",
    "name": "documents_out", "organization": "so-tu-phap", "calculationPeriod": PERIOD,
    "kpiValue": 12, "source": "https://stp.example/bao-cao/12",
}  # fmt: skip


def _decoded(**more: Any) -> Decoded:
    given = {name: value for name, value in {**KPI, **more}.items() if value is not None}
    return decoded(json.dumps(given).encode(), format="ngsi-ld")


def _report(**more: Any) -> dict[str, Any]:
    found = _decoded(**more)
    assert (found.refused, found.keys, len(found.reports)) == ([], [], 1)
    return json.loads(found.reports[0].raw)


def test_an_indicator_is_a_report_whose_period_ends_after_its_last_day() -> None:
    assert _report() == {
        "measure": "documents_out", "unit": "so-tu-phap", "period": "2026-06-15/2026-07-15",
        "value": 12, "document": "https://stp.example/bao-cao/12",
    }  # fmt: skip


def test_it_is_the_same_whichever_way_it_is_written() -> None:
    as_ld = {
        name: {"type": "Property", "value": value}
        for name, value in KPI.items()
        if name not in ("id", "type")
    }
    as_v2 = {name: {**each, "type": "Text", "metadata": {}} for name, each in as_ld.items()}
    assert _report() == _report(**as_ld) == _report(**as_v2)


def test_what_else_is_told_of_the_figure_goes_along() -> None:
    told = _report(
        alternateName="documents_in", name="Văn bản đến", source=None, bound=">=",
        kpiValue={"type": "Property", "value": 12, "unitCode": "{document}"},
        updatedAt={"type": "Property", "value": "2026-07-15T08:00:00+07:00"},
    )  # fmt: skip
    assert (told["measure"], told["bound"], told["uom"]) == ("documents_in", ">=", "{document}")
    assert (told["document"], told["changed_at"]) == (KPI["id"], "2026-07-15T08:00:00+07:00")


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_share_comes_as_an_object_of_its_counts(wrapped: bool) -> None:
    counts = {"numerator": 924, "denominator": 1318}
    told = _report(kpiValue={"type": "Property", "value": counts} if wrapped else counts)
    assert (told["numerator"], told["denominator"]) == (924, 1318)
    assert "value" not in told


@pytest.mark.parametrize(
    ("more", "reason", "cure"),
    [
        ({"name": None}, "measure_unknown", "as `name`"),
        ({"organization": " "}, "unit_unknown", "as `organization`"),
        ({"calculationPeriod": None}, "period_invalid", "`calculationPeriod`"),
        ({"calculationPeriod": {"from": "2026-07-01"}}, "period_invalid", "first and last day"),
        ({"calculationPeriod": {"from": "2026-07-02", "to": "2026-07-01"}}, "period_invalid", "to"),
        ({"calculationPeriod": {"from": "9999-12-31", "to": "9999-12-31"}}, "period_invalid", "to"),
        ({"kpiValue": None}, "value_missing", "`kpiValue`"),
        ({"kpiValue": ["very good"]}, "value_missing", "`kpiValue`"),
        ({"kpiValue": {"numerator": 1}}, "value_missing", "`denominator`"),
    ],
)
def test_what_is_no_report_is_kept_whole_and_told_which_attribute_cures_it(
    more: dict[str, Any], reason: str, cure: str
) -> None:
    found = _decoded(**more)
    assert (refusals(found), found.reports) == ({0: reason}, [])
    assert cure in found.refused[0].problem.detail
    assert json.loads(found.refused[0].raw)["id"] == KPI["id"]


def test_reports_and_observations_of_one_body_have_places_of_their_own() -> None:
    rain = {"id": "W:1", "type": "W", "rain": 1, "dateObserved": "2026-11-22T09:00:00+07:00"}
    found = decoded(json.dumps([rain, KPI, {"id": "A:1", "type": "Alert"}, rain]).encode())
    assert ([*found.index], [report.index for report in found.reports]) == ([0, 3], [1])
    assert (refusals(found), found.received) == ({2: "time_missing"}, 4)

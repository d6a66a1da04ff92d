"""GeoReport v2: what real servers of the standard answer fits the shapes that are served here."""

from datetime import datetime
from pathlib import Path
from typing import Any, get_args
from xml.etree.ElementTree import Element

import msgspec
import pytest
from defusedxml.ElementTree import fromstring, parse
from hypothesis import given
from hypothesis import strategies as st

from ioc.api.georeport import (
    Discovery,
    GeoReportFault,
    RequestToken,
    Service,
    ServiceDefinition,
    ServiceRequest,
)
from ioc.api.georeport_xml import xml_of

TWINS = Path(__file__).parents[2] / "data" / "open311"
PLURALS = {"attributes", "values", "endpoints", "formats"}

TWIN_SHAPES: dict[str, Any] = {
    "services.xml": list[Service],
    "definition.xml": ServiceDefinition,
    "requests.xml": list[ServiceRequest],
    "token.xml": list[RequestToken],
    "token-only.xml": list[RequestToken],
    "errors.xml": list[GeoReportFault],
    "discovery.json": Discovery,
    "discovery.xml": Discovery,
}

REAL_SHAPES: dict[str, Any] = {
    "dc-services.xml": list[Service],
    "dc-services-S0301.xml": ServiceDefinition,
    "service-request.xml": list[ServiceRequest],
    "service-requests.xml": list[ServiceRequest],
    "token.xml": list[RequestToken],
    "boston-submitrequest-token.xml": list[RequestToken],
    "boston-err-submitrequest-base_is_duplicate.xml": list[GeoReportFault],
    "discovery-boston.json": Discovery,
    "discovery-dc.xml": Discovery,
}


def _value(element: Element) -> Any:
    """XML as the JSON of the same standard: a plural is an array."""
    parts = list(element)
    if element.tag in PLURALS:
        return [_value(part) for part in parts]
    if parts:
        return {part.tag: _value(part) for part in parts}
    return (element.text or "").strip()


def _decoded(path: Path, shape: Any) -> Any:
    if path.suffix == ".json":
        return msgspec.json.decode(path.read_bytes(), type=shape)
    root = parse(path).getroot()
    assert root is not None
    whole = root.tag in ("service_definition", "discovery")
    raw = _value(root) if whole else [_value(part) for part in root]
    return msgspec.convert(raw, type=shape, strict=False)


@pytest.mark.parametrize("name", TWIN_SHAPES)
def test_the_twins_fit(name: str):
    assert _decoded(TWINS / name, TWIN_SHAPES[name])


@pytest.mark.parametrize("name", REAL_SHAPES)
def test_what_real_servers_answer_fits(name: str, data: Path):
    folder = data / "payloads" / "open311" / "node_open311_mocks"
    assert _decoded(folder / name, REAL_SHAPES[name])


@pytest.mark.parametrize("name", [name for name in TWIN_SHAPES if name.endswith(".xml")])
def test_what_is_written_is_read_as_the_same(name: str, tmp_path: Path):
    shape = TWIN_SHAPES[name]
    found = _decoded(TWINS / name, shape)
    kind = get_args(shape)[0] if get_args(shape) else shape
    written = tmp_path / name
    written.write_bytes(xml_of(kind, found))
    roots = [parse(path).getroot() for path in (written, TWINS / name)]
    assert len({root.tag for root in roots if root is not None}) == 1
    assert _decoded(written, shape) == found


@given(st.text())
def test_whatever_a_citizen_writes_the_document_is_well_formed(text: str):
    document = xml_of(GeoReportFault, [GeoReportFault(400, text.strip())])
    [said] = fromstring(document).findall("error/description")
    legal = "".join(letter if letter.isprintable() else "" for letter in text.strip())
    assert all(letter in (said.text or "") for letter in legal)


def test_nothing_found_is_an_empty_document():
    assert fromstring(xml_of(ServiceRequest, [])).tag == "service_requests"


def test_no_field_of_a_real_request_is_one_that_we_lack():
    [request] = parse(TWINS / "requests.xml").getroot() or []
    assert {part.tag for part in request} == set(ServiceRequest.__struct_fields__)


def test_values_come_as_what_they_are():
    [found] = _decoded(TWINS / "requests.xml", list[ServiceRequest])
    assert (found.lat, found.long, found.status) == (21.322, 105.402, "closed")
    assert found.requested_datetime == datetime.fromisoformat("2026-04-14T06:37:38+07:00")
    definition = _decoded(TWINS / "definition.xml", ServiceDefinition)
    assert [(a.code, a.required, len(a.values)) for a in definition.attributes] == [
        ("RONG", True, 2), ("CHU-Y", False, 0),
    ]  # fmt: skip

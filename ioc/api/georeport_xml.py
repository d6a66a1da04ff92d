"""The shapes of GeoReport v2 as XML, the format that the standard demands beside JSON."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

from ioc.api.georeport import (
    AcceptedRequest,
    Discovery,
    GeoReportFault,
    RequestToken,
    Service,
    ServiceDefinition,
    ServiceRequest,
)

XML: Final = "text/xml"

_ROOTS: Final[Mapping[type, tuple[str, str]]] = {
    Service: ("services", "service"),
    ServiceRequest: ("service_requests", "request"),
    AcceptedRequest: ("service_requests", "request"),
    RequestToken: ("service_requests", "request"),
    GeoReportFault: ("errors", "error"),
}
"""What an array of a shape is called, and each of its items."""

_WHOLE: Final[Mapping[type, str]] = {
    ServiceDefinition: "service_definition",
    Discovery: "discovery",
}

_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML holds, not even escaped."""


def xml_of(kind: type, found: msgspec.Struct | Sequence[msgspec.Struct]) -> bytes:
    """A document of one thing of a kind, or of several."""
    if isinstance(found, msgspec.Struct):
        root = Element(_WHOLE[kind])
        _fill(root, msgspec.to_builtins(found))
    else:
        name, inner = _ROOTS[kind]
        root = Element(name)
        for item in found:
            _fill(SubElement(root, inner), msgspec.to_builtins(item))
    return tostring(root, encoding="utf-8", xml_declaration=True)


def _fill(element: Element, value: Any) -> None:
    """Put a value in: items of a plural are called by its singular, what is unknown is absent."""
    if isinstance(value, dict):
        for name, part in cast("dict[str, Any]", value).items():
            if part is not None:
                _fill(SubElement(element, name), part)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            _fill(SubElement(element, element.tag.removesuffix("s")), part)
    else:
        word = str(value).lower() if isinstance(value, bool) else str(value)
        element.text = _ILLEGAL.sub("\ufffd", word)

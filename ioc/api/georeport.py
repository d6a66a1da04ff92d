"""The shapes of Open311 GeoReport v2, as its clients read them."""

from datetime import datetime

import msgspec


class Service(msgspec.Struct, kw_only=True):
    """What can be reported; without `metadata` it has no attributes of its own."""

    service_code: str
    service_name: str
    description: str = ""
    metadata: bool = False
    type: str = "realtime"
    keywords: str = ""
    group: str = ""


class Attribute(msgspec.Struct, kw_only=True):
    """A question that a service asks."""

    code: str
    datatype: str
    required: bool = False
    variable: bool = True
    order: int = 0
    description: str = ""
    datatype_description: str = ""
    values: list[dict[str, str]] = msgspec.field(default_factory=list[dict[str, str]])


class ServiceDefinition(msgspec.Struct, kw_only=True):
    """The questions of a service."""

    service_code: str
    attributes: list[Attribute] = msgspec.field(default_factory=list[Attribute])


class ServiceRequest(msgspec.Struct, kw_only=True):
    """A ticket as GeoReport shows it; who reported is no part of it."""

    service_request_id: str
    status: str
    status_notes: str | None = None
    service_name: str
    service_code: str
    description: str | None = None
    agency_responsible: str | None = None
    service_notice: str | None = None
    requested_datetime: datetime
    updated_datetime: datetime | None = None
    expected_datetime: datetime | None = None
    address: str | None = None
    address_id: str | None = None
    zipcode: str | None = None
    lat: float | None = None
    long: float | None = None
    media_url: str | None = None


class AcceptedRequest(msgspec.Struct, kw_only=True):
    """The answer to a request that was taken."""

    service_request_id: str
    service_notice: str = ""
    account_id: str | None = None


class RequestToken(msgspec.Struct, kw_only=True):
    """Which request a token stands for; a service in real time gives the id at once."""

    token: str
    service_request_id: str | None = None


class GeoReportFault(msgspec.Struct):
    """One entry of the array with which GeoReport says what went wrong."""

    code: int
    description: str


class Endpoint(msgspec.Struct, kw_only=True):
    """Where a version of the interface is."""

    specification: str
    url: str
    changeset: str
    type: str
    formats: list[str]


class Discovery(msgspec.Struct, kw_only=True):
    """Where the interfaces of a city are, and where to ask for a key."""

    changeset: str
    contact: str
    key_service: str
    endpoints: list[Endpoint]

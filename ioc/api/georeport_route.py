"""Answers of GeoReport v2, good and bad, in the format that the path asks for."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from ioc.api.encode import answer
from ioc.api.georeport import GeoReportFault
from ioc.api.georeport_xml import XML, xml_of
from ioc.api.short import bounded
from ioc.errors import IocError


def told(
    request: Request,
    kind: type,
    found: msgspec.Struct | Sequence[msgspec.Struct],
    status: int = 200,
) -> Response:
    """An answer in the format that the path asks for."""
    if request.url.path.endswith(".xml"):
        return Response(xml_of(kind, found), status, media_type=XML)
    return answer(found, status)


def faults(request: Request, status: int, description: str) -> Response:
    """What went wrong, as an array of one."""
    return told(request, GeoReportFault, [GeoReportFault(status, description)], status)


class GeoReportRoute(APIRoute):
    """Says what went wrong in the way of the standard, and reads no more than a short body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the framework, with errors as an array."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(await bounded(request))
            except IocError as error:
                return faults(request, error.status, error.message)
            except RequestValidationError as error:
                said = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
                return faults(request, 400, said)

        return answered

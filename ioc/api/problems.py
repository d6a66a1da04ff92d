"""Errors to RFC 9457 problem documents; an unknown one becomes a 500 with an id, never its text."""

import logging
import os
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ioc.catalogue import preferred, say
from ioc.errors import Busy, IocError, NotFound, NotSignedIn

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


class ProblemDocument(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A problem document: `code` names the kind for programs, `title` for people."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    values: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


def problem(status: int, code: str, detail: str, language: str | None, **values: Any) -> Response:
    """A problem document as an answer."""
    document = ProblemDocument(
        type=f"urn:ioc:problem:{code}",
        title=say(f"problem.{code}", preferred(language)),
        status=status,
        detail=detail,
        code=code,
        values=values,
    )
    return Response(msgspec.json.encode(document), status, media_type=CONTENT_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""

    async def own(request: Request, error: Exception) -> Response:
        assert isinstance(error, IocError)
        language = request.headers.get("accept-language")
        answer = problem(error.status, error.code, error.message, language, **error.values)
        if isinstance(error, Busy):
            answer.headers["Retry-After"] = str(error.retry_after)
        if isinstance(error, NotSignedIn):
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = [
            {"where": ".".join(str(part) for part in fault["loc"]), "message": fault["msg"]}
            for fault in error.errors()
        ]
        detail = "; ".join(f"{fault['where']}: {fault['message']}" for fault in faults)
        language = request.headers.get("accept-language")
        return problem(400, "invalid", detail, language, faults=faults)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = {404: NotFound.code, 405: "method_not_allowed"}.get(error.status_code, "invalid")
        phrase = HTTPStatus(error.status_code).phrase
        language = request.headers.get("accept-language")
        answer = problem(error.status_code, code, error.detail or phrase, language)
        answer.headers.update(error.headers or {})
        return answer

    async def gone(request: Request, error: Exception) -> Response:
        # Nobody reads this answer; what was committed of the body stays, and a retry is harmless.
        log.info("a body was cut off by its sender", extra={"path": request.url.path})
        detail = "the body was cut off; what was committed stays, send it again"
        return problem(400, "invalid", detail, request.headers.get("accept-language"))

    async def unknown(request: Request, error: Exception) -> Response:
        reference = os.urandom(6).hex()
        log.error("unexpected error %s on %s", reference, request.url.path, exc_info=error)
        detail = f"unexpected error, number {reference} in the server's log"
        return problem(500, "internal", detail, request.headers.get("accept-language"))

    app.add_exception_handler(IocError, own)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, unknown)

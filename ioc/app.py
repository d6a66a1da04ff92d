"""Make the ASGI application around what the composition root has opened."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from alerts.window import Window
from ingest.dossier import Dossier, DossierEvent
from ingest.report_item import Report
from ingest.ticket import Ticket
from ioc.api import (
    actions,
    alert_bulk,
    alert_health,
    alert_sheet,
    alerts,
    boards,
    calendar,
    calls,
    cap,
    city,
    describe,
    dossiers,
    drill,
    duty,
    export,
    feeds,
    forms,
    health,
    incident_files,
    incident_moves,
    incidents,
    indicators,
    layers,
    ledger,
    live,
    mapping,
    notify,
    open311,
    pages,
    places,
    problems,
    procedures,
    push,
    quality,
    quarantine,
    replay,
    report_due,
    report_hand,
    report_life,
    report_template,
    reports,
    rules,
    scores,
    series,
    shift_log,
    shifts,
    sign_in,
    silences,
    sources,
    targets,
    ticket_moves,
    tickets,
    units,
    warning_hand,
    warnings,
    windows,
    wire_document,
)
from ioc.api.deps import State
from ioc.api.encode import components, shape
from ioc.api.envelope import Envelope
from ioc.flow.assigning import Assignment

API = "/api/v1"


def create_app(state: State) -> FastAPI:
    """The application that serves an opened runtime."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[State]:
        yield state

    app = FastAPI(
        title="IOC",
        version="1",
        summary="Operations centre of a province",
        lifespan=cast(Any, lifespan),
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
    )
    for module in (
        sign_in, feeds, dossiers, ledger, quarantine, replay, mapping, describe, series, layers,
        units, export, alert_health, alerts, boards, indicators, quality, city, sources, live,
        wire_document, reports, report_hand, report_due, report_template, report_life, scores,
        tickets, ticket_moves, open311, procedures, calendar, drill, forms, targets, actions,
        silences, cap, warnings, warning_hand, rules, incidents, incident_files, incident_moves,
        shifts, alert_bulk, alert_sheet, notify, push, places, calls, duty, shift_log, windows,
    ):  # fmt: skip
        app.include_router(module.router, prefix=API)
    app.include_router(health.router)
    app.include_router(pages.router)
    problems.install(app)
    shape(problems.ProblemDocument)
    shape(Dossier)
    shape(DossierEvent)
    shape(Report)
    shape(Ticket)
    shape(calendar.DaySetting)
    shape(Assignment)
    shape(actions.ActionNote)
    shape(silences.SilenceNote)
    shape(Window)
    shape(notify.TestNote)
    shape(push.PushNote)
    shape(warning_hand.WarningNote)
    shape(warning_hand.WarningEnd)
    shape(describe.SeriesDescription)
    shape(replay.ReplayRequest)
    shape(mapping.MappingRequest)
    shape(mapping.TrialRequest)

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, routes=app.routes)
            document["components"]["schemas"].update(components())
            _declare_problems(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi

    app.add_middleware(Envelope)
    return app


def _declare_problems(document: dict[str, Any]) -> None:
    """Every operation may answer with a problem document; its own 422 is never sent."""
    answer = {
        "description": "A problem (RFC 9457)",
        "content": {
            problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
        },
    }
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = answer

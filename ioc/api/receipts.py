"""What became of a body, as an answer: the receipt, or a problem where nothing could be read."""

import msgspec
from fastapi import Request, Response

from ioc.api.encode import answer
from ioc.api.problems import problem
from ioc.model import Receipt


def receipt_answer(request: Request, receipt: Receipt) -> Response:
    """The receipt, or 400 with the reason where nothing in the body was readable."""
    refusal = unreadable(request, receipt)
    return answer(receipt) if refusal is None else refusal


def unreadable(request: Request, receipt: Receipt) -> Response | None:
    """The problem of a body of which nothing could be read; None where something could."""
    first = receipt.problems[0] if receipt.problems else None
    refused = receipt.quarantined and receipt.received == receipt.quarantined
    if refused and first is not None and first.index < 0:
        return problem(
            400,
            "invalid",
            first.detail,
            request.headers.get("accept-language"),
            reason=first.reason.value,
            receipt=msgspec.to_builtins(receipt),
        )
    return None

"""The application around everything: what every answer carries."""

from typing import Any, cast

import httpx2
import pytest

from ioc.api.deps import State
from ioc.api.envelope import HEADERS
from ioc.app import create_app


@pytest.mark.parametrize(
    ("path", "status"), [("/api/v1/openapi.json", 200), ("/api/v1/nowhere", 404)]
)
async def test_every_answer_says_how_browsers_are_to_treat_it(path: str, status: int) -> None:
    app: Any = create_app(cast(State, {}))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get(path)
    assert answer.status_code == status
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["cache-control"] == "no-store"

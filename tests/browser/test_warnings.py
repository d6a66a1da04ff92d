"""What a warning is about, drawn on the wall while it is in force."""

from datetime import timedelta

import pytest

from tests.fixtures.browser import Screens, away, comes_about, demo_logins
from tests.fixtures.server import Server, now

pytestmark = pytest.mark.browser

RING = [[105.0, 21.2], [105.6, 21.2], [105.6, 21.6], [105.0, 21.2]]


async def test_a_warned_area_is_drawn_until_it_is_over(server: Server, screens: Screens) -> None:
    logins = await away(demo_logins, server)
    screen = await screens.open(server)
    await screen.sign_in("trucban", logins["trucban"], "/")
    await screen.live()
    await screen.map_ready()
    client = await away(server.sign_in)
    note = {
        "level": 3, "hazard": "Mưa lớn", "text": "Mưa lớn diện rộng",
        "area": {"type": "Polygon", "coordinates": [RING]},
        "ends": (now() + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    warning = (await away(client.post, "/warnings", json=note)).json()["id"]

    async def shown() -> bool:
        return await screen.drawn("canh-bao-fill") == 1

    await comes_about(shown)
    await away(client.post, f"/warnings/{warning}/cancel", json={"why": "hết mưa"})

    async def gone() -> bool:
        return await screen.drawn("canh-bao-fill") == 0

    await comes_about(gone)
    screen.check()

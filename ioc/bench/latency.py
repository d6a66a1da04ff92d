"""From a sensor's publish to the frame at a wall, at an offered rate."""

from contextlib import AsyncExitStack
from typing import Final

import msgspec

from ioc.bench.crowd import Connect, Count, Counted
from ioc.bench.fanout import STREAM
from ioc.bench.figures import BenchFailed, Part, Report, report, rounded
from ioc.bench.mqtt_sender import Offer, Published
from ioc.bench.processes import Meter, child
from ioc.bench.server import serving
from ioc.clock import monotonic
from ioc.model import Domain

WARM_SECONDS: Final = 1.0
TAIL_SECONDS: Final = 1.0
GREETING: Final = 2


class Plan(msgspec.Struct, frozen=True):
    """Observations a second, how many in one message, for how long, seen by how many walls."""

    rate: int = 1_000
    rows: int = 1
    seconds: float = 15.0
    clients: int = 1


async def run(plan: Plan) -> Report:
    """Offer one observation a second to each of `rate` points and watch their layer."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving())
        crowd = await stack.enter_async_context(child("crowd"))
        sender = await stack.enter_async_context(child("mqtt_sender"))
        feed = await server.add_feed("latency", Domain.TRAFFIC)
        points = [
            {
                "type": "Feature",
                "id": f"p{n}",
                "geometry": {"type": "Point", "coordinates": [105 + n % 100 / 100, 20 + n / 1e4]},
                "properties": {"name": f"Điểm đo {n}"},
            }
            for n in range(plan.rate)
        ]
        keys = [f"p{n}/speed" for n in range(plan.rate)]
        await server.put(feed, "series", [{"key": key, "uom": "km/h"} for key in keys])
        await server.put(feed, "features", {"type": "FeatureCollection", "features": points})
        login = await server.login(feed)
        token = await server.wall_token()
        say = {"type": "subscribe", "id": "a", "topic": f"layer:{Domain.TRAFFIC.value}"}
        await crowd.ask(
            Connect(
                port=server.http_port, path=STREAM, clients=plan.clients,
                headers={"Authorization": f"Bearer {token}", "Sec-WebSocket-Protocol": "ioc.v1"},
                say=[msgspec.json.encode(say).decode()], await_frames=GREETING,
            ),
            Counted,
        )  # fmt: skip
        offer = Offer(
            login.host, login.port, login.user, login.password, f"ioc/v1/{feed.agency}/{feed.id}",
            plan.rate, WARM_SECONDS, plan.rows, keys,
        )  # fmt: skip
        warm = await sender.ask(offer, Published)
        await server.stored_all(feed, warm.rows)
        await server.settled()
        meter = Meter(
            [("ioc", server.pid), ("sender", sender.pid), ("crowd", crowd.pid)], monotonic()
        )
        await crowd.tell(Count(plan.seconds + TAIL_SECONDS, delays=True))
        offer = msgspec.structs.replace(offer, seconds=plan.seconds)
        published = await sender.ask(offer, Published, patience=plan.seconds * 3 + 30)
        cpu = meter.cores(monotonic())
        counted = await crowd.answer(Counted, patience=plan.seconds + 30)
        sent = warm.rows + published.rows
        await server.stored_all(feed, sent)
        await server.check_counts(feed, sent)
    if counted.p50 is None or counted.p95 is None or counted.p99 is None:
        raise BenchFailed("no value arrived at the wall")
    counts = {
        "sent": published.rows,
        "stored": published.rows,
        "shown": counted.values / plan.clients,
        "offered_per_second": rounded(published.rows / (published.ended - published.started)),
    }
    found = {"p50": counted.p50, "p95": counted.p95, "p99": counted.p99}
    parts = [
        Part(
            name=f"sensor to wall at {plan.rate:,} obs/s, {name}", figure=rounded(value), uom="ms",
            cpu=cpu, counts=counts,
        )
        for name, value in found.items()
    ]  # fmt: skip
    return report("latency", parts)

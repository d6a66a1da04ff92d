"""Clients: their own pace, never a backlog, and a cursor that is held or not."""

import asyncio
import json
from typing import Any

import pytest

from ioc.errors import Invalid, NotFound
from ioc.live import hub as hubs
from ioc.live.hub import MOST_SUBSCRIPTIONS, Client, Hub
from ioc.live.topic import Change, LogTopic, StateTopic


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    made = Watch()
    monkeypatch.setattr(hubs, "monotonic", made)
    return made


@pytest.fixture
def hub() -> Hub:
    made = Hub()
    made.add(StateTopic("layer:traffic", "e-1", pace=0.2))
    made.add(LogTopic("alerts", "d-1"))
    return made


def _item(key: str, value: int = 0) -> bytes:
    return json.dumps({"id": key, "value": value}).encode()


async def _frames(client: Client) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in await asyncio.wait_for(client.frames(), 20)]


def _state(hub: Hub) -> StateTopic:
    found = hub.find("layer:traffic")
    assert isinstance(found, StateTopic)
    return found


def _put(hub: Hub, key: str, value: int = 0) -> None:
    _state(hub).put(key, _item(key, value))
    hub.changed(_state(hub))


async def test_the_first_frame_is_a_snapshot_and_then_come_deltas(hub: Hub, watch: Watch) -> None:
    _put(hub, "a")
    client = Client(hub)
    client.subscribe("s1", "layer:traffic", box=None, cursor=None)
    [first] = await _frames(client)
    assert first == {
        "type": "snapshot", "id": "s1", "cursor": "e-1.1",
        "data": {"items": [{"id": "a", "value": 0}]},
    }  # fmt: skip
    watch.seconds += 1
    _put(hub, "b")
    [second] = await _frames(client)
    assert (second["type"], second["cursor"]) == ("delta", "e-1.2")
    assert [item["id"] for item in second["data"]["add"]] == ["b"]


async def test_a_slow_client_gets_one_frame_with_the_newest_values(hub: Hub, watch: Watch) -> None:
    client = Client(hub)
    client.subscribe("s1", "layer:traffic", box=None, cursor=None)
    await _frames(client)
    for value in range(10_000):
        _put(hub, f"k{value % 10}", value)
    watch.seconds += 0.5
    [frame] = await _frames(client)
    assert sorted(item["value"] for item in frame["data"]["add"]) == list(range(9_990, 10_000))


async def test_frames_of_one_topic_keep_its_pace(hub: Hub, watch: Watch) -> None:
    client = Client(hub)
    client.subscribe("s1", "layer:traffic", box=None, cursor=None)
    await _frames(client)
    _put(hub, "a")
    await _frames(client)
    _put(hub, "b")
    assert client._gather(watch.seconds + 0.1) == ([], pytest.approx(0.1))
    out, pause = client._gather(watch.seconds + 0.2)
    assert (len(out), pause) == (1, None)


async def test_alerts_do_not_wait_for_a_pace(hub: Hub, watch: Watch) -> None:
    topic = hub.find("alerts")
    assert isinstance(topic, LogTopic)
    client = Client(hub)
    client.subscribe("s1", "alerts", box=None, cursor=None)
    await _frames(client)
    for offset in (1, 2):
        topic.apply(Change(offset, "add", f"a{offset}", _item(f"a{offset}")))
        hub.changed(topic)
        [frame] = await _frames(client)
        assert frame["cursor"] == f"d-1.{offset}"


async def test_a_client_that_was_away_sending_is_told_how_far_it_is_behind(
    hub: Hub, watch: Watch
) -> None:
    client = Client(hub)
    client.subscribe("s1", "layer:traffic", box=None, cursor=None)
    await _frames(client)
    _put(hub, "a")
    watch.seconds += 3
    assert [frame["type"] for frame in await _frames(client)] == ["lag", "delta"]
    _put(hub, "b")
    watch.seconds += 0.3
    assert [frame["type"] for frame in await _frames(client)] == ["delta"]


async def test_a_cursor_that_is_held_goes_on_without_a_snapshot(hub: Hub, watch: Watch) -> None:
    _put(hub, "a")
    _put(hub, "b")
    client = Client(hub)
    client.subscribe("s1", "layer:traffic", box=None, cursor="e-1.1")
    [frame] = await _frames(client)
    assert (frame["type"], [item["id"] for item in frame["data"]["add"]]) == ("delta", ["b"])


@pytest.mark.parametrize(
    "cursor",
    [
        "e-0.1",
        "e-1.99",
        "e-1.",
        "e-1.-1",
        "",
        "nonsense",
        "e-1.²",
        "e-1." + "9" * 10_000,
        "e-1.\u0661",
    ],
)
async def test_a_cursor_that_is_not_held_is_answered_by_resync_and_snapshot(
    hub: Hub, watch: Watch, cursor: str
) -> None:
    client = Client(hub)
    client.subscribe("s1", "layer:traffic", box=None, cursor=cursor)
    assert [frame["type"] for frame in await _frames(client)] == ["resync", "snapshot"]
    assert hub.resyncs == 1


async def test_one_connection_holds_a_bounded_number_of_subscriptions(hub: Hub) -> None:
    client = Client(hub)
    for number in range(MOST_SUBSCRIPTIONS):
        client.subscribe(str(number), "alerts", box=None, cursor=None)
    with pytest.raises(Invalid):
        client.subscribe("one more", "alerts", box=None, cursor=None)


def test_an_unknown_topic_is_not_found(hub: Hub) -> None:
    with pytest.raises(NotFound):
        Client(hub).subscribe("s1", "layer:nothing", box=None, cursor=None)


def test_a_topic_is_watched_as_long_as_one_subscription_holds_it(hub: Hub) -> None:
    client = Client(hub)
    client.subscribe("s1", "alerts", box=None, cursor=None)
    client.subscribe("s2", "alerts", box=None, cursor=None)
    client.unsubscribe("s1")
    assert hub.watched("alerts")
    client.close()
    assert not hub.watched("alerts")
    assert client not in hub.clients


def test_a_topic_made_on_demand_goes_with_its_last_client(hub: Hub) -> None:
    made: list[str] = []

    def maker(name: str) -> StateTopic | None:
        made.append(name)
        return StateTopic(name, "e-1") if name.startswith("series:") else None

    hub.on_demand(maker)
    for _ in range(2):
        client = Client(hub)
        client.subscribe("s", "series:7", box=None, cursor=None)
        client.close()
    assert made == ["series:7", "series:7"]


async def test_ids_of_subscriptions_are_encoded_as_json(hub: Hub, watch: Watch) -> None:
    client = Client(hub)
    client.subscribe('"}\n\u2028', "alerts", box=None, cursor=None)
    [frame] = await _frames(client)
    assert frame["id"] == '"}\n\u2028'

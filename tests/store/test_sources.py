"""Sources on a real database, with a clock moved by hand and a server outside of the test's own."""

import asyncio
import json
import logging
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.intake import Intake
from ingest.payload import Channel, Payload
from ioc.city.finding import CityError
from ioc.city.read import packaged_city, read_city
from ioc.city.sources import checked_document
from ioc.config import Config
from ioc.errors import Conflict, Invalid
from ioc.flow.sourcing import Sourcing
from ioc.model import Feed, Problem, Reason, Receipt
from ioc.store import city as city_store
from ioc.store import sources
from ioc.store.pool import ReadPool, WritePool
from ioc.store.registry import Registry
from ioc.store.sources import ExchangeRow, SourceRow
from tests.fixtures.embedded import eventually
from tests.fixtures.outside import Asked, Outside, Reply, a_certificate, a_json, an_outside
from tests.fixtures.store import a_feed_key, real_series, rows_of

NOW = datetime(2026, 11, 22, 9, 0, 30, tzinfo=UTC)
SECRET = "mot-bi-mat-rat-dai"
ROWS = [{"series": "a/x", "time": "2026-11-22T09:00:00Z", "value": 1}]


@dataclass
class HandClock:
    """A clock that stands still until it is moved."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def pass_by(self, **length: float) -> None:
        self.at += timedelta(**length)


def _all_stored(payload: Payload) -> Receipt | None:
    rows = json.loads(payload.body)
    return Receipt(received=len(rows), stored=len(rows))


@dataclass
class House:
    """Sourcing on a database, and all that it is joined to."""

    url: str
    reads: ReadPool
    writes: WritePool
    outside: Outside
    feed: int
    clock: HandClock = field(default_factory=HandClock)
    environment: dict[str, str] = field(default_factory=lambda: {"IOC_SECRET_LGSP": SECRET})
    settings: dict[str, Any] = field(default_factory=lambda: {"sources_allow": "127.0.0.1"})
    taken: list[Payload] = field(default_factory=list[Payload])
    answer: Callable[[Payload], Receipt | None] = _all_stored
    registry: Registry = field(default_factory=Registry)
    intake: Intake = field(default_factory=lambda: Intake(limit_bytes=10_000_000))
    sourcing: Sourcing | None = None
    warned: list[bytes] = field(default_factory=list[bytes])

    async def open(self) -> Sourcing:
        """A process that has just started."""
        await self.registry.load(self.reads)
        self.sourcing = Sourcing(
            url=self.url, reads=self.reads, writes=self.writes, registry=self.registry,
            intake=self.intake, clock=self.clock, config=Config(**self.settings),
            take_warnings=self.take_warnings, environment=self.environment, chance=lambda: 0.0,
        )  # fmt: skip
        return self.sourcing

    async def take_warnings(
        self, feed: Feed, body: bytes, content_type: str, source: str
    ) -> Receipt:
        """Stand for the intake of warnings."""
        self.warned.append(body)
        return Receipt(received=1, stored=1)

    async def take(self) -> None:
        """Stand for the pipeline: answer what comes in, as the test wants it."""
        while True:
            for payload in await self.intake.take(most=10, most_bytes=10_000_000):
                self.taken.append(payload)
                receipt = self.answer(payload)
                if receipt is not None:
                    payload.answer(receipt)

    async def make(self, id: str, **document: Any) -> None:
        told = {"every": "PT5M", **document}
        async with self.writes.connection() as conn:
            await sources.add(
                conn, id=id, feed=self.feed, document=checked_document(told, format="auto"),
                now=self.clock.now(), by="test",
            )  # fmt: skip

    async def row(self, id: str) -> SourceRow:
        async with self.reads.connection() as conn:
            return await sources.get(conn, id)

    async def run(self, id: str) -> SourceRow:
        """One run, now; the source as it is afterwards."""
        sourcing = self.sourcing or await self.open()
        async with asyncio.timeout(30):
            await sourcing.one(await self.row(id))
        return await self.row(id)

    async def log(self, id: str) -> list[ExchangeRow]:
        """All exchanges, oldest first."""
        async with self.reads.connection() as conn:
            return (await sources.exchanges(conn, id))[::-1]

    async def written(self) -> str:
        """All that the database keeps of sources, as text."""
        rows = await rows_of(self.url, "SELECT row_to_json(source)::text FROM source")
        rows += await rows_of(self.url, "SELECT row_to_json(exchange)::text FROM exchange")
        return "\n".join(row[0] for row in rows)


@pytest.fixture
def outside() -> Iterator[Outside]:
    with an_outside() as made:
        yield made


@pytest.fixture
async def house(
    database: str, pools: tuple[ReadPool, WritePool], outside: Outside
) -> AsyncIterator[House]:
    made = House(database, *pools, outside, await a_feed_key(database))
    taking = asyncio.create_task(made.take())
    yield made
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)


def _token(house: House, **more: Any) -> dict[str, Any]:
    """A document of a platform that gives a token to whom knows the secret."""
    give = a_json({"access_token": "the-1-good", "expires_in": 3600})
    house.outside.on("/token", give)
    token = {"url": house.outside.url("/token"), "client_id": "phu-tho"}
    return {"kind": "token-rest", "secret": "lgsp", "token": token, **more}


# Polling


async def test_what_stands_at_a_url_is_taken_once(house: House) -> None:
    tags: dict[str, Any] = {"ETag": '"7"', "Last-Modified": "Sun, 22 Nov 2026 09:00:00 GMT"}

    def answer(asked: Asked) -> Reply:
        known = asked.headers.get("if-none-match") == '"7"'
        return Reply(304) if known else a_json(ROWS, **tags)

    await house.make("poll", kind="poll", url=house.outside.on("/a", answer))
    row = await house.run("poll")
    assert (row.outcome, row.failures, row.ran_at) == ("ok", 0, NOW)
    payload = house.taken[0]
    assert (payload.channel, payload.content_type) == (Channel.POLL, "application/json")
    assert json.loads(payload.body) == ROWS
    row = await house.run("poll")
    assert row.outcome == "unchanged"
    assert len(house.taken) == 1
    second = house.outside.asked[1].headers
    assert second["if-modified-since"] == tags["Last-Modified"]
    assert [(e.status, e.outcome, e.rows) for e in await house.log("poll")] == [
        (200, "ok", 1), (304, "unchanged", None),
    ]  # fmt: skip


async def test_warnings_behind_the_links_of_a_feed_are_asked_for_once(house: House) -> None:
    await rows_of(house.url, "UPDATE feed SET format = 'cap' WHERE feed_key = %s", house.feed)

    def a_feed(*links: str) -> Reply:
        entries = "".join(
            f'<entry><link href="{link}" type="application/cap+xml"/></entry>' for link in links
        )
        feed = f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'
        return Reply(200, feed.encode(), {"Content-Type": "application/atom+xml"})

    kind = {"Content-Type": "application/cap+xml"}
    house.outside.on("/1.cap", Reply(200, b"<alert>1</alert>", kind))
    house.outside.on("/2.cap", Reply(200, b"<alert>2</alert>", kind))
    url = house.outside.on("/atom", a_feed("/1.cap", "/gone.cap"))
    await house.make("atom", kind="poll", url=url)
    await house.run("atom")
    house.outside.on("/atom", a_feed("/1.cap", "/2.cap"))
    await house.run("atom")
    assert (await house.run("atom")).outcome == "unchanged"
    assert [body for body in house.warned if body.startswith(b"<alert>")] == [
        b"<alert>1</alert>", b"<alert>2</alert>",
    ]  # fmt: skip
    assert house.taken == []


async def test_a_server_without_etags_is_taken_once_too(house: House) -> None:
    await house.make("poll", kind="poll", url=house.outside.on("/a", a_json(ROWS)))
    assert (await house.run("poll")).outcome == "ok"
    assert (await house.run("poll")).outcome == "unchanged"
    house.outside.on("/a", a_json([]))
    assert (await house.run("poll")).outcome == "ok"
    assert len(house.taken) == 2


async def test_the_etag_moves_on_only_after_the_commit(house: House) -> None:
    await house.make("poll", kind="poll", url=house.outside.on("/a", a_json(ROWS, ETag='"1"')))
    house.answer = lambda _: None
    sourcing = await house.open()
    running = asyncio.create_task(sourcing.one(await house.row("poll")))
    await eventually(lambda: house.taken)
    assert (await house.row("poll")).progress == {}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (await house.row("poll")).next_at == NOW  # still due, for the next process
    house.answer = _all_stored
    await house.run("poll")
    assert "if-none-match" not in house.outside.asked[1].headers
    assert (await house.row("poll")).progress["etag"] == '"1"'


async def test_a_restart_goes_on_where_it_was(house: House) -> None:
    await house.make("poll", kind="poll", url=house.outside.on("/a", a_json(ROWS, ETag='"1"')))
    before = await house.run("poll")
    await house.open()
    house.clock.pass_by(minutes=5)
    await house.run("poll")
    assert house.outside.asked[1].headers["if-none-match"] == '"1"'
    assert NOW < before.next_at <= NOW + timedelta(minutes=5)


async def test_failures_push_the_next_run_back_until_one_succeeds(house: House) -> None:
    url = house.outside.on("/a", Reply(500), Reply(500), Reply(500), a_json(ROWS))
    await house.make("poll", kind="poll", url=url, every="P1D")
    pauses: list[timedelta] = []
    for _ in range(3):
        row = await house.run("poll")
        assert (row.outcome, row.detail) == ("failed", "the server answered 500")
        pauses.append(row.next_at - house.clock.now())
        house.clock.at = row.next_at
    assert pauses == [timedelta(minutes=0.5), timedelta(minutes=1), timedelta(minutes=2)]
    assert row.failures == 3
    row = await house.run("poll")
    assert (row.outcome, row.failures) == ("ok", 0)


async def test_a_server_that_asks_for_peace_gets_it(house: House) -> None:
    url = house.outside.on("/a", Reply(429, headers={"Retry-After": "5400"}))
    await house.make("poll", kind="poll", url=url)
    row = await house.run("poll")
    assert row.next_at == NOW + timedelta(minutes=90)
    assert [e.status for e in await house.log("poll")] == [429]


async def test_a_page_of_an_error_is_told_from_data(house: House) -> None:
    page = Reply(200, b"<html>Xin dang nhap</html>", {"Content-Type": "text/html"})
    await house.make("poll", kind="poll", url=house.outside.on("/a", page))
    row = await house.run("poll")
    assert row.outcome == "failed"
    assert "'text/html', which is not read" in row.detail
    assert "`content_type`" in row.detail
    assert house.taken == []


async def test_a_body_that_nobody_can_read_is_handed_in_once(house: House) -> None:
    refusal = Problem(-1, Reason.JSON_INVALID, "the body is cut off")
    house.answer = lambda _: Receipt(received=1, quarantined=1, problems=[refusal])
    await house.make("poll", kind="poll", url=house.outside.on("/a", a_json(ROWS, ETag='"1"')))
    row = await house.run("poll")
    assert (row.outcome, row.failures) == ("refused", 0)
    assert row.detail == "1 quarantined, 0 late: the body is cut off"
    assert row.progress["etag"] == '"1"'


async def test_a_long_csv_is_handed_in_by_blocks_of_lines(house: House) -> None:
    lines = [f"a/{n},2026-11-22T09:00:00Z,{n}" for n in range(60_000)]
    body = "\n".join(["series,time,value", *lines]).encode()
    house.answer = lambda p: Receipt(received=p.body.count(b"-11-"), stored=p.body.count(b"-11-"))
    csv = Reply(200, body, {"Content-Type": "text/csv; charset=utf-8"})
    await house.make("poll", kind="poll", url=house.outside.on("/a", csv))
    assert (await house.run("poll")).outcome == "ok"
    assert len(house.taken) == 2
    assert [p.first_index for p in house.taken] == [0, house.taken[0].body.count(b"-11-")]
    assert all(p.body.startswith(b"series,time,value\n") for p in house.taken)
    assert [e.rows for e in await house.log("poll")] == [60_000]


async def test_a_source_that_hangs_delays_no_other(house: House) -> None:
    await house.make("slow", kind="poll", url=house.outside.on("/slow", Reply(hang=True)))
    await house.make("fast", kind="poll", url=house.outside.on("/fast", a_json(ROWS)))
    sourcing = await house.open()
    running = asyncio.create_task(sourcing.run())
    await eventually(lambda: house.taken and "/slow" in house.outside.paths())
    await _comes(house, "fast", "ok")
    house.clock.pass_by(minutes=6)
    house.outside.on("/fast", a_json([*ROWS, *ROWS]))
    await eventually(lambda: len(house.taken) == 2)
    assert (await house.row("slow")).ran_at is None
    assert house.outside.paths().count("/slow") == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _comes(house: House, id: str, outcome: str) -> None:
    async with asyncio.timeout(30):
        while (await house.row(id)).outcome != outcome:  # noqa: ASYNC110, it comes from a run
            await asyncio.sleep(0.02)


async def test_one_process_at_a_time_runs_the_sources(house: House) -> None:
    async with sources.runner(house.url) as first:
        assert first is not None
        async with sources.runner(house.url) as second:
            assert second is None
    async with sources.runner(house.url) as third:
        assert third is not None


async def test_due_is_what_is_enabled_and_does_not_run(house: House) -> None:
    for id in ("a", "b", "c"):
        await house.make(id, kind="poll", url=house.outside.url("/"))
        house.clock.pass_by(seconds=1)
    b = await house.row("b")
    async with house.writes.connection() as conn:
        await sources.enable(conn, "c", False, now=house.clock.now(), by="test")
    with pytest.raises(Conflict, match="disabled; enable it first"):
        async with house.writes.connection() as conn:
            await sources.run_now(conn, "c", NOW)
    async with sources.runner(house.url) as runner:
        assert runner is not None
        later = NOW + timedelta(minutes=1)
        assert [row.id for row in await runner.due(later, [], 9)] == ["a", "b"]
        assert [row.id for row in await runner.due(later, [b.key], 9)] == ["a"]
        assert [row.id for row in await runner.due(NOW, [], 9)] == ["a"]
        assert await runner.due(NOW - timedelta(seconds=1), [], 9) == []


async def test_what_is_remembered_of_another_address_is_worthless(house: House) -> None:
    await house.make("poll", kind="poll", url=house.outside.on("/a", a_json(ROWS, ETag='"1"')))
    await house.run("poll")
    other = {"kind": "poll", "url": house.outside.on("/b", a_json(ROWS)), "every": "PT5M"}
    stale = await house.row("poll")
    async with house.writes.connection() as conn:
        document = checked_document(other, format="auto")
        await sources.change(conn, "poll", document, now=NOW, by="test")
    assert (await house.row("poll")).progress == {}
    # A run of the old document, still under way, has no say any more.
    assert house.sourcing is not None
    await house.sourcing.one(stale)
    assert (await house.row("poll")).progress == {}
    await house.run("poll")
    assert "if-none-match" not in house.outside.asked[-1].headers


async def test_the_log_is_bounded_by_number_and_by_age(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST_EXCHANGES", 3)
    await house.make("poll", kind="poll", url=house.outside.on("/a", Reply(304)))
    await house.make("other", kind="poll", url=house.outside.url("/a"))
    await house.run("other")
    for _ in range(5):
        house.clock.pass_by(minutes=1)
        await house.run("poll")
    assert [e.at for e in await house.log("poll")] == [
        NOW + timedelta(minutes=n) for n in (3, 4, 5)
    ]
    assert len(await house.log("other")) == 1
    async with house.writes.connection() as conn:
        await sources.forget(conn, NOW + timedelta(minutes=4))
    assert len(await house.log("poll")) == 2
    assert await house.log("other") == []


async def test_an_inner_address_is_refused_in_words(house: House) -> None:
    house.settings = {}
    await house.make("poll", kind="poll", url=house.outside.on("/a", a_json(ROWS)))
    row = await house.run("poll")
    assert row.outcome == "failed"
    assert "IOC_SOURCES_ALLOW=127.0.0.1" in row.detail
    assert house.outside.asked == []


# Secrets


@pytest.mark.parametrize("way", ["bearer", "basic", "header:X-Api-Key", "query:key"])
async def test_a_secret_goes_to_the_server_and_nowhere_else(
    house: House, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    caplog.set_level(logging.INFO)
    house.environment["IOC_SECRET_LGSP"] = f"nguoi:{SECRET}"

    def echo(asked: Asked) -> Reply:
        said = {"Location": f"http://nowhere.invalid/{asked.headers.get('authorization', SECRET)}"}
        return Reply(302, headers=said)

    await house.make(
        "poll", kind="poll", url=house.outside.on("/a", echo), secret="lgsp", send_secret=way
    )
    row = await house.run("poll")
    assert row.outcome == "failed"
    sent = house.outside.asked[0]
    assert f"nguoi:{SECRET}" in (
        sent.headers.get("authorization", ""), sent.headers.get("x-api-key"),
        sent.query.get("key"), sent.headers.get("authorization", "").removeprefix("Bearer "),
    ) or way == "basic"  # fmt: skip
    kept = await house.written() + caplog.text
    assert SECRET not in kept
    assert "nguoi:" not in kept


async def test_a_missing_secret_is_named_with_its_cure(house: House, tmp_path: Path) -> None:
    del house.environment["IOC_SECRET_LGSP"]
    house.settings["secrets_dir"] = tmp_path
    url = house.outside.on("/a", a_json(ROWS))
    await house.make("poll", kind="poll", url=url, secret="lgsp")
    row = await house.run("poll")
    assert row.detail.startswith("the secret `lgsp` is missing: set IOC_SECRET_LGSP, or put it")
    assert house.outside.asked == []
    (tmp_path / "lgsp").write_text(SECRET)
    assert (await house.run("poll")).outcome == "ok"


# Sharing platforms


async def test_a_token_is_asked_for_once_and_kept(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    pull = {"url": house.outside.on("/rows", a_json(ROWS))}
    await house.make("lgsp", **_token(house, pull=pull))
    for _ in range(2):
        assert (await house.run("lgsp")).outcome == "ok"
        house.clock.pass_by(minutes=5)
    assert house.outside.paths() == ["/token", "/rows", "/rows"]
    asked = house.outside.asked[0]
    assert asked.body.decode() == (
        f"grant_type=client_credentials&client_id=phu-tho&client_secret={SECRET}"
    )
    assert house.outside.asked[1].headers["authorization"] == "Bearer the-1-good"
    kept = await house.written() + caplog.text
    assert SECRET not in kept
    assert "the-1-good" not in kept


async def test_a_token_that_ends_in_the_midst_is_renewed(house: House) -> None:
    def page(asked: Asked) -> Reply:
        number = int(asked.query["p"])
        house.clock.pass_by(minutes=40)
        return a_json({"items": ROWS if number < 4 else []})

    pull = {
        "url": house.outside.on("/rows", page), "query": {"p": "{page}"},
        "pages": "page", "rows": "items",
    }  # fmt: skip
    await house.make("lgsp", **_token(house, pull=pull))
    house.answer = lambda _: Receipt(received=1, stored=1)
    assert (await house.run("lgsp")).outcome == "ok"
    assert house.outside.paths() == ["/token", "/rows", "/rows", "/token", "/rows", "/rows"]


async def test_a_token_that_is_refused_is_renewed_once(house: House) -> None:
    document = _token(house, pull={"url": house.outside.on("/rows", a_json(ROWS))})
    await house.make("lgsp", **document)
    await house.run("lgsp")
    new = a_json({"access_token": "the-2-good", "expires_in": 3600})
    house.outside.on("/token", new)

    def by_token(asked: Asked) -> Reply:
        good = asked.headers["authorization"] == "Bearer the-2-good"
        return a_json(ROWS) if good else Reply(401)

    house.outside.on("/rows", by_token)
    assert (await house.run("lgsp")).outcome == "ok"
    assert house.outside.paths()[2:] == ["/rows", "/token", "/rows"]
    house.outside.on("/rows", Reply(401))
    row = await house.run("lgsp")
    assert row.outcome == "failed"
    assert "to a token that it has just given" in row.detail
    assert house.outside.paths()[5:] == ["/rows", "/token", "/rows"]


async def test_a_platform_with_credentials_and_fields_of_its_own(house: House) -> None:
    house.environment["IOC_SECRET_LGSP"] = f"nguoi:{SECRET}"
    until = NOW + timedelta(minutes=10)
    given = {"data": {"jwt": "theirs", "until": until.isoformat()}}
    token = {
        "url": house.outside.on("/login", a_json(given, 201)), "send": "json",
        "fields": {"tenDangNhap": "{user}", "matKhau": "{password}", "he-thong": "IOC"},
        "token": "data.jwt", "expires": "data.until", "expires_as": "instant",
        "header": "X-Token", "scheme": "",
    }  # fmt: skip
    pull = {"url": house.outside.on("/rows", a_json(ROWS))}
    await house.make("ndop", kind="token-rest", secret="lgsp", token=token, pull=pull)
    assert (await house.run("ndop")).outcome == "ok"
    assert house.outside.asked[0].json == {
        "tenDangNhap": "nguoi", "matKhau": SECRET, "he-thong": "IOC",
    }  # fmt: skip
    assert house.outside.asked[1].headers["x-token"] == "theirs"
    house.clock.pass_by(minutes=9, seconds=1)
    await house.run("ndop")
    assert house.outside.paths().count("/login") == 2
    assert SECRET not in await house.written()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(403), "answered 403"),
        (Reply(200, b"<html>"), "not JSON"),
        (Reply(200, b"[" * 100_000), "not JSON"),
        (a_json({"token": "x"}), "no token at `access_token`"),
        (a_json({"access_token": "a\nb"}), "no token at"),
        (a_json([1]), "no token at"),
    ],
)
async def test_a_platform_that_gives_no_token_is_a_failure(
    house: House, reply: Reply, said: str
) -> None:
    document = _token(house, pull={"url": house.outside.url("/rows")})
    house.outside.on("/token", reply)
    await house.make("lgsp", **document)
    row = await house.run("lgsp")
    assert row.outcome == "failed"
    assert said in row.detail
    assert house.outside.paths() == ["/token"]


async def test_a_secret_that_a_query_and_a_body_name_goes_along_and_into_no_log(
    house: House,
) -> None:
    house.environment["IOC_SECRET_LGSP"] = f"nguoi:{SECRET}"
    house.outside.on("/rows", a_json({"next": "/rows?page=2"}), a_json({"next": None}))
    pull = {
        "url": house.outside.url("/rows"), "query": {"key": "{password}", "type": "air"},
        "method": "POST", "body": {"who": ["{user}"], "key": "{secret}"},
        "pages": "link", "next": "next",
    }  # fmt: skip
    await house.make("lgsp", **_token(house, pull=pull))
    house.answer = lambda _: Receipt(received=1, stored=1)
    assert (await house.run("lgsp")).outcome == "ok"
    asked = [asked for asked in house.outside.asked if asked.path == "/rows"]
    assert [each.query for each in asked] == [
        {"key": SECRET, "type": "air"}, {"key": SECRET, "page": "2"},
    ]  # fmt: skip
    assert [each.json for each in asked] == [{"who": ["nguoi"], "key": f"nguoi:{SECRET}"}] * 2
    assert SECRET not in await house.written()


async def test_a_pull_asks_for_what_came_since_the_last_success(house: House) -> None:
    pull = {
        "url": house.outside.on("/rows", a_json(ROWS), Reply(500), a_json(ROWS)),
        "query": {"from": "{since}", "to": "{until}", "type": "air"},
        "first_since": "PT1H", "overlap": "PT1M",
    }  # fmt: skip
    await house.make("lgsp", **_token(house, pull=pull))
    for _ in range(3):
        await house.run("lgsp")
        house.clock.pass_by(minutes=5)
    windows = [(a.query["from"], a.query["to"]) for a in house.outside.asked if a.query]
    assert windows == [
        ("2026-11-22T15:00:30+07:00", "2026-11-22T16:00:30+07:00"),
        ("2026-11-22T15:59:30+07:00", "2026-11-22T16:05:30+07:00"),
        ("2026-11-22T15:59:30+07:00", "2026-11-22T16:10:30+07:00"),
    ]
    assert house.outside.asked[1].query["type"] == "air"


@pytest.mark.parametrize(
    ("way", "written"),
    [
        ("epoch", "1795338030"),
        ("epoch-ms", "1795338030000"),
        ("%d/%m/%Y %H:%M", "22/11/2026 16:00"),
    ],
)
async def test_a_post_carries_the_time_as_the_platform_wants_it(
    house: House, way: str, written: str
) -> None:
    pull = {
        "url": house.outside.on("/rows", a_json(ROWS)), "method": "POST", "time_format": way,
        "body": {"filter": {"den": "{until}", "loai": ["{x}", 1]}, "trang": "{page}"},
    }  # fmt: skip
    await house.make("lgsp", **_token(house, pull=pull))
    assert (await house.run("lgsp")).outcome == "ok"
    asked = house.outside.asked[1]
    assert asked.method == "POST"
    assert asked.json == {"filter": {"den": written, "loai": ["{x}", 1]}, "trang": 1}


async def test_pages_by_cursor_end_without_one(house: House) -> None:
    following = {None: "c1", "c1": "c2", "c2": None}

    def page(asked: Asked) -> Reply:
        return a_json({"rows": ROWS, "meta": {"next": following[asked.query.get("after")]}})

    pull = {
        "url": house.outside.on("/rows", page), "query": {"after": "{cursor}"},
        "pages": "cursor", "next": "meta.next",
    }  # fmt: skip
    house.answer = lambda _: Receipt(received=1, stored=1)
    await house.make("lgsp", **_token(house, pull=pull))
    assert (await house.run("lgsp")).outcome == "ok"
    assert [a.query for a in house.outside.asked[1:]] == [{}, {"after": "c1"}, {"after": "c2"}]
    assert len(house.taken) == 3


async def test_a_kept_cursor_moves_on_with_each_page(house: House) -> None:
    def page(asked: Asked) -> Reply:
        at = int(asked.query.get("after", 0))
        return Reply(500) if at == 2 else a_json({"rows": ROWS, "next": at + 1})

    pull = {
        "url": house.outside.on("/rows", page), "query": {"after": "{cursor}"},
        "pages": "cursor", "next": "next", "keep_cursor": True,
    }  # fmt: skip
    house.answer = lambda _: Receipt(received=1, stored=1)
    await house.make("lgsp", **_token(house, pull=pull))
    assert (await house.run("lgsp")).progress["cursor"] == "2"
    await house.open()
    await house.run("lgsp")
    assert [a.query.get("after") for a in house.outside.asked if a.path == "/rows"] == [
        None, "1", "2", "2",
    ]  # fmt: skip


@pytest.mark.parametrize("way", ["body", "header"])
async def test_pages_by_link_are_followed_on_the_same_server(house: House, way: str) -> None:
    def page(asked: Asked) -> Reply:
        number = int(asked.query.get("page", 1))
        following = f"/rows?page={number + 1}" if number < 3 else None
        if way == "body":
            return a_json({"rows": ROWS, "next": following})
        link = f'</rows?page=1>; rel="first", <{following}>; rel="next"' if following else ""
        return a_json({"rows": ROWS}, Link=link)

    pull = {"url": house.outside.on("/rows", page), "pages": "link"}
    await house.make(
        "lgsp", **_token(house, pull=pull | ({"next": "next"} if way == "body" else {}))
    )
    house.answer = lambda _: Receipt(received=1, stored=1)
    assert (await house.run("lgsp")).outcome == "ok"
    assert [a.query for a in house.outside.asked[1:]] == [{}, {"page": "2"}, {"page": "3"}]


@pytest.mark.parametrize(
    ("link", "said"),
    [("http://127.0.0.1:1/", "another server"), ("/rows", "the same page"),
     ("/a\nb", "not a URL")],
)  # fmt: skip
async def test_a_link_that_leads_astray_is_not_followed(house: House, link: str, said: str) -> None:
    pull = {
        "url": house.outside.on("/rows", a_json({"rows": ROWS, "next": link})),
        "pages": "link", "next": "next",
    }  # fmt: skip
    house.answer = lambda _: Receipt(received=1, stored=1)
    await house.make("lgsp", **_token(house, pull=pull))
    row = await house.run("lgsp")
    assert row.outcome == "failed"
    assert said in row.detail
    assert "since" not in row.progress


async def test_pages_without_end_are_bounded(house: House) -> None:
    pull = {
        "url": house.outside.on("/rows", a_json({"rows": ROWS})), "query": {"p": "{page}"},
        "pages": "page", "rows": "rows", "most_pages": 3,
    }  # fmt: skip
    house.answer = lambda _: Receipt(received=1, stored=1)
    await house.make("lgsp", **_token(house, pull=pull))
    row = await house.run("lgsp")
    assert "more than 3 pages; raise `most_pages`" in row.detail
    assert len(house.taken) == 3


# Pushing


async def _stored(house: House, series: int, received: datetime, *values: float) -> None:
    """Observations as if they had been received then."""
    await rows_of(house.url, "SELECT 1")
    async with house.writes.connection() as conn:
        for n, value in enumerate(values):
            await conn.execute(
                "INSERT INTO observation VALUES (%s, %s, %s, %s)",
                [series, received - timedelta(minutes=1, seconds=n), value, received],
            )


@pytest.fixture
async def series(house: House) -> list[int]:
    """Two series of the feed, and room for observations of these days."""
    if await rows_of(house.url, "SELECT 1 FROM pg_partitioned_table WHERE "
                     "partrelid = 'observation'::regclass"):  # fmt: skip
        async with house.writes.connection() as conn:
            await conn.execute("CREATE TABLE observation_default PARTITION OF observation DEFAULT")
    return await real_series(house.url, house.feed, "a/x", "b/x")


def _pushed(house: House) -> list[tuple[str, float]]:
    return [(r["series"], r["value"]) for a in house.outside.asked if a.path == "/in"
            for r in a.json]  # fmt: skip


async def test_what_was_stored_is_pushed_once(house: House, series: list[int]) -> None:
    push = {"url": house.outside.on("/in", Reply(201))}
    await house.make("lgsp", **_token(house, push=push))
    await _stored(house, series[0], NOW, 1, 2)
    await _stored(house, series[1], NOW + timedelta(minutes=2), 3)
    house.clock.pass_by(seconds=31)
    assert (await house.run("lgsp")).outcome == "unchanged"  # the minute has just ended
    house.clock.pass_by(minutes=5)
    assert (await house.run("lgsp")).outcome == "ok"
    assert sorted(_pushed(house)) == [("a/x", 1), ("a/x", 2), ("b/x", 3)]
    sent = house.outside.asked[1]
    assert sent.json[0].keys() == {"series", "time", "value"}
    assert sent.headers["content-type"] == "application/json"
    await house.open()
    assert (await house.run("lgsp")).outcome == "unchanged"
    assert len(_pushed(house)) == 3


async def test_a_push_that_fails_is_repeated_with_its_key_and_loses_nothing(
    house: House, series: list[int]
) -> None:
    push = {"url": house.outside.on("/in", Reply(201), Reply(503)), "most_rows": 2}
    await house.make("lgsp", **_token(house, push=push))
    await _stored(house, series[0], NOW, 1, 2, 3)
    await _stored(house, series[1], NOW + timedelta(minutes=1), 4)
    house.clock.pass_by(minutes=5)
    row = await house.run("lgsp")
    assert (row.outcome, row.detail) == ("failed", "the platform answered 503")
    house.outside.on("/in", Reply(201))
    await house.open()
    assert (await house.run("lgsp")).outcome == "ok"
    sent = [a for a in house.outside.asked if a.path == "/in"]
    keys = [a.headers["idempotency-key"] for a in sent]
    assert [a.json for a in sent[:2]] == [a.json for a in sent[2:4]]
    assert keys[:2] == keys[2:4]
    assert len(set(keys)) == 3
    assert {value for _, value in _pushed(house)} == {1, 2, 3, 4}
    assert (await house.run("lgsp")).outcome == "unchanged"


async def test_what_a_stalled_database_commits_late_is_pushed_all_the_same(
    house: House, series: list[int]
) -> None:
    await house.make("lgsp", **_token(house, push={"url": house.outside.on("/in", Reply(200))}))
    await _stored(house, series[0], NOW, 1)
    house.clock.pass_by(minutes=10)
    await house.run("lgsp")
    await _stored(house, series[1], NOW + timedelta(minutes=3), 2)
    house.clock.pass_by(minutes=20)
    await house.run("lgsp")
    assert _pushed(house) == [("a/x", 1), ("b/x", 2)]


async def test_only_chosen_series_are_pushed(house: House, series: list[int]) -> None:
    push = {"url": house.outside.on("/in", Reply(200)), "series": ["b/*", "c"]}
    await house.make("lgsp", **_token(house, push=push))
    await _stored(house, series[0], NOW, 1)
    await _stored(house, series[1], NOW, 2)
    house.clock.pass_by(minutes=5)
    await house.run("lgsp")
    assert _pushed(house) == [("b/x", 2)]


async def test_a_pull_that_fails_does_not_keep_the_push_waiting(
    house: House, series: list[int]
) -> None:
    pull = {"url": house.outside.on("/rows", Reply(500))}
    push = {"url": house.outside.on("/in", Reply(200))}
    await house.make("lgsp", **_token(house, pull=pull, push=push))
    await _stored(house, series[0], NOW, 1)
    house.clock.pass_by(minutes=5)
    assert (await house.run("lgsp")).outcome == "failed"
    assert _pushed(house) == [("a/x", 1)]


# Probes


def _seen(house: House) -> dict[str, Any]:
    return {row["series"]: row["value"] for row in json.loads(house.taken[-1].body)}


async def test_a_system_that_is_well_is_seen_so(house: House) -> None:
    house.outside.on("/", Reply(200, "Cổng thông tin".encode()))
    post = "<rss><pubDate>Sun, 22 Nov 2026 15:00:30 +0700</pubDate></rss>"
    house.outside.on("/rss", Reply(200, post.encode()))
    system = {
        "id": "cong", "url": house.outside.url(), "text": "Cổng thông tin",
        "posts": house.outside.url("/rss"), "https_redirect": True,
    }  # fmt: skip
    await house.make("probe", kind="probe", systems=[system])
    assert (await house.run("probe")).outcome == "ok"
    seen = _seen(house)
    assert seen["cong/latency"] > 0
    assert {k: v for k, v in seen.items() if k != "cong/latency"} == {
        "cong/up": True, "cong/ipv6": False, "cong/https-redirect": False, "cong/post-age": 3600,
    }  # fmt: skip
    made = await rows_of(house.url, "SELECT key, uom, value_kind FROM series ORDER BY key")
    assert made == [
        ("cong/https-redirect", None, "boolean"), ("cong/ipv6", None, "boolean"),
        ("cong/latency", "ms", "number"), ("cong/post-age", "s", "number"),
        ("cong/up", None, "boolean"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "more", "why"),
    [
        (Reply(500), {}, "the system answered 500"),
        (Reply(200, b"Bao tri"), {"text": "Xin chao"}, "does not hold the text 'Xin chao'"),
        (Reply(200), {"status": [204]}, "the system answered 200"),
        (Reply(hang=True), {}, "no whole answer within 0.3 s"),
        (Reply(302, headers={"Location": "/"}), {}, "redirected more than 5 times"),
        (None, {"url": "http://127.0.0.1:1/"}, "Connection refused"),
    ],
)
async def test_a_system_that_is_down_is_an_observation_with_its_reason(
    house: House, reply: Reply | None, more: dict[str, Any], why: str
) -> None:
    if reply is not None:
        house.outside.on("/", reply)
    system = {"id": "cong", "url": house.outside.url(), "ipv6": False, "https_redirect": False}
    await house.make("probe", kind="probe", systems=[system | more], timeout="PT0.3S")
    row = await house.run("probe")
    assert (row.outcome, row.detail, row.failures) == ("ok", "down: cong", 0)
    assert _seen(house) == {"cong/up": False}
    entries = await house.log("probe")
    assert [e.outcome for e in entries] == ["failed"]
    assert why in entries[0].detail


def _resolve_as(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Let every name be looked up with that outcome."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: str, *more: Any, **told: Any) -> Any:
        if host[0].isdigit():
            return resolve(host, *more, **told)
        raise socket.gaierror(code, "as the resolver says")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def test_a_system_whose_name_does_not_exist_is_down(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolve_as(monkeypatch, socket.EAI_NONAME)
    system = {"id": "cong", "url": "http://khong-co.vn/", "https_redirect": False}
    await house.make("probe", kind="probe", systems=[system])
    assert (await house.run("probe")).detail == "down: cong"
    assert _seen(house) == {"cong/up": False, "cong/ipv6": False}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://khong-tra-loi.vn/", "cannot be looked up"),
        ("http://127.0.0.2/", "IOC_SOURCES_ALLOW=127.0.0.2"),
    ],
)
async def test_nothing_is_said_of_a_system_that_was_not_reached_for(
    house: House, monkeypatch: pytest.MonkeyPatch, url: str, why: str
) -> None:
    _resolve_as(monkeypatch, socket.EAI_AGAIN)
    unreached = {"id": "cong", "url": url}
    await house.make("alone", kind="probe", systems=[unreached])
    row = await house.run("alone")
    assert (row.outcome, row.failures) == ("failed", 1)
    assert f"cong not told: {'the name' if 'vn' in url else '127'}" in row.detail
    assert why in row.detail
    assert house.taken == []
    assert {e.outcome for e in await house.log("alone")} == {"failed"}

    house.outside.on("/", Reply(200))
    well = {"id": "khac", "url": house.outside.url(), "ipv6": False, "https_redirect": False}
    await house.make("both", kind="probe", systems=[unreached, well])
    row = await house.run("both")
    assert (row.outcome, row.failures) == ("ok", 0)
    assert why in row.detail
    assert {key.partition("/")[0] for key in _seen(house)} == {"khac"}


async def test_a_system_that_takes_connections_over_ipv6_is_seen_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.outside.on("/", Reply(200))
    system = {"id": "cong", "url": house.outside.url(host="cong.vn"), "https_redirect": False}
    house.settings["sources_allow"] = "cong.vn"
    resolve = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, family: int = 0, **told: Any) -> Any:
        known = {"cong.vn": "::1" if family == socket.AF_INET6 else "127.0.0.1"}
        return resolve(known.get(host, host), port, family=family, **told)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    await house.make("probe", kind="probe", systems=[system])
    await house.run("probe")
    assert (_seen(house)["cong/up"], _seen(house)["cong/ipv6"]) == (True, False)
    listening = await asyncio.start_server(lambda _, w: w.close(), "::1", house.outside.port)
    async with listening:
        await house.run("probe")
    assert (_seen(house)["cong/up"], _seen(house)["cong/ipv6"]) == (True, True)


async def test_a_certificate_is_counted_in_days_even_if_nobody_trusts_it(
    house: House, tmp_path: Path
) -> None:
    pem = a_certificate(tmp_path, days=30)
    house.clock.at = datetime.now(UTC)
    with an_outside(pem) as server:
        server.on("/", Reply(200))
        system = {"id": "cong", "url": server.url(), "ipv6": False}
        await house.make("probe", kind="probe", systems=[system])
        await house.run("probe")
        assert 29.9 < _seen(house)["cong/certificate-days"] <= 30
        assert _seen(house)["cong/up"] is False
        house.settings["sources_ca"] = pem
        house.clock.pass_by(days=29)
        await house.open()
        await house.run("probe")
        assert 0.9 < _seen(house)["cong/certificate-days"] <= 1
        assert _seen(house)["cong/up"] is True


async def test_plain_http_that_leads_to_https_is_seen(house: House) -> None:
    target = {"Location": "https://cong.example.vn/"}
    house.outside.on("/", Reply(301, headers=target))
    system = {
        "id": "cong", "url": house.outside.url(), "status": [301], "ipv6": False,
        "https_redirect": True,
    }  # fmt: skip
    await house.make("probe", kind="probe", systems=[system], timeout="PT5S")
    await house.run("probe")
    assert _seen(house)["cong/https-redirect"] is True


async def test_one_dead_system_hides_no_other(house: House) -> None:
    house.outside.on("/", Reply(200))
    house.outside.on("/dead", Reply(hang=True))
    systems = [
        {"id": f"he-{n}", "url": house.outside.url("/dead" if n % 2 else "/"), "ipv6": False}
        for n in range(6)
    ]
    await house.make("probe", kind="probe", systems=systems, timeout="PT0.5S")
    row = await house.run("probe")
    assert row.detail == "down: he-1, he-3, he-5"
    up = {key: value for key, value in _seen(house).items() if key.endswith("/up")}
    assert up == {f"he-{n}/up": n % 2 == 0 for n in range(6)}


# Documents


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"kind": "poll", "urll": "x", "every": "PT5M"}, "'urll' is not known here"),
        ({"kind": "pol"}, "did you mean 'poll'"),
        ({}, "'kind' is missing"),
        ({"kind": "poll", "url": "http://x/"}, "runs `every` so often, or `at`"),
        ({"kind": "poll", "url": "http://x/", "every": "PT1S"}, "shorter than 10 seconds"),
        ({"kind": "poll", "url": "http://x/?token=1", "every": "PT5M"}, "`token` would keep"),
        (
            {"kind": "poll", "url": "http://x/", "every": "PT5M", "headers": {"Cookie": "a"}},
            "would keep a secret",
        ),
        (
            {"kind": "poll", "url": "http://x/", "every": "PT5M", "send_secret": "header"},
            "bearer, basic, header:NAME or query:NAME",
        ),
        ({"kind": "probe", "every": "PT5M", "systems": []}, "must not be empty"),
        (
            {
                "kind": "probe", "every": "PT5M",
                "systems": [{"id": "a", "url": "http://x/", "posts": "http://x/", "post": "y"}],
            },
            "must hold {date} once",
        ),
        (
            {
                "kind": "token-rest", "every": "PT5M", "secret": "a", "token": {"url": "http://x/"},
                "pull": {"url": "http://x/", "query": {"q": "{sinse}"}, "pages": "page"},
            },
            "{sinse} stands for nothing",
        ),
    ],
)  # fmt: skip
def test_a_document_with_a_fault_is_refused_by_name(document: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_document(document, format="auto")
    assert said in refused.value.message


def test_a_probe_needs_a_feed_that_takes_its_format() -> None:
    system = {"id": "a", "url": "http://x/"}
    document = {"kind": "probe", "every": "PT5M", "systems": [system]}
    with pytest.raises(Invalid, match="the feed takes senml"):
        checked_document(document, format="senml")


# Sources of a city

CITY = """
[[source]]
id = "khi-tuong"
feed = "{feed}"
kind = "poll"
url = "https://khi-tuong.example.vn/tram.json"
every = "PT15M"
"""


def _city(folder: Path, text: str) -> Path:
    """The packaged city with sources, and the id of one of its feeds in place of {feed}."""
    copy = folder / "city"
    shutil.copytree(packaged_city(), copy)
    feed = read_city(copy).feeds[0].id
    (copy / "sources.toml").write_text(text.replace("{feed}", feed))
    return copy


async def test_sources_of_a_city_are_loaded_but_not_over_what_a_person_told(
    house: House, tmp_path: Path
) -> None:
    city = read_city(_city(tmp_path, CITY))

    async def load() -> str:
        async with house.writes.connection() as conn:
            return "\n".join(await city_store.load(conn, city, now=NOW, demo=True))

    for _ in range(2):
        assert "1 of 1 sources loaded" in await load()
    row = await house.row("khi-tuong")
    assert (row.document["every"], row.enabled, row.changed_by) == ("PT900S", True, "city")
    async with house.writes.connection() as conn:
        told = checked_document({**row.document, "every": "PT1H"}, format="auto")
        await sources.change(conn, "khi-tuong", told, now=NOW, by="quantri")
    assert "0 of 1 sources loaded" in await load()
    assert (await house.row("khi-tuong")).document["every"] == "PT3600S"


def test_every_fault_of_a_citys_sources_has_its_line(tmp_path: Path) -> None:
    wrong = CITY.replace("every", "evry") + CITY.replace("{feed}", "khong-co") + "[other]\n"
    with pytest.raises(CityError) as found:
        read_city(_city(tmp_path, wrong))
    said = [str(finding) for finding in found.value.findings]
    assert any("sources.toml:7: source[0].evry: the key 'evry' is not known" in s for s in said)
    assert any("sources.toml:11: source[1].feed: no feed is called 'khong-co'" in s for s in said)
    assert any("this file has no 'other'" in s for s in said)

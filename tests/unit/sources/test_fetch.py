"""Requests to the outside: bounded in time and bytes, guarded, followed where they are led."""

import errno
import gzip
import socket
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import zstandard

from ioc.errors import ConfigError
from ioc.sources.failure import Failure
from ioc.sources.fetch import Answer, Ask, Fetcher
from ioc.sources.outside import Outside as Network
from tests.fixtures.outside import Outside, Reply, a_certificate, an_outside

BODY = b'[{"series":"a/x"}]' * 2_000


def _ask(url: str, **more: Any) -> Ask:
    told = {"timeout": timedelta(seconds=10), "most_bytes": 100_000, **more}
    return Ask(url=url, **told)


async def _get(fetcher: Fetcher, url: str, **more: Any) -> Answer:
    async with fetcher.ask(_ask(url, **more)) as answer:
        return answer


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKED = {
    "gzip": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]),
    "deflate": zlib.compress(BODY),
    "Deflate": _raw_deflate(BODY),
    "zstd": zstandard.compress(BODY),
    "identity": BODY,
}


@pytest.mark.parametrize("encoding", PACKED)
async def test_an_answer_is_unpacked(outside: Outside, fetcher: Fetcher, encoding: str) -> None:
    outside.on("/", Reply(body=PACKED[encoding], headers={"Content-Encoding": encoding}))
    assert (await _get(fetcher, outside.url())).body == BODY


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
async def test_a_bomb_is_refused_before_it_unfolds(
    outside: Outside, fetcher: Fetcher, encoding: str
) -> None:
    zeros = bytes(200_000_000)
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}[encoding]
    outside.on("/", Reply(body=pack(zeros), headers={"Content-Encoding": encoding}))
    with pytest.raises(Failure, match="more than 100000 bytes"):
        await _get(fetcher, outside.url())


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
@pytest.mark.parametrize("fault", ["cut", "broken"])
async def test_a_packed_answer_that_is_damaged_is_a_failure(
    outside: Outside, fetcher: Fetcher, encoding: str, fault: str
) -> None:
    body = PACKED[encoding][:-9] if fault == "cut" else b"no such thing" * 9
    outside.on("/", Reply(body=body, headers={"Content-Encoding": encoding}))
    with pytest.raises(Failure, match=r"cannot be decompressed|is cut off"):
        await _get(fetcher, outside.url())


async def test_an_encoding_that_nobody_asked_for_is_named(
    outside: Outside, fetcher: Fetcher
) -> None:
    outside.on("/", Reply(body=b"x", headers={"Content-Encoding": "br"}))
    with pytest.raises(Failure, match="'br' is not taken; use gzip or zstd"):
        await _get(fetcher, outside.url())


@pytest.mark.parametrize("declared", [None, 10**12])
async def test_a_huge_answer_is_refused_or_cut_off(
    outside: Outside, fetcher: Fetcher, declared: int | None
) -> None:
    outside.on("/", Reply(body=bytes(300_000), declared=declared))
    with pytest.raises(Failure, match="more than 100000 bytes"):
        await _get(fetcher, outside.url())
    assert (await _get(fetcher, outside.url(), cut=True)).body == bytes(100_000)


async def test_answers_share_one_room(outside: Outside) -> None:
    network = Network("127.0.0.1")
    fetcher = Fetcher(network, room=150_000)
    outside.on("/", Reply(body=bytes(90_000)))
    async with fetcher.ask(_ask(outside.url())):
        with pytest.raises(Failure, match="too many large answers"):
            await _get(fetcher, outside.url())
    assert len((await _get(fetcher, outside.url())).body) == 90_000
    network.close()


async def test_a_server_that_hangs_is_given_up(outside: Outside, fetcher: Fetcher) -> None:
    outside.on("/", Reply(hang=True))
    with pytest.raises(Failure, match=r"no whole answer within 0\.2 s"):
        await _get(fetcher, outside.url(), timeout=timedelta(seconds=0.2))


async def test_an_answer_that_stops_in_its_midst_is_a_failure(
    outside: Outside, fetcher: Fetcher
) -> None:
    outside.on("/", Reply(body=b"half", declared=8))
    with pytest.raises(Failure, match="broke off"):
        await _get(fetcher, outside.url())


async def test_a_closed_port_is_named(outside: Outside, fetcher: Fetcher) -> None:
    with pytest.raises(Failure, match=r"127\.0\.0\.1 cannot be reached: .*refused"):
        await _get(fetcher, "http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("answer", "ours"),
    [
        (socket.EAI_NONAME, False), (socket.EAI_NODATA, False), (socket.EAI_AGAIN, True),
        (socket.EAI_FAIL, True), (socket.EAI_SYSTEM, True),
    ],
)  # fmt: skip
async def test_a_name_that_does_not_exist_is_told_from_a_resolver_that_does_not_answer(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, answer: int, ours: bool
) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(answer, "as the resolver says")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(Failure, match=r"x\.vn cannot be looked up: as the resolver says") as failed:
        await _get(fetcher, "http://x.vn/")
    assert failed.value.ours is ours
    assert ("this machine reaches its resolver" in failed.value.detail) is ours


@pytest.mark.parametrize(
    ("errors", "ours"),
    [
        ([errno.ENETUNREACH, errno.ENETUNREACH], True),
        ([errno.ECONNREFUSED, errno.ENETUNREACH], False),
        ([errno.EHOSTUNREACH], False),
        ([errno.EMFILE], True),
    ],
)
async def test_a_connection_that_never_left_this_machine_says_nothing_of_the_other_side(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, errors: list[int], ours: bool
) -> None:
    async def addresses(*_: Any) -> list[str]:
        return [f"127.0.0.{number}" for number in range(1, len(errors) + 1)]

    async def send(request: httpx2.Request, *_: Any) -> Any:
        number = errors[int(request.url.host.rpartition(".")[2]) - 1]
        raise httpx2.ConnectError("no") from OSError(number, "no")

    monkeypatch.setattr(fetcher.outside, "addresses", addresses)
    monkeypatch.setattr(fetcher, "_send", send)
    with pytest.raises(Failure, match="cannot be reached") as failed:
        await _get(fetcher, "http://x.vn/")
    assert failed.value.ours is ours


async def test_an_inner_address_is_refused_with_its_cure(outside: Outside) -> None:
    network = Network()
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(Failure, match=f"IOC_SOURCES_ALLOW={host}") as failed:
            await _get(Fetcher(network), outside.url(host=host))
        assert failed.value.ours
    assert outside.asked == []
    network.close()


async def test_a_redirect_leads_no_source_into_an_inner_network(outside: Outside) -> None:
    network = Network("127.0.0.1")
    outside.on("/", Reply(302, headers={"Location": f"http://127.0.0.2:{outside.port}/inner"}))
    with pytest.raises(Failure, match=r"127\.0\.0\.2 is 127\.0\.0\.2, an address of an inner"):
        await _get(Fetcher(network), outside.url(), most_redirects=5)
    assert outside.paths() == ["/"]
    network.close()


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://x/", "http://u:p@x/"])
async def test_a_redirect_to_what_is_no_web_address_is_refused(
    outside: Outside, fetcher: Fetcher, target: str
) -> None:
    outside.on("/", Reply(302, headers={"Location": target}))
    with pytest.raises(Failure, match="redirected to"):
        await _get(fetcher, outside.url(), most_redirects=5)


async def test_redirects_are_followed_and_bounded(outside: Outside, fetcher: Fetcher) -> None:
    outside.on("/", Reply(302, headers={"Location": "/a"}))
    outside.on("/a", Reply(307, headers={"Location": "b?x=1"}))
    outside.on("/b", Reply(body=b"there"))
    answer = await _get(fetcher, outside.url(), most_redirects=2)
    assert (answer.body, answer.hops, answer.url) == (b"there", 2, outside.url("/b?x=1"))
    outside.on("/b", Reply(302, headers={"Location": "/"}))
    with pytest.raises(Failure, match="more than 4 times"):
        await _get(fetcher, outside.url(), most_redirects=4)
    assert (await _get(fetcher, outside.url())).status == 302


async def test_a_secret_does_not_follow_to_another_server(
    outside: Outside, fetcher: Fetcher
) -> None:
    with an_outside() as other:
        other.on("/", Reply(body=b"taken"))
        outside.on("/", Reply(302, headers={"Location": "/next"}))
        outside.on("/next", Reply(302, headers={"Location": other.url()}))
        await _get(
            fetcher, outside.url(), most_redirects=5, headers={"X-Plain": "1"},
            private={"X-Api-Key": "bi-mat"}, private_query={"key": "bi-mat"},
        )  # fmt: skip
        assert [asked.headers.get("x-api-key") for asked in outside.asked] == ["bi-mat"] * 2
        assert outside.asked[0].query == {"key": "bi-mat"}
        assert "x-api-key" not in other.asked[0].headers
        assert other.asked[0].query == {}
        assert other.asked[0].headers["x-plain"] == "1"


async def test_a_header_that_no_header_can_be_is_a_failure(
    outside: Outside, fetcher: Fetcher
) -> None:
    for secret in ("mật khẩu", "a\r\nX-Evil: 1"):
        with pytest.raises(Failure, match="character that no header takes"):
            await _get(fetcher, outside.url(), private={"Authorization": secret})
    assert outside.asked == []


async def test_a_certificate_is_checked_for_the_name_that_was_asked(tmp_path: Path) -> None:
    pem = a_certificate(tmp_path)
    network = Network("127.0.0.0/8, localhost")
    with an_outside(pem) as server:
        server.on("/", Reply(body=b"safe"))
        with pytest.raises(Failure, match=r"not trusted .*IOC_SOURCES_CA"):
            await _get(Fetcher(network), server.url())
        trusting = Fetcher(network, authorities=pem)
        assert (await _get(trusting, server.url())).body == b"safe"
        assert (await _get(trusting, server.url(host="localhost"))).body == b"safe"
    other = a_certificate(tmp_path, "other", names="DNS:elsewhere.vn")
    with an_outside(other) as server, pytest.raises(Failure, match=r"not trusted .*mismatch"):
        await _get(Fetcher(network, authorities=other), server.url())
    network.close()


def test_a_file_of_authorities_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="IOC_SOURCES_CA"):
        Fetcher(Network(), authorities=tmp_path / "ca.pem")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "Sun, 22 Nov 2026 10:00:30 GMT", "X-Now": "1"}, 30),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_what_a_server_asks_for_is_read_by_its_own_clock(
    headers: dict[str, str], seconds: float | None
) -> None:
    told = httpx2.Headers(headers | {"Date": "Sun, 22 Nov 2026 10:00:00 GMT"})
    answer = Answer(status=503, headers=told, body=b"", url="")
    assert answer.retry_after == (None if seconds is None else timedelta(seconds=seconds))

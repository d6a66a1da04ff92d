"""Lists over many stored alerts, against a bare request and a look-up of the same rows."""

from collections.abc import Mapping
from typing import Any, Final

from ioc.bench.figures import BenchFailed, Pair, Part, compared, percentile
from ioc.bench.server import Server
from ioc.clock import monotonic
from ioc.store.pool import connect

ASKED: Final = 20
LIMIT: Final = 100

_FILL: Final = """
    INSERT INTO alert (alert_id, fingerprint, rule_id, kind, severity, state, pending_since,
           active_since, cleared_at, closed_at, reason, longitude, latitude, words, muted, value,
           level, value_time, matter, matter_reason)
    SELECT gen_random_uuid(), 'laid/' || n || CASE WHEN past THEN '/past' ELSE '' END,
           'laid-' || n / 2 %% 50, 'threshold',
           (ARRAY['critical', 'high', 'medium', 'low'])[1 + (n / 2 * 7919 / 5) %% 4],
           CASE WHEN past THEN 'cleared' ELSE 'active' END, since, since,
           CASE WHEN past THEN since + interval '1 hour' END,
           CASE WHEN past THEN since + interval '1 hour' END, 'breach_began',
           105 + (n %% 1000) / 1000.0, 21 + (n %% 700) / 700.0,
           array_to_tsvector(ARRAY['un', 'tac', 'duong' || n / 2 %% 20000, 'xa' || n / 2 %% 148,
               'rule=laid-' || n / 2 %% 50, 'feed=feed-' || n / 2 %% 40, 'domain='
               || (ARRAY['traffic', 'health', 'electricity', 'environment'])[1 + n / 2 %% 4],
               'feature=f-' || n / 2 %% 20000]),
           CASE WHEN n / 2 %% 5 = 0 THEN '{"cause": "silence", "by": "", "rule": "", "why": "",
               "until": null}'::jsonb END,
           90, 80, since, gen_random_uuid(), 'alone'
      FROM generate_series(1, %(many)s::int) AS n
           CROSS JOIN LATERAL (SELECT n %% 2 = 0 AS past,
                               now() - n * interval '10 seconds' AS since) AS l
"""

_BARE: Final = "SELECT * FROM alert WHERE alert_id = ANY(%s)"

QUESTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "all": {},
    "by severity": {"severity": "low"},
    "by domain": {"domain": "health"},
    "by feed and severity": {"feed": "feed-3", "severity": "low"},
    "by place": {"feature": "f-77"},
    "by box": {"bbox": "105.1,21.1,105.15,21.15"},
    "by words": {"q": "duong123"},
    "by rule, not quiet": {"rule": "laid-7", "muted": False},
}


async def measure(server: Server, token: Mapping[str, str], stored: int) -> list[Part]:
    """Ask for open and past alerts in several ways."""
    async with await connect(server.database_url) as conn:
        await conn.execute(_FILL, {"many": stored * 2})
        await conn.commit()
        await conn.set_autocommit(True)
        await conn.execute("VACUUM ANALYZE alert")
    return [
        await _part(server, token, f"{stored:,} {which} alerts, {name}", {"closed": past, **asked})
        for which, past in (("open", False), ("past", True))
        for name, asked in QUESTIONS.items()
    ]


async def _part(
    server: Server, token: Mapping[str, str], name: str, question: Mapping[str, Any]
) -> Part:
    params = {**question, "limit": LIMIT}
    ids = [item["id"] for item in (await _get(server, token, "/alerts", params))["items"]]
    pairs: list[Pair] = []
    delays: list[float] = []
    async with await connect(server.database_url) as conn:
        for _ in range(ASKED):
            delays.append(await asked(server, token, params) * 1e3)
            began = monotonic()
            await (await conn.execute(_BARE, [ids])).fetchall()
            await _get(server, token, "/me", {})
            pairs.append(Pair(delays[-1], (monotonic() - began) * 1e3))
    part = compared(name, pairs, "ms", lower_is_better=True, counts={"found": len(ids)})
    part.delay_ms = {"p95": round(percentile(sorted(delays), 0.95), 1)}
    return part


async def asked(server: Server, token: Mapping[str, str], params: Mapping[str, Any]) -> float:
    """How long a list takes, s."""
    began = monotonic()
    await _get(server, token, "/alerts", params)
    return monotonic() - began


async def _get(
    server: Server, token: Mapping[str, str], path: str, params: Mapping[str, Any]
) -> dict[str, Any]:
    answer = await server.http.get(path, params=dict(params), headers=dict(token))
    if answer.status_code != 200:
        raise BenchFailed(f"{path}: {answer.status_code}: {answer.text[:400]}")
    return answer.json()

"""Faults of documents: what would keep a secret in the database is named with its cure."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.city.sources import checked_document
from ioc.errors import Invalid

POLL = {"kind": "poll", "url": "https://x/", "every": "PT5M"}
TOKEN = {"url": "https://x/token", "client_id": "x"}
PULL = {
    "kind": "token-rest", "every": "PT5M", "secret": "lgsp", "token": TOKEN,
    "pull": {"url": "https://x/"},
}  # fmt: skip
PROBE = {"kind": "probe", "every": "PT5M", "systems": [{"id": "a", "url": "https://x/"}]}


def _faults(document: dict[str, Any]) -> Any:
    with pytest.raises(Invalid) as refused:
        checked_document(document, format="auto")
    return refused.value.values["faults"]


@pytest.mark.parametrize(
    ("document", "path", "cure"),
    [
        ({**POLL, "url": "https://x/?a=1&key=abc"}, "url", "send_secret`, such as query:key"),
        ({**POLL, "url": "https://x/?API-Key=abc"}, "url", "query:API-Key"),
        ({**POLL, "headers": {"X-Auth-Token": "a"}}, "headers.X-Auth-Token", "send_secret"),
        ({**PULL, "token": {"url": "https://x/", "fields": {"u": "{user}", "matKhau": "abc"}}},
         "token.fields.matKhau", "{secret}, {user} or {password}"),
        ({**PULL, "token": {**TOKEN, "url": "https://x/?secret=a"}}, "token.url", "token.fields"),
        ({**PULL, "pull": {"url": "https://x/", "query": {"apiKey": "abc"}}},
         "pull.query.apiKey", "{secret}"),
        ({**PULL, "pull": {"url": "https://x/?sig=a"}}, "pull.url", "{secret}"),
        ({**PULL, "pull": {"url": "https://x/", "method": "POST",
                           "body": {"auth": {"who": "x", "password": "abc"}}}},
         "pull.body.auth.password", "{secret}"),
        ({**PROBE, "systems": [{"id": "a", "url": "https://x/?token=a"}]},
         "systems[0].url", "needs none"),
    ],
)  # fmt: skip
def test_a_secret_that_is_written_out_is_named_with_its_cure(
    document: dict[str, Any], path: str, cure: str
) -> None:
    [fault] = _faults(document)
    assert fault["path"] == path
    assert "would keep a secret in the database" in fault["message"]
    assert cure in fault["hint"]


@pytest.mark.parametrize(
    "document",
    [
        {**POLL, "url": "https://x/?keyword=a&page=2&district=key"},
        {**PULL, "token": {"url": "https://x/", "fields": {
            "grant_type": "password", "username": "ioc", "password": "{password}", "token": "",
        }}},
        {**PULL, "pull": {"url": "https://x/", "query": {
            "page_token": "{cursor}", "key": "{secret}", "monkey": "a", "tokens": "2",
        }}},
    ],
)  # fmt: skip
def test_what_only_sounds_like_a_secret_or_names_one_is_no_fault(document: dict[str, Any]) -> None:
    checked_document(document, format="auto")


_bodies = st.recursive(
    st.text(max_size=3),
    lambda inner: st.dictionaries(
        st.sampled_from(["a", "key", "b"]), inner | st.lists(inner, max_size=2), max_size=3
    ),
)


@given(_bodies)
def test_a_secret_is_found_however_deep_it_lies(body: Any) -> None:
    document = {**PULL, "pull": {"url": "https://x/", "method": "POST", "body": {"z": body}}}

    def held(value: Any, name: str = "") -> int:
        if isinstance(value, dict):
            return sum(held(inner, key) for key, inner in value.items())
        if isinstance(value, list):
            return sum(held(inner) for inner in value)
        return int(name == "key" and value != "")

    if held(body):
        assert len(_faults(document)) == held(body)
    else:
        checked_document(document, format="auto")


def test_an_expression_that_no_answer_can_take_is_named() -> None:
    pull = {"url": "https://x/", "rows": "|".join(["[@,@][]"] * 30)}
    [fault] = _faults({**PULL, "pull": pull})
    assert (fault["path"], "lists within lists" in fault["message"]) == ("pull.rows", True)

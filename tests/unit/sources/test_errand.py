"""Where something was fetched, as it may be kept."""

import pytest

from ioc.sources.errand import without_query


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://x.vn/a/b.csv?key=mot-bi-mat&page=2", "https://x.vn/a/b.csv"),
        ("https://ai:mot-bi-mat@x.vn:8443/a#mot-bi-mat", "https://x.vn:8443/a"),
        ("http://[2001:db8::1]:80/?", "http://[2001:db8::1]:80/"),
        ("", ""),
    ],
)
def test_a_url_is_kept_without_its_query_its_user_and_its_fragment(url: str, kept: str) -> None:
    assert without_query(url) == kept

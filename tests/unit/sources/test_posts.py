"""The newest post of a site, however the site writes it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ioc.sources.posts import FieldFault, newest_post, posted_pattern

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


RSS = """<?xml version="1.0"?><rss><channel><lastBuildDate>Sun, 22 Nov 2026 15:59:00 +0700
</lastBuildDate><item><pubDate>Fri, 20 Nov 2026 08:00:00 +0700</pubDate></item>
<item><pubDate> Sat, 21 Nov 2026 08:00:00 +0700 </pubDate></item>
<item><pubDate>Sat, 01 Dec 2029 08:00:00 +0700</pubDate></item></channel></rss>"""
ATOM = """<feed><entry><published>2026-11-21T01:00:00Z</published></entry>
<entry><updated><![CDATA[2026-11-20T01:00:00Z]]></updated></entry></feed>"""
PAGE = """<li><span class="ngay">Ngày&#160;đăng:
 21/11/2026 08:00</span></li> <li><span>Ngày đăng: 20/11/2026 09:30</span></li>"""


def _newest(text: str, rule: str | None = None, written: str = "%d/%m/%Y") -> datetime | None:
    return newest_post(text, rule=rule, written=written, zone=ZONE, now=NOW)


@pytest.mark.parametrize("text", [RSS, ATOM])
def test_the_newest_post_of_a_feed_is_no_announcement(text: str) -> None:
    assert _newest(text) == datetime(2026, 11, 21, 1, tzinfo=UTC)


def test_the_date_on_a_page_is_found_by_the_text_before_it() -> None:
    page = PAGE.replace("&#160;", " ")
    assert _newest(page, "Ngày đăng: {date}", "%d/%m/%Y %H:%M") == datetime(
        2026, 11, 21, 1, tzinfo=UTC
    )
    assert _newest(page, "Ngày đăng: {date}</span>", "%d/%m/%Y %H:%M") is not None
    assert _newest(page, "Cập nhật: {date}", "%d/%m/%Y %H:%M") is None
    assert _newest(page, "Ngày đăng: {date}", "%Y") is None


def test_a_text_without_dates_tells_of_no_post() -> None:
    assert _newest("<rss><pubDate>hôm qua</pubDate></rss>") is None
    assert _newest("") is None


@pytest.mark.parametrize("rule", ["", "{date}", " {date} ", "a {date} {date}", "date"])
def test_a_rule_needs_one_date_and_a_text(rule: str) -> None:
    with pytest.raises(FieldFault, match="`post`"):
        posted_pattern(rule, "%d/%m/%Y")


@pytest.mark.parametrize("written", ["", "d/m/Y", "%", "%d/%", "%d %Q", "100 %% %d"])
def test_a_way_of_writing_dates_that_nothing_reads_is_refused(written: str) -> None:
    with pytest.raises(FieldFault, match="`post_format`"):
        posted_pattern("đăng {date}", written)


def test_a_page_made_to_keep_the_server_busy_does_not() -> None:
    page = "ngày " + "1 " * 500_000 + "\t" * 100_000
    assert _newest(page, "ngày {date} x", "%d/%m/%Y") is None
    assert _newest("<pubDate " + "a" * 500_000 + "<pubDate>" * 50_000) is None

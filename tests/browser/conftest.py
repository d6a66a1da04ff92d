"""What the tests of the screens share: one browser, and screens that are closed afterwards."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.fixtures.browser import Screens, launch


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        try:
            yield browser
        finally:
            await browser.close()


@pytest.fixture
async def screens(browser: Browser) -> AsyncIterator[Screens]:
    """Opens screens; they are closed when the test is over."""
    made = Screens(browser)
    try:
        yield made
    finally:
        await made.close()

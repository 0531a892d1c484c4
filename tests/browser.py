"""A headless Chromium for tests of pages: a fresh profile each time, nothing fetched from anywhere but the page.

A folder's conftest.py imports the fixtures ``chromium`` and ``browser``; outside a test there is :func:`open_browser`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

WIDE = (1440, 900)
TABLET = (1024, 768)
PHONE = (390, 844)

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--autoplay-policy=no-user-gesture-required",
)


@contextmanager
def open_browser(size: tuple[int, int] = WIDE) -> Iterator[Chrome]:
    """Yield a Chromium whose page is ``size`` CSS pixels; its profile is gone afterwards."""
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(prefix="tapledger-browser-", ignore_cleanup_errors=True) as profile:
        options.add_argument(f"--user-data-dir={profile}")
        browser = Chrome(options=options, service=ChromeService("/usr/bin/chromedriver"))
        try:
            resize(browser, size)
            yield browser
        finally:
            browser.quit()


def resize(browser: Chrome, size: tuple[int, int]) -> None:
    """Give the page exactly ``size`` CSS pixels, also below the smallest window a desktop browser has."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def complaints(browser: Chrome) -> list[str]:
    """What the page's console has said since last asked, from warnings up."""
    lines = browser.execute("getLog", {"type": "browser"})["value"]
    return [str(line["message"]) for line in lines if line["level"] in {"WARNING", "SEVERE"}]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    """One Chromium for all tests of a module; a page served on a port of its own finds nothing of the ones before."""
    with open_browser() as opened:
        yield opened


@pytest.fixture
def browser(chromium: Chrome) -> Chrome:
    """A Chromium of 1440 by 900 on an empty page, with nothing in its console."""
    chromium.get("about:blank")
    resize(chromium, WIDE)
    complaints(chromium)
    return chromium

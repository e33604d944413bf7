"""One demo server and one browser for all end-to-end tests; one window per person and test.

Package scope: Playwright keeps an event loop of its own, which asynchronous tests elsewhere must not meet.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.browser import ARGUMENTS, system_browser
from tests.e2e.demo_server import DemoServer


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, headless; the system's if there is one."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=system_browser(), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    """The demo, freshly set up and running."""
    server = DemoServer(tmp_path_factory.mktemp("shop"))
    server.start()
    yield server
    server.stop()

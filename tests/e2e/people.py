"""The people of the end-to-end tests, by what they see and press: a customer at the shop, staff at the desk."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from tests.e2e.demo_server import PASSWORD

WAIT_MS = 20_000
IGNORED = ("net::ERR_", "WebSocket connection", "Failed to load resource")  # what pulling the plug looks like


def picture(page: Page, name: str) -> None:
    """Keep a screenshot when JIELI_SCREENSHOTS names a folder (the README's pictures are made so)."""
    folder = os.environ.get("JIELI_SCREENSHOTS")
    if folder:
        page.wait_for_timeout(600)  # let animations end
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


class Person:
    """Somebody with a browser window; collects the page's errors."""

    def __init__(self, browser: Browser, locale: str, *, width: int = 1280, height: int = 820) -> None:
        self.context = browser.new_context(locale=locale, viewport={"width": width, "height": height})
        self.page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.zh = locale.startswith("zh")
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)

    def says(self, zh: str, en: str) -> str:
        """The text in this person's language."""
        return zh if self.zh else en

    def leaves(self) -> None:
        """Close the window; script errors on the way are a failure."""
        self.context.close()
        real = [error for error in self.errors if not any(known in error for known in IGNORED)]
        assert not real, real


class Customer(Person):
    """A visitor of the demo shop."""

    def opens(self, url: str) -> FrameLocator:
        """Open the shop and the chat; gives the chat's frame."""
        self.page.goto(f"{url}/demo/")
        self.page.get_by_role("button", name=self.says("问问客服", "Ask us")).wait_for()
        self.page.get_by_role("button", name=self.says("问问客服", "Ask us")).click()
        expect(self.chat.get_by_role("log")).to_be_visible(timeout=WAIT_MS)
        return self.chat

    @property
    def chat(self) -> FrameLocator:
        """The chat in its iframe."""
        return self.page.frame_locator("iframe[src*='/widget/']")

    @property
    def log(self) -> Locator:
        """The conversation."""
        return self.chat.get_by_role("log")

    def writes(self, text: str) -> None:
        """Type and press Enter."""
        box = self.chat.locator("textarea").last
        box.fill(text)
        box.press("Enter")

    def reads(self, text: str) -> None:
        """Wait until the text stands in the conversation."""
        expect(self.log).to_contain_text(text, timeout=WAIT_MS)


class Staff(Person):
    """An agent, supervisor or editor at the desk."""

    def signs_in(self, url: str, email: str) -> None:
        """Sign in and wait for the desk."""
        self.page.goto(f"{url}/desk/")
        self.page.get_by_label(self.says("邮箱", "E-mail")).fill(email)
        self.page.get_by_label(self.says("密码", "Password")).fill(PASSWORD)
        self.page.get_by_label(self.says("密码", "Password")).press("Enter")
        self.page.get_by_role("button", name=self.says("搜索或跳转", "Search or jump")).wait_for()

    def goes_online(self) -> None:
        """Switch presence to online."""
        self.page.get_by_role("button", name=self.says("切换为在线", "Go online")).click()
        expect(self.page.get_by_role("button", name=self.says("切换为在线", "Go online"))).to_have_count(0)

    @property
    def offer(self) -> Locator:
        """The first offer on the screen."""
        region = self.page.get_by_role("region", name=self.says("待接受的转接", "Offers to accept"))
        return region.get_by_role("group").first

    @property
    def log(self) -> Locator:
        """The open conversation."""
        return self.page.get_by_role("log")

    def accepts(self) -> None:
        """Take the offer."""
        self.offer.get_by_role("button", name=self.says("接受", "Accept")).click()
        expect(self.log).to_be_visible(timeout=WAIT_MS)

    def writes(self, text: str) -> None:
        """Reply to the visitor."""
        box = self.page.get_by_role("textbox", name=self.says("回复", "Reply")).last
        box.fill(text)
        box.press("Enter")

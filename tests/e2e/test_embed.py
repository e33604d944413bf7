"""The two lines of the README on somebody else's page, hostile styles included."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Connection

from handoff import inboxes
from handoff.writer import Database
from tests.docs.source import document
from tests.e2e.demo_server import DemoServer
from tests.e2e.people import WAIT_MS, Customer

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]

HOSTILE = """
body *, html > *:not(head):not(body) { display: none !important; visibility: hidden !important;
  opacity: 0 !important; position: static !important; transform: scale(0) !important; font-size: 0 !important; }
iframe, button, div { width: 0 !important; height: 0 !important; pointer-events: none !important; }
"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A site of somebody else on another port: its folder and its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield tmp_path, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def two_lines(shop: DemoServer, inbox: str) -> str:
    """The lines that the README tells people to paste, with their own server and inbox in them."""
    found = re.search(r"```html\n(.*?)```", document("README.md"), flags=re.DOTALL)
    assert found is not None
    return found[1].replace("https://chat.example.com", shop.url).replace('"default"', f'"{inbox}"')


def page_of(lines: str, style: str = "") -> str:
    """A page with a heading of its own and the lines at its end."""
    head = f'<meta charset="utf-8"><title>Foreign</title><style>{style}</style>'
    return (
        f'<!doctype html><html lang="zh-CN"><head>{head}</head><body><h1>别家的网页</h1>{lines}</body></html>'
    )


def add_inbox(shop: DemoServer, ident: str, *origins: str) -> None:
    """An inbox of its own for one test, written beside the running server; waits until the server knows it."""

    def unit(conn: Connection) -> None:
        inboxes.create(
            conn, workspace="default", name=ident, queue="default", ident=ident, allowed_origins=origins
        )

    database = Database(f"sqlite:///{shop.home / 'jieli.db'}")
    try:
        database.write_now(unit)
    finally:
        database.close()
    wanted = " ".join(["frame-ancestors 'self'", *origins])
    with httpx.Client(base_url=shop.url) as http:
        for _ in range(100):
            policy = http.get("/widget/index.html", params={"inbox": ident}).headers[
                "content-security-policy"
            ]
            if policy.endswith(wanted):
                return
            time.sleep(0.1)
    raise AssertionError(f"{policy} does not end with {wanted}")


def test_on_an_allowed_foreign_page_the_chat_answers_whatever_its_styles_do(
    shop: DemoServer, browser: Browser, foreign: tuple[Path, str]
) -> None:
    folder, origin = foreign
    add_inbox(shop, "foreign-allowed", origin)
    twice = two_lines(shop, "foreign-allowed") * 2
    (folder / "index.html").write_text(page_of(twice, HOSTILE), encoding="utf-8")
    customer = Customer(browser, "zh-CN")
    try:
        customer.page.goto(f"{origin}/")
        launcher = customer.page.get_by_role("button", name="打开在线客服")
        expect(launcher).to_have_count(1, timeout=WAIT_MS)
        expect(customer.page.locator("h1")).to_be_hidden()
        launcher.click()
        expect(customer.log).to_be_visible(timeout=WAIT_MS)
        assert customer.page.locator("jieli-widget").count() == 1
        customer.writes("信用卡退款多久到账？")
        customer.reads("3–7 个工作日")
        customer.page.reload()
        launcher.click()
        customer.reads("信用卡退款多久到账？")
    finally:
        customer.leaves()


def test_on_a_page_that_is_not_allowed_it_does_not_connect_and_says_why(
    shop: DemoServer, browser: Browser, foreign: tuple[Path, str]
) -> None:
    folder, origin = foreign
    add_inbox(shop, "foreign-refused", "https://another.example")
    listening = (
        "<script>window.heard = []; addEventListener('jieli:error', (e) => heard.push(e.detail));</script>"
    )
    (folder / "index.html").write_text(
        page_of(listening + two_lines(shop, "foreign-refused")), encoding="utf-8"
    )
    customer = Customer(browser, "zh-CN")
    sockets: list[str] = []
    customer.page.on("websocket", lambda socket: sockets.append(socket.url))
    try:
        customer.page.goto(f"{origin}/")
        customer.page.get_by_role("button", name="打开在线客服").click()
        customer.page.wait_for_function("heard.length > 0")
        heard = customer.page.evaluate("heard[0]")
        assert heard["code"] == "bad_origin"
        assert (
            origin in heard["text"] and f"jieli inbox set foreign-refused --origin {origin}" in heard["text"]
        )
        expect(customer.page.locator("jieli-widget iframe")).to_have_count(0)
        assert any("bad_origin" in line and origin in line for line in customer.errors)
        assert not sockets
        expect(customer.page.get_by_role("button", name="打开在线客服")).to_be_visible()
    finally:
        customer.context.close()

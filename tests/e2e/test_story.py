"""The product's one sentence, in a real browser: answered, angry, taken over by a person."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.demo_server import DemoServer
from tests.e2e.people import WAIT_MS, Customer, Staff, picture

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass(frozen=True)
class Script:
    """What is said, in one language."""

    locale: str
    agent: str
    agent_name: str
    question: str
    fact: str
    source: str
    rude: str
    quoted: str
    greeting: str
    thanks: str


SCRIPTS = [
    Script(
        "zh-CN", "lin@demo.local.test", "林晓", "信用卡退款多久到账？", "3–7 个工作日", "退款多久到账",
        "问了三遍了！你们到底管不管？太过分了！", "到底管不管",
        "您好，我是林晓，让您久等了，这笔退款我来跟进。", "好的，谢谢",
    ),
    Script(
        "en-GB", "emma@demo.local.test", "Emma", "How long does a credit card refund take?", "3–7 working days",
        "How long refunds take", "This is ridiculous! I asked three times already, you are useless!", "ridiculous",
        "Hello, I am Emma. I am sorry for the wait; I will follow this refund up.", "ok, thank you",
    ),
]  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS, ids=["zh", "en"])
def test_an_angry_customer_reaches_a_person_who_knows_what_happened(
    shop: DemoServer, browser: Browser, script: Script
) -> None:
    agent = Staff(browser, script.locale, width=1440, height=900)
    agent.signs_in(shop.url, script.agent)
    agent.goes_online()
    customer = Customer(browser, script.locale, width=1180, height=820)
    customer.opens(shop.url)
    try:
        customer.writes(script.question)
        customer.reads(script.fact)
        picture(customer.page, f"widget-answer{'' if customer.zh else '-en'}")
        chip = customer.log.get_by_role("button", name=re.compile(re.escape(script.source))).first
        chip.click()

        customer.writes(script.rude)
        expect(agent.offer).to_be_visible(timeout=WAIT_MS)
        agent.accepts()
        expect(agent.log).to_contain_text(script.question)
        expect(agent.log).to_contain_text(script.rude)
        expect(agent.page.get_by_text(agent.says("接手摘要", "Briefing")).first).to_be_visible(
            timeout=WAIT_MS
        )
        picture(agent.page, f"desk{'' if agent.zh else '-en'}")
        agent.writes(script.greeting)
        customer.reads(script.greeting)
        expect(customer.chat.get_by_text(script.agent_name).first).to_be_visible()
        picture(customer.page, f"widget-handover{'' if customer.zh else '-en'}")

        customer.writes(script.thanks)
        expect(agent.log).to_contain_text(script.thanks)
        agent.page.keyboard.press("Alt+e")
        five = customer.chat.get_by_role("radio", name=re.compile(r"^5"))
        five.check(force=True)
        customer.chat.get_by_role("button", name=customer.says("提交", "Send"), exact=True).first.click()
        expect(
            customer.chat.get_by_text(customer.says("感谢您的评价", "Thank you for your rating"))
        ).to_be_visible()
    finally:
        customer.leaves()
        agent.leaves()


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_what_an_editor_publishes_answers_the_next_question(
    shop: DemoServer, browser: Browser, locale: str, tmp_path: Path
) -> None:
    editor = Staff(browser, locale, width=1440, height=900)
    editor.signs_in(shop.url, "editor@demo.local.test")
    article, question, fact = (
        ("香薰机清洁方法.md", "香薰机多久清洁一次？", "每 5 天用白醋清洁一次")
        if editor.zh
        else (
            "aroma-diffuser-cleaning.md",
            "How often should I clean the aroma diffuser?",
            "every 5 days with vinegar",
        )
    )
    title = "香薰机清洁方法" if editor.zh else "Aroma diffuser cleaning"
    text = (
        f"香薰机请{fact}，清水冲净后晾干。"
        if editor.zh
        else f"Clean the aroma diffuser {fact}, then rinse and dry it."
    )
    (tmp_path / article).write_text(f"# {title}\n\n{text}\n", encoding="utf-8")
    customer = Customer(browser, locale, width=420, height=800)
    try:
        editor.page.get_by_role("menuitem", name=editor.says("知识库", "Knowledge")).first.click()
        editor.page.get_by_role("button", name=editor.says("添加文档", "Add documents")).first.click()
        editor.page.locator("input[type=file]").first.set_input_files(tmp_path / article)
        editor.page.get_by_role("button", name=re.compile(editor.says(r"上传 \d", r"Upload \d"))).click()
        done = editor.page.get_by_role("dialog").get_by_text(editor.says("已索引", "Indexed"))
        expect(done.first).to_be_visible(timeout=WAIT_MS)
        editor.page.keyboard.press("Escape")
        picture(editor.page, f"knowledge{'' if editor.zh else '-en'}")
        customer.opens(shop.url)
        customer.writes(question)
        customer.reads(fact)
        picture(customer.page, f"widget-phone{'' if customer.zh else '-en'}")
    finally:
        customer.leaves()
        editor.leaves()


def test_the_plug_is_pulled_and_nothing_is_lost(browser: Browser, tmp_path: Path) -> None:
    server = DemoServer(tmp_path)
    server.start()
    customer = Customer(browser, "zh-CN")
    try:
        customer.opens(server.url)
        customer.writes("发货要多久？")
        customer.reads("16:00")
        server.kill()
        customer.writes("断线时写的这句话")
        server.start()
        customer.reads("断线时写的这句话")
        customer.writes("运费怎么算？")
        customer.reads("99 元")
        customer.page.reload()
        customer.page.get_by_role("button", name="问问客服").click()
        customer.reads("运费怎么算？")
        expect(customer.log.get_by_text("断线时写的这句话", exact=True)).to_have_count(1)
        expect(customer.log.get_by_text("发货要多久？", exact=True)).to_have_count(1)
    finally:
        customer.leaves()
        server.stop()

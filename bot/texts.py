"""What the bot says around its quotes, in the customer's language."""

from __future__ import annotations

from collections.abc import Sequence


def _pick(language: str, zh: str, en: str) -> str:
    return zh if language.startswith("zh") else en


def found_in(title: str, language: str) -> str:
    """The line above a quote."""
    return _pick(language, f"《{title}》中说：", f"From “{title}”:")


def also_in(title: str, language: str) -> str:
    """The line above a second quote."""
    return _pick(language, f"另见《{title}》：", f"See also “{title}”:")


def decline(language: str) -> str:
    """Nothing in the knowledge base answers this."""
    return _pick(
        language,
        "抱歉，帮助文档里没有找到能回答这个问题的内容，我不想凭猜测答复您。您可以换个说法再问一次，或者转人工客服。",
        "Sorry, I could not find anything in the help articles that answers this, and I do not want to guess."
        " You can put it in other words, or talk to a person.",
    )


def near(titles: Sequence[str], language: str) -> str:
    """What is known near the question, added to a decline."""
    if language.startswith("zh"):
        return "我能确定的相关内容：" + "".join(f"《{title}》" for title in titles)
    return "What I do know nearby: " + ", ".join(f"“{title}”" for title in titles)


def clarify(choices: Sequence[str], language: str) -> str:
    """Two topics are equally likely."""
    listed = "\n".join(f"- {choice}" for choice in choices)
    head = _pick(language, "您想问的是哪一个？", "Which of these do you mean?")
    return f"{head}\n{listed}"


def offer(language: str) -> str:
    """Added to an answer when the verdict is to offer a person."""
    return _pick(
        language,
        "如果这没有解决您的问题，可以随时转人工客服。",
        "If this does not settle it, you can talk to a person at any time.",
    )


def busy(language: str) -> str:
    """Something failed on our side."""
    return _pick(
        language,
        "抱歉，我这边暂时出了点问题，没能查到答案。您可以再问一次，或者转人工客服。",
        "Sorry, something went wrong on my side and I could not look this up. Please ask again, or talk"
        " to a person.",
    )

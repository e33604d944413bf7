"""What the customer is told when a conversation goes to people: by the rule that fired, and never a promise
that nobody can keep. Pure.
"""

from __future__ import annotations

from typing import Final

SEEN_ZH: Final = "前面的对话同事都能看到，您不用重复。"
SEEN_EN: Final = "They can see our conversation, so you need not repeat anything."
_DANGER_ZH: Final = (
    "您的安全最重要。如果您或身边的人有生命危险，请立即拨打当地的急救或报警电话（中国大陆：120、110）。"
)
_DANGER_EN: Final = (
    "Your safety comes first. If your life or somebody else's is in danger, please call your local emergency"
    " number right away."
)
_SORRY: Final[dict[str, tuple[str, str]]] = {
    "emotion": ("很抱歉让您着急了", "I'm sorry about this."),
    "threat": ("很抱歉事情到了这一步", "I'm sorry that it has come to this."),
    "repeated_failure": ("很抱歉一直没能解决您的问题", "I'm sorry that I have not solved this for you."),
    "nothing_found": (
        "很抱歉，这个问题我没有找到可靠的答案",
        "I'm sorry, I could not find a reliable answer to this.",
    ),
}
"""Rule → how it begins. Abuse is answered as any other emotion: calmly, and not with blame."""


def connecting(rule: str) -> tuple[str, str]:
    """Somebody is at the desk: the customer is being connected."""
    if rule == "risk":
        return (
            f"{_DANGER_ZH}我正在为您优先转接人工客服；{SEEN_ZH}",
            f"{_DANGER_EN} I'm connecting you to a person with priority. {SEEN_EN}",
        )
    if rule == "manual":
        return "人工客服正在接入。", "A person is joining the conversation."
    if rule in _SORRY:
        zh, en = _SORRY[rule]
        return (
            f"{zh}，正在为您转接人工客服；{SEEN_ZH}",
            f"{en} I'm connecting you to a person now. {SEEN_EN}",
        )
    return (
        f"好的，正在为您转接人工客服；{SEEN_ZH}",
        f"Of course. I'm connecting you to a person now. {SEEN_EN}",
    )


def nobody(rule: str) -> tuple[str, str]:
    """Nobody is at the desk, and when somebody will be is not known: say so, and what can be done."""
    zh = "现在没有人工客服在线。您可以留言并留下联系方式，同事上线后会看到；也可以继续由机器人为您解答。"
    en = (
        "Nobody is at the desk right now. You can leave a message with a way to reach you, which the team"
        " will see when they are back, or stay with the bot."
    )
    if rule == "risk":
        return (
            f"{_DANGER_ZH}现在没有人工客服在线，请不要在这里等待救助。您可以留言并留下联系方式。",
            f"{_DANGER_EN} Nobody is at the desk right now, so please do not wait for help here. You can"
            " leave a message with a way to reach you.",
        )
    if rule in _SORRY:
        begin_zh, begin_en = _SORRY[rule]
        return f"{begin_zh}。{zh}", f"{begin_en} {en}"
    return zh, en

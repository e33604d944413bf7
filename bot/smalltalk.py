"""Greetings, thanks, goodbyes and "are you a bot?", answered without the knowledge base. Pure."""

from __future__ import annotations

import re

from bot.answers import Answer

_TRIM = re.compile(r"[\s,，.。!！?？~～、;；:：…\-—'\"“”()（）\U0001F300-\U0001FAFF\u2600-\u27BF\uFE0F]+")
_FILLER = r"(?:呀|啊|哦|噢|啦|哈|呢|嘛|吧|了|的|哟|诶|嗯)*"
_TOPICS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "bot",
        re.compile(
            rf"(?:请问)?(?:你|您|这|这边|对面)(?:到底|究竟)?(?:是不是|是|算)?(?:个|一个|一台)?(?:机器人|人工智能|人工|ai|真人|活人|robot|bot|程序|自动回复)"
            rf"(?:还是(?:机器人|真人|人|人工|ai)?)?(?:客服)?(?:吗|么|不是|嘛)?{_FILLER}"
            r"|(?:are|r) (?:you|u) (?:a |an )?(?:real |actual )?(?:bot|robot|ai|chatbot|human|person"
            r"|machine|real)(?: or (?:a |an )?(?:real )?\w+)?"
            r"|(?:am i|is this) (?:talking to |chatting with |speaking (?:to|with) )?(?:a "
            r"|an )?(?:real )?(?:bot|robot|ai|human|person|machine)"
        ),
    ),
    ("who", re.compile(rf"(?:请问)?(?:你|您)(?:是谁|叫什么(?:名字)?|是什么){_FILLER}|who are you|what(?:'"
        rf"| i)?s your name|what are you")),
    (
        "ability",
        re.compile(
            rf"(?:请问)?(?:你|您)(?:都)?(?:能|可以|会)(?:做|干|帮我做|帮我|回答)?(?:些|点)?什么(?:事|问题)?{_FILLER}"
            r"|what can (?:you|u) do(?: for me)?|how can you help(?: me)?|what do you do"
        ),
    ),
    (
        "greeting",
        re.compile(
            rf"(?:你好|您好|hi|hello|hey|哈喽|哈罗|嗨|早上好|下午好|晚上好|早安|早|中午好|在吗|在么|在不在|有人吗|有人在吗|亲|喂)"
            rf"(?:你好|您好|在吗|客服|有人吗|亲|there|everyone)*{_FILLER}|good (?:morning|afternoon"
            rf"|evening|day)|(?:hi|hello|hey) there|anyone (?:here|there)"
        ),
    ),
    (
        "thanks",
        re.compile(
            rf"(?:好的|好|嗯+|行|ok|明白|知道|懂)?了?(?:非常|太|十分|多)?(?:谢谢|感谢|多谢|谢了|谢啦|3q"
            rf"|thx|thanks|thank you|thank u|ty|cheers)"
            rf"(?:你|您|你们|亲|客服|so much|very much|a lot|again)*(?:的)?(?:帮助|帮忙|解答|回复)?{_FILLER}"
            r"|(?:great|ok|okay|perfect|cool)? ?(?:thanks|thank you)(?: (?:so|very) much"
            r"| a lot)?(?: for (?:your|the) help)?|辛苦(?:你|您)?了?|麻烦(?:你|您)?了"
        ),
    ),
    ("bye", re.compile(rf"(?:再见|拜拜|拜|88|回见|晚安|bye(?: bye)?|goodbye|see you|good night){_FILLER}")),
    ("ok", re.compile(rf"(?:好的?|好吧|嗯+|哦+|噢|行|可以|明白|知道|懂|收到|了解|没事|没问题|ok|okay|okey"
        rf"|k|got it|i see|sure|fine|alright|understood|no problem|great|cool|perfect){_FILLER}")),
)  # fmt: skip
_EMOJI = re.compile(r"[\U0001F300-\U0001FAFF\u2600-\u27BF\uFE0F\u200D\s]+")
_GLAD = re.compile(
    r"[\U0001F44C\U0001F44D\U0001F44F\U0001F64F\U0001F339\U0001F490\U0001F60A\U0001F600-\U0001F606\u2764\u263A]"
)
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "poiuytrewq", "lkjhgfdsa", "mnbvcxz", "1234567890")
_REPLIES: dict[str, tuple[str, str]] = {
    "bot": (
        "我是自动客服（机器人），根据帮助文档回答问题，并附上出处。需要真人时，点“转人工”或直接说“转人工”即可。",
        "I am an automated assistant. I answer from the help articles and show my sources. Whenever you want"
        " a person, press “Talk to a person” or just ask for one.",
    ),
    "who": (
        "我是自动客服，根据帮助文档回答您的问题。请问有什么可以帮您？",
        "I am the automated assistant of this shop and answer from its help articles. What can I do for you?",
    ),
    "ability": (
        "我可以根据帮助文档回答您的问题并附上出处；回答不了或您需要时，会请人工客服接手。请直接说说您的问题。",
        "I answer questions from the help articles and show the sources; where I cannot, or whenever you"
        " like,"
        " a person takes over. Just tell me your question.",
    ),
    "greeting": ("您好！请问有什么可以帮您？", "Hello! What can I do for you?"),
    "thanks": ("不客气！还有问题的话随时告诉我。", "You're welcome! Tell me if there is anything else."),
    "bye": ("再见，祝您生活愉快！", "Goodbye, and have a nice day!"),
    "ok": ("好的。还有其他问题的话随时告诉我。", "All right. Tell me if there is anything else."),
}


def smalltalk(text: str, language: str) -> Answer | None:
    """The reply when the whole message is small talk, else None (then it is a question)."""
    if len(text) > 60:
        return None
    squeezed = _TRIM.sub(" ", text.lower()).strip()
    for topic, pattern in _TOPICS:
        if pattern.fullmatch(squeezed) or pattern.fullmatch(squeezed.replace(" ", "")):
            zh, en = _REPLIES[topic]
            text = zh if language.startswith("zh") else en
            return Answer(text, source="smalltalk", offer_person=topic == "bot")
    return None


def unclear(text: str, language: str, *, after_answer: bool) -> Answer | None:
    """The reply to what is no question at all: "?", signs, emoji, keys hit at random; else None.

    Args:
        after_answer: something was said before, which "?" then asks about.
    """
    squeezed = "".join(text.split()).lower()
    if _EMOJI.fullmatch(text) and _GLAD.search(text):
        zh, en = _REPLIES["ok"]
    elif not any(char.isalnum() for char in squeezed) and after_answer:
        zh = "刚才的回答哪里不清楚？请告诉我具体想了解哪一点；需要的话也可以转人工客服。"
        en = "What is unclear about the last answer? Tell me which point you mean, or ask for a person."
    elif not any(char.isalnum() for char in squeezed) or _at_random(squeezed):
        zh = "我没有看明白这条消息。请用一句话说说您遇到的问题；需要的话也可以转人工客服。"
        en = "I did not understand that. Please tell me your question in a sentence, or ask for a person."
    else:
        return None
    return Answer(zh if language.startswith("zh") else en, source="smalltalk")


def _at_random(word: str) -> bool:
    """One run of keys that lie side by side, or one sign over and over."""
    if len(word) >= 4 and len(set(word)) == 1 and not word.isdigit():
        return True
    if len(word) < 5 or not word.isascii() or not word.isalpha():
        return False
    runs = sum(any(word[n : n + 3] in row for row in _KEYS) for n in range(len(word) - 2))
    return runs >= (len(word) - 2) * 0.6

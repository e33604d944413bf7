"""A narrow pattern for open sarcasm, which the model's eight layers often miss. Pure.

Praise and a plain contradiction of it in one text ("great job" and "the wrong one", "真快" and "等了一个月"),
or a phrase that is hardly ever meant well ("thanks for nothing"). Praise alone, thanks with a problem, and
"呵呵" alone are not sarcasm. Only the text itself is looked at, after `normalise`. How often it fires,
rightly and wrongly: docs/escalation.md.
"""

from __future__ import annotations

import re

NEGATIVE = 0.86  # what a match lifts the reading to: above the mild threshold, below plain anger
CLEAR = 0.55


def _any(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{part})" for part in parts))


_ZH_PRAISE = _any(
    r"真(?:是)?(?:好|棒|行|牛|快|高|专业|贴心|周到|智能|厉害|会|有你|不错|负责|优秀|及时|感人|准时|给力)",
    r"可真|好(?:棒|厉害|快|贴心|专业|一个)|太(?:感动|棒|贴心|专业|快|感人|周到)",
    r"厉害了|佩服|恭喜|不愧|感动|牛啊|妙啊|了不起|效率(?:感人|真高|高)|没谁了|鼓(?:个)?掌|永远没错|👏|👍",
    r"服务(?:真|可真)?(?:周到|到位)",
)
_NUMBER = r"[半一二两三四五六七八九十几多\d]"
_ZH_CONTRARY = _any(
    rf"第{_NUMBER}+次|(?:天|周|年)(?:才)?回一|[等拖催问]了?(?:我)?(?:整整|快|都)?{_NUMBER}+(?:多)?个?"
    r"(?:天|周|星期|礼拜|月|年|小时|钟头|次|遍)",
    r"(?<!不)又(?:坏|错|发错|取消|没|延|推)|呵呵|下辈子|猴年马月|明年|光年|火星|踢皮球|复读|甩锅|找罪受|气走",
    r"骗|报警|就是不|坏(?:的|得|了|两)|发错|没(?:人管|人理|法用|办)|一句(?:人话|话)|推来推去|白等|白跑",
    r"都(?:是)?(?:顾客|客户|我)的错|搞砸|弄丢|答非所问|拖(?:到|着)",
)
_ZH_PLAIN = _any(
    r"真是好服务.{0,3}呵呵|呵呵.{0,6}(?:真是|可真|好一个|厉害)|真有你们的",
    r"(?:服务|客服|速度|态度|效率)[^，。,!！?？]{0,4}没谁了.{0,3}(?:呵呵|哈哈|服了|无语)",
    r"(?:谢谢|感谢)(?:你们|贵\S)让我(?:白|免费)|贵(?:司|公司|航|店|平台|行)的?[^，。]{0,8}(?:原来|光年|火星)",
    r"(?:要不要|建议|应该)[^，。]{0,8}(?:颁|发)[^，。]{0,6}奖|要不要给[你您]们?(?:鼓掌|送锦旗)",
)
_ZH_SINCERE = _any(
    r"(?:解决|搞定|收到|修好|弄好|处理好|到货|到账)了(?!吗|没)|就(?:到|收到|好|搞定|发货)|终于",
    r"下次还来|好评|点赞|满意|喜欢|没(?:有)?(?:等|拖|坏|发错)|不(?:是)?(?:讽刺|反话)",
    r"回购|复购|购买|[来次]买|买了|下单|推荐|光顾",
)
_EN_PRAISE = _any(
    r"\b(?:great|good|nice|amazing) (?:job|work|service)\b",
    r"\b(?:brilliant|fantastic|wonderful|genius|lovely|bravo)\b",
    r"\bwell done\b|\bcongrat\w*|\blove (?:how|being|that|waiting)\b",
    r"\bso (?:helpful|glad)\b|\boh,? (?:great|good|joy)\b|👏",
)
_COUNT = r"(?:two|three|four|five|six|seven|\d+)"
_EN_CONTRARY = _any(
    rf"\b{_COUNT} (?:hours|days|weeks|months|times|years)\b|\b(?:third|fourth|fifth|sixth|\d+th|3rd) time\b",
    r"\banother\b|\bwrong\b|\b(?:lost|losing|broke|broken|ignored|wasting|wasted|cancell?ed)\b",
    r"\bnever (?:arrived|came)\b",
    r"\blate\b|\bworse than\b|\blooking into it\b|\bcopy[- ]?past|\bstill (?:no|not|waiting)\b",
)
_EN_PLAIN = _any(
    r"\bthanks for nothing\b(?! being)|\bslow clap\b|\bmust be nice to\b|\byeah,? right\b",
    r"\bthanks (?:a lot )?for (?:ruining|wasting|losing|ignoring|the (?:delay|mess))",
    r"\b(?:guess|suppose) i'?ll (?:just )?(?:wait|grow old|die)\b",
    r"\bthat was (?:quick|helpful|fast)\W{1,4}not\b",
    r"\boh,? (?:great|good|wonderful|joy|perfect|fantastic),? (?:another|more|now|so)\b",
)
_EN_SINCERE = _any(
    r"\b(?:fixed|solved|resolved|sorted|works now|working again|arrived|on time|early|no longer|not late)\b",
    r"\bbut\b|\b(?:wasn|didn|isn)'?t\b|\bcan i\b|\bcould (?:you|i)\b|\bhow do\b|\bwhere\b|\bplease\b",
    r"\banother (?:one|colou?r|size|question|order)\b|\bbuy\b|\bagain soon\b",
    r"\b(?:order|thank\w*|come|shop|once) again\b",
)


def mocks(text: str) -> bool:
    """Whether praise in `text` is openly taken back by the rest of it."""
    if _ZH_PLAIN.search(text) or _EN_PLAIN.search(text):
        return True
    if _ZH_PRAISE.search(text) and _ZH_CONTRARY.search(text) and not _ZH_SINCERE.search(text):
        return True
    return bool(_EN_PRAISE.search(text) and _EN_CONTRARY.search(text) and not _EN_SINCERE.search(text))

"""What the judge reads in plain words: asking for a person, threats, danger, contradiction, evasion. Pure.

Every function takes text already put through `normalise` (simplified, lower case) unless it says otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Match:
    """What was found and where, in the text that was searched."""

    start: int
    end: int
    text: str


def _compile(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{part})" for part in parts))


# ── asking for a person ───────────────────────────────────────────────────────
_ZH_PERSON = (
    r"(?:人工|人公|人功|仁工|ren ?gong|rengong|\brg\b|真人|活人|大活人|真的人|坐席|座席|专人|专员"
    r"|客服妹|客服小|小姐姐|工作人员)"
)
_ZH_STAFF = (
    r"(?:人员|客服|专员|主管|经理|领导|老板|负责人|师傅|顾问|工程师|站长|专家|[理核审财业]\S?员|医生|护士"
    r"|班主任|老师|本人|同事|同志|上级)"
)
_ZH_BOSS = r"(?:经理|主管|领导|负责人|老板|店长|值班长|上级)"
_ZH_CALL = (
    r"(?:转接|转到|转给|转至|转|轉|砖|zhuan ?|接通|接|找|叫|呼叫|呼|喊|换|唤|要求|要|需要|想要|想|联系|联络"
    r"|安排|请|"
    r"派|让|给我|帮我|麻烦|上|来|切换|切到|切)"
)
# Compounds in which 人工 is not a person who answers.
_ZH_NOT_PERSON = re.compile(
    r"人工(?:智能|智障|费|成本|呼吸|降雨|湖|草|皮|林|合成|甜味|培育|钻|养殖|种植|授粉|降|晶|耳蜗|关节|泪液"
    r"|流产|授精|受孕"
    r"|审核|复核|核实要|核查|检测|翻译|标注|编织|缝制|打磨|安装|拆|搬|卸货|分拣|录入|计算|心脏|增雨|造雪"
    r"|色素|香精|麝香)"
    r"|纯人工|手工"
)
_ZH_NEGATED = re.compile(
    r"(?:不用|不要|不需要|无需|无须|甭|没必要|不必|不想|先不|暂时不|先别|不是要|别给?我?|并不|用不着|没打算"
    r"|没想|不麻烦|取消)"
    r"(?:再|去|给我|帮我|麻烦|你|您|们|了|现在)*"
    r"(?:转接|转到|转|接|找|要|叫|联系|换|请|安排)*(?:个|一个|一下|到|给|了|什么|任何)?"
    + _ZH_PERSON
    + r"|"
    + _ZH_PERSON
    + r"(?:客服|服务)?(?:就)?(?:不用了|不必了|不需要了|算了|就算了|先不用|也没用|没用)"
)
_ZH_PAST = re.compile(
    r"(?:昨天|上次|上回|前天|刚才)转人工(?:等|排|了|说|聊|之后|后)|(?:不用|不要|别|不必)(?:叫|找|喊|转"
    r"|换)(?:你们)?(?:主管|经理|领导|老板|人)"
    r"|(?:昨天|上次|上回|刚才|刚刚|之前|以前|前天|已经|早上|上午|那天)[^，。,!！?？]{0,8}"
    + _ZH_PERSON
    + r"(?:客服)?(?:那里|那边|了|过|说|告诉|答应|给|之后|后|回复|帮)"
    r"|" + _ZH_PERSON + r"(?:客服)?(?:那里|那边|说了|告诉我|答应|之后|刚才|昨天)"
    r"|(?:跟|和)(?:你们|你|他们)的?" + _ZH_PERSON + r"(?:客服)?(?:说|讲|反映)(?:一声|过|了)"
)
_ZH_ABOUT = re.compile(
    r"转人工(?:客服|服务)?(?:要|得|一般|大概|是不是|会)*(?:排|等)|(?:设置|加|配置|开启|关闭"
    r"|添加)[^，。]{0,12}转人工|转人工(?:按钮|请按|功能|入口|记录|率)"
    r"|换个人(?:的|收货|签收|名字|付款|用|代|去|领)|气炸|(?:还是|是不是)(?:全是|都是)(?:ai|机器人)"
    r"|有真人(?:客服)?吗 还是"
    r"|人工(?:客服|服务|坐席)?的?(?:几点|什么时候|什么时间|上班|下班|工作时间|服务时间|营业|电话|号码|在哪"
    r"|怎么收费|收费|入口)"
    r"|(?:有没有|是否有|有)人工(?:客服|服务)?(?:电话|热线)"
    r"|(?:什么时候|啥时候|什么情况下|什么条件)(?:才)?(?:会|能|可以)?(?:给)?(?:转|接|用|联系)(?:到|上)?人工"
)
_ZH_REQUEST = _compile(
    r"(?:转接|接通|转给|转到|派|安排)(?:一下|到|给|个|一个|我的?|你们的?|们)*\S{0,3}" + _ZH_STAFF,
    r"(?:^|帮我|请|要|麻烦)转(?:一下)?\S{0,3}" + _ZH_STAFF,
    r"(?:想|要|能|直接|请|不如)(?:不能|否)?(?:直接)?(?:跟|和|同|找)\S{0,8}" + _ZH_STAFF
    + r"(?:来|直接|亲自)?(?:说|讲|聊|谈|沟通|对接|反映)",
    r"(?:联系一?下?|找)(?:一下)?(?:我的|你们的?)(?:客户)?" + _ZH_STAFF,
    r"(?<!别)(?:让|请)(?!快递员|配送员|骑手|司机|商家|卖家|快递小哥|师傅)\S{0,8}" + _ZH_STAFF + r"(?:本人"
        r"|来)?(?:联系|回复|回电|打给|找|加)我",
    r"(?:换|喊|叫|派|找|来)(?:个|一个)?人(?:来|$|[,，。!！?？\s]|电话|指导|处理|跟我|给我)",
    r"(?:没有|连)(?:一个|个)?(?:大活人|活人|真人)|(?:不跟|不和)(?:程序|机器|ai|电脑)|等人工$|有人工(?:客服"
    r"|服务)?吗|talk to ?真人",
    r"(?:想|要)?找(?:一下|个|一个|你们|到|你们的)*客服(?:人员|讲|说|聊|来|$)|(?:真人|人工)客服\S{0,4}几号键"
    r"|工号\S{0,8}(?:接|帮我转)|^ren ?gong$",
    # on its own, or at the start followed by the matter
    r"^(?:你好|您好|在吗|hi|hello|喂|亲)?[,，。!！?？~\s]*(?:人工|真人|活人)(?:客服|服务|坐席|座席|在线"
    r"|咨询|台)*"
    r"(?:呢|吗|么|啊|呀|吧|谢谢|在吗|在不在|在么|[\s,，。!！?？~…]|$)",
    r"(?:^|[\s,，。!！?？~])(?:人工|真人)(?:客服|服务|坐席|座席)*(?:呢|吗|么|啊|呀|吧|谢谢"
    r"|[\s,，。!！?？~…]|$)",
    # verb + person
    _ZH_CALL
    + r"(?:一下|下|个|一个|一名|一位|位|名|到|给|成|回|我|你们|你|您|您们|们|的|找|转|接|通|点|能|联系"
        r"|到个|直接|真正|有|跟|和|与|用|是|让|叫|来|[\s,，]){0,6}"
    + _ZH_PERSON,
    r"(?:跟|和|同|与|由)(?:一个|个|一位|你们|你们的|的|真正的|真实的)*" + _ZH_PERSON
    + r"(?:客服)?(?:来)?(?:说|聊|谈|讲|沟通|对话|通话|处理|交流|解决|回答|跟进)",
    _ZH_PERSON + r"(?:客服|服务)?(?:在吗|在不在|在么|有吗|快来|出来|接一下|说话|来一下|介入|处理|回复|帮我"
        r"|帮忙|接入|接听|上线)",
    r"(?:是|不是)人工(?:客服|服务|在|回复|回答|吗|么|嘛|吧|还是|\?|？|啊|$)",
    r"(?:会说人话|能做主|能定|懂技术|能看\S{1,6}|管事|懂行|能解决\S{0,4}|能处理\S{0,4}|有权限)(?:的?(?:人"
    r"|师傅|客服|同事)|的(?:来|接|出来|跟我|给我|联系))",
    r"(?:有没有|找|叫|换|要|来)(?:个|一个)?(?:会说人话|能做主|能定|懂技术|管事|懂行|能解决\S{0,4}"
    r"|能处理\S{0,4})的",
    r"(?<!别)(?<!不要)(?:让|请|叫|把)(?:那个|那位|你们的?|上一个|之前的?|刚才的?|值班的?|跟进\S{0,6}的?"
    r"|能\S{0,4}的)*(?:工程师|专员|师傅|客服|经理|财务|技术|售后|同事|老师|医生|顾问|他|她)(?:来|打|联系我"
    r"|接|找我|找来|回电|给我|跟我|加我|直接|看一下)",
    r"转给能|转给(?:你们)?(?:上级|同事|技术|售后|专业)",
    # the boss, another person, no machine
    r"(?:转接?|转到|找|叫|换|让|要求|我要见|联系|要见|喊|要)(?:你们|你|您|的|个|一个|一下|们|给|位|一位"
    r"|[\s])*" + _ZH_BOSS,
    _ZH_BOSS + r"(?:出来|电话|来接|给我出来|在哪|呢$)",
    r"(?:换|找|转|叫|来|要)(?:个|一个|位|一位|别的|其他的?|另一个|另外一个|另外的?|到?\S{0,6}号|专门的?"
    r"|专业的?|有用的|懂的|能做主的|活的?|会说人话的?|真)+"
    r"(?:人|客服)(?!(?:家|们都|物|民|生|数|次|气|格|像|物|脸|情))",
    r"(?:转|接|呼叫|喊|叫)(?:一下|下|到|个|给|接|你们|在线|你们的|的|我)*客服",
    r"(?:让|叫|要|找|换|来)(?:个|一个|你们)?(?:人|客服)(?:来|跟我|和我|给我)(?:跟我|和我|给我|来)?(?:说|打"
    r"|回|聊|谈|处理|解决|沟通|联系|电话)",
    r"(?:不要|不想|别|拒绝|不和|不跟|懒得跟|受够|烦死)[^，。,.!！?？]{0,8}(?:机器人|机器猫|智能客服|机器"
    r"|自动回复|\bai\b)",
    r"(?:机器人|智能客服|机器客服)[^，。,.!！?？]{0,4}(?:滚|走开|闭嘴|没用|解决不了|听不懂|废物|别|换)",
    r"(?:能不能|能否|可以|可不可以|能)?(?:给我|帮我)?(?:打|回)(?:个|一个)?电话(?:给我|说|沟通|联系|聊|谈)",
    r"(?:有没有|有)电话服务|(?<!不用)(?<!别)电话沟通|电话联系(?:我|一下)|(?:你|您|马上|现在|尽快|请|快"
    r"|能不能|能否)给我(?:打|回)(?:个)?电话(?!了)",
    r"(?:有没有|有)(?:个|一个)?(?:真人|活人|能说话的人|人能|人来|人给我|人管|喘气的)",
    r"^(?:我?要?找)客服$|^(?:人工){2,}|rengong ?kefu|转人工|人工转接|接人工|转(?:ren|人) ?(?:gong|公|g)\b"
    r"|找人工|zhuan ?ren ?gong|转人$|zrg\b",
)  # fmt: skip

_EN_PERSON = (
    r"(?:human(?: being)?|real (?:person|human|people|agent)|live (?:person|agent|human|chat|rep\w*"
    r"|support)|person|actual person"
    r"|agent|representative|rep|operator|somebody|someone|supervisor|manager|adviser|advisor"
    r"|staff(?: member)?"
    r"|customer (?:service|support|care)|support team|team member|people|specialist|associate|higher[- ]up)"
)
_EN_NOT_PERSON = re.compile(
    r"(?:talk|speak|chat|connect) (?:to|with) (?:a |an )?(?:human|person|agent)[\"”']? (?:button|option"
    r"|link|feature)|human (?:resources|error|rights|hair|body|readable|nature|verification)|travel agent"
    r"|estate agent"
    r"|user[- ]agent"
    r"|insurance agent|agent fee|cleaning agent|agent commission|representative sample|property manager"
    r"|password manager"
    r"|task manager|file manager|ads? manager|account manager (?:role|permission)|manager (?:role|account"
    r"|permission|app|plan)"
    r"|smooth operator|in person|per person|person name|(?:two|three|four|\d) (?:person|people)"
)
_EN_NEGATED = re.compile(
    r"(?:do|will) i (?:need|have) to (?:talk|speak|call)[^.!?]{0,40}|(?:don'?t|do not"
    r"|no need to) (?:transfer|connect|escalate)[^.!?,]{0,12}|(?:no need|don'?t (?:need|want|have)"
    r"|do not (?:need|want)|dont (?:need|want)|not (?:asking|looking|trying) (?:for|to)|without|rather not"
    r"|no thanks|instead of"
    r"|prefer not|never mind the|don'?t (?:transfer|connect|escalate)|do not (?:transfer|connect))"
    r"[^.!?,]{0,32}" + _EN_PERSON
)
_EN_ABOUT = re.compile(
    r"(?:what (?:are|is)|when (?:are|is)|hours|opening|phone number|how (?:long|much|many)|why (?:do|are)"
    r"|which|where (?:is|are))"
    r"[^.!?]{0,40}(?:agents?|representatives?|customer (?:service|support)|support team|manager)"
    r"|(?:agent|rep|representative|manager|someone|person|support) (?:told|said|promised|already|yesterday"
    r"|last|i spoke|who|that i|was|had|from)"
    r"|(?:spoke|talked|chatted|speaking|spoken) (?:to|with) [^.!?]{0,20}(?:yesterday|last|earlier|already"
    r"|before|this morning|who)"
    r"|i (?:spoke|talked|chatted|have spoken) (?:to|with)"
)
_EN_REQUEST = _compile(
    r"^(?:(?:agent|human|representative|operator|rep)[ !.,]*){2,}$|^real (?:person|human|agent)\b|^csr\b"
    r"|press 0 for\b|\brepr[eis]{1,3}[a-z]{0,3}n[a-z]{0,3}tive\b(?= please| now|!|$)",
    r"(?:put|patch|hand|dial|plug) me (?:through|over|in|on)\b|escalate (?:this|my|the)(?: \w+)? to"
    r"|(?:i(?:'d)? |would )(?:prefer|rather have) (?:a |an )?(?:human|person|real|agent)",
    r"(?:assisted|helped|served|handled) by (?:a|an|one|some)(?: \w+)? (?:member|person|human|agent|staff"
    r"|employee|specialist)|someone (?:with authority|who (?:can|does|has|knows|understands))"
    r"|get someone who",
    r"any(?:body|one) real|(?:reach|talk to|speak to|speak with|chat with|talk with|get) (?:a|an|some|any"
    r"|your)(?: actual| real| live)* (?:employee|colleague|nurse|doctor|specialist|technician|engineer"
    r"|advisor|clerk|host)",
    r"who can i (?:speak|talk) (?:to|with)|do(?:n'?t| not) want to (?:talk|speak|chat) (?:to|with) (?:a "
    r"|an |the |some )?(?:ai|bot|robot|machine|chatbot|computer)",
    r"^(?:hi|hello|hey|please|pls)?[,.!\s]*(?:a )?(?:human being|human|agent|representative|rep|operator"
    r"|live agent|live chat|real person|person|customer service|manager|supervisor|talk to (?:human|agent)"
    r"|humans?)"
    r"(?: now| please| pls| asap)*[\s.!?]*$",
    r"(?:talk|speak|chat|connect(?: me)?|get(?: me)?|transfer(?:red)?(?: me)?|put me (?:through|on)|pass me"
    r"|hand me(?: over)?|escalate(?: this| me)?"
    r"|switch(?: me)?|give me|bring(?: me| in)?|need|want|forward me|reach|contact|find(?: me)?|call"
    r"|get hold of|let me (?:have|see)|have|deal(?:ing)? with|redirect me|route me|send me)"
    r"(?: to| with| through| over| on| in| me| a| an| the| your| some| real| actual| live| another"
    r"| different| human| proper| somebody| any| one of your| of your| please| right now| now| directly"
    r"| again| up){0,6} "
    + _EN_PERSON
    + r"\b",
    r"(?:is|are) (?:there )?(?:any(?:one|body)?|some(?:one|body)|a|an|real|actual|human|person"
    r"|agent) ?(?:a |an )?(?:real |actual |live |human )*"
    r"(?:human|person|people|agents?|rep\b|there|available|here|i can (?:talk|speak)|(?:to|who can) (?:talk"
    r"|help|speak))",
    r"(?:transfer|connect|escalate|redirect) me\b(?! to (?:the |your )?(?:wi-?fi|internet|network|vpn|page"
    r"|link|app|server))|put me in touch with|(?:book|schedule|arrange"
    r"|request(?:ing)?) (?:a |me a )?call ?(?:back)?\b|a human(?: being)?(?: please|!|\.|$)",
    r"(?:could|can|may) (?:a|an|some|one of your|any) (?:real |actual |live )?(?:person|human|agent|people"
    r"|someone) (?:help|assist|call|look|handle|check|take)",
    r"(?:human|person|agent|representative|rep|operator|manager|supervisor)(?: please| pls| now| asap|!)",
    r"(?:no (?:more )?|not an? |stop|hate|tired of|sick of|enough of|don'?t want|fed up with|useless"
    r"|stupid)(?: with| talking to| the| a| this| these| your| stupid| dumb| useless| damn"
    r"| chatting with){0,4} ?\b(?:bots?|robots?|chatbots?|machines?|automated|ai|canned)\b",
    r"(?:call|phone|ring) me(?: back| now| please| on| at|$|[.!?])|(?:give|want"
    r"|need) (?:me )?(?:a )?(?:phone )?call(?:back| back)?\b",
    r"can (?:i|we) (?:please )?(?:just )?(?:call|phone|talk to|speak to|speak with|talk with) (?:you"
    r"|someone|somebody|anyone|anybody|a |an )",
    r"anyone (?:real|human|alive)|real (?:person|human) please|hooman|humann|huamn|\bhumam\b|reprsentative"
    r"|represenative|agnet\b|live perosn",
    r"let me (?:talk|speak|chat) (?:to|with)"
    r"|(?:talk|speak|chat) (?:to|with) (?:a |an |your |the )?" + _EN_PERSON,
)  # fmt: skip


_SPACED = re.compile(r"(?:^|\s)[\u4e00-\u9fff] [\u4e00-\u9fff] [\u4e00-\u9fff](?:\s|$)")  # "人 工 服 务"
_ASKS_IF_BOT = _compile(
    r"(?:你|您|这|这边|对面)?(?:到底)?(?:是|是不是|不是)(?:真人|活人|人工|真?人|机器人?|ai|自动回复|bot"
    r"|robot)(?:客服)?(?:吗|么|嘛|吧|还是|啊|\?|？|$)",
    r"(?:are|r) (?:you|u)(?: even| actually| really| just)? (?:a |an )?(?:real |actual )?(?:bot|robot|human"
    r"|person|machine|ai|real|computer)\b",
    r"am i (?:talking|speaking|chatting) (?:to|with) (?:a|an) (?:real |actual )?(?:bot|robot|human|person"
    r"|machine|computer|ai)",
)


def asks_if_bot(text: str) -> Match | None:
    """ "Are you a robot?": half a wish for a person, worth an offer."""
    found = _ASKS_IF_BOT.search(text)
    return Match(found.start(), found.end(), found.group()) if found else None


def asks_for_person(text: str) -> Match | None:
    """An explicit wish for a person, in Chinese or English; negations and near misses are none."""
    covered = [m.span() for p in (_ZH_NOT_PERSON, _EN_NOT_PERSON) for m in p.finditer(text)]
    if _SPACED.search(text):
        text = text.replace(" ", "")
        covered = [m.span() for p in (_ZH_NOT_PERSON, _EN_NOT_PERSON) for m in p.finditer(text)]
    masked = list(text)
    for start, end in covered:
        masked[start:end] = "□" * (end - start)
    clean = "".join(masked)
    for exclude in (_ZH_NEGATED, _ZH_PAST, _ZH_ABOUT, _EN_NEGATED, _EN_ABOUT):
        clean = exclude.sub(lambda m: "□" * len(m.group()), clean)
    found = _ZH_REQUEST.search(clean) or _EN_REQUEST.search(clean)
    if found is None:
        return None
    return Match(found.start(), found.end(), text[found.start() : found.end()].strip(" ,，。!！?？"))


def declines_person(text: str) -> Match | None:
    """The customer says that no person is wanted ("不用转人工")."""
    found = _ZH_NEGATED.search(text) or _EN_NEGATED.search(text)
    return Match(found.start(), found.end(), found.group()) if found else None


def asks_about_person(text: str) -> Match | None:
    """A question around people at the desk (hours, phone number): near a request, not one."""
    found = _ZH_ABOUT.search(text) or _EN_ABOUT.search(text)
    return Match(found.start(), found.end(), found.group()) if found else None


# ── threats: complaint bodies, media, lawyers ─────────────────────────────────
_THREAT = _compile(
    r"(?<!\d)123[14]5(?!\d)|(?<!\d)12381(?!\d)|(?<!\d)315(?:曝光|投诉|热线)",
    r"(?:消协|消费者协会|消委会|工商局?|市监局|市场监督|市场监管|质监局?|银保监|银监会|证监会|网信办|工信部"
    r"|信访|黑猫)",
    r"(?:找|联系|发|上|给|曝光|寄)(?:给|到|个|我的?|上|了)*(?:媒体|记者|电视台|热搜|微博|抖音|小红书|朋友圈"
    r"|b站|知乎)",
    r"曝光(?:你们|你|他们|一下|出去|到|在)|(?:我|去|就|要|会|给)(?:要|会|你们|去|就|你)*曝光",
    r"(?:找|请|咨询|委托|叫|联系|我的?|让)(?:个|我的?|了|一个)*律师|律师函",
    r"(?:起诉|(?<!转)(?<!请)告你|(?<!转)告你们|告上|去告|要告|法院见|法庭见|法律途径|法律手段|走法律|诉讼"
    r"|打官司|法律武器|维权到底|报警|报案)",
    r"(?<!没有)(?<!不是)(?:我|要|去|会|就|必须|一定|准备|直接|马上|现在)(?:要|会|去|就|来|得)*投诉(?!流程"
    r"|渠道|电话|方式|入口"
    r"|怎么|进度|处理|记录)",
    r"投诉(?:你们|你|到底|死|定了|他)|差评(?:伺候|等着|送)|(?:给|打)(?:你们|你)?差评",
    r"\b(?:my|a|our|the) (?:lawyer|attorney|solicitor)|\blawyer up|\b(?:sue|suing) (?:you|your|them|this)"
    r"|legal action|small claims|take (?:you|this) to court|see you in court",
    r"\bbbb\b|better business bureau|consumer (?:protection|affairs|rights)|ombudsman|trading standards"
    r"|\bftc\b|\bcfpb\b|\bdot complaint|attorney general",
    r"(?:go|going|went|talk|speak|contact|tell|call|tip)(?:ing)? (?:to )?(?:the )?(?:press|media|news"
    r"|newspapers?|journalists?|reporters?)|go(?:ing)? viral|post(?:ing)? (?:this|it"
    r"|about)[^.!?]{0,20}(?:twitter|facebook|reddit|online|social|tiktok|trustpilot|everywhere)",
    r"(?:file|filing|make|lodge|submit|raise)(?: a| an| my)?(?: formal| official)? complaint(?! form"
    r"| process| procedure)|report(?:ing)? (?:you|your company|this company|this to)|charge ?back"
    r"|dispute (?:this|the charge|it) with my (?:bank|card)|call(?:ing)? the police|fraud department",
)  # fmt: skip
_ASKS_HOW = re.compile(
    r"12315[^。!！]{0,8}(?:区别|是什么|是干|管不管|上班)|bbb (?:rating|link|profile|accredit)|没有?要投诉"
    r"|(?:短信|邮件|内容)[^。]{0,8}起诉"
    r"|(?:投诉|举报|12315|消协|律师|报警|法律)[^。!！]{0,8}(?:流程|渠道|方式|入口|在哪|哪里|怎么|如何|电话是"
    r"|多少|进度|结果|记录|格式|模板|服务|咨询|险|证)"
    r"|(?:怎么|如何|哪里|在哪)[^。!！]{0,6}(?:投诉|举报)"
    r"|(?:被|收到|有|客户|买家|顾客)(?:了|人|的|个)*(?:投诉|差评|举报|起诉)|投诉(?:我|到我)|(?:取消|撤销"
    r"|撤回|撤)(?:了)?(?:投诉|举报)"
    r"|不(?:会|想|是|要|用|打算|准备)?(?:要|来|去)?(?:投诉|曝光|起诉|报警)"
    r"|(?:how|where|what)[^.!?]{0,30}(?:complaint|complain|chargeback|lawyer|legal)|(?:won'?t|not going to"
    r"|don'?t want to|not) (?:sue|complain|file|report)"
)


def threatens(text: str) -> Match | None:
    """Complaint bodies, media, courts as a threat; a question about the complaints process is none."""
    found = _THREAT.search(text)
    if found is None:
        return None
    asked = _ASKS_HOW.search(text)
    if asked and asked.start() <= found.end() and found.start() <= asked.end():
        return None
    return Match(found.start(), found.end(), found.group())


def asks_how_to_complain(text: str) -> Match | None:
    """A calm question about complaining: near a threat, not one."""
    found = _ASKS_HOW.search(text)
    return Match(found.start(), found.end(), found.group()) if found else None


# ── danger ────────────────────────────────────────────────────────────────────
Danger = Literal["self_harm", "safety", "violence"]
_SELF_HARM = _compile(
    r"自杀|轻生|自残|割腕|不想活|活不下去|活着没(?:意思|意义)|(?:想|要)(?:去)?(?:跳楼|跳河|上吊|一了百了)"
    r"|结束(?:自己的)?生命|了结自己"
    r"|(?:我|真的?|就)(?:真的?|都|好|只)?想(?:去)?死(?!机|你|了个)|死了算了|死给你们?看|遗书|(?:吃"
    r"|喝)(?:安眠药|农药)|喝药",
    r"kill(?:ing)? my ?self|suicid|end (?:my|it all|my own) ?(?:life)?|(?:want|going|wanna) to die"
    r"|wanna die|hurt(?:ing)? myself|self[- ]?harm"
    r"|don'?t want to (?:live|be alive)|no (?:reason|point) (?:to|in) liv|better off dead|slit my wrist"
    r"|jump off (?:a|the) (?:bridge|roof|building)|\bkms\b",
)
_VIOLENCE = _compile(
    r"(?:杀|砍|弄|捅|打)死?(?:了)?(?:你们|你全家|你一家|他们)(?:全家)?|(?:炸|烧)(?:了)?你们|同归于尽|带刀"
    r"|拿刀|泼汽油",
    r"(?:kill|shoot|hurt|stab|beat|bomb|burn down) (?:you|your (?:office|store|shop|building|staff|family)"
    r"|them|all of you)",
)
_SAFETY = _compile(
    r"(?:着火|起火|冒烟|冒火|自燃|漏电|触电|电到|电了一下|爆炸了|(?<!气)炸了|烧起来|烧伤|烫伤|漏气|煤气味"
    r"|煤气泄漏|燃气泄漏|鼓包)",
    r"(?:过敏)[^，。]{0,6}(?:住院|休克|急诊|呼吸|医院)|食物中毒|中毒了|送(?:去)?(?:医院|急诊)|呼吸困难"
    r"|被人?(?:跟踪|威胁|绑架)|(?:孩子|宝宝)[^，。]{0,8}(?:误食|吞了|吞下)",
    r"caught fire|(?:is|was|it'?s|are) on fire|smok(?:e|ing) (?:is )?(?:coming|from|out)"
    r"|starts?(?:ed)? smoking|electric(?:al)? shock|electrocuted|exploded|gas leak|smell (?:of )?gas"
    r"|burn(?:ed|t) (?:my|his|her|our) (?:hand|skin|face|arm|son|daughter|kid)|allergic reaction"
    r"|can'?t breathe|food poisoning|\bin the (?:er|hospital)\b|swallowed (?:a|the|it)|sparks? (?:flying"
    r"|coming)|overheated and",
)
_HYPERBOLE = re.compile(
    r"(?:笑|累|急|热|冷|困|烦|气|饿|美|爱|想|帅|萌|便宜|难看|丑)死|死机|死循环|炸鸡|炸裂|爆炸(?:头|糖|盐|性"
    r"|好|优惠|价)|杀(?:价|软|毒|青|菌|虫)"
    r"|(?:烟花|火锅|防火|灭火|怕|防止|会不会|是否会|容易|不会|避免)[^，。]{0,4}(?:着火|起火|爆炸|漏电|触电"
    r"|自燃|过敏|鼓包|烫伤)"
    r"|fire ?stick|kindle fire|killing me (?:with|softly)|dying to|to die for|kill (?:the|a) (?:process"
    r"|session|app|job|subscription)|suicide squad"
)


def danger(text: str) -> tuple[Danger, Match] | None:
    """Self-harm, violence or a hazard to people; figures of speech are none."""
    clean = _HYPERBOLE.sub(lambda m: "□" * len(m.group()), text)
    kinds: tuple[tuple[Danger, re.Pattern[str]], ...] = (
        ("self_harm", _SELF_HARM),
        ("violence", _VIOLENCE),
        ("safety", _SAFETY),
    )
    for kind, pattern in kinds:
        found = pattern.search(clean)
        if found:
            return kind, Match(found.start(), found.end(), found.group())
    return None


# ── how the conversation goes ─────────────────────────────────────────────────
_CONTRADICTS = _compile(
    r"不是(?:这个|这样|这意思|这个意思|我要的|我问的|问这个|说这个|要这个|那个意思|你说的)|我(?:没问|不是问"
    r"|不是说|问的(?:是|不是)|说的(?:是|不是)|是问|的意思是)",
    r"答非所问|看(?:清楚|清|仔细|明白)|听(?:不懂|没听懂)人话|(?:没|不)(?:看懂|听懂|明白我|懂我|理解我)"
    r"|牛头不对马嘴|跑题|所答非所问|不相关|文不对题",
    r"(?:没|不)(?:解决|管用|顶用|好使)|没用(?:啊|的|$|[,，。!！])|没有用|不(?:得行|起作用|奏效)|还是(?:不行"
    r"|不能|不可以|没有|没|一样|老样子|无法|打不开|失败|这样)",
    r"(?:都|已经|早就|刚刚?|不是)(?:说|讲|问|发|试|告诉|提供)(?:过|了|你)|(?:说|问|讲|催|发)了(?:几|三|两"
    r"|好几|多少|无数|n|\d)\s?(?:遍|次|回)|又(?:是这|来|问一遍|重复)|别(?:再)?(?:重复|复制|发这)"
    r"|重复(?:回答|一样|的话)|同样的(?:话|问题)",
    r"(?:that'?s|this is|it'?s|thats) not (?:what|my|the|it|right|helpful|correct|an answer)"
    r"|not what i (?:asked|meant|said|want|need)|wrong answer|(?:did ?n'?t|does ?n'?t|not|do ?n'?t) (?:help"
    r"|answer|work|solve|fix)",
    r"(?:i )?(?:already|just) (?:told|said|tried|explained|did|asked|gave|sent|done)"
    r"|asked (?:you )?(?:\w+ )?(?:times|twice|already)|\w+ times (?:now|already)|read (?:my|what i)"
    r"|are you (?:even )?(?:reading|listening)|still (?:not|no|does|do|can|have|waiting|broken|the same|is)"
    r"|same (?:answer|thing|reply) (?:again|over)|stop (?:repeating|sending)|misunderst|missing the point"
    r"|you keep",
)  # fmt: skip
_EVADES = _compile(
    r"抱歉|不好意思|对不起|无法|没(?:有)?办法|没法|不清楚|不太清楚|不支持|不能(?:保证|给|为|帮|确定|够)"
    r"|不了的|耐心等|请(?:您)?(?:稍等|等待|谅解|见谅|理解|您谅解)|稍等|添麻烦|见谅|谅解|没有权限|没有查到"
    r"|没有查询到|只能(?:是|等|您|建议)|建议您(?:联系|咨询|自行|耐心|再)|以(?:实际|页面|审核|具体)"
    r"|暂(?:时)?(?:无|不|没)|我们会(?:尽快|反馈|改进)|已(?:经)?(?:反馈|记录|登记|催)|尽快|会给您反馈|不便",
    r"sorry|apolog|unfortunately|unable|can ?not|can'?t|won'?t be able|please (?:wait|be patient|bear"
    r"|allow)|patien(?:t|ce)|inconvenience|no (?:information|record|update)|not (?:sure|able|possible"
    r"|available)|business days|we (?:will|'ll) (?:look into|get back|pass|forward)|as soon as possible"
    r"|contact (?:the|your)|noted|feedback",
)  # fmt: skip
_NOTHING_FOUND = _compile(
    r"(?:没|未|没有)(?:能)?(?:找到|查到|检索到|匹配)(?:相关|对应|合适|答案|资料|内容|到)?|(?:不"
    r"|没)(?:太)?(?:明白|理解|听懂|懂)(?:您|你)|换(?:个|一种)(?:说法|问法|方式)|暂无(?:相关|答案)|无法回答"
    r"|回答不了|超出(?:我|了我)|不在(?:我的)?(?:知识|服务)范围|知识库(?:里|中)?没有"
    r"|描述(?:得)?(?:再)?(?:详细|具体)",
    r"(?:could|can)(?:n'?t| not) (?:find|locate|answer|understand)|(?:don'?t|do not|didn'?t"
    r"|did not) (?:understand|have (?:an answer|information)|quite (?:get|understand))|rephrase|not (?:in"
    r"|covered by) (?:my|our) (?:knowledge|documentation)|no (?:results|answer|matching)"
    r"|different(?:ly)? worded|outside (?:of )?(?:what|my)",
)  # fmt: skip
_THANKS = _compile(
    r"谢谢|谢了|感谢|多谢|辛苦了|太好了|明白了|知道了|好的|ok|可以了|解决了|没问题|收到|好嘞|懂了|麻烦了"
    r"|非常满意|很满意|👍|🙏|❤|😊|嗯嗯",
    r"thank|thx|\bty\b|great|perfect|awesome|works now|got it|appreciate|cheers|that helps|solved|lovely"
    r"|sounds good|no worries",
)
_SARCASTIC = re.compile(
    r"(?:呵呵|哈哈|可真|真是谢谢|谢谢你们?的?(?:啊|哦)?[，,]?(?:让|把|毁)|thanks for nothing"
    r"|great,? (?:another|just)|thank you very much for (?:nothing|ruin))"
)
_PRESSING = re.compile(
    r"[?？!！]{2,}|^(?:在吗|在不在|人呢|有人吗|说话|喂|回话|怎么不说话|hello|anyone|are you there)\W*$"
)


def contradicts(text: str) -> Match | None:
    """The customer says that the answer was wrong, useless or not to the point."""
    found = _CONTRADICTS.search(text)
    return Match(found.start(), found.end(), found.group()) if found else None


def evades(reply: str) -> bool:
    """A reply that apologises, stalls or refuses."""
    return bool(_EVADES.search(reply))


def found_nothing(reply: str) -> bool:
    """A reply that says nothing was found or understood."""
    return bool(_NOTHING_FOUND.search(reply))


def thanks(text: str) -> bool:
    """Thanks or consent without a sting."""
    return bool(_THANKS.search(text)) and not _SARCASTIC.search(text)


def presses(text: str) -> bool:
    """ "???", "人呢": pressing without content."""
    return bool(_PRESSING.search(text))

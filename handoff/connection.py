"""One socket as a value machine: what came in, what must go out, when to hang up. No I/O, no clock.

The driver (`handoff.sockets`) feeds it text and the time, writes what `head` gives and closes when `closing`
is set. Times are seconds of a monotonic clock; limits are named with their unit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from handoff import protocol
from handoff.protocol import (
    Act,
    Bye,
    ClientFrame,
    Frame,
    Hello,
    Nack,
    Ping,
    Pong,
    Read,
    Send,
    Sub,
    Typing,
    Unsub,
)  # fmt: skip

MAX_ID: Final = 64  # characters of a cid or a conversation id

REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "bad_json": ("这一帧不是有效的 JSON,请升级客户端。", "The frame is not valid JSON; update the client."),
    "binary_frame": ("只接受文本帧。", "Only text frames are accepted."),
    "bad_frame": ("这一帧缺少字段或字段类型不对。", "The frame lacks a field or has one of the wrong type."),
    "unknown_frame": ("服务器不认识这种帧。", "The server does not know this type of frame."),
    "bad_version": (
        "协议版本不受支持,请刷新页面。",
        "This protocol version is not supported; reload the page.",
    ),
    "hello_first": ("第一帧必须是 hello。", "The first frame must be hello."),
    "hello_timeout": (
        "连接后 5 秒内没有收到 hello,请重新连接。",
        "No hello within 5 seconds; connect again.",
    ),
    "bad_ticket": (
        "连接票据无效、已用过或已过期,请重新获取。",
        "The ticket is wrong, used or expired; get a new one.",
    ),
    "text_empty": ("消息是空的。", "The message is empty."),
    "text_too_long": (
        "消息超过 8000 个字,请分几条发送。",
        "The message is longer than 8,000 characters; send it in parts.",
    ),
    "attachments_refused": ("附件请通过上传接口发送。", "Attachments go through the upload interface."),
    "rate_limited": ("发送得太快了,请稍等片刻。", "Too many frames; wait a moment."),
    "slow_consumer": ("客户端接收太慢,连接将重新建立。", "The client reads too slowly; reconnect."),
    "no_pong": ("心跳没有回应。", "The heartbeat was not answered."),
    "shutdown": ("服务器正在重启,将自动重连。", "The server is restarting; reconnecting."),
    "replaced": ("已在别处打开,此连接已关闭。", "Opened elsewhere; this connection is closed."),
    "server_busy": ("服务器繁忙,请稍后再试。", "The server is busy; try again."),
    "not_found": ("找不到这个会话。", "There is no such conversation."),
    "unknown_action": ("服务器不认识这个操作。", "The server does not know this action."),
    "bad_action": ("操作的参数不对。", "The action's data is wrong."),
    "internal": ("服务器出错了,请重试。", "The server failed; try again."),
}
"""Stable code → what was wrong and what to do, in Chinese and English."""


def refusal_text(code: str, language: str) -> str:
    """The sentence for a code in the peer's language ("zh…" gives Chinese, anything else English)."""
    zh, en = REFUSALS[code]
    return zh if language.lower().startswith("zh") else en


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket's shape: `burst` tokens, refilled over `per_s` seconds."""

    burst: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What one socket may cost. Defaults are a visitor's (RELIABILITY: 20 sends/10 s, 120 frames/60 s)."""

    sends: Rate = Rate(20, 10.0)
    frames: Rate = Rate(120, 60.0)
    outbox_frames: int = protocol.MAX_OUTBOX_FRAMES
    outbox_bytes: int = protocol.MAX_OUTBOX_BYTES
    hello_ms: int = protocol.HELLO_MS
    ping_ms: int = protocol.PING_MS
    pong_ms: int = protocol.PONG_MS
    stall_ms: int = protocol.STALL_MS


VISITOR_LIMITS: Final = Limits()
AGENT_LIMITS: Final = Limits(sends=Rate(60, 10.0), frames=Rate(900, 60.0))  # an agent follows several chats


class Encoded(NamedTuple):
    """A frame ready to be written to any number of sockets."""

    text: str
    size: int  # bytes of UTF-8


def encoded(frame: Frame) -> Encoded:
    """Encode once, write often."""
    data = protocol.encode(frame)
    return Encoded(data.decode(), len(data))


class Closing(NamedTuple):
    """Why and how the socket is being closed."""

    code: int
    name: str


def _text_fault(frame: Send) -> str | None:
    text = frame.body.text
    if len(text) > protocol.MAX_TEXT:
        return "text_too_long"
    if not text or text.isspace():
        return "text_empty"
    return "attachments_refused" if frame.body.attachments else None


class Bucket:
    """Token bucket over a clock that the caller brings."""

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def take(self, now: float) -> float:
        """Take one token; 0 when there was one, else the seconds until there will be."""
        rate = self._rate
        per_second = rate.burst / rate.per_s
        tokens = min(float(rate.burst), self._tokens + (now - self._at) * per_second)
        self._at = now
        if tokens < 1.0:
            self._tokens = tokens
            return (1.0 - tokens) / per_second
        self._tokens = tokens - 1.0
        return 0.0


class Connection:
    """State of one socket between the bytes and the application.

    `state` is "hello" until a hello came, "checking" while the application looks at the ticket, then "open";
    `closing` is set once the socket must go, and nothing is accepted after that.
    """

    __slots__ = (
        "_bytes", "_frames", "_heard", "_outbox", "_pinged", "_progress", "_sends", "_started",
        "closing", "dropped", "language", "limits", "state",
    )  # fmt: skip

    def __init__(self, *, now: float, limits: Limits = VISITOR_LIMITS, language: str = "zh-CN") -> None:
        self.limits = limits
        self.language = language
        self.state: Literal["hello", "checking", "open"] = "hello"
        self.closing: Closing | None = None
        self.dropped = 0
        self._outbox: deque[Encoded] = deque()
        self._bytes = 0
        self._frames = Bucket(limits.frames, now)
        self._sends = Bucket(limits.sends, now)
        self._started = now
        self._heard = now
        self._progress = now
        self._pinged: float | None = None

    # ---- in ---------------------------------------------------------------------------------

    def receive(self, data: str | bytes, now: float) -> ClientFrame | None:
        """One message of the peer; gives the frame that the application must handle, if any.

        Heartbeats are answered here; violations become a nack or set `closing`.
        """
        if self.closing is not None:
            return None
        self._heard = now
        self._pinged = None
        if self._frames.take(now) > 0.0:
            self.close(4102)
            return None
        if not isinstance(data, str):
            self.close(4502, "binary_frame")
            return None
        try:
            frame = protocol.decode_client(data)
        except msgspec.ValidationError:
            self._misshapen(data)
            return None
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            self.close(4502, "bad_json")
            return None
        if self.state == "open":
            return frame if self._acceptable(frame, now) else None
        return frame if self._greeted(frame) else None

    def _greeted(self, frame: ClientFrame) -> bool:
        if self.state != "hello" or not isinstance(frame, Hello):
            self.close(4502, "hello_first")
            return False
        self.language = frame.lang[:16]
        if frame.v != protocol.VERSION:
            self.close(4502, "bad_version")
            return False
        self.state = "checking"
        return True

    def _acceptable(self, frame: ClientFrame, now: float) -> bool:
        """Whether the application must see the frame; heartbeats end here, what is wrong gets its nack."""
        if isinstance(frame, Send | Act):
            return self._actionable(frame, now)
        if isinstance(frame, Ping):
            self.send(Pong(n=frame.n))
            return False
        if isinstance(frame, Pong):
            return False
        wrong = self._fault(frame)
        if wrong is not None:
            self.nack(wrong)
        return wrong is None

    @staticmethod
    def _fault(frame: Hello | Sub | Unsub | Typing | Read) -> str | None:
        if isinstance(frame, Hello) or (isinstance(frame, Read) and frame.seq < 0):
            return "bad_frame"
        return "not_found" if len(frame.conv) > MAX_ID else None

    def _actionable(self, frame: Send | Act, now: float) -> bool:
        cid = frame.cid
        if not 0 < len(cid) <= MAX_ID:
            self.nack("bad_frame", cid[:MAX_ID] or None)
            return False
        if wait := self._sends.take(now):
            self.nack("rate_limited", cid, retry_ms=int(wait * 1000) + 1)
            return False
        wrong = "not_found" if frame.conv is not None and len(frame.conv) > MAX_ID else None
        if wrong is None and isinstance(frame, Send):
            wrong = _text_fault(frame)
        if wrong is not None:
            self.nack(wrong, cid)
        return wrong is None

    def _misshapen(self, data: str) -> None:
        """Well-formed JSON that is no frame of ours: tell which; fatal only before the welcome."""
        if self.state != "open":
            self.close(4502, "hello_first")
            return
        try:
            loose = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            self.close(4502, "bad_json")  # the shape was wrong before the end of the text was reached
            return
        fields = loose if isinstance(loose, dict) else {}
        cid = fields.get("cid")
        self.nack(
            "bad_frame" if fields.get("t") in CLIENT_TYPES else "unknown_frame",
            cid if isinstance(cid, str) and 0 < len(cid) <= MAX_ID else None,
        )

    # ---- out --------------------------------------------------------------------------------

    def welcome(self) -> None:
        """The ticket was good: frames are accepted from now on."""
        self.state = "open"

    def push(self, frame: Encoded, *, droppable: bool = False) -> None:
        """Queue a frame. A droppable one is let go at half the bounds; any other closes a full outbox."""
        if self.closing is not None:
            return
        limits, count, size = self.limits, len(self._outbox), self._bytes + frame.size
        if droppable and (count * 2 >= limits.outbox_frames or size * 2 > limits.outbox_bytes):
            self.dropped += 1
            return
        if count >= limits.outbox_frames or size > limits.outbox_bytes:
            self.close(4101)
            return
        self._outbox.append(frame)
        self._bytes = size

    def send(self, frame: Frame) -> None:
        """Queue a frame for this socket alone."""
        self.push(encoded(frame))

    def nack(self, code: str, cid: str | None = None, *, retry_ms: int | None = None) -> None:
        """Refuse an action; the socket stays."""
        self.send(Nack(code=code, text=refusal_text(code, self.language), cid=cid, retry_ms=retry_ms))

    def close(self, code: int, why: str | None = None, *, retry_ms: int = 0) -> None:
        """Say goodbye and close; a slow consumer's outbox is thrown away, since it is not read."""
        if self.closing is not None:
            return
        name = protocol.CLOSE_CODES[code][0]
        text = refusal_text(why or (name if name in REFUSALS else "server_busy"), self.language)
        if code == 4101:
            self._outbox.clear()
            self._bytes = 0
        farewell = encoded(Bye(code=code, retry_ms=retry_ms, text=text))
        self._outbox.append(farewell)
        self._bytes += farewell.size
        self.closing = Closing(code, why or name)

    def head(self) -> Encoded | None:
        """The next frame to write; stays until `written`."""
        return self._outbox[0] if self._outbox else None

    def written(self, now: float) -> None:
        """The head went out to the transport."""
        if self._outbox:
            self._bytes -= self._outbox.popleft().size
        self._progress = now

    @property
    def backlog(self) -> int:
        """Frames waiting to be written."""
        return len(self._outbox)

    @property
    def room(self) -> bool:
        """Whether a replay may go on without pushing out what is live (outbox under a quarter)."""
        limits = self.limits
        return len(self._outbox) * 4 <= limits.outbox_frames and self._bytes * 4 <= limits.outbox_bytes

    # ---- time -------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Call about once a second: hello timeout, heartbeat, stalled outbox."""
        limits = self.limits
        if not self._outbox:
            self._progress = now
        if self.closing is not None:
            return
        if self.state == "hello" and (now - self._started) * 1000 > limits.hello_ms:
            self.close(4500, "hello_timeout")
        elif self._outbox and (now - self._progress) * 1000 > limits.stall_ms:
            self.close(4101)
        elif self._pinged is not None:
            if (now - self._pinged) * 1000 > limits.pong_ms:
                self.close(4100)
        elif self.state == "open" and (now - self._heard) * 1000 > limits.ping_ms:
            self._pinged = now
            self.push(_PING)


_PING: Final = encoded(Ping(n=1))
CLIENT_TYPES: Final = frozenset(str(frame.__struct_config__.tag) for frame in get_args(ClientFrame))

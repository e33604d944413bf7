"""The wire protocol as values: frames, limits, close codes. No sockets here.

Frames are JSON objects with a type in `t`; unknown fields are ignored. docs/protocol.md is the prose.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

VERSION: Final = 1
MAX_FRAME: Final = 65_536  # bytes
MAX_TEXT: Final = 8_000  # characters
MAX_OUTBOX_FRAMES: Final = 256
MAX_OUTBOX_BYTES: Final = 1_048_576
REPLAY_PAGE: Final = 300  # rows
REPLAY_LIMIT: Final = 1_000  # rows behind; more means recovered=false and a reload by HTTP
PING_MS: Final = 25_000
PONG_MS: Final = 10_000
HELLO_MS: Final = 5_000
STALL_MS: Final = 10_000  # no progress on a full outbox

CLOSE_CODES: Final[dict[int, tuple[str, bool]]] = {
    1007: ("bad_utf8", False),
    1009: ("too_big", False),
    4001: ("shutdown", True),
    4100: ("no_pong", True),
    4101: ("slow_consumer", True),
    4102: ("rate_limited", True),
    4103: ("resync", True),
    4104: ("server_busy", True),
    4500: ("bad_ticket", False),
    4501: ("bad_origin", False),
    4502: ("protocol_error", False),
    4503: ("banned", False),
    4504: ("replaced", False),
}
"""Close code → (name, whether the client should reconnect)."""


class Frame(msgspec.Struct, tag_field="t", omit_defaults=True):
    """Base of every frame."""


# ---- client → server ----------------------------------------------------------------------------


class Hello(Frame, tag="hello"):
    """First frame on a socket. `ticket` is single-use, 30 s, from the HTTP API."""

    v: int
    ticket: str
    lang: str = "zh-CN"


class Sub(Frame, tag="sub"):
    """Follow a conversation; rows after `after` are replayed when `epoch` still holds."""

    conv: str
    after: int = 0
    epoch: str | None = None


class Unsub(Frame, tag="unsub"):
    """Stop following."""

    conv: str


class Body(msgspec.Struct, omit_defaults=True):
    """What a client may put into a message."""

    text: str
    attachments: list[dict[str, Any]] = []


class Send(Frame, tag="send"):
    """Append a message. `cid` is the client's id of this action: the same cid is stored once."""

    cid: str
    conv: str
    body: Body
    kind: str = "text"


class Act(Frame, tag="act"):
    """A command on a conversation or on oneself; answered by ack or nack (actions: docs/protocol.md)."""

    cid: str
    action: str
    conv: str | None = None
    data: dict[str, Any] = {}


class Typing(Frame, tag="typing"):
    """Ephemeral. `preview` is the visitor's unsent text, shown to the agent if the inbox allows it."""

    conv: str
    on: bool = True
    preview: str | None = None
    who: str | None = None
    name: str | None = None


class Read(Frame, tag="read"):
    """The sender has seen everything up to `seq`."""

    conv: str
    seq: int
    who: str | None = None


class Ping(Frame, tag="ping"):
    """Heartbeat, both ways; answered by pong."""

    n: int = 0


class Pong(Frame, tag="pong"):
    """Answer to ping."""

    n: int = 0


# ---- server → client ----------------------------------------------------------------------------


class Welcome(Frame, tag="welcome"):
    """The socket is authenticated."""

    session: str
    user: str
    role: str
    epoch: str
    ping: int = PING_MS
    max_frame: int = MAX_FRAME


class Subd(Frame, tag="subd"):
    """Answer to sub: rows `from_`+1..`to` follow as msg frames; not recovered means reload by HTTP."""

    conv: str
    recovered: bool
    from_: int = msgspec.field(name="from")
    to: int = 0
    more: bool = False
    status: str = "with_bot"
    version: int = 0
    agent: str | None = None
    agent_name: str | None = None


class Msg(Frame, tag="msg"):
    """One row of the log. `from_` is visitor, bot, agent or system."""

    conv: str
    seq: int
    id: str
    from_: str = msgspec.field(name="from")
    kind: str
    body: dict[str, Any]
    ts: int  # milliseconds since 1970, UTC
    cid: str | None = None
    who: str | None = None
    name: str | None = None
    stream: str | None = None


class Ack(Frame, tag="ack"):
    """The action is durable. `dup` means it already was."""

    cid: str
    id: str | None = None
    seq: int | None = None
    ts: int | None = None
    dup: bool = False
    data: dict[str, Any] = {}


class Nack(Frame, tag="nack"):
    """The action was refused; nothing changed. `code` is stable, `text` is for people."""

    code: str
    text: str
    cid: str | None = None
    retry_ms: int | None = None


class Delta(Frame, tag="delta"):
    """A piece of a bot answer in the making; `n` counts from 0 per stream; the final msg carries `stream`."""

    conv: str
    stream: str
    n: int
    text: str
    snapshot: bool = False


class Thinking(Frame, tag="thinking"):
    """The bot is working on an answer (ephemeral)."""

    conv: str
    on: bool = True


class QueuePosition(Frame, tag="queue.position"):
    """To the visitor, on each change. Waits are a range in milliseconds; None when nobody can say."""

    conv: str
    position: int
    size: int
    wait_low_ms: int | None = None
    wait_high_ms: int | None = None


class QueueOffered(Frame, tag="queue.offered"):
    """To one agent: take this conversation until `expires` (milliseconds since 1970)."""

    conv: str
    escalation: str
    entry: str
    reason: str  # the rule: emotion, request, failure, nothing_found, risk, manual …
    reason_zh: str
    reason_en: str
    evidence: list[str]
    negative: float
    priority: int
    language: str
    visitor_name: str
    waiting_since: int
    expires: int
    why_zh: str = ""  # why this agent
    why_en: str = ""
    visitor_short: str = ""  # end of the visitor's id: the label of who has no name


class QueueEnded(Frame, tag="queue.ended"):
    """An offer is over: accepted, taken, expired, declined or withdrawn; `by` is the winner's name."""

    conv: str
    entry: str
    why: str
    by: str | None = None


class QueueChanged(Frame, tag="queue.changed"):
    """To desks: the list of waiting conversations changed; fetch it again."""

    waiting: int
    longest_wait_ms: int


class ConversationChanged(Frame, tag="conversation.changed"):
    """To desks that may see it: head of a conversation, for lists."""

    conv: str
    status: str
    version: int
    last_seq: int
    agent: str | None = None
    preview: str = ""  # the last words; of an event or a briefing, in both languages:
    preview_zh: str = ""
    preview_en: str = ""
    negative: float | None = None


class Presence(Frame, tag="presence"):
    """To desks: an agent's availability and load."""

    agent: str
    name: str
    availability: str
    active: int
    capacity: int


class Bye(Frame, tag="bye"):
    """The server is about to close; reconnect after `retry_ms` if the close code allows it."""

    code: int
    retry_ms: int = 0
    text: str = ""


ClientFrame = Hello | Sub | Unsub | Send | Act | Typing | Read | Ping | Pong
ServerFrame = (
    Welcome
    | Subd
    | Msg
    | Ack
    | Nack
    | Delta
    | Thinking
    | Typing
    | Read
    | QueuePosition
    | QueueOffered
    | QueueEnded
    | QueueChanged
    | ConversationChanged
    | Presence
    | Ping
    | Pong
    | Bye
)

_client_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_server_decoder: msgspec.json.Decoder[ServerFrame] = msgspec.json.Decoder(ServerFrame)
_encoder = msgspec.json.Encoder()


def decode_client(data: str | bytes) -> ClientFrame:
    """Parse one frame from a client; raises msgspec.DecodeError (ValidationError when the shape is wrong)."""
    return _client_decoder.decode(data)


def decode_server(data: str | bytes) -> ServerFrame:
    """Parse one frame from the server; raises msgspec.DecodeError."""
    return _server_decoder.decode(data)


def encode(frame: Frame) -> bytes:
    """One frame as UTF-8 JSON."""
    return _encoder.encode(frame)

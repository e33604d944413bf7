"""What visitors' and agents' sockets share: following conversations, typing, marks of what was read."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import Any, Final

from handoff import conversations
from handoff.auth import Principal
from handoff.domain import Change
from handoff.errors import Invalid, NotFound
from handoff.hub import Audience, Check, ConversationHub, Follower
from handoff.log import not_found
from handoff.protocol import Ack, Read, Sub, Typing, Unsub
from handoff.sockets import Socket

MAX_FOLLOWED: Final = 64  # conversations that one socket may follow
MAX_PREVIEW: Final = 500  # characters of unsent text
REMEMBERED: Final = 4_096  # actions whose answer is kept for a repeat after a reconnect
_numbers = itertools.count(1)


class Answers:
    """Acks of recent actions by (principal, cid): a repeat after a cut socket gets the same answer."""

    def __init__(self) -> None:
        self._acks: OrderedDict[tuple[str, str], Ack] = OrderedDict()

    def repeat(self, principal: str, cid: str) -> Ack | None:
        """The earlier answer, marked as a repeat, or None."""
        known = self._acks.get((principal, cid))
        if known is None:
            return None
        return Ack(cid=cid, id=known.id, seq=known.seq, ts=known.ts, dup=True, data=known.data)

    def keep(self, principal: str, ack: Ack) -> None:
        """Remember an answer; the oldest are forgotten."""
        self._acks[principal, ack.cid] = ack
        if len(self._acks) > REMEMBERED:
            self._acks.popitem(last=False)


class Following:
    """The conversations that one socket follows."""

    def __init__(self, hub: ConversationHub, principal: Principal, *, audience: Audience, epoch: str) -> None:
        self.hub = hub
        self.principal = principal
        self.audience = audience
        self.epoch = epoch
        self.session = f"s{next(_numbers)}"
        self._followers: dict[str, Follower] = {}

    def __contains__(self, conversation: str) -> bool:
        return conversation in self._followers

    async def sub(self, frame: Sub, socket: Socket, check: Check) -> None:
        """Follow from `after`; again for a conversation that is followed replays it."""
        if frame.conv not in self._followers and len(self._followers) >= MAX_FOLLOWED:
            raise Invalid(
                "too_many_subscriptions",
                f"一个连接最多关注 {MAX_FOLLOWED} 个会话。",
                f"One connection follows at most {MAX_FOLLOWED} conversations.",
            )
        old = self._followers.pop(frame.conv, None)
        if old is not None:
            await self.hub.unfollow(frame.conv, old)
        self._followers[frame.conv] = await self.hub.follow(
            socket, self.audience, frame, epoch=self.epoch, check=check
        )

    async def unsub(self, frame: Unsub) -> None:
        """Stop following; unknown ones are ignored."""
        follower = self._followers.pop(frame.conv, None)
        if follower is not None:
            await self.hub.unfollow(frame.conv, follower)

    async def typing(self, frame: Typing, socket: Socket) -> None:
        """Relay to the others; what a visitor has not sent yet goes to the desk alone."""
        self._followed(frame.conv)
        preview = None
        if self.audience == "visitor" and frame.preview is not None:
            preview = frame.preview[:MAX_PREVIEW]
        who = Typing(
            conv=frame.conv,
            on=frame.on,
            preview=preview,
            who=self.principal.kind,
            name=self.principal.name or None,
        )
        to: Audience = "desk" if self.audience == "visitor" else "visitor"
        await self.hub.relay(frame.conv, who, to=to, skip=socket)

    async def read(self, frame: Read, socket: Socket) -> None:
        """Store the mark and tell the others."""
        self._followed(frame.conv)
        visitor = self.audience == "visitor"
        mark = await self.hub.database.write(
            lambda conn: conversations.mark_read(conn, frame.conv, seq=frame.seq, visitor=visitor)
        )
        seen = Read(conv=frame.conv, seq=mark, who=self.principal.kind)
        await self.hub.relay(frame.conv, seen, skip=socket)

    async def close(self) -> None:
        """Stop following everything."""
        for conversation, follower in tuple(self._followers.items()):
            await self.hub.unfollow(conversation, follower)
        self._followers.clear()

    def _followed(self, conversation: str) -> None:
        if conversation not in self._followers:
            raise not_found()


def change_ack(cid: str, change: Change) -> Ack:
    """The answer to an action that changed a conversation."""
    head = change.conversation
    data: dict[str, Any] = {"status": head.status.value, "version": head.version, "conv": head.id}
    if change.escalation is not None:
        data["escalation"] = change.escalation
    if change.entry is not None:
        data["entry"] = change.entry
    if change.nobody_available:
        data["nobody_available"] = True
    return Ack(cid=cid, seq=head.last_seq, dup=not change.changed, data=data)


def text_of(data: dict[str, Any], key: str, *, required: bool = True) -> str:
    """A string of an action's data; Invalid(`bad_action`) when it is missing or no string."""
    value = data.get(key)
    if isinstance(value, str) and (value or not required):
        return value
    if value is None and not required:
        return ""
    raise bad_action(key)


def number_of(data: dict[str, Any], key: str) -> int:
    """An integer of an action's data; Invalid(`bad_action`)."""
    value = data.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise bad_action(key)


def bad_action(key: str) -> Invalid:
    """The action's data lack `key`, or it has the wrong type."""
    return Invalid(
        "bad_action", f"操作缺少参数或参数不对:{key}。", f"The action lacks {key}, or it is wrong."
    )


def unknown_action(action: str) -> NotFound:
    """No such action for this kind of principal."""
    return NotFound(
        "unknown_action", f"没有这个操作:{action[:40]}。", f"There is no such action: {action[:40]}."
    )

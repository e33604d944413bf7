"""The visitor's socket: hello, send, follow, act. Rows are durable before they are acknowledged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from handoff import auth, conversations, escalation, feedback, inboxes, queues, ratings
from handoff.clock import to_ms
from handoff.connection import VISITOR_LIMITS, Limits
from handoff.domain import Change, Conversation, Status
from handoff.errors import Invalid, Unauthenticated
from handoff.following import (
    Answers,
    Following,
    bad_action,
    change_ack,
    number_of,
    text_of,
    unknown_action,
)
from handoff.frontdesk import FrontDesk
from handoff.hub import ConversationHub
from handoff.log import not_found
from handoff.protocol import (
    Ack,
    Act,
    ClientFrame,
    Hello,
    QueuePosition,
    Read,
    Send,
    Sub,
    Typing,
    Unsub,
    Welcome,
)
from handoff.sockets import Socket

MAX_SOCKETS: Final = 5  # of one visitor; the oldest gives way
REQUEST_PRIORITY: Final = 10  # the button; triggers give emotion and risk more


class TurnHandler(Protocol):
    """What answers visitors: called after a message was acknowledged while the bot owns the conversation."""

    async def handle(self, conversation_id: str, seq: int) -> None:
        """Judge and answer the visitor's row `seq`; posts its rows itself and tells the hub."""
        ...


class Visitors:
    """All visitor sockets of this process."""

    def __init__(
        self,
        hub: ConversationHub,
        desk: FrontDesk,
        *,
        epoch: str,
        turns: TurnHandler | None = None,
        limits: Limits = VISITOR_LIMITS,
    ) -> None:
        self.hub = hub
        self.desk = desk
        self.epoch = epoch
        self.turns = turns
        self.limits = limits
        self.answers = Answers()
        self._open: dict[str, list[Socket]] = defaultdict(list)

    async def greet(self, hello: Hello, socket: Socket, *, own: frozenset[str]) -> VisitorSession:
        """Redeem the ticket; the inbox must allow the page's origin."""

        def unit(conn: Connection) -> auth.Principal:
            principal = auth.redeem_ticket(conn, hello.ticket, origin=socket.origin)
            if principal.kind != "visitor":
                raise Unauthenticated("bad_ticket", "连接票据无效。", "The ticket is not valid.")
            return principal

        principal = await self.hub.database.write(unit)
        if socket.origin is not None and socket.origin not in own:
            inbox = await self.hub.database.read(lambda conn: inboxes.get(conn, principal.inbox or ""))
            if not inbox.allows(socket.origin):
                socket.close(4501, "bad_origin")
        sockets = self._open[principal.id]
        sockets.append(socket)
        while len(sockets) > MAX_SOCKETS:
            sockets.pop(0).close(4504)
        session = VisitorSession(self, principal)
        socket.connection.welcome()
        socket.send(
            Welcome(session=session.following.session, user=principal.id, role="visitor", epoch=self.epoch)
        )
        return session

    def gone(self, visitor: str, socket: Socket) -> None:
        """Forget a socket."""
        sockets = self._open.get(visitor, [])
        if socket in sockets:
            sockets.remove(socket)
        if not sockets:
            self._open.pop(visitor, None)


class VisitorSession:
    """One visitor's socket after the welcome."""

    def __init__(self, visitors: Visitors, principal: auth.Principal) -> None:
        self._visitors = visitors
        self._hub = visitors.hub
        self._me = principal
        self.following = Following(visitors.hub, principal, audience="visitor", epoch=visitors.epoch)

    async def handle(self, frame: ClientFrame, socket: Socket) -> None:
        """One frame; HandoffError becomes a nack."""
        match frame:
            case Send():
                await self._send(frame, socket)
            case Sub():
                await self.following.sub(frame, socket, self._mine)
                await self._position(frame.conv, socket)
            case Unsub():
                await self.following.unsub(frame)
            case Act():
                await self._act(frame, socket)
            case Typing():
                await self.following.typing(frame, socket)
            case Read():
                await self.following.read(frame, socket)

    async def closed(self, socket: Socket) -> None:
        """The socket is gone; the conversation stays."""
        await self.following.close()
        self._visitors.gone(self._me.id, socket)

    def _mine(self, _: Connection, head: Conversation) -> None:
        if head.visitor != self._me.id:
            raise not_found()

    async def _position(self, conv: str, socket: Socket) -> None:
        """Who comes back while waiting hears at once where they stand."""
        place = await self._hub.database.read(lambda conn: queues.position(conn, conv))
        if place is not None:
            socket.send(
                QueuePosition(
                    conv=conv,
                    position=place.position,
                    size=place.size,
                    wait_low_ms=place.wait_low_ms,
                    wait_high_ms=place.wait_high_ms,
                )
            )

    async def _send(self, frame: Send, socket: Socket) -> None:
        if frame.kind != "text":
            raise Invalid("bad_kind", "访客只能发送文字消息。", "A visitor sends text only.")
        me, body = self._me, {"text": frame.body.text}
        posted = await self._hub.database.write(
            lambda conn: conversations.post(
                conn, frame.conv, visitor=me.id, cid=frame.cid, body=body, name=me.name
            )
        )
        row = posted.message
        socket.send(Ack(cid=frame.cid, id=row.id, seq=row.seq, ts=to_ms(row.created), dup=posted.dup))
        if posted.dup:
            return
        await self._hub.rows(posted.rows)
        turns = self._visitors.turns
        if turns is not None and posted.status is Status.WITH_BOT:
            self._hub.background(turns.handle(frame.conv, row.seq))

    async def _act(self, frame: Act, socket: Socket) -> None:
        answers = self._visitors.answers
        if (known := answers.repeat(self._me.id, frame.cid)) is not None:
            socket.send(known)
            return
        do = ACTIONS.get(frame.action)
        if do is None:
            raise unknown_action(frame.action)
        if frame.conv is None:
            raise bad_action("conv")
        change = await do(self, frame.conv, frame.data)
        ack = Ack(cid=frame.cid) if change is None else change_ack(frame.cid, change)
        answers.keep(self._me.id, ack)
        socket.send(ack)
        if change is not None:
            await self._visitors.desk.changed(change)

    async def _change(self, unit: Callable[[Connection], Change]) -> Change:
        return await self._hub.database.write(unit)

    async def request_human(self, conv: str, data: dict[str, Any]) -> Change:
        """The button that always works."""
        words = text_of(data, "reason", required=False)[:200]

        def unit(conn: Connection) -> Change:
            self._mine(conn, conversations.get(conn, conv))
            return escalation.request(
                conn, conv, rule="request", priority=REQUEST_PRIORITY, evidence=[words] if words else [],
                reason_zh="客户要求人工客服", reason_en="The customer asked for a person",
            )  # fmt: skip

        return await self._change(unit)

    async def stay_with_bot(self, conv: str, _: dict[str, Any]) -> Change:
        """Leave the queue."""
        return await self._change(lambda conn: escalation.stay_with_bot(conn, conv, visitor=self._me.id))

    async def leave_message(self, conv: str, data: dict[str, Any]) -> Change:
        """A message for the team, with a way to answer it."""
        contact, text = text_of(data, "contact"), text_of(data, "text")
        return await self._change(
            lambda conn: escalation.leave_message(conn, conv, visitor=self._me.id, contact=contact, text=text)
        )

    async def rate(self, conv: str, data: dict[str, Any]) -> Change:
        """Rate a resolved conversation."""
        score, comment = number_of(data, "score"), text_of(data, "comment", required=False)
        return await self._change(
            lambda conn: ratings.rate(conn, conv, visitor=self._me.id, score=score, comment=comment)
        )

    async def feedback(self, conv: str, data: dict[str, Any]) -> None:
        """Thumb on an answer."""
        seq, helpful = number_of(data, "seq"), data.get("helpful")
        if not isinstance(helpful, bool):
            raise bad_action("helpful")
        await self._hub.database.write(
            lambda conn: feedback.give(conn, conv, visitor=self._me.id, seq=seq, helpful=helpful)
        )

    async def end(self, conv: str, _: dict[str, Any]) -> Change:
        """The visitor is done."""
        return await self._change(
            lambda conn: escalation.resolve(conn, conv, by=self._me.id, by_visitor=True)
        )


_Action = Callable[[VisitorSession, str, dict[str, Any]], Awaitable[Change | None]]
ACTIONS: Final[dict[str, _Action]] = {
    "request_human": VisitorSession.request_human,
    "stay_with_bot": VisitorSession.stay_with_bot,
    "leave_message": VisitorSession.leave_message,
    "rate": VisitorSession.rate,
    "feedback": VisitorSession.feedback,
    "end": VisitorSession.end,
}
"""Action → what it does; a test compares the names with docs/protocol.md."""

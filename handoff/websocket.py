"""The agent's socket: hello, answer, note, follow, accept, transfer, resolve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from sqlalchemy import Connection

from handoff import agents, auth, conversations, deskviews, escalation, queues
from handoff.clock import to_ms
from handoff.connection import AGENT_LIMITS, Limits
from handoff.domain import Availability, Change, Conversation
from handoff.errors import Invalid, Unauthenticated
from handoff.following import Answers, Following, bad_action, change_ack, text_of, unknown_action
from handoff.frontdesk import FrontDesk, Member
from handoff.protocol import Ack, Act, ClientFrame, Hello, Read, Send, Sub, Typing, Unsub, Welcome
from handoff.sockets import Socket

MAX_SOCKETS: Final = 8  # of one agent: windows and devices; the oldest gives way


class Desks:
    """All desk sockets of this process."""

    def __init__(self, desk: FrontDesk, *, epoch: str, limits: Limits = AGENT_LIMITS) -> None:
        self.desk = desk
        self.hub = desk.hub
        self.epoch = epoch
        self.limits = limits
        self.answers = Answers()
        self._open: dict[str, list[Socket]] = defaultdict(list)

    async def greet(self, hello: Hello, socket: Socket) -> DeskSession:
        """Redeem the ticket of a signed-in agent."""

        def unit(conn: Connection) -> auth.Principal:
            principal = auth.redeem_ticket(conn, hello.ticket, origin=socket.origin)
            if principal.kind != "agent":
                raise Unauthenticated("bad_ticket", "连接票据无效。", "The ticket is not valid.")
            return principal

        principal = await self.hub.database.write(unit)
        sockets = self._open[principal.id]
        sockets.append(socket)
        while len(sockets) > MAX_SOCKETS:
            sockets.pop(0).close(4504)
        session = DeskSession(self, principal)
        socket.connection.welcome()
        socket.send(
            Welcome(
                session=session.following.session,
                user=principal.id,
                role=str(principal.role),
                epoch=self.epoch,
            )
        )
        session.member = await self.desk.join(socket, principal)
        offers = await self.hub.database.read(
            lambda conn: deskviews.offers_of(conn, principal.workspace, principal.id)
        )
        for offer in offers:
            socket.send(offer)
        return session

    def gone(self, agent: str, socket: Socket) -> None:
        """Forget a socket."""
        sockets = self._open.get(agent, [])
        if socket in sockets:
            sockets.remove(socket)
        if not sockets:
            self._open.pop(agent, None)


class DeskSession:
    """One agent's socket after the welcome."""

    def __init__(self, desks: Desks, principal: auth.Principal) -> None:
        self._desks = desks
        self._hub = desks.hub
        self._me = principal
        self.member: Member | None = None
        self.following = Following(desks.hub, principal, audience="desk", epoch=desks.epoch)

    async def handle(self, frame: ClientFrame, socket: Socket) -> None:
        """One frame; HandoffError becomes a nack."""
        match frame:
            case Send():
                await self._send(frame, socket)
            case Sub():
                await self.following.sub(frame, socket, self._readable)
            case Unsub():
                await self.following.unsub(frame)
            case Act():
                await self._act(frame, socket)
            case Typing():
                await self._typing(frame, socket)
            case Read():
                await self.following.read(frame, socket)

    async def closed(self, socket: Socket) -> None:
        """The socket is gone; the lease runs on, so that a reload costs nothing."""
        await self.following.close()
        if self.member is not None:
            await self._desks.desk.leave(self.member)
        self._desks.gone(self._me.id, socket)

    def _readable(self, conn: Connection, head: Conversation) -> None:
        deskviews.allow(conn, self._me, "conversation.read", head)

    def _allowed(self, conn: Connection, action: str, conv: str) -> Conversation:
        head = conversations.get(conn, conv, workspace=self._me.workspace)
        deskviews.allow(conn, self._me, action, head)
        return head

    async def _typing(self, frame: Typing, socket: Socket) -> None:
        await self._hub.database.read(lambda conn: self._allowed(conn, "conversation.typing", frame.conv))
        await self.following.typing(frame, socket)

    async def _send(self, frame: Send, socket: Socket) -> None:
        if frame.kind not in {"text", "note"}:
            raise Invalid("bad_kind", "消息类型须为 text 或 note。", "A message is of kind text or note.")
        me, body, note = self._me, {"text": frame.body.text}, frame.kind == "note"

        def unit(conn: Connection) -> conversations.Posted:
            if note:
                self._allowed(conn, "conversation.note", frame.conv)
            else:  # whether this conversation is theirs is part of the write itself
                auth.authorise(me, "conversation.send", auth.Resource(me.workspace, agent=me.id))
            post = conversations.post_note if note else conversations.post_as_agent
            return post(
                conn, frame.conv, agent=me.id, cid=frame.cid, body=body, name=me.name, workspace=me.workspace
            )

        posted = await self._hub.database.write(unit)
        row = posted.message
        socket.send(Ack(cid=frame.cid, id=row.id, seq=row.seq, ts=to_ms(row.created), dup=posted.dup))
        await self._hub.rows(posted.rows)

    async def _act(self, frame: Act, socket: Socket) -> None:
        answers = self._desks.answers
        if (known := answers.repeat(self._me.id, frame.cid)) is not None:
            socket.send(known)
            return
        do = ACTIONS.get(frame.action)
        if do is None:
            raise unknown_action(frame.action)
        outcome = await do(self, frame.conv, frame.data)
        ack = (
            change_ack(frame.cid, outcome)
            if isinstance(outcome, Change)
            else Ack(cid=frame.cid, data=outcome)
        )
        answers.keep(self._me.id, ack)
        socket.send(ack)
        if isinstance(outcome, Change):
            await self._desks.desk.changed(outcome)
            await self._presence()

    async def _presence(self) -> None:
        me = self._me
        account = await self._hub.database.read(lambda conn: agents.get(conn, me.workspace, me.id))
        await self._desks.desk.presence(account)

    # ---- actions --------------------------------------------------------------------------------

    async def accept(self, _: str | None, data: dict[str, Any]) -> Change:
        """Take an offered or waiting conversation; exactly one agent wins."""
        entry, me = text_of(data, "entry"), self._me

        def unit(conn: Connection) -> Change:
            item = queues.entry(conn, entry, workspace=me.workspace)
            asked = auth.Resource(me.workspace, queue=item.queue, waiting=True)
            if me.id not in {item.offered_to, item.direct_to}:
                auth.authorise(me, "offer.accept", asked)
            return escalation.accept(conn, entry, workspace=me.workspace, agent=me.id)

        return await self._hub.database.write(unit)

    async def decline(self, _: str | None, data: dict[str, Any]) -> Change:
        """No: back to the head of the queue."""
        entry, me = text_of(data, "entry"), self._me
        auth.authorise(me, "offer.decline", auth.Resource(me.workspace, agent=me.id))
        return await self._hub.database.write(
            lambda conn: escalation.decline(conn, entry, workspace=me.workspace, agent=me.id)
        )

    async def take(self, conv: str | None, _: dict[str, Any]) -> Change:
        """Without an offer: from the queue, or (a supervisor) from the bot."""
        me = self._me

        def unit(conn: Connection) -> Change:
            self._allowed(conn, "conversation.take", _conv(conv))
            return escalation.take(conn, _conv(conv), workspace=me.workspace, agent=me.id)

        return await self._hub.database.write(unit)

    async def transfer(self, conv: str | None, data: dict[str, Any]) -> Change:
        """To a queue or a colleague, context kept."""
        me = self._me
        queue, agent = text_of(data, "queue", required=False), text_of(data, "agent", required=False)
        note = text_of(data, "note", required=False)

        def unit(conn: Connection) -> Change:
            self._allowed(conn, "conversation.transfer", _conv(conv))
            return escalation.transfer(
                conn, _conv(conv), workspace=me.workspace, agent=me.id, to_queue=queue or None,
                to_agent=agent or None, note=note or None, any_agent=self._wide,
            )  # fmt: skip

        return await self._hub.database.write(unit)

    async def return_to_bot(self, conv: str | None, _: dict[str, Any]) -> Change:
        """The bot goes on."""
        me = self._me

        def unit(conn: Connection) -> Change:
            self._allowed(conn, "conversation.return_to_bot", _conv(conv))
            return escalation.return_to_bot(
                conn, _conv(conv), workspace=me.workspace, agent=me.id, any_agent=self._wide
            )

        return await self._hub.database.write(unit)

    async def resolve(self, conv: str | None, _: dict[str, Any]) -> Change:
        """Done."""
        me = self._me

        def unit(conn: Connection) -> Change:
            head = conversations.get(conn, _conv(conv), workspace=me.workspace)
            action = "conversation.read" if head.agent is None else "conversation.resolve"
            deskviews.allow(conn, me, action, head)  # resolving twice changes nothing
            return escalation.resolve(conn, head.id, by=me.id, workspace=me.workspace, any_agent=self._wide)

        return await self._hub.database.write(unit)

    async def set_availability(self, _: str | None, data: dict[str, Any]) -> dict[str, Any]:
        """Online, busy, away, offline."""
        me, wanted = self._me, text_of(data, "availability")
        auth.authorise(me, "presence.set", auth.Resource(me.workspace, agent=me.id))
        if wanted not in set(Availability):
            raise bad_action("availability")
        account = await self._hub.database.write(
            lambda conn: agents.set_availability(conn, me.workspace, me.id, Availability(wanted))
        )
        self._hub.queue_changed()
        await self._desks.desk.presence(account)
        return {"availability": account.availability.value}

    async def judge(self, _: str | None, data: dict[str, Any]) -> dict[str, Any]:
        """Was this escalation right?"""
        me, ident, opinion = self._me, text_of(data, "escalation"), text_of(data, "judgement")

        def unit(conn: Connection) -> None:
            row = escalation.get(conn, me.workspace, ident)
            if row["accepted_by"] != me.id:
                self._allowed(conn, "escalation.judge", row["conversation"])
            escalation.judge(conn, workspace=me.workspace, escalation=ident, judgement=opinion)

        await self._hub.database.write(unit)
        return {"judgement": opinion}

    @property
    def _wide(self) -> bool:
        return self._me.role in {"supervisor", "admin"}


def _conv(conv: str | None) -> str:
    if conv is None:
        raise bad_action("conv")
    return conv


_Action = Callable[[DeskSession, str | None, dict[str, Any]], Awaitable[Change | dict[str, Any]]]
ACTIONS: Final[dict[str, _Action]] = {
    "accept": DeskSession.accept,
    "decline": DeskSession.decline,
    "take": DeskSession.take,
    "transfer": DeskSession.transfer,
    "return_to_bot": DeskSession.return_to_bot,
    "resolve": DeskSession.resolve,
    "set_availability": DeskSession.set_availability,
    "judge": DeskSession.judge,
}
"""Action → what it does; a test compares the names with docs/protocol.md."""

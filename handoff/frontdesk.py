"""The desk as a whole: its sockets, the dispatcher's clock, list changes, presence and leases.

One per process. Decisions are SQL units (`handoff.dispatch`); this tells the sockets what came of them, over
the bus to those of other processes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from handoff import agents, auth, deskviews, dispatch, queues
from handoff.bus import BusEvent, Subscription, agent_topic, desk_topic
from handoff.clock import utc_now
from handoff.connection import encoded
from handoff.deskviews import Brief, may
from handoff.dispatch import Dispatched
from handoff.domain import Change, OfferEnded
from handoff.errors import HandoffError
from handoff.hub import ConversationHub, relayed
from handoff.protocol import (
    ConversationChanged,
    Frame,
    Presence,
    QueueChanged,
    QueueEnded,
    QueuePosition,
)
from handoff.sockets import Socket

log = logging.getLogger(__name__)
DISPATCH_S: Final = 1.0  # the dispatcher's clock, when nobody kicks it
LISTS_S: Final = 0.25  # list changes are gathered this long
LISTS_MAX: Final = 100  # conversations told per round
LEASE_S: Final = 10.0  # a lease lives 45 s
STAMPS_S: Final = 2.0  # how soon a disabled account, a new role or a new password ends open sockets
SHUTDOWN: Final = 4001  # sockets that this server closes itself come back: their agents have not left


@dataclass(slots=True, eq=False)
class Member:
    """A signed-in socket; `told` are the conversations that its list may show."""

    socket: Socket
    principal: auth.Principal
    stamp: tuple[str, str] | None = None  # see `agents.stamps`
    told: set[str] = field(default_factory=set)


class FrontDesk:
    """Sockets of agents in this process."""

    def __init__(self, hub: ConversationHub) -> None:
        self.hub = hub
        self.database = hub.database
        self._members: dict[str, list[Member]] = {}  # by workspace
        self._topics: dict[str, Subscription] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[str, int] = {}  # workspace → how many waited when the desk was last told
        self._left: dict[str, tuple[str, datetime]] = {}  # agent → workspace, when the lease is over

    async def start(self) -> None:
        """Start the clocks; call after the hub's `start`."""
        for clock in (self._dispatcher, self._lister, self._lessor, self._guard):
            self._tasks.append(asyncio.create_task(clock()))

    async def close(self) -> None:
        """Stop the clocks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for topic in self._topics.values():
            await topic.close()

    # ---- members --------------------------------------------------------------------------------

    async def join(self, socket: Socket, principal: auth.Principal) -> Member:
        """A desk socket said hello: the lease is good again."""
        member = Member(socket, principal)
        self._members.setdefault(principal.workspace, []).append(member)
        if self.hub.remote:
            for topic in (desk_topic(principal.workspace), agent_topic(principal.id)):
                if topic not in self._topics:
                    self._topics[topic] = await self.hub.bus.subscribe(topic, self._hear)
        try:
            await self._arrived(member)
        except BaseException:
            await self.leave(member)
            raise
        return member

    async def _arrived(self, member: Member) -> None:
        me = member.principal

        def unit(conn: Connection) -> tuple[str, str] | None:
            agents.renew_leases(conn, [me.id])
            return agents.stamps(conn, [me.id]).get(me.id)

        member.stamp = await self.database.write(unit)
        self._left.pop(me.id, None)
        if member.stamp is None or member.stamp[0] != str(me.role):
            member.socket.close(4500, "bad_ticket")

    async def leave(self, member: Member) -> None:
        """A desk socket is gone; with the last one the agent's lease soon ends."""
        everyone = self._members.get(member.principal.workspace, [])
        if member in everyone:
            everyone.remove(member)
        agent = member.principal.id
        if self.sockets_of(agent):
            return
        topic = agent_topic(agent)
        if topic in self._topics:
            await self._topics.pop(topic).close()
        closing = member.socket.connection.closing
        if closing is None or closing.code != SHUTDOWN:
            await self._gone(member.principal)

    async def _gone(self, principal: auth.Principal) -> None:
        """The agent has no socket here; another process that has one renews the lease when it hears this."""
        agent, now = principal.id, utc_now()
        try:
            await self.database.write(lambda conn: agents.shorten_lease(conn, agent, now=now))
        except HandoffError as error:  # the lease ends by itself, later
            log.warning("leases: not shortened: %s", error)
            return
        self._left[agent] = (principal.workspace, now + agents.LEAVING)
        await self._over_the_bus(agent_topic(agent), {"left": agent})

    def sockets_of(self, agent: str) -> list[Member]:
        """The agent's sockets in this process."""
        return [m for members in self._members.values() for m in members if m.principal.id == agent]

    def _all(self) -> Iterable[Member]:
        return (member for members in self._members.values() for member in members)

    # ---- telling ------------------------------------------------------------------------------

    async def to_agent(self, agent: str, frame: Frame) -> None:
        """To every socket of one agent, in every process."""
        self._to_agent(agent, frame)
        await self._over_the_bus(agent_topic(agent), {"frame": msgspec.to_builtins(frame), "agent": agent})

    def _to_agent(self, agent: str, frame: Frame) -> None:
        ready = encoded(frame)
        for member in self.sockets_of(agent):
            member.socket.push(ready)

    async def to_desk(self, workspace: str, frame: Frame) -> None:
        """To everybody at the workspace's desk who may see the queue (editors may not)."""
        plain = {"frame": msgspec.to_builtins(frame), "workspace": workspace}
        self._to_desk(plain)
        await self._over_the_bus(desk_topic(workspace), plain)

    def _to_desk(self, plain: dict[str, Any]) -> None:
        workspace = plain["workspace"]
        ready = relayed(plain["frame"])
        for member in self._members.get(workspace, ()):
            if may(member.principal, "queue.read", auth.Resource(workspace)):
                member.socket.push(ready, droppable=True)

    async def _over_the_bus(self, topic: str, plain: dict[str, Any]) -> None:
        if self.hub.remote:
            await self.hub.bus.publish(BusEvent(topic, relay=plain, sender=self.hub.node))

    def _hear(self, event: BusEvent) -> None:
        if event.sender == self.hub.node or event.relay is None:
            return
        plain = event.relay
        if "left" in plain:
            if self.sockets_of(plain["left"]):
                self.hub.background(self._renew([plain["left"]]))
        elif "brief" in plain:
            self._list_change(msgspec.convert(plain["brief"], Brief))
        elif "agent" in plain:
            ready = relayed(plain["frame"])
            for member in self.sockets_of(plain["agent"]):
                member.socket.push(ready)
        else:
            self._to_desk(plain)

    async def changed(self, change: Change) -> None:
        """A use case did something: rows to the followers, ended offers to their agents, then the queue."""
        await self.hub.rows(change.rows)
        self.hub.touched.add(change.conversation.id)
        for over in change.ended:
            await self._ended(over)
        if change.changed:
            self.hub.queue_changed()

    async def presence(self, agent: agents.Agent) -> None:
        """An agent's availability or load changed."""
        active = await self.database.read(lambda conn: agents.active_chats(conn, agent.workspace))
        frame = Presence(
            agent=agent.id, name=agent.name, availability=agents.present(agent, utc_now()).value,
            active=active.get(agent.id, 0), capacity=agent.capacity,
        )  # fmt: skip
        await self.to_desk(agent.workspace, frame)

    async def _ended(self, over: OfferEnded) -> None:
        frame = QueueEnded(conv=over.conversation, entry=over.entry, why=over.why, by=over.by)
        await self.to_agent(over.agent, frame)

    # ---- the dispatcher's clock -----------------------------------------------------------------

    async def _dispatcher(self) -> None:
        while True:
            kicked = await self._kicked()
            try:
                await self._tell_left()
                if kicked or await self.database.read(lambda conn: dispatch.due(conn, utc_now())):
                    await self._dispatch(kicked)
            except HandoffError as error:
                log.warning("dispatcher: %s", error)
            except Exception:  # the clock's outer edge: the next step may work again
                log.exception("dispatcher: a step failed")

    async def _tell_left(self) -> None:
        """Colleagues hear who did not come back in time; routing knows by the lease itself."""
        now = utc_now()
        for agent, (workspace, until) in tuple(self._left.items()):
            if until < now:
                del self._left[agent]
                account = await self.database.read(
                    lambda conn, agent=agent, workspace=workspace: agents.get(conn, workspace, agent)  # type: ignore[misc]
                )
                await self.presence(account)

    async def _kicked(self) -> bool:
        """Wait for a kick, or for the clock."""
        try:
            await asyncio.wait_for(self.hub.kicked.wait(), DISPATCH_S)
        except TimeoutError:
            return False
        self.hub.kicked.clear()
        return True

    async def _dispatch(self, kicked: bool) -> None:
        done = await self.database.write(lambda conn: dispatch.tick(conn, utc_now()))
        for change in done.requeued:
            await self.hub.rows(change.rows)
            for over in change.ended:
                await self._ended(over)
        for over in done.ended:
            await self._ended(over)
        if done.offers:
            frames = await self.database.read(lambda conn: deskviews.offered(conn, done.offers))
            for agent, frame in frames:
                await self.to_agent(agent, frame)
        for account in done.gone:
            await self.presence(account)
        if kicked or done.changed:
            self.hub.touched |= {change.conversation.id for change in done.requeued}
            self.hub.touched |= {offer.conversation for offer in done.offers}
            await self._tell_queues(done)

    async def _tell_queues(self, done: Dispatched) -> None:
        states = {state.workspace: state for state in done.states}
        for workspace in {*states, *self._waiting, *self._members}:
            state = states.get(workspace)
            waiting, longest = (state.waiting, state.longest_wait_ms) if state else (0, 0)
            if waiting or self._waiting.get(workspace):
                await self.to_desk(workspace, QueueChanged(waiting=waiting, longest_wait_ms=longest))
            self._waiting[workspace] = waiting
        for workspace in states:
            await self._tell_positions(workspace)

    async def _tell_positions(self, workspace: str) -> None:
        def unit(conn: Connection) -> list[queues.Position]:
            found: list[queues.Position] = []
            for queue in queues.all_of(conn, workspace):
                found += queues.positions(conn, workspace, queue.id)
            return found

        for place in await self.database.read(unit):
            frame = QueuePosition(
                conv=place.conversation, position=place.position, size=place.size,
                wait_low_ms=place.wait_low_ms, wait_high_ms=place.wait_high_ms,
            )  # fmt: skip
            await self.hub.relay(place.conversation, frame, to="visitor")

    # ---- lists ----------------------------------------------------------------------------------

    async def _lister(self) -> None:
        while True:
            await asyncio.sleep(LISTS_S)
            touched = self.hub.touched
            if not touched:
                continue
            if not self.hub.remote and not any(self._members.values()):
                touched.clear()
                continue
            names = [touched.pop() for _ in range(min(len(touched), LISTS_MAX))]
            try:
                for brief in await self.database.read(
                    lambda conn, names=names: deskviews.briefs(conn, names)  # type: ignore[misc]
                ):
                    self._list_change(brief)
                    plain = {"brief": msgspec.to_builtins(brief)}
                    await self._over_the_bus(desk_topic(brief.workspace), plain)
            except Exception:  # the clock's outer edge
                log.exception("desk: a list change was not told")

    def _list_change(self, brief: Brief) -> None:
        """To whom may see the conversation; to whom could until now, only that it is gone."""
        full = encoded(brief.frame)
        bare = encoded(
            ConversationChanged(
                conv=brief.frame.conv, status=brief.frame.status, version=brief.frame.version,
                last_seq=brief.frame.last_seq, agent=brief.frame.agent,
            )
        )  # fmt: skip
        resource = auth.Resource(
            brief.workspace, brief.visitor, brief.frame.agent, brief.queue, brief.queue is not None
        )
        for member in self._members.get(brief.workspace, ()):
            if may(member.principal, "conversation.read", resource):
                member.told.add(brief.frame.conv)
                member.socket.push(full, droppable=True)
            elif brief.frame.conv in member.told:
                member.told.discard(brief.frame.conv)
                member.socket.push(bare, droppable=True)

    # ---- leases ---------------------------------------------------------------------------------

    async def _lessor(self) -> None:
        while True:
            await asyncio.sleep(LEASE_S)
            alive = sorted({member.principal.id for member in self._all()})
            if not alive:
                continue
            try:
                await self._renew(alive)
            except HandoffError as error:
                log.warning("leases: %s", error)
            except Exception:  # the clock's outer edge
                log.exception("leases: not renewed")

    async def _renew(self, alive: list[str]) -> None:
        await self.database.write(lambda conn: agents.renew_leases(conn, alive))

    async def _guard(self) -> None:
        """Hang up on accounts that were disabled or got another role or password, wherever that was done."""
        while True:
            await asyncio.sleep(STAMPS_S)
            members = list(self._all())
            if not members:
                continue
            names = sorted({member.principal.id for member in members})
            try:
                valid = await self.database.read(lambda conn, names=names: agents.stamps(conn, names))  # type: ignore[misc]
                for member in members:
                    if member.stamp is not None and valid.get(member.principal.id) != member.stamp:
                        member.socket.close(4500, "bad_ticket")
            except HandoffError as error:
                log.warning("desk: accounts not looked at: %s", error)
            except Exception:  # the clock's outer edge
                log.exception("desk: accounts not looked at")

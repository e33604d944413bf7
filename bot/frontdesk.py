"""The desk that briefs: whenever a conversation goes to people, the copilot writes down what they need to
know."""

from __future__ import annotations

import structlog

from bot import metrics
from bot.copilot import Copilot, unbriefed
from handoff.domain import Change
from handoff.frontdesk import FrontDesk
from handoff.hub import ConversationHub

log = structlog.get_logger(__name__)


class BriefingDesk(FrontDesk):
    """A `FrontDesk` that starts a briefing with each escalation, whoever asked for it."""

    def __init__(self, hub: ConversationHub, copilot: Copilot) -> None:
        super().__init__(hub)
        self._copilot = copilot

    async def changed(self, change: Change) -> None:
        """Tell the sockets, then brief in the background."""
        await super().changed(change)
        queued = any(row.body.get("event") == "queued" for row in change.rows)
        if queued and change.escalation is not None:
            self.hub.background(self.brief(change.conversation.id, change.escalation))

    async def recover(self) -> None:
        """Brief the escalations that a crash left without one."""
        for conversation, escalation in await self.database.read(unbriefed):
            await self.brief(conversation, escalation)

    async def brief(self, conversation: str, escalation: str) -> None:
        """Write the briefing and tell the followers; an agent can do without, so failures are only logged."""
        try:
            row = await self._copilot.brief(conversation, escalation)
        except Exception:  # a background task's outer edge
            log.exception("briefing_failed", conversation=conversation)
            return
        if row is not None:
            metrics.BRIEFINGS.inc()
            await self.hub.rows([row])

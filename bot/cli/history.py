"""Earlier turns of a question, as the command line's JSON Lines give them."""

from __future__ import annotations

from collections.abc import Iterator


def earlier_turns(turns: object) -> Iterator[tuple[str, str]]:
    """Earlier turns: objects with user/question and reply/agent/answer, pairs, or customer texts."""
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, str):
            yield turn, ""
        elif isinstance(turn, dict):
            user = turn.get("user", turn.get("question", ""))
            yield str(user), str(turn.get("reply", turn.get("agent", turn.get("answer", ""))))
        elif isinstance(turn, list) and turn:
            yield str(turn[0]), str(turn[1]) if len(turn) > 1 else ""

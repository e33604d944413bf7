"""Prometheus metrics of the bot; docs/operations.md names each."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)

TURNS = Counter("jieli_turns_total", "Customer turns judged", ["decision", "rule"])
ANSWERS = Counter("jieli_answers_total", "Bot answers posted", ["source"])
FENCED = Counter("jieli_answers_fenced_total", "Answers dropped because a person had taken over")
TURN_SECONDS = Histogram(
    "jieli_turn_seconds", "From the turn's start to its answer or escalation", buckets=_SECONDS
)
FIRST_TEXT_SECONDS = Histogram(
    "jieli_first_text_seconds", "From the turn's start to the first text of the answer", buckets=_SECONDS
)
JUDGE_SECONDS = Histogram("jieli_judge_seconds", "From the turn's start to its verdict", buckets=_SECONDS)
EMOTION_FALLBACKS = Counter(
    "jieli_emotion_fallbacks_total", "Turns that the lexicon read in the model's place"
)
TURN_FAILURES = Counter("jieli_turn_failures_total", "Turns that ended in an apology")
BRIEFINGS = Counter("jieli_briefings_total", "Briefings written for agents")
TURNS_OPEN = Gauge("jieli_turns_open", "Turns being worked on")

"""The decision whether a turn stays with the bot, gets an offer, or goes to a person. Pure: no I/O, no clock.

`judge` folds over the customer's turns: the caller keeps the `Trajectory` it returns and hands it in again
with
the next turn. The server and `jieli replay` use this same fold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from handoff import trigger_reasons as reasons
from handoff import trigger_words as words
from handoff.emotion import Exchange, Reading, Span
from handoff.emotion_text import normalise
from handoff.policy import EscalationPolicy
from handoff.trigger_repeats import most_alike

Decision = Literal["answer", "offer", "escalate"]
NEAR = 0.7  # share of its threshold from which a rule is told as nearly fired
STUCK = 0.6  # likeness from which two replies say the same
REMEMBERED = 6  # earlier customer turns that a repetition is looked for in


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The mood of a conversation so far.

    Attributes:
        turn: customer turns judged.
        level, peak: running negative level and its highest, 0..1.
        mild: mildly negative turns in a row.
        last: the last turn's reading.
        failure: running sum of failure signals.
        offers, offered_turn: offers made, and the turn of the last (-1: none).
        version: of the policy that judged last.
    """

    turn: int = 0
    level: float = 0.0
    peak: float = 0.0
    mild: int = 0
    last: float = 0.0
    failure: float = 0.0
    offers: int = 0
    offered_turn: int = -1
    version: int = 1

    def to_json(self) -> dict[str, Any]:
        """Plain values for storage."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> Trajectory:
        """From storage; unknown fields of other versions are ignored, missing ones take their default."""
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in (values or {}).items() if k in known})


@dataclass(frozen=True, slots=True)
class TurnSignals:
    """What is known of the turn to be judged.

    Attributes:
        text: the customer's words, as written.
        language: "zh…" or "en…".
        reading: of this text in its history.
        history: earlier exchanges, oldest first; an unanswered turn has the reply "".
        answerable: the bot's confidence that it can answer this turn, 0..1; None when there was nothing to
        look up.
        answered_before: whether each earlier looked-up turn was answered, oldest first.
        human_available: whether anybody could take over now.
    """

    text: str
    language: str
    reading: Reading
    history: tuple[Exchange, ...] = ()
    answerable: float | None = None
    answered_before: tuple[bool, ...] = ()
    human_available: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided and why. `signals` holds the contributions and what nearly fired."""

    decision: Decision
    rule: str
    score: float
    threshold: float
    level: float
    evidence: tuple[Span, ...]
    signals: dict[str, Any]
    reason_zh: str
    reason_en: str
    priority: int


@dataclass(frozen=True, slots=True)
class _Finding:
    """One rule's view of the turn."""

    rule: str
    score: float
    threshold: float
    wants: Decision
    reason: reasons.Sentence
    evidence: tuple[Span, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)


def judge(state: Trajectory, signals: TurnSignals, policy: EscalationPolicy) -> tuple[Trajectory, Verdict]:
    """Decide about one customer turn, and say why in words an agent can read."""
    text = normalise(signals.text)
    moved = _moved(state, signals, text, policy)
    findings = [
        f
        for f in (
            _risk(signals, text),
            _request(signals, text, policy),
            _threat(signals, text),
            _emotion(state, moved, signals, text, policy),
            _failure(moved, signals, text, policy),
            _nothing_found(signals, policy),
        )
        if f is not None and policy.rules[f.rule] != "off"
    ]
    chosen = _choose(findings, moved, policy)
    near = _near(findings, chosen, text)
    verdict = _verdict(chosen, findings, near=near, level=moved.level, signals=signals, policy=policy)
    if verdict.decision == "offer":
        moved = replace(moved, offers=moved.offers + 1, offered_turn=state.turn)
    return moved, verdict


# ── the running state ─────────────────────────────────────────────────────────
def _moved(state: Trajectory, signals: TurnSignals, text: str, policy: EscalationPolicy) -> Trajectory:
    negative = signals.reading.negative
    relieved = negative < policy.mild_threshold and (
        signals.reading.label == "positive" or words.thanks(text)
    )
    kept = state.level * (policy.relief if relieved else policy.decay)
    level = 1 - (1 - kept) * (1 - policy.gain * negative)
    level = max(level, signals.reading.clear * policy.gain)
    mild = state.mild + 1 if negative >= policy.mild_threshold else 0
    failure = (
        0.0
        if relieved
        else state.failure * policy.decay + sum(_failure_parts(signals, text, policy).values())
    )
    return replace(
        state,
        turn=state.turn + 1,
        level=round(level, 4),
        peak=round(max(state.peak, level), 4),
        mild=mild,
        last=negative,
        failure=round(failure, 4),
        version=policy.version,
    )


def _repeat(signals: TurnSignals) -> float:
    """Likeness to the most alike earlier turn that was answered since, 0..1."""
    earlier = signals.history[-REMEMBERED:]
    answered: list[str] = []
    reply_seen = False
    for exchange in reversed(earlier):
        reply_seen = reply_seen or bool(exchange.reply.strip())
        if reply_seen:
            answered.append(exchange.user)
    return most_alike(signals.text, answered)


def _stuck(signals: TurnSignals) -> bool:
    """The bot's last reply says what one of its replies before said."""
    replies = [e.reply for e in signals.history[-REMEMBERED:] if e.reply.strip()]
    return len(replies) >= 2 and most_alike(replies[-1], replies[:-1], replies=True) >= STUCK


def _failure_parts(signals: TurnSignals, text: str, policy: EscalationPolicy) -> dict[str, float]:
    """Weighted signals that the bot's answers fail; empty when nothing speaks for it."""
    weights = policy.failure_weights
    parts: dict[str, float] = {}
    if not signals.history:
        return parts
    if _repeat(signals) >= policy.similarity:
        parts["repeats"] = weights["repeats"]
    if words.contradicts(text):
        parts["contradicts"] = weights["contradicts"]
    if signals.reading.negative >= policy.mild_threshold:
        parts["negative"] = weights["negative"]
    if _stuck(signals):
        parts["stuck"] = weights["stuck"]
    last_reply = next((e.reply for e in reversed(signals.history) if e.reply.strip()), "")
    if parts and last_reply and words.evades(normalise(last_reply)):
        parts["evaded"] = weights["evaded"]
    return parts


# ── the rules ─────────────────────────────────────────────────────────────────
def _span(signals: TurnSignals, match: words.Match) -> tuple[Span, ...]:
    """A match in the normalised text, found again in the customer's own words where that is possible."""
    at = signals.text.lower().find(match.text)
    if at < 0 or not match.text:
        return (Span(0, len(signals.text), signals.text),)
    end = at + len(match.text)
    return (Span(at, end, signals.text[at:end]),)


def _quoted(spans: tuple[Span, ...]) -> list[str]:
    return [s.text for s in spans]


def _risk(signals: TurnSignals, text: str) -> _Finding | None:
    found = words.danger(text)
    if found is None:
        return None
    kind, match = found
    spans = _span(signals, match)
    return _Finding("risk", 1.0, 1.0, "escalate", reasons.risk(kind, _quoted(spans)), spans, {kind: 1.0})


def _request(signals: TurnSignals, text: str, policy: EscalationPolicy) -> _Finding | None:
    match = words.asks_for_person(text)
    if match is not None:
        spans = _span(signals, match)
        return _Finding(
            "request", 1.0, policy.request_threshold, "escalate", reasons.request(_quoted(spans)), spans
        )
    felt = signals.reading.wants_person
    near = words.declines_person(text) or words.asks_about_person(text)
    asked = words.asks_if_bot(text)
    wants: Decision = "answer"
    if felt >= policy.request_threshold and not near:
        wants = "escalate"
    elif asked:
        wants = "offer"
    elif felt < NEAR * policy.request_threshold:
        return None
    spans = _span(signals, asked) if asked else (Span(0, len(signals.text), signals.text),)
    return _Finding("request", felt, policy.request_threshold, wants, reasons.request(_quoted(spans)), spans)


def _threat(signals: TurnSignals, text: str) -> _Finding | None:
    match = words.threatens(text)
    if match is None:
        return None
    spans = _span(signals, match)
    return _Finding("threat", 1.0, 1.0, "escalate", reasons.threat(_quoted(spans)), spans)


def emotion_score(reading: Reading, policy: EscalationPolicy) -> float:
    """One number for the turn: clear emotion, the model's view of the chat, the graded reading."""
    total = policy.clear_weight + policy.mild_weight
    value = policy.clear_weight * reading.clear + policy.mild_weight * reading.negative
    if reading.handoff > 0:
        total += policy.context_weight
        value += policy.context_weight * reading.handoff
    return value / total if total else 0.0


def _emotion(
    before: Trajectory, moved: Trajectory, signals: TurnSignals, text: str, policy: EscalationPolicy
) -> _Finding:
    reading = signals.reading
    score = emotion_score(reading, policy)
    repeats = bool(signals.history) and _repeat(signals) >= policy.similarity
    threshold = policy.threshold - (policy.hysteresis if before.offers else 0.0)
    rising = moved.mild >= policy.mild_turns and (reading.negative >= before.last or repeats)
    wants: Decision = "answer"
    if score >= threshold or rising:
        wants = "escalate"
    elif score >= policy.offer_threshold:
        wants = "offer"
    reason = reasons.emotion(
        _quoted(reading.evidence) or [signals.text],
        label=reading.label,
        negative=reading.negative,
        score=score,
        threshold=threshold,
        streak=moved.mild,
        repeats=repeats,
    )
    parts = {
        "clear": reading.clear,
        "context": reading.handoff,
        "negative": reading.negative,
        "streak": moved.mild,
    }
    return _Finding(
        "emotion", max(score, threshold if rising else 0.0), threshold, wants, reason, reading.evidence, parts
    )


def _failure(moved: Trajectory, signals: TurnSignals, text: str, policy: EscalationPolicy) -> _Finding | None:
    parts = _failure_parts(signals, text, policy)
    if not parts.keys() & {"repeats", "contradicts", "stuck"}:
        return None
    score = moved.failure
    wants: Decision = "answer"
    if score >= policy.failure_threshold and (
        "negative" in parts or {"repeats", "contradicts"} <= parts.keys()
    ):
        wants = "escalate"
    elif score >= policy.failure_offer:
        wants = "offer"
    reason = reasons.failure(list(parts), [signals.text], score=score, threshold=policy.failure_threshold)
    spans = (Span(0, len(signals.text), signals.text),)
    return _Finding("repeated_failure", score, policy.failure_threshold, wants, reason, spans, parts)


def _nothing_found(signals: TurnSignals, policy: EscalationPolicy) -> _Finding | None:
    if signals.answerable is not None:
        times = int(signals.answerable < policy.answerable_below)
        earlier = signals.answered_before if times else ()
        for answered in reversed(earlier):
            if answered:
                break
            times += 1
    else:
        times = 0
        for exchange in reversed(signals.history):
            if not words.found_nothing(normalise(exchange.reply)):
                break
            times += 1
    if not times:
        return None
    wants: Decision = "escalate" if times >= policy.nothing_found_turns else "offer"
    return _Finding("nothing_found", times, policy.nothing_found_turns, wants, reasons.nothing_found(times))


# ── the choice ────────────────────────────────────────────────────────────────
def _allowed(finding: _Finding, moved: Trajectory, policy: EscalationPolicy) -> Decision:
    """What the policy lets a finding do."""
    wants = finding.wants
    if wants == "escalate" and policy.rules[finding.rule] == "offer":
        wants = "offer"
    if wants == "offer":
        since = moved.turn - 1 - moved.offered_turn
        spent = moved.offers >= policy.offers or (moved.offers > 0 and since <= policy.cooldown_turns)
        return "answer" if spent else "offer"
    return wants


def _choose(
    findings: list[_Finding], moved: Trajectory, policy: EscalationPolicy
) -> tuple[_Finding | None, Decision]:
    for decision in ("escalate", "offer"):
        for finding in findings:
            if _allowed(finding, moved, policy) == decision:
                return finding, decision
    return None, "answer"


def _near(
    findings: list[_Finding], chosen: tuple[_Finding | None, Decision], text: str
) -> list[dict[str, Any]]:
    """The rules that came close, strongest first."""
    out: list[dict[str, Any]] = [
        {"rule": f.rule, "score": round(f.score, 3), "threshold": f.threshold}
        for f in findings
        if f is not chosen[0] and f.threshold and f.score >= NEAR * f.threshold
    ]
    out.sort(key=lambda n: -n["score"] / n["threshold"])
    for rule, match in (
        ("declined", words.declines_person(text)),
        ("request", words.asks_about_person(text)),
        ("threat", words.asks_how_to_complain(text)),
    ):
        if match and not any(n["rule"] == rule for n in out):
            out.append({"rule": rule, "score": 0.0, "threshold": 1.0, "text": match.text})
    return out


def _verdict(
    chosen: tuple[_Finding | None, Decision],
    findings: list[_Finding],
    *,
    near: list[dict[str, Any]],
    level: float,
    signals: TurnSignals,
    policy: EscalationPolicy,
) -> Verdict:
    finding, decision = chosen
    contributions = {f.rule: {"score": round(f.score, 4), **f.parts} for f in findings}
    told = {
        "contributions": contributions,
        "near": near,
        "negative": signals.reading.negative,
        "model": signals.reading.model,
        "policy_version": policy.version,
        "human_available": signals.human_available,
    }
    if finding is None:
        emotion = next((f for f in findings if f.rule == "emotion"), None)
        reason = reasons.calm(signals.reading.negative, level, [n["rule"] for n in near])
        score, threshold = (emotion.score, emotion.threshold) if emotion else (0.0, policy.threshold)
        return Verdict(
            "answer",
            "none",
            round(score, 4),
            threshold,
            level,
            signals.reading.evidence,
            told,
            reason.zh,
            reason.en,
            0,
        )
    reason = finding.reason
    return Verdict(
        decision,
        finding.rule,
        round(finding.score, 4),
        round(finding.threshold, 4),
        level,
        finding.evidence,
        told,
        reason.zh,
        reason.en,
        policy.priorities[finding.rule],
    )

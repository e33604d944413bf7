"""The escalation policy: data that a supervisor edits, checked with messages that say what to mend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from handoff.errors import Invalid

RULES = ("risk", "request", "threat", "emotion", "repeated_failure", "nothing_found")
ACTIONS = ("escalate", "offer", "off")


class PolicyInvalid(Invalid):
    """A policy that cannot be used; `code` starts with "policy_"."""


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """When a person is offered or brought in. Probabilities and levels are 0..1.

    Attributes:
        version: raised on each save; stored with every verdict.
        threshold: score of a turn (or of the running level) from which emotion escalates at once.
        request_threshold: the model's probability of a wish for a person that counts as a request without the
            words for it.
        offer_threshold: from which a person is offered, once a conversation.
        decay: how much of the running level one further turn keeps.
        gain: how much of a turn's reading enters the running level.
        relief: what is left of the running level after thanks.
        clear_weight, context_weight, mild_weight: parts of the score: probability of clear emotion, the
        model's
            view of the chat so far, and the graded reading.
        mild_threshold: reading from which a turn counts as mildly negative.
        mild_turns: that many such turns in a row escalate, if the last is the highest or repeats the
        question.
        hysteresis: after an offer, emotion must pass the threshold by this much less.
        similarity: from which two customer turns ask the same.
        failure_threshold, failure_offer: sum of failure signals (see `failure_weights`) that escalates /
        offers.
        nothing_found_turns: that many unanswered turns in a row escalate; one fewer offers.
        answerable_below: retrieval confidence under which a turn counts as not found.
        cooldown_turns: turns after an offer in which no second one may be made even where `offers` allows
        more.
        offers: how many offers a conversation may get.
        rules: what each rule does: "escalate", "offer" or "off".
        priorities: of each rule in the queue; higher goes first.
    """

    version: int = 1
    threshold: float = 0.32
    offer_threshold: float = 0.2
    request_threshold: float = 0.9
    decay: float = 0.6
    gain: float = 0.55
    relief: float = 0.3
    clear_weight: float = 0.8
    context_weight: float = 0.0
    mild_weight: float = 0.2
    mild_threshold: float = 0.7
    mild_turns: int = 3
    hysteresis: float = 0.03
    similarity: float = 0.55
    failure_threshold: float = 1.1
    failure_offer: float = 0.7
    nothing_found_turns: int = 2
    answerable_below: float = 0.35
    cooldown_turns: int = 3
    offers: int = 1
    failure_weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "repeats": 0.4,
            "contradicts": 0.3,
            "stuck": 0.6,
            "evaded": 0.1,
            "negative": 0.35,
        }
    )
    rules: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(RULES, "escalate"))
    priorities: Mapping[str, int] = field(
        default_factory=lambda: {
            "risk": 100, "threat": 60, "request": 40, "emotion": 50, "repeated_failure": 30,
            "nothing_found": 20,
        }
    )  # fmt: skip

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any] | None) -> EscalationPolicy:
        """Defaults with `values` laid over them. Raises PolicyInvalid."""
        given = dict(values or {})
        known = {f.name: f for f in fields(cls)}
        for name in given:
            if name not in known:
                raise PolicyInvalid(
                    "policy_unknown_field", f"策略中没有“{name}”这一项", f"the policy has no field '{name}'"
                )
        defaults = cls()
        checked = {name: _checked(name, getattr(defaults, name), value) for name, value in given.items()}
        policy = cls(**checked)
        if policy.offer_threshold > policy.threshold:
            raise PolicyInvalid(
                "policy_order",
                "offer_threshold 不能高于 threshold：先提议，后转接",
                "offer_threshold must not exceed threshold: offering comes before escalating",
            )
        return policy

    @classmethod
    def from_file(cls, path: Path) -> EscalationPolicy:
        """From a YAML file. Raises PolicyInvalid, also for a file that is no YAML mapping."""
        import yaml

        try:
            loaded = yaml.safe_load(path.read_text(encoding="utf8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise PolicyInvalid(
                "policy_unreadable",
                f"无法读取策略文件 {path}：{error}",
                f"cannot read the policy file {path}: {error}",
            ) from error
        if loaded is not None and not isinstance(loaded, dict):
            raise PolicyInvalid(
                "policy_not_mapping",
                "策略文件必须是“名称: 值”的形式",
                "the policy file must be a mapping of names to values",
            )
        return cls.from_mapping(loaded)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, as `from_mapping` takes them."""
        return {k: dict(v) if isinstance(v, Mapping) else v for k, v in asdict(self).items()}


def _wrong(name: str, zh: str, en: str) -> PolicyInvalid:
    return PolicyInvalid("policy_value", f"“{name}”{zh}", f"'{name}' {en}")


def _checked(name: str, default: Any, value: Any) -> Any:
    if isinstance(default, Mapping):
        return _checked_mapping(name, default, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(name, f"必须是数字，而不是 {value!r}", f"must be a number, not {value!r}")
    if isinstance(default, int):
        if value != int(value) or value < (
            1 if name in ("version", "mild_turns", "nothing_found_turns") else 0
        ):
            raise _wrong(
                name, f"必须是正整数，而不是 {value!r}", f"must be a positive whole number, not {value!r}"
            )
        return int(value)
    top = 10.0 if name.startswith("failure_") else 1.0
    if not 0 <= value <= top:
        raise _wrong(
            name,
            f"必须在 0 到 {top:g} 之间，而不是 {value!r}",
            f"must lie between 0 and {top:g}, not {value!r}",
        )
    return float(value)


def _checked_mapping(name: str, default: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(name, "必须是“名称: 值”的形式", "must be a mapping")
    for key, item in value.items():
        if key not in default:
            raise _wrong(f"{name}.{key}", "不存在", f"is unknown; known: {', '.join(default)}")
        if name == "rules":
            if item not in ACTIONS:
                raise _wrong(
                    f"{name}.{key}", f"只能是 {'/'.join(ACTIONS)}", f"must be one of {', '.join(ACTIONS)}"
                )
        elif isinstance(item, bool) or not isinstance(item, int | float) or item < 0:
            raise _wrong(f"{name}.{key}", "必须是不小于 0 的数字", "must be a number of at least 0")
    return {**default, **value}

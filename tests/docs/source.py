"""What the source holds, read by syntax: error codes, metrics, actions, commands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "handoff", "kb_ingest")
ERROR_ROOTS = frozenset({"HandoffError", "BotError", "KnowledgeError"})
CODE = re.compile(r"[a-z]+(?:_[a-z0-9]+)*")


@cache
def trees() -> dict[Path, ast.Module]:
    """The syntax of every module of the three packages."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}


def nodes() -> Iterator[ast.AST]:
    """Every node of every module."""
    for tree in trees().values():
        yield from ast.walk(tree)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def error_classes() -> frozenset[str]:
    """The names of all typed errors: the packages' three roots and everything below."""
    known = set(ERROR_ROOTS)
    classes = [node for node in nodes() if isinstance(node, ast.ClassDef)]
    while True:
        found = {c.name for c in classes if any(_name(base) in known for base in c.bases)}
        if found <= known:
            return frozenset(known)
        known |= found


def _constant(call: ast.Call, position: int) -> str | None:
    if len(call.args) <= position:
        return None
    value = call.args[position]
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def error_codes() -> set[str]:
    """Every stable code: raised, refused on a socket, or answered over HTTP."""
    from bot.errors_http import _TEXTS
    from handoff.connection import REFUSALS

    classes = error_classes()
    codes = set(REFUSALS) | {code for code, _, _ in _TEXTS.values()}
    for node in nodes():
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        if name in classes or (name == "__init__" and len(node.args) >= 3) or name == "nack":
            codes |= {code for code in [_constant(node, 0)] if code}
        elif name in {"refuse", "_refuse"}:
            codes |= {code for code in [_constant(node, 1)] if code}
    return {code for code in codes if CODE.fullmatch(code)}


def metrics() -> set[str]:
    """The names of all Prometheus metrics, as they are scraped."""
    kinds = {"Counter", "Gauge", "Histogram", "Summary"}
    calls = [node for node in nodes() if isinstance(node, ast.Call) and _name(node.func) in kinds]
    return {name for call in calls if (name := _constant(call, 0)) and name.startswith("jieli_")}


def commands() -> dict[str, Any]:
    """`jieli …` → the command object that runs it, sub-commands included."""
    from bot.cli.main import COMMANDS, load

    found: dict[str, Any] = {}

    def walk(name: str, command: Any) -> None:
        below = getattr(command, "commands", None)
        if below:
            for sub, child in below.items():
                walk(f"{name} {sub}", child)
        else:
            found[name] = command

    for name in COMMANDS:
        walk(f"jieli {name}", load(name))
    return found


def document(name: str) -> str:
    """The text of a file below the repository's root."""
    return (ROOT / name).read_text(encoding="utf-8")

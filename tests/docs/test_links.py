"""Links lead somewhere, commands exist, decisions are indexed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.docs import source

DOCUMENTS = sorted(
    path.relative_to(source.ROOT).as_posix()
    for pattern in ("README*.md", "CHANGELOG.md", "docs/**/*.md", "training/**/*.md")
    for path in source.ROOT.glob(pattern)
    if "runs" not in path.parts
)
WITH_COMMANDS = [name for name in DOCUMENTS if not name.startswith(("docs/decisions", "training"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
SHELL = re.compile(r"^```sh\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
FOREIGN = {"python3", "pip", "curl", "docker", "git", "cd"}


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_relative_links_lead_somewhere(name: str) -> None:
    path = source.ROOT / name
    broken = []
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, fragment = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists():
            broken.append(target)
        elif fragment and there.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), flags=re.MULTILINE)
            if fragment not in {anchor(heading) for heading in headings}:
                broken.append(target)
    assert not broken


def lines_of_shell(name: str) -> list[list[str]]:
    """Every command of the document's shell blocks as words; comments and settings in front left out."""
    found = []
    for block in SHELL.findall(source.document(name)):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            for part in re.split(r"\s(?:&&|\|)\s", line):
                words = shlex.split(part, comments=True)
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    words = words[1:]
                if words and words[0] != "export":
                    found.append(words)
    return found


@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_every_command_in_a_document_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", source.document("Makefile"), flags=re.MULTILINE))
    for words in lines_of_shell(name):
        program = Path(words[0]).name
        if program == "make":
            assert {word for word in words[1:] if "=" not in word} <= targets, words
        elif program == "jieli":
            understand(words[1:])
        else:
            assert program in FOREIGN, f"nobody knows {words}"


def understand(arguments: list[str]) -> None:
    """Parse a call of the command line without running it; click raises what a user would read."""
    from bot.cli.main import load

    command: Any = load(arguments[0])
    words = arguments[1:]
    while getattr(command, "commands", None):
        command, words = command.commands[words[0]], words[1:]
    with command.make_context(arguments[0], words):
        pass


def test_every_decision_is_in_the_index_with_its_title() -> None:
    folder = source.ROOT / "docs/decisions"
    index = source.document("docs/decisions/README.md")
    rows = dict(re.findall(r"^\| \[(\d{4})\]\((\d{4}-[a-z0-9-]+\.md)\) \|", index, flags=re.MULTILINE))
    files = {path.name[:4]: path.name for path in folder.glob("[0-9]*.md")}
    assert len(files) == len(list(folder.glob("[0-9]*.md"))), "two decisions have one number"
    assert rows == files
    for number, file in files.items():
        assert source.document(f"docs/decisions/{file}").startswith(f"# {number} "), file

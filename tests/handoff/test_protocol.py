"""Frames survive the wire, the schema is whole, and the prose names every frame, action and close code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.websocket import ACTIONS as VISITOR_ACTIONS
from handoff import protocol, protocol_schema
from handoff.connection import CLIENT_TYPES, REFUSALS
from handoff.websocket import ACTIONS as AGENT_ACTIONS

PROSE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
FRAMES = {*get_args(protocol.ClientFrame), *get_args(protocol.ServerFrame)}
words = st.text(max_size=50).filter(lambda text: text.isprintable())


@given(cid=words, conv=words, text=words)
@settings(max_examples=50, deadline=None)
def test_what_is_sent_is_what_arrives(cid: str, conv: str, text: str) -> None:
    frame = protocol.Send(cid=cid, conv=conv, body=protocol.Body(text=text))
    assert protocol.decode_client(protocol.encode(frame)) == frame


def test_unknown_fields_are_ignored() -> None:
    assert protocol.decode_client('{"t":"ping","n":3,"later":true}') == protocol.Ping(n=3)


@pytest.mark.parametrize(
    "bad", ['{"t":"nope"}', "{}", "[]", '{"t":"send","cid":1}', '{"t":"sub"}', '"x"', "null"]
)
def test_what_is_no_frame_is_refused(bad: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        protocol.decode_client(bad)


def test_the_prose_names_everything() -> None:
    for frame in FRAMES:
        assert f"`{frame.__struct_config__.tag}`" in PROSE, frame
    for code, (name, _) in protocol.CLOSE_CODES.items():
        assert f"| {code} | {name} |" in PROSE
    for action in (*VISITOR_ACTIONS, *AGENT_ACTIONS):
        assert f"`{action}`" in PROSE, action


def test_every_refusal_speaks_both_languages() -> None:
    for code, (zh, en) in REFUSALS.items():
        assert zh and en and zh != en
        assert f"`{code}`" in PROSE or f" {code} |" in PROSE, code


def test_the_schema_holds_every_frame() -> None:
    schema = protocol_schema.json_schema()
    assert {frame.__name__ for frame in FRAMES} <= set(schema["$defs"])
    assert len(schema["$defs"]["ServerFrame"]["anyOf"]) == len(get_args(protocol.ServerFrame))
    tags = {one["enum"][0] for one in _tags(schema)}
    assert tags >= CLIENT_TYPES


def _tags(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["properties"]["t"] for one in schema["$defs"].values() if "t" in one.get("properties", {})]


def test_typescript_has_an_interface_per_frame() -> None:
    text = protocol_schema.typescript()
    for frame in FRAMES:
        assert f'export interface {frame.__name__} {{\n  t: "{frame.__struct_config__.tag}";' in text
    assert '4101: { name: "slow_consumer", reconnect: true }' in text


def test_the_module_prints_what_it_generates() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "handoff.protocol_schema"], capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(printed) == protocol_schema.json_schema()

"""Whatever a user can meet stands in the documents, and the documents name nothing that is not there."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from bot.settings import Settings
from bot.websocket import ACTIONS as VISITOR_ACTIONS
from handoff import protocol
from handoff.websocket import ACTIONS as AGENT_ACTIONS
from tests.docs import source

OTHER_VARIABLES = {"JIELI_LANG", "JIELI_AGENT_PASSWORD", "JIELI_SCREENSHOTS"}


def first_column(text: str) -> list[str]:
    """The words in backticks that open a table's rows."""
    return re.findall(r"^\| `([^`]+)`", text, flags=re.MULTILINE)


def test_every_setting_is_explained_and_every_explained_one_exists() -> None:
    known = {f"JIELI_{name.upper()}" for name in Settings.model_fields}
    assert set(first_column(source.document("docs/configuration.md"))) == known


@pytest.mark.parametrize(
    "name", ["README.md", "README.zh-CN.md", *(f"docs/{p.name}" for p in source.ROOT.glob("docs/*.md"))]
)
def test_no_document_names_a_variable_that_nothing_reads(name: str) -> None:
    known = {f"JIELI_{field.upper()}" for field in Settings.model_fields} | OTHER_VARIABLES
    assert set(re.findall(r"JIELI_[A-Z_]*[A-Z]", source.document(name))) <= known


def test_every_frame_is_in_the_protocol() -> None:
    text = source.document("docs/protocol.md")
    frames = {*get_args(protocol.ClientFrame), *get_args(protocol.ServerFrame)}
    missing = {frame.__struct_config__.tag for frame in frames} - set(re.findall(r"`([a-z._]+)", text))
    assert not missing


def test_every_close_code_is_in_the_protocol_with_its_name_and_what_to_do() -> None:
    text = source.document("docs/protocol.md").split("### Close codes")[1]
    rows = re.findall(r"^\| (\d{4}) \| (\w+) \| (yes|no)", text, flags=re.MULTILINE)
    assert {int(code): (name, again == "yes") for code, name, again in rows} == protocol.CLOSE_CODES


def test_every_action_is_in_the_protocol_and_works() -> None:
    text = source.document("docs/protocol.md").split("### Actions")[1].split("###")[0]
    documented = re.findall(r"^\| (visitor|agent) \| `(\w+)`", text, flags=re.MULTILINE)
    assert {name for who, name in documented if who == "visitor"} == set(VISITOR_ACTIONS)
    assert {name for who, name in documented if who == "agent"} == set(AGENT_ACTIONS)


def test_every_error_code_is_explained_and_every_explained_one_exists() -> None:
    documented = first_column(source.document("docs/errors.md"))
    assert sorted(documented) == sorted(set(documented)), "a code stands there twice"
    assert set(documented) == source.error_codes()


def test_every_metric_is_in_operations_and_every_named_one_exists() -> None:
    text = source.document("docs/operations.md")
    assert set(re.findall(r"^\| `(jieli_\w+)`", text, flags=re.MULTILINE)) == source.metrics()


def test_every_command_and_option_is_explained_with_an_example() -> None:
    text = source.document("docs/commands.md")
    sections = {
        match[1]: match[2]
        for match in re.finditer(r"^### `(jieli [a-z ]+)`\n(.*?)(?=^##|\Z)", text, flags=re.M | re.S)
    }
    commands = source.commands()
    assert set(sections) == set(commands)
    for name, section in sections.items():
        assert re.search(r"[\u4e00-\u9fff]", section), f"{name}: no Chinese line"
        assert f"```sh\n{name}" in section or f"\n{name}" in section, f"{name}: no example"
        named = set(re.findall(r"`(--?[a-z][a-z-]*)", section))
        options = {
            option
            for parameter in commands[name].params
            if parameter.param_type_name == "option"
            for option in parameter.opts[-1:]
        }
        assert options <= named, f"{name}: {options - named}"
        assert named <= {option for p in commands[name].params for option in p.opts + p.secondary_opts}, name


def test_every_setting_and_event_of_the_widget_is_explained() -> None:
    text = source.document("docs/widget.md")
    loader = source.document("web_widget/widget/src/loader/settings.ts")
    fields = re.findall(
        r"^  (\w+):", loader.partition("export interface Settings {")[2].partition("}")[0], re.M
    )
    settings = text.split("## Settings")[1].split("##")[0]
    assert first_column(settings) and set(first_column(settings)) == set(fields)
    events = (
        source.document("web_widget/widget/src/shared/messages.ts")
        .partition("EVENTS = [")[2]
        .partition("]")[0]
    )
    assert set(re.findall(r'"([a-z:]+)"', events)) <= set(
        re.findall(r"`([a-z:]+)`", text.split("## Events")[1])
    )
    methods = source.document("web_widget/widget/src/loader/main.ts").partition("methods: Record")[2]
    named = re.findall(r"^    (\w+): \(", methods, re.M)
    assert named and set(named) <= set(re.findall(r"`(\w+)\(", text.split("## Methods")[1]))

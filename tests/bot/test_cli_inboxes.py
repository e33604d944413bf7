"""`jieli inbox`: which sites may embed the chat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli.main import app
from handoff.errors import HandoffError, Invalid
from handoff.inboxes import clean_origin


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIELI_HOME", str(tmp_path))
    monkeypatch.setenv("JIELI_LANG", "en")


def jieli(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["inbox", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def test_an_inbox_is_listed_and_set_option_by_option() -> None:
    assert jieli("list")["allowed_origins"] == []
    jieli("set", "default", "--origin", "https://Shop.example.com/", "--origin", "http://127.0.0.1:8000")
    jieli("set", "default", "--language", "en", "--collection", "faq", "--collection", "orders")
    jieli("set", "default", "--name", "Shop")
    found = jieli("list")
    assert found["allowed_origins"] == ["https://shop.example.com", "http://127.0.0.1:8000"]
    assert (
        found["languages"] == ["en"] and found["collections"] == ["faq", "orders"] and found["name"] == "Shop"
    )
    assert jieli("set", "default", "--origin", "none")["allowed_origins"] == []


def test_what_is_wrong_is_refused_and_changes_nothing() -> None:
    with pytest.raises(HandoffError, match="inbox_not_found"):
        CliRunner().invoke(app, ["inbox", "set", "nowhere", "--name", "x"], catch_exceptions=False)
    with pytest.raises(Invalid, match="bad_allowed_origin"):
        CliRunner().invoke(app, ["inbox", "set", "default", "--origin", "shop"], catch_exceptions=False)
    assert CliRunner().invoke(app, ["inbox", "set", "default", "--language", "fr"]).exit_code == 2
    assert jieli("list")["allowed_origins"] == [] and jieli("list")["languages"] == ["zh-CN", "en"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://shop.example.com", "https://shop.example.com"),
        ("HTTPS://Shop.Example.com:443/", "https://shop.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://商店.example", "https://xn--czrs0t.example"),
        ("*", "*"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(written: str, kept: str) -> None:
    assert clean_origin(written) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "shop.example.com",
        "https://",
        "https://a.b/page",
        "ftp://a.b",
        "https://u@a.b",
        "https://a:x",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="bad_allowed_origin"):
        clean_origin(text)

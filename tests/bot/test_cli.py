"""The command line as a user meets it: help, answers, accounts, and errors that say what to do."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from bot.cli.main import COMMANDS, app, load
from bot.migrate import migrate
from bot.settings import Settings, load_settings
from handoff.client import Visitor
from handoff.protocol import Msg

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs" / "configuration.md"


def jieli(
    *arguments: str, home: Path, stdin: str | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as a shell would."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JIELI_")}
    return subprocess.run(
        [sys.executable, "-c", "from bot.cli.main import run; run()", *arguments],
        env=clean | {"JIELI_HOME": str(home), "JIELI_LANG": "en", "OMP_NUM_THREADS": "1"} | env,
        input=stdin, capture_output=True, text=True, timeout=90, cwd=ROOT, check=False,
    )  # fmt: skip


def test_help_loads_nothing_heavy_and_speaks_both_languages(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv=['jieli','--help']\nfrom bot.cli.main import run\ntry: run()\nexcept SystemExit: pass\n"
        "print({'torch','sqlalchemy','langchain_core','chromadb','fastapi'} & set(sys.modules))"
    )
    env = os.environ | {"JIELI_LANG": "zh"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert "set()" in done.stdout and "向机器人提问" in done.stdout and "ingest" in done.stdout
    assert "ask the bot" in jieli("--help", home=tmp_path).stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    assert load(name).name == name
    assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0


def test_a_wrong_command_suggests_the_right_one() -> None:
    done = CliRunner().invoke(app, ["aks"])
    assert done.exit_code == 2 and "ask" in done.output


@pytest.mark.slow
def test_documents_go_in_and_answers_come_out(tmp_path: Path) -> None:
    articles = tmp_path / "help"
    articles.mkdir()
    (articles / "returns.md").write_text(
        "# 退货\n\n自签收次日起 7 天内可以申请退货，商品须完好。\n", encoding="utf-8"
    )
    (articles / "shipping.md").write_text(
        "# Shipping\n\nOrders over 99 yuan ship for free.\n", encoding="utf-8"
    )
    home = tmp_path / "home"
    assert jieli("ingest", str(articles), home=home).returncode == 0
    questions = tmp_path / "questions.jsonl"
    lines = ['{"id": "a", "question": "签收后几天内可以申请退货？"}', "not json", '{"id": "b", "question": "你好"}',
             '{"id": "c", "question": "Who won the chess championship in 1972?"}']  # fmt: skip
    questions.write_text("\n".join(lines), encoding="utf-8")
    done = jieli("ask", "--questions", str(questions), "--collection", "default", home=home)
    assert done.returncode == 0, done.stderr
    first, second, third = (json.loads(line) for line in done.stdout.splitlines())
    assert {"id", "answer", "answered", "confidence", "citations", "ms", "ttft_ms"} <= set(first)
    assert first["answered"] and "7 天" in first["answer"] and first["citations"][0]["path"] == "returns.md"
    assert second["answered"] and second["citations"] == []
    assert third["answered"] is False
    assert "line 2 is malformed" in done.stderr and "1 lines skipped" in done.stderr


def test_ask_wants_a_question_or_a_file(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["ask"]).exit_code == 2
    assert CliRunner().invoke(app, ["ask", "--questions", str(tmp_path / "none.jsonl")]).exit_code == 2


def test_accounts_are_added_listed_and_disabled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIELI_HOME", str(tmp_path))
    run = CliRunner()
    added = run.invoke(app, ["agent", "add", "lin@shop.example", "--name", "林", "--role", "supervisor"])
    made = json.loads(added.output)
    assert made["role"] == "supervisor" and len(made["password"]) >= 10
    run.invoke(app, ["agent", "disable", "lin@shop.example"])
    listed = json.loads(run.invoke(app, ["agent", "list"]).output)
    assert listed["disabled"] is True and "password" not in listed
    assert run.invoke(app, ["agent", "add", "x@shop.example", "--role", "king"]).exit_code == 2


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_taken_port_is_told_at_once(tmp_path: Path, command: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = jieli(command, "--port", str(other.getsockname()[1]), home=tmp_path)
    assert done.returncode == 2 and "[port_taken]" in done.stderr and "--port" in done.stderr


def test_a_database_from_the_future_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'jieli.db'}"
    migrate(url)
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    done = jieli("migrate", home=tmp_path, JIELI_LANG="zh")
    assert done.returncode == 2 and "[database_newer]" in done.stderr and "请升级接力" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("JIELI_EMBEDDER", "/nowhere/model", "model_path_missing"),
        ("JIELI_EMOTION_MODEL", "./nowhere", "model_path_missing"),
        ("JIELI_PORT", "99999", "bad_setting"),
        ("JIELI_LLM", "gpt-4o", "bad_setting"),
        ("JIELI_SECRET", "change-me", "weak_secret"),
        ("JIELI_DATABASE_URL", "nonsense", "bad_database_url"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, name: str, value: str, code: str) -> None:
    port = ["--port", str(_free_port())] if name != "JIELI_PORT" else []
    done = jieli("serve", *port, home=tmp_path, **{name: value})
    assert done.returncode == 2 and f"[{code}]" in done.stderr and name in done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_setting_is_documented() -> None:
    told = set(re.findall(r"`(JIELI_[A-Z_]+)`", DOCS.read_text(encoding="utf-8")))
    ours = {f"JIELI_{name.upper()}" for name in Settings.model_fields}
    assert ours <= told
    assert told - ours <= {"JIELI_LANG", "JIELI_AGENT_PASSWORD"}


def test_lists_in_the_environment_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIELI_LINK_HOSTS", "shop.example, help.example")
    assert load_settings().link_hosts == ("shop.example", "help.example")


def test_a_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert settings.signing_secret() == settings.signing_secret() and len(settings.signing_secret()) >= 32
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def _cpu_seconds(pid: int) -> float:
    """Processor time of a process, user and system (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
def test_the_server_answers_its_first_question_within_twenty_seconds(tmp_path: Path) -> None:
    port = _free_port()
    jieli("migrate", home=tmp_path)
    env = os.environ | {"JIELI_HOME": str(tmp_path), "JIELI_LANG": "en", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", "from bot.cli.main import run; run()", "serve", "--port", str(port)],
        env=env, stderr=subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}"

    async def first_answer() -> None:
        async with httpx.AsyncClient(base_url=base, trust_env=False) as http:
            while True:
                try:
                    states.append((await http.get("/healthz")).json()["state"])
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        async with Visitor(base) as visitor:
            await visitor.says("运费多少钱？")
            await visitor.hears(lambda f: isinstance(f, Msg) and f.from_ == "bot", patience=60)

    states: list[str] = []
    try:
        asyncio.run(first_answer())
        assert _cpu_seconds(process.pid) < 20  # on a busy machine the clock says nothing
        assert states == ["starting"]
        assert httpx.get(f"{base}/readyz", trust_env=False).json()["ready"] is True
        page = httpx.get(f"{base}/health", headers={"Accept-Language": "zh"}, trust_env=False).text
        assert "语言模型" in page and "JIELI_LLM" in page
        assert "jieli_turns_total" in httpx.get(f"{base}/metrics", trust_env=False).text
    finally:
        process.terminate()
        assert process.wait(30) in {0, -signal.SIGTERM}

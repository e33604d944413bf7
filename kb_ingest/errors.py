"""Errors of the kb_ingest package.

KnowledgeError                anything a caller can mend; carries a stable code and a text in both languages
├── ModelMissing              an embedder cannot be loaded
├── Unreadable                a document cannot be read: corrupt, locked, empty, too large, unknown type
├── NotFound                  no such document
└── Invalid                   a request is wrong
"""

from __future__ import annotations


class KnowledgeError(Exception):
    """Root of the package's errors.

    Args:
        code: stable identifier, snake_case, part of the public contract (docs/errors.md).
        zh, en: one sentence each: what was wrong and how to mend it.
    """

    status = 400

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.zh = zh
        self.en = en

    def text(self, language: str) -> str:
        """The sentence in the caller's language ("zh…" gives Chinese, anything else English)."""
        return self.zh if language.lower().startswith("zh") else self.en


class ModelMissing(KnowledgeError):
    """An embedder cannot be loaded from `name`."""

    status = 503

    def __init__(self, name: str) -> None:
        super().__init__(
            "embedder_missing",
            f"找不到向量模型 {name}：请检查 JIELI_EMBEDDER 的路径或名称，留空则使用内置模型。",
            f"The embedding model {name} cannot be loaded: check JIELI_EMBEDDER, or leave it empty for the "
            "built-in one.",
        )


class Unreadable(KnowledgeError):
    """A document cannot be read; the text says why and how to mend it."""

    status = 422


class NotFound(KnowledgeError):
    """No such document in this workspace."""

    status = 404

    def __init__(self, document: str) -> None:
        super().__init__(
            "document_not_found",
            f"没有编号为 {document} 的文档，它可能已被删除。",
            f"There is no document {document}; it may have been deleted.",
        )


class Invalid(KnowledgeError):
    """A request is wrong; the text says how to mend it."""

    status = 422

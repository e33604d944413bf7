"""The knowledge base as a LangChain retriever."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, SkipValidation

from bot.answers import Knowledge
from kb_ingest.knowledge import Hit


class KnowledgeRetriever(BaseRetriever):
    """Passages best first; `metadata["hit"]` is the `Hit` itself."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    knowledge: SkipValidation[Knowledge]
    collections: tuple[str, ...] = ()
    k: int = 8

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        hits = self.knowledge.search_now(query, collections=self.collections, k=self.k)
        return [_document(hit) for hit in hits]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        hits = await self.knowledge.search(query, collections=self.collections, k=self.k)
        return [_document(hit) for hit in hits]


def _document(hit: Hit) -> Document:
    metadata: dict[str, Any] = {
        "hit": hit,
        "title": hit.title,
        "source": hit.url or hit.path,
        "score": hit.score,
    }
    return Document(page_content=hit.text, metadata=metadata, id=hit.chunk)

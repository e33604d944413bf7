"""A parsed document into what is stored: chunks, their words and their vectors."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kb_ingest.documents import NewChunk, NewDocument, StoredChunk, StoredDocument
from kb_ingest.embedder import Embedder
from kb_ingest.keyword import weigh
from kb_ingest.loaders.base import Parsed
from kb_ingest.splitter import Piece, split
from kb_ingest.text import language_of
from kb_ingest.words import Words

# Changes when chunks, words or the text given to the encoder are made differently: old documents are made
# anew.
RECIPE = "2"
_LINK = re.compile(r"\[([^\]]+)\]\((?:https?://)[^)]*\)")
_URL = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class _Part:
    piece: Piece
    question: str = ""
    aliases: tuple[str, ...] = ()


def digest(parsed: Parsed) -> str:
    """The hash that says whether a document has changed."""
    rows = [[row.question, row.start, row.end, list(row.aliases)] for row in parsed.rows]
    content = [RECIPE, parsed.title, parsed.text, parsed.url, parsed.language, rows, list(parsed.aliases)]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def _parts(parsed: Parsed) -> list[_Part]:
    if not parsed.rows:
        return [_Part(piece) for piece in split(parsed.text)]
    parts = []
    for row in parsed.rows:
        answer = parsed.text[row.start : row.end]
        for piece in split(answer):
            moved = Piece(piece.start + row.start, piece.end + row.start, piece.heading, piece.lead)
            parts.append(_Part(moved, row.question, row.aliases))
    return parts


def prepared(parsed: Parsed, *, collection: str, path: str, status: str, words: Words) -> NewDocument:
    """Chunks and words of a document; vectors are still missing."""
    chunks = []
    for part in _parts(parsed):
        piece = part.piece
        text = parsed.text[piece.start : piece.end]
        body = words.of(f"{piece.lead}\n{text}")
        named = words.of("\n".join([parsed.title, piece.heading, *parsed.aliases]))
        asked = words.of("\n".join([part.question, *part.aliases]))
        chunks.append(
            NewChunk(
                heading=piece.heading,
                question=part.question,
                aliases=part.aliases,
                lead=piece.lead,
                text=text,
                start=piece.start,
                end=piece.end,
                words=weigh(body, named, asked),
                length=len(body) + len(asked),
                vectors=b"",
            )
        )
    return NewDocument(
        collection=collection,
        path=path,
        title=parsed.title,
        url=parsed.url,
        language=parsed.language or language_of(f"{parsed.title}\n{parsed.text}"),
        text=parsed.text,
        hash=digest(parsed),
        embedder="",
        aliases=parsed.aliases,
        chunks=tuple(chunks),
        status=status,
    )


def _passage(title: str, chunk: NewChunk | StoredChunk) -> str:
    """What the encoder reads of a chunk: where it stands, then its text without addresses."""
    above = [title] if title and title not in chunk.heading else []
    above += [part for part in (chunk.heading, chunk.question, chunk.lead) if part and part not in above]
    return "\n".join([*above, _URL.sub(" ", _LINK.sub(r"\1", chunk.text))])


def _names(chunk: NewChunk | StoredChunk) -> list[str]:
    """A question and its other wordings, each of which gets a vector of its own."""
    return [name for name in (chunk.question, *chunk.aliases) if name][:8]


def _vectors(
    chunks: Sequence[tuple[str, NewChunk | StoredChunk]], embedder: Embedder
) -> list[tuple[bytes, bytes]]:
    """The vectors and the token vectors of (title, chunk) pairs, all in one go."""
    passages = embedder.read_passages([_passage(title, chunk) for title, chunk in chunks])
    names = [(at, name) for at, (_, chunk) in enumerate(chunks) for name in _names(chunk)]
    asked = embedder.embed_queries([name for _, name in names]) if names else ()
    rows = [[passage.vector] for passage in passages]
    for (at, _), vector in zip(names, asked, strict=True):
        rows[at].append(vector)
    vectors = [np.stack(row).astype("<f4").tobytes() for row in rows]
    return [(made, passage.tokens.tobytes()) for made, passage in zip(vectors, passages, strict=True)]


def _filled(chunk: NewChunk, made: tuple[bytes, bytes]) -> NewChunk:
    return replace(chunk, vectors=made[0], tokens=made[1])


def embedded(new: Sequence[NewDocument], embedder: Embedder) -> list[NewDocument]:
    """The documents with their vectors."""
    vectors = iter(_vectors([(one.title, chunk) for one in new for chunk in one.chunks], embedder))
    titles = embedder.embed_passages([one.title for one in new])
    return [
        replace(
            one,
            chunks=tuple(_filled(chunk, next(vectors)) for chunk in one.chunks),
            embedder=embedder.name,
            vector=title.astype("<f4").tobytes(),
        )
        for one, title in zip(new, titles, strict=True)
    ]


def vectors_again(stored: StoredDocument, embedder: Embedder) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The title's vector, and the chunks' vectors and token vectors, by another embedder."""
    title = embedder.embed_passages([stored.title])[0].astype("<f4").tobytes()
    return title, _vectors([(stored.title, chunk) for chunk in stored.chunks], embedder)

"""Builds the starting point of the tuning: the lower layers of the packaged encoder with a cut vocabulary.

python training/emotion/base.py --out training/runs/base8 --data DATA --layers 8 --pieces 14000
"""

from __future__ import annotations

import argparse
import collections
import re
from pathlib import Path

import corpora
import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from handoff.emotion_text import normalise
from kb_ingest.embedder_weights import PackagedModel, read_package, state_dict, tokenizer_json

POSITIONS = 128
HEADS = 14
_HAN = re.compile("[\u3400-\u9fff]")
_FACE = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")


def _common(piece: str) -> bool:
    """Whether a character stands in level 1 of GB 2312 (the 3,755 commonest)."""
    try:
        code = piece.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return len(code) == 2 and code[0] < 0xD8


def texts(data: Path) -> list[str]:
    """What the vocabulary is counted on: the shippable sources, our own chats six times, STC-3 four times."""
    found = [s.text for s in corpora.sentiment(data, corpora.SHIPPED_SENTIMENT)]
    found += [s.text for s in corpora.offensive(data, 30_000)] + [
        s.text for s in corpora.plain_requests(data, 30_000)
    ]
    for lang in ("cn", "en"):
        found += [s.text for _, samples, _ in corpora.satisfaction(data, lang) for s in samples] * 4
    own = corpora.shipped_chats(None, Path(__file__).parent / "data")
    found += [text for chat in own for turn in chat.turns for text in turn] * 6
    return [normalise(t)[:300] for t in found]


def chosen(model: PackagedModel, data: Path, pieces: int) -> list[int]:
    """Indices of the pieces to keep, in their old order."""
    tokenizer = Tokenizer.from_str(tokenizer_json(model.vocabulary))
    count: collections.Counter[int] = collections.Counter()
    for encoding in tokenizer.encode_batch(texts(data), add_special_tokens=False):
        count.update(encoding.ids)
    keep = {0, 1, 2, 3}
    for i, (piece, _) in enumerate(model.vocabulary):
        bare = piece.lstrip("▁")
        han = len(piece) == 1 and _HAN.match(piece) and (count[i] or _common(piece))
        if han or (
            len(bare) == 1
            and (bare.isascii() or _FACE.match(bare) or bare in "，。！？、：；“”…～—（）《》【】￥")
        ):
            keep.add(i)
    for i, _ in count.most_common():
        if len(keep) >= pieces:
            break
        keep.add(i)
    return sorted(keep)


def main() -> None:
    """Reads the arguments and writes the directory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--pieces", type=int, default=14_000)
    args = parser.parse_args()
    torch.manual_seed(1)
    packaged = read_package()
    keep = chosen(packaged, args.data, args.pieces)
    weights = {f"bert.{name}": torch.from_numpy(value.copy()) for name, value in state_dict(packaged).items()}
    word = "bert.embeddings.word_embeddings.weight"
    weights[word] = weights[word][torch.tensor(keep)]
    place = "bert.embeddings.position_embeddings.weight"
    weights[place] = weights[place][:POSITIONS]
    kind = "bert.embeddings.token_type_embeddings.weight"  # only type 0 was trained; 1 starts beside it
    weights[kind] = torch.stack([weights[kind][0], weights[kind][0] + 0.02 * torch.randn(packaged.hidden)])
    config = BertConfig(
        vocab_size=len(keep), hidden_size=packaged.hidden, num_hidden_layers=args.layers,
        num_attention_heads=packaged.heads, intermediate_size=packaged.inner,
        max_position_embeddings=POSITIONS,
        type_vocab_size=2, pad_token_id=1, bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-12,
        num_labels=HEADS,
    )  # fmt: skip
    model = BertForSequenceClassification(config)
    own = model.state_dict()
    model.load_state_dict({k: v for k, v in weights.items() if k in own and "pooler" not in k}, strict=False)
    with torch.no_grad():  # the pooler starts as (nearly) the identity under its tanh
        model.bert.pooler.dense.weight.copy_(
            torch.eye(packaged.hidden) + 0.01 * torch.randn_like(model.bert.pooler.dense.weight)
        )
        model.bert.pooler.dense.bias.zero_()
    model.save_pretrained(args.out)
    tokenizer = Tokenizer.from_str(tokenizer_json([packaged.vocabulary[i] for i in keep]))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>",
        pad_token="<pad>", unk_token="<unk>", model_max_length=POSITIONS,
    ).save_pretrained(args.out)  # fmt: skip
    print(f"{len(keep)} pieces, {sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters")
    np.savetxt(args.out / "pieces.txt", np.array(keep), fmt="%d")


if __name__ == "__main__":
    main()

"""Tunes the shipped emotion model. See README.md for the commands.

python training/emotion/train.py --base runs/base8 --data DATA --out runs/a --aux 40000 --epochs 3
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Sequence
from pathlib import Path

import corpora
import numpy as np
import torch
from corpora import Sample
from torch import nn
from torch.nn import functional as F
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from handoff.emotion_text import current_part, history_part

HERE = Path(__file__).parent
HEADS = ["none", "mild", "clear", *corpora.LABELS, "wants_person", "handoff", "aux_negative"]
MAX_TOKENS = 104


def encode(tokenizer, samples: Sequence[Sample]) -> list[tuple[list[int], list[int]]]:
    """Token ids and segment ids of each sample: `<s> turn </s> history </s>`."""
    out = []
    for start in range(0, len(samples), 2000):
        part = samples[start : start + 2000]
        first = [current_part(s.text) for s in part]
        second = [history_part(s.history) for s in part]
        a = tokenizer(first, add_special_tokens=False, truncation=True, max_length=72)["input_ids"]
        b = tokenizer(second, add_special_tokens=False)["input_ids"]
        for x, y in zip(a, b, strict=True):
            ids = [0, *x, 2]
            room = MAX_TOKENS - len(ids) - 1
            tail = [*y[:room], 2] if y else []
            out.append((ids + tail, [0] * len(ids) + [1] * len(tail)))
    return out


def batches(lengths: Sequence[int], tokens: int, rng: random.Random | None) -> list[list[int]]:
    """Indices in batches of about `tokens` tokens, texts of like length together."""
    key = (lambda i: lengths[i] + rng.random() * 6) if rng else (lambda i: lengths[i])
    order = sorted(range(len(lengths)), key=key)
    out, now, longest = [], [], 0
    for i in order:
        longest = max(longest, lengths[i])
        if now and longest * (len(now) + 1) > tokens:
            out.append(now)
            now, longest = [], lengths[i]
        now.append(i)
    if now:
        out.append(now)
    if rng:
        rng.shuffle(out)
    return out


def collate(encoded, index: Sequence[int]) -> dict[str, torch.Tensor]:
    """Padded tensors of the rows in `index`."""
    width = max(len(encoded[i][0]) for i in index)
    ids = torch.ones(len(index), width, dtype=torch.long)
    kind = torch.zeros(len(index), width, dtype=torch.long)
    mask = torch.zeros(len(index), width, dtype=torch.long)
    for row, i in enumerate(index):
        a, b = encoded[i]
        ids[row, : len(a)] = torch.tensor(a)
        kind[row, : len(a)] = torch.tensor(b)
        mask[row, : len(a)] = 1
    return {"input_ids": ids, "token_type_ids": kind, "attention_mask": mask}


def loss_of(logits: torch.Tensor, rows: Sequence[Sample]) -> torch.Tensor:
    """Sum of the heads' losses, each over the samples that carry its label."""
    weight = torch.tensor([r.weight for r in rows])

    def over(values: list[int], part: torch.Tensor, scale: float) -> torch.Tensor:
        target = torch.tensor(values)
        keep = target >= 0
        if not keep.any():
            return logits.sum() * 0
        w = weight[keep]
        if part.dim() == 2:
            each = F.cross_entropy(part[keep], target[keep], reduction="none", label_smoothing=0.03)
        else:
            each = F.binary_cross_entropy_with_logits(part[keep], target[keep].float(), reduction="none")
        return scale * (each * w).sum() / len(rows)

    level = over([r.level for r in rows], logits[:, :3], 1.0)
    label = over([r.label for r in rows], logits[:, 3:11], 0.4)
    wants = over([r.wants for r in rows], logits[:, 11], 0.5)
    handoff = over([r.handoff for r in rows], logits[:, 12], 0.4)
    aux = over([r.aux for r in rows], logits[:, 13], 0.7)
    return level + label + wants + handoff + aux


class Upper:
    """The layers above the frozen ones, fed with the frozen layers' output computed once."""

    def __init__(self, model, encoded, frozen: int) -> None:
        self.model, self.frozen, self.encoded = model, frozen, encoded
        self.kept: list[torch.Tensor] = [torch.empty(0)] * len(encoded)
        if not frozen:
            return
        model.eval()
        for index in batches([len(e[0]) for e in encoded], 4000, None):
            batch = collate(encoded, index)
            with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
                hidden = model.bert.embeddings(batch["input_ids"], batch["token_type_ids"])
                hidden = self.layers(hidden, batch["attention_mask"], model.bert.encoder.layer[:frozen])
            for row, i in enumerate(index):
                self.kept[i] = hidden[row, : len(encoded[i][0])].bfloat16().clone()

    @staticmethod
    def layers(hidden, mask, layers):
        """Runs `layers` over padded hidden states."""
        shut = torch.zeros(mask.shape).masked_fill(mask == 0, -1e4)[:, None, None, :].to(torch.bfloat16)
        for layer in layers:
            out = layer(hidden, shut)
            hidden = out[0] if isinstance(out, tuple) else out
        return hidden

    def logits(self, index: Sequence[int]) -> torch.Tensor:
        """Logits of the rows in `index`."""
        batch = collate(self.encoded, index)
        if not self.frozen:
            return self.model(**batch).logits
        hidden = torch.zeros(*batch["input_ids"].shape, self.model.config.hidden_size)
        for row, i in enumerate(index):
            hidden[row, : len(self.kept[i])] = self.kept[i].float()
        hidden = self.layers(hidden, batch["attention_mask"], self.model.bert.encoder.layer[self.frozen :])
        pooled = self.model.dropout(self.model.bert.pooler(hidden))
        return self.model.classifier(pooled)


def run(
    model, tokenizer, samples, *, epochs: int, lr: float, tokens: int, seed: int, frozen: int, limit_s: float,
    keep: tuple[Path, float] | None = None,
):  # fmt: skip
    """Trains in place: AdamW, linear warm-up and decay, lower `frozen` layers and the embeddings fixed.

    `keep` is (folder, seconds): the weights are also saved that often, in the folder's name and the step.
    """
    kept_at = time.time()
    rng = random.Random(seed)
    torch.manual_seed(seed)
    encoded = encode(tokenizer, samples)
    lengths = [len(e[0]) for e in encoded]
    for name, p in model.named_parameters():
        layer = int(name.split(".")[3]) if "encoder.layer." in name else -1
        p.requires_grad = not (
            "embeddings.word" in name
            or "position" in name
            or -1 < layer < frozen
            or (frozen > 0 and ".embeddings." in name)
        )
    heads = [p for n, p in model.named_parameters() if n.startswith(("classifier", "bert.pooler"))]
    body = [
        p
        for n, p in model.named_parameters()
        if p.requires_grad and not n.startswith(("classifier", "bert.pooler"))
    ]
    optim = torch.optim.AdamW(
        [{"params": body, "lr": lr}, {"params": heads, "lr": lr * 4}], weight_decay=0.02, betas=(0.9, 0.98)
    )
    peaks = [g["lr"] for g in optim.param_groups]
    total = epochs * len(batches(lengths, tokens, random.Random(seed)))
    upper = Upper(model, encoded, frozen)
    print(f"{len(samples)} samples, {total} steps", flush=True)
    model.train()
    step, begun, mean = 0, time.time(), 0.0
    for epoch in range(epochs):
        for index in batches(lengths, tokens, rng):
            done = max(step / total, (time.time() - begun) / limit_s)
            if done >= 1:
                break
            for group, peak in zip(optim.param_groups, peaks, strict=True):
                group["lr"] = peak * min(1.0, (step + 1) / 60) * (1 - done)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = upper.logits(index)
            loss = loss_of(logits.float(), [samples[i] for i in index])
            optim.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optim.step()
            step += 1
            mean = loss.item() if step == 1 else 0.98 * mean + 0.02 * loss.item()
            if keep and time.time() - kept_at > keep[1]:
                kept_at = time.time()
                model.save_pretrained(keep[0].with_name(f"{keep[0].name}-{step}"))
                tokenizer.save_pretrained(keep[0].with_name(f"{keep[0].name}-{step}"))
            if step % 50 == 0:
                print(
                    f"epoch {epoch} step {step}/{total} loss {mean:.3f} {time.time() - begun:.0f}s",
                    flush=True,
                )
    model.eval()


@torch.inference_mode()
def predict(model, tokenizer, samples: Sequence[Sample]) -> np.ndarray:
    """Logits, float32 [samples, heads]."""
    encoded = encode(tokenizer, samples)
    out = np.zeros((len(samples), len(HEADS)), np.float32)
    for index in batches([len(e[0]) for e in encoded], 6000, None):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(**collate(encoded, index)).logits
        out[index] = logits.float().numpy()
    return out


def in_domain(chats, folds: int = 5) -> tuple[list[Sample], list[Sample]]:
    """(training, development) turns; an STC-3 dialogue is held out when its id's hash says so."""
    train, dev = [], []
    for chat in chats:
        held = chat.source.startswith("stc3") and int(chat.dialog) % folds == 0
        (dev if held else train).extend(corpora.samples_of(chat))
    return train, dev


def main() -> None:
    """Reads the arguments, trains the two stages, saves a transformers directory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights after the first stage; skips it")
    parser.add_argument("--aux", type=int, default=30_000, help="out-of-domain texts in the first stage")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--lr", type=float, default=6e-5)
    parser.add_argument("--frozen", type=int, default=2)
    parser.add_argument(
        "--extra", type=int, default=1200, help="out-of-domain texts kept in the second stage"
    )
    parser.add_argument("--turn-repeats", type=int, default=1, help="passes over our single turns an epoch")
    parser.add_argument("--keep-minutes", type=float, default=0, help="also save the weights that often")
    parser.add_argument("--own-weight", type=float, default=1.0)
    parser.add_argument("--stage1-minutes", type=float, default=8)
    parser.add_argument("--stage2-minutes", type=float, default=12)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--all", action="store_true", help="train on the development dialogues too (final weights)"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    model = AutoModelForSequenceClassification.from_pretrained(
        args.start or args.base, num_labels=len(HEADS), dtype=torch.float32
    )
    model.config.id2label = dict(enumerate(HEADS))
    model.config.label2id = {name: i for i, name in enumerate(HEADS)}
    train, dev = in_domain(corpora.shipped_chats(args.data, HERE / "data"))
    tested = corpora.language_items(HERE.parents[1] / "tests/data/language")
    train += corpora.shipped_turns(HERE / "data", tested) * args.turn_repeats
    if args.all:
        train += dev
    for s in train:
        if s.source.startswith("own"):
            s.weight = args.own_weight
    calm = corpora.plain_requests(args.data, 900)
    for s in calm:
        s.weight = 0.3
    aux = corpora.sentiment(args.data, corpora.SHIPPED_SENTIMENT)
    rng = random.Random(args.seed)
    rng.shuffle(aux)
    zh = [s for s in aux if s.source in ("CPED_valid", "weibo_8moods_clean", "NLPCC2013Train")]
    en = [s for s in aux if s.source.startswith(("goe", "Emo"))]
    mixed = zh[: math.ceil(args.aux * 0.62)] + en[: math.floor(args.aux * 0.38)]
    if args.aux and not args.start:
        first = mixed + corpora.offensive(args.data, 2500) + train
        run(model, tokenizer, first, epochs=1, lr=1e-4, tokens=1600, seed=args.seed, frozen=args.frozen,
            limit_s=args.stage1_minutes * 60)  # fmt: skip
        model.save_pretrained(args.out.with_name(args.out.name + "-stage1"))
    replay = rng.sample(mixed, min(len(mixed), args.extra))
    print(f"{len(train)} labelled turns, {len(dev)} held out", flush=True)
    run(model, tokenizer, train + calm + replay, epochs=args.epochs, lr=args.lr, tokens=1600, seed=args.seed,
        frozen=args.frozen, limit_s=args.stage2_minutes * 60,
        keep=(args.out, args.keep_minutes * 60) if args.keep_minutes else None)  # fmt: skip
    model.save_pretrained(args.out)
    tokenizer.save_pretrained(args.out)


if __name__ == "__main__":
    main()

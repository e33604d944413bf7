"""Turns a tuned model into the directory that ships: fp16 safetensors, tokenizer, calibration.

python training/emotion/publish.py --model runs/a --out handoff/models/emotion --version 1
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

IDENTITY = {"any": [1.0, 0.0, 0.0, 0.0], "clear": [0.0, 1.0, 0.0, 0.0]}


def compact(path: Path) -> None:
    """The tokenizer's file without blanks, its pieces' scores to four decimals: a third of the size."""
    data = json.loads(path.read_text(encoding="utf8"))
    data["model"]["vocab"] = [[piece, round(score, 4)] for piece, score in data["model"]["vocab"]]
    path.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")), encoding="utf8")


def main() -> None:
    """Reads the arguments and writes the directory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--calibration", type=Path, help="JSON written by calibrate.py")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    model = AutoModelForSequenceClassification.from_pretrained(args.model, dtype=torch.float16)
    model.save_pretrained(args.out)
    AutoTokenizer.from_pretrained(args.model).save_pretrained(args.out)
    compact(args.out / "tokenizer.json")
    fit = (
        json.loads(args.calibration.read_text())
        if args.calibration
        else {"with_history": IDENTITY, "alone": IDENTITY}
    )
    (args.out / "calibration.json").write_text(json.dumps({"version": args.version, **fit}, indent=1) + "\n")
    (args.out / "model.safetensors").chmod(0o644)
    card = Path(__file__).parent / "model_card.md"
    if card.exists():
        shutil.copy(card, args.out / "README.md")
    print(sum(f.stat().st_size for f in args.out.iterdir()) / 1e6, "MB")


if __name__ == "__main__":
    main()

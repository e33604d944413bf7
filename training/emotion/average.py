"""Averages the weights of models tuned from the same start.

python training/emotion/average.py --out training/runs/soup training/runs/a training/runs/c
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def main() -> None:
    """Reads the arguments and writes the directory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    models = [AutoModelForSequenceClassification.from_pretrained(m, dtype=torch.float32) for m in args.models]
    states = [m.state_dict() for m in models]
    mean = {
        k: torch.stack([s[k].float() for s in states]).mean(0) if v.is_floating_point() else v
        for k, v in states[0].items()
    }
    models[0].load_state_dict(mean)
    models[0].save_pretrained(args.out)
    AutoTokenizer.from_pretrained(args.models[0]).save_pretrained(args.out)


if __name__ == "__main__":
    main()

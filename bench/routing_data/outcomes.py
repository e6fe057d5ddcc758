"""Recorded outcomes of prompts at several models, with price ladders: reads them, splits off the part for tests.

The format: `outcomes.jsonl.gz`, a prompt a line (id, kind, prompt, in_tok, split, m = {model: {q, out}}, perhaps sub), and
`prices.json`, {ladder: {tier: [dollars per million in, out]}, "_tiers": {pool: {tier: model}}}. No name in it is known here.
"""

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from farthing.model.routes import TIERS, Tier
from farthing.quality.features import Features, features_of

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]

FOLDS = 5
CALIBRATION = -1
LEAST_OF_KIND = 30
"""Prompts of a kind; kinds with fewer are left out."""


@dataclass(frozen=True)
class Prompt:
    id: str
    kind: str
    template: str
    """Stands for the caller's template: 16 hex digits of the prompt's subject, or nothing."""
    in_tokens: float
    part: int
    """Fold that it is tested in, or CALIBRATION."""
    text: str
    features: Features
    outcomes: dict[str, tuple[float, float]]
    """By model: score 0 to 1, output tokens."""


@dataclass(frozen=True)
class Pool:
    """Three models (or two), one a tier, and the prompts that all of them answered."""

    name: str
    tiers: tuple[Tier, ...]
    models: tuple[str, ...]
    prompts: tuple[Prompt, ...]
    rows: Ints
    """Of the prompts, among all."""
    score: Floats
    length: Floats
    kinds: NDArray[np.str_]
    parts: Ints
    in_tokens: Floats

    @property
    def texts(self) -> list[str]:
        return [each.text for each in self.prompts]

    def weight(self, rows: Ints) -> Floats:
        """Weights of these prompts by which each kind counts the same; they sum to 1."""
        names, which, counts = np.unique(self.kinds[rows], return_inverse=True, return_counts=True)
        return np.asarray(1.0 / counts[which] / len(names))

    def cost(self, prices: dict[Tier, tuple[float, float]], length: Floats, rows: Ints) -> Floats:
        """Dollars per million calls of these prompts, at each model, with answers of this length."""
        rates = np.array([prices[tier] for tier in self.tiers])
        return np.asarray(self.in_tokens[rows][:, None] * rates[:, 0] + length * rates[:, 1])


@dataclass(frozen=True)
class Data:
    prompts: int
    pools: tuple[Pool, ...]
    ladders: dict[str, dict[Tier, tuple[float, float]]]


def read(folder: Path) -> Data:
    """Raises OSError if the files are missing, ValueError or KeyError if they are something else."""
    where = folder / "routing" if (folder / "routing").is_dir() else folder
    with gzip.open(where / "outcomes.jsonl.gz", "rt", encoding="utf-8") as lines:
        prompts = [_prompt(json.loads(line)) for line in lines]
    said = json.loads((where / "prices.json").read_text("utf-8"))
    ladders = {
        name: {tier: (float(rates[tier][0]), float(rates[tier][1])) for tier in TIERS if tier in rates}
        for name, rates in said.items() if not name.startswith("_")
    }  # fmt: skip
    pools = [_pool(name, tiers, prompts) for name, tiers in said["_tiers"].items()]
    return Data(len(prompts), tuple(pool for pool in pools if pool.prompts), ladders)


def _prompt(row: dict[str, Any]) -> Prompt:
    text, subject = row["prompt"], str(row.get("sub") or "")
    template = hashlib.blake2b(f"{row['kind']}\0{subject}".encode(), digest_size=8).hexdigest() if subject else ""
    code = "```" in text or "def " in text or "function " in text
    outcomes = {
        name: (float(seen["q"]), float(seen.get("out") or 1)) for name, seen in row["m"].items() if seen.get("q") is not None
    }  # fmt: skip
    part = CALIBRATION if row["split"] == "calib" else fold_of(text)
    tokens = float(row["in_tok"])
    return Prompt(
        row["id"], row["kind"], template, tokens, part, text, features_of(text, int(tokens), code=code), outcomes,
    )  # fmt: skip


def fold_of(text: str) -> int:
    """By a hash of the text, so that a question that occurs twice is on one side."""
    return int.from_bytes(hashlib.blake2b(text.strip().encode(), digest_size=8).digest(), "big") % FOLDS


def _pool(name: str, models: dict[str, str], prompts: list[Prompt]) -> Pool:
    tiers = tuple(tier for tier in TIERS if tier in models)
    names = tuple(models[tier] for tier in tiers)
    rows = [at for at, each in enumerate(prompts) if all(model in each.outcomes for model in names)]
    counts: dict[str, int] = {}
    for at in rows:
        counts[prompts[at].kind] = counts.get(prompts[at].kind, 0) + 1
    rows = [at for at in rows if counts[prompts[at].kind] >= LEAST_OF_KIND]
    chosen = tuple(prompts[at] for at in rows)
    outcomes = np.array([[each.outcomes[model] for model in names] for each in chosen]).reshape(
        len(rows), len(names), 2
    )
    return Pool(
        name, tiers, names, chosen, np.array(rows, np.intp), outcomes[:, :, 0], outcomes[:, :, 1],
        np.array([each.kind for each in chosen], np.str_), np.array([each.part for each in chosen], np.intp),
        np.array([each.in_tokens for each in chosen]),
    )  # fmt: skip

"""The world of the benchmark: public intents, their vectors, and a teacher that errs where it is hard.

The teacher is wrong on 5 % of all texts, drawn from the most ambiguous tenth (least lead of the own intent's centre over
the nearest other), where it names one of the three nearest other intents. Student and bars see only what it says. Which
texts are drawn, and which are logged, is new in each run.
"""

import asyncio
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from farthing.embed.minilm import MiniLM
from farthing.selfhost.students.pairs import Captured, DataSet, clean
from farthing.selfhost.students.training import MOST

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

WRONG, AMBIGUOUS, NEAREST = 0.05, 0.10, 3


class World(NamedTuple):
    encoder: str
    texts: list[str]
    gold: Ints
    names: list[str]
    vectors: Floats
    strangers: list[str]
    """Questions of no known intent, from another set."""
    stranger_vectors: Floats


def read(folder: Path, most: int | None = None, most_strangers: int | None = None) -> World:
    """Raises OSError without the files. Encodes each text once; only so many of each set, in an order that is always the same."""
    rows = [json.loads(line) for line in (folder / "banking77.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [rows[at] for at in np.random.default_rng(0).permutation(len(rows))[:most]] if most is not None else rows
    others = [json.loads(line) for line in (folder / "clinc150.jsonl").read_text(encoding="utf-8").splitlines()]
    texts = [row["text"] for row in rows]
    strangers = [row["text"] for row in others if row["intent"] == "oos"][:most_strangers]
    names = sorted({row["intent"] for row in rows})
    encoder = MiniLM(2)
    vectors = asyncio.run(_encode(encoder, texts + strangers))
    gold = np.array([names.index(row["intent"]) for row in rows], np.int64)
    return World(encoder.name, texts, gold, names, vectors[: len(texts)], strangers, vectors[len(texts) :])


async def _encode(encoder: MiniLM, texts: list[str]) -> Floats:
    try:
        return await encoder.encode(texts)
    finally:
        await encoder.close()


def teacher(world: World, dice: np.random.Generator) -> Ints:
    """What the teacher says of each text."""
    size = len(world.gold)
    centres = np.stack([world.vectors[world.gold == intent].mean(0) for intent in range(len(world.names))])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    near = world.vectors @ centres.T
    own = near[np.arange(size), world.gold]
    near[np.arange(size), world.gold] = -2
    hard = np.argsort(own - near.max(1))[: int(AMBIGUOUS * size)]
    wrong = dice.choice(hard, int(WRONG * size), replace=False)
    others = np.argsort(-near[wrong], axis=1)[:, :NEAREST]
    said = world.gold.copy()
    said[wrong] = others[np.arange(len(wrong)), dice.integers(0, NEAREST, len(wrong))]
    return said


def logged(world: World, said: Ints, rows: Ints) -> tuple[DataSet, Floats]:
    """What the capture of these calls comes to, and its vectors."""
    pairs = [Captured(world.texts[row], world.names[said[row]], "t", at) for at, row in enumerate(rows)]
    data = clean(pairs, most=MOST)
    place = {world.texts[row]: row for row in rows}
    return data, world.vectors[[place[text] for text in data.texts]]

"""The classifier: which kind of work a prompt looks like, or that it cannot be told.

A linear model over the hashed features of `features`, trained on prompts written for the purpose by
`tools/train_task_classifier.py`. It says nothing rather than too little: a kind of work is given only if it is likely,
and if it is unlikely that a larger tier would be needed (by the textbook's order of kinds). Pure Python; a row of the
table is one integer with a lane for each label, so that a prompt's rows are added by `sum`.
"""

import math
import struct
import zlib
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import msgspec

from farthing.steps.task.features import features

WEIGHTS = Path(__file__).with_name("weights.bin")
LANE = 4
"""Bytes of a label's lane in a row; weights are bytes, so some 16 million rows would have to be added to overflow it."""
MIDDLE = 128
"""What is added to a weight, so that it is never below nothing."""
NOTHING = "none"
"""The label of prompts in which no kind of work is to be seen."""
TIER_OF = {
    "classification": 0, "extraction": 0, "embedding": 0, "summarisation": 1, "qa": 1, "rewrite": 1, "reasoning": 2,
    "creative": 2, "code": 2, NOTHING: 2,
}  # fmt: skip
"""The textbook's tiers, small to flagship: what counts as too small."""


class Header(msgspec.Struct):
    """What stands before the weights."""

    labels: list[str]
    word_scale: float
    """What a weight of 1 is worth, of words; and of the shape."""
    shape_scale: float
    bias: list[float]
    temperature: float
    least: float
    """Probability below which a label is not given."""
    most_too_small: float
    """Probability of a label of a larger tier above which it is not given."""


class Guess(NamedTuple):
    label: str
    """Empty: it abstains."""
    likely: str
    probability: float
    """Of `likely`."""
    too_small: float
    """Probability that the call needs a larger tier than that of `likely`."""


class Classifier:
    """Reads its weights when it is asked first: 20 ms that a gateway without routing never pays."""

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._path = path
        self._header: Header | None = None
        self._rows: list[int] = []

    def guess(self, text: str, instructions: str = "", *, code: bool = False, quoted: bool = False) -> Guess:
        """The kind of work. Abstains where neither says anything."""
        if not text and not instructions:
            return Guess("", "", 0.0, 1.0)
        header = self._header or self._load()
        shares = self.probabilities(text, instructions, code=code, quoted=quoted)
        best = max(range(len(shares)), key=shares.__getitem__)
        label = header.labels[best]
        too_small = sum(
            share for name, share in zip(header.labels, shares, strict=True) if TIER_OF[name] > TIER_OF[label]
        )
        gives = label != NOTHING and shares[best] >= header.least and too_small <= header.most_too_small
        return Guess(label if gives else "", label, shares[best], too_small)

    def probabilities(
        self, text: str, instructions: str = "", *, code: bool = False, quoted: bool = False
    ) -> list[float]:  # fmt: skip
        """Of each label, in their order."""
        header = self._header or self._load()
        seen = features(text, instructions, code=code, quoted=quoted)
        words, edges, shape = (self._sum(rows, len(header.labels)) for rows in seen)
        word_scale = header.word_scale / math.sqrt(len(seen.words) or 1)
        edge_scale = header.word_scale / math.sqrt(len(seen.edges) or 1)
        scores = [
            (bias + word * word_scale + edge * edge_scale + form * header.shape_scale) / header.temperature
            for bias, word, edge, form in zip(header.bias, words, edges, shape, strict=True)
        ]
        top = max(scores)
        powers = [math.exp(score - top) for score in scores]
        total = sum(powers)
        return [power / total for power in powers]

    @property
    def labels(self) -> list[str]:
        return (self._header or self._load()).labels

    def _sum(self, rows: set[int], lanes: int) -> list[int]:
        """The sum of rows, lane by lane."""
        total = sum(itemgetter(*rows)(self._rows) if len(rows) > 1 else map(self._rows.__getitem__, rows))
        middle = MIDDLE * len(rows)
        found = struct.unpack(f"<{lanes}I", total.to_bytes(LANE * lanes, "little"))
        return [lane - middle for lane in found]

    def _load(self) -> Header:
        raw = self._path.read_bytes()
        size = int.from_bytes(raw[:4], "little")
        header = msgspec.json.decode(raw[4 : 4 + size], type=Header)
        table = zlib.decompress(raw[4 + size :])
        self._rows = _rows(table, len(header.labels))
        self._header = header
        return header


def _rows(table: bytes, lanes: int) -> list[int]:
    """Each byte gets a lane of its own; equal rows, most of all those without weight, are one integer."""
    wide = bytearray(LANE * len(table))
    wide[::LANE] = table
    size = LANE * lanes
    known: dict[bytes, int] = {}
    found = []
    for at in range(0, len(wide), size):
        row = bytes(wide[at : at + size])
        number = known.get(row)
        if number is None:
            number = known[row] = int.from_bytes(row, "little")
        found.append(number)
    return found


def packed(header: Header, weights: bytes) -> bytes:
    """The file of a model; `weights` are the table's bytes, row by row, each `MIDDLE` above its value."""
    head = msgspec.json.encode(header)
    return len(head).to_bytes(4, "little") + head + zlib.compress(weights, 9)

"""Texts as sparse vectors, for students without a text encoder and beside one: words, pairs of words and pieces of words,
weighted by how rare they are (TF-IDF, words and pieces each of length 1). Feature names are hashed, so no word of a caller is kept.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

NAME = "tf-idf-1"
"""Of this way to make vectors; another one is no match for weights that this one made."""
HALF = 2**15
"""Columns of words, and as many of pieces."""
LONGEST = 4_000
"""Characters of a text that are looked at, half of them from each end."""
_WORD = re.compile(r"\w+|[^\w\s]")
PIECES = 3, 4
LONG_WORD = 40
"""Characters above which the pieces of a word are not remembered: whoever sends long ones must not fill the memory."""


def counts(text: str) -> tuple[dict[int, float], dict[int, float]]:
    """Columns of the words and of the pieces, each with 1 + log of how often it occurs."""
    if len(text) > LONGEST:
        text = text[: LONGEST // 2] + " " + text[-LONGEST // 2 :]
    words = _WORD.findall(text.lower())
    named = [_column(name, 0) for name in (*words, *map(" ".join, pairwise(words)))]
    return _weighed(named), _weighed(chain.from_iterable(map(_pieces, words)))


def _weighed(columns: Iterable[int]) -> dict[int, float]:
    return {column: 1 + math.log(times) if times > 1 else 1.0 for column, times in Counter(columns).items()}


def _column(name: str, first: int) -> int:
    return first + crc32(name.encode("utf-8", "replace")) % HALF


def _pieces(word: str) -> tuple[int, ...]:
    """The columns of the pieces of a word: most words of a text were in others."""
    return _remembered(word) if len(word) <= LONG_WORD else _cut(word)


@lru_cache(maxsize=4_096)
def _remembered(word: str) -> tuple[int, ...]:
    return _cut(word)


def _cut(word: str) -> tuple[int, ...]:
    framed = f"<{word}>"
    return tuple(
        _column(framed[at : at + size], HALF) for size in PIECES for at in range(len(framed) - size + 1)
    )  # fmt: skip


FREQUENT = 8
"""A column that more than one row in so many has is kept whole as well, and added to all rows at once."""


class Sparse:
    """Rows of training texts, found by their columns; cosines with all of them cost one pass over the columns of a text."""

    def __init__(self, idf: Floats, starts: Ints, rows: Ints, values: Floats, size: int) -> None:
        self.idf = idf
        self.starts = starts
        """Where the postings of each column begin; one more at the end."""
        self.rows = rows
        self.values = values
        self.size = size
        self._rarities: list[float] = idf.tolist()
        self._whole_of = np.full(2 * HALF, -1, np.int32)
        """Column -> its place among those that are kept whole; -1 for all others."""
        self._whole = self._frequent()

    @classmethod
    def of(cls, texts: list[str]) -> "Sparse":
        """The rows of `texts`, whose rarities count."""
        counted = [counts(text) for text in texts]
        seen = Counter(column for halves in counted for half in halves for column in half)
        idf = np.zeros(2 * HALF, np.float32)
        for column, times in seen.items():
            idf[column] = math.log((1 + len(texts)) / (1 + times)) + 1
        rarities = idf.tolist()
        units = [_unit(half, rarities) for halves in counted for half in halves]  # two a text
        columns = np.array([column for names, _ in units for column in names], np.int64)
        values = np.array([value for _, halves in units for value in halves], np.float32)
        rows = np.repeat(np.arange(len(units), dtype=np.int32) // 2, [len(names) for names, _ in units])
        order = np.argsort(columns, kind="stable")
        starts = np.searchsorted(columns[order], np.arange(2 * HALF + 1)).astype(np.int32)
        return cls(idf, starts, rows[order], values[order], len(texts))

    def cosines(self, text: str, vector: Floats | None = None) -> Floats:
        """With each row: the mean of the words' cosine and the pieces'. A vector is not needed."""
        columns, weights = _units(text, self._rarities)
        whole = self._whole_of[columns]
        frequent = whole >= 0
        # a matrix product would wake a second core
        summed: Floats = np.einsum("i,ij->j", weights[frequent], self._whole[whole[frequent]])
        rare = columns[~frequent]
        begins, ends = self.starts[rare].tolist(), self.starts[rare + 1].tolist()
        if begins:
            postings = [slice(begin, end) for begin, end in zip(begins, ends, strict=True)]
            values = np.concatenate([self.values[each] for each in postings])
            lengths = self.starts[rare + 1] - self.starts[rare]
            places = np.concatenate([self.rows[each] for each in postings])
            summed = summed + np.bincount(places, values * np.repeat(weights[~frequent], lengths), self.size)
        return (summed / 2).astype(np.float32)

    def among(self) -> Floats:
        """The cosines of all rows with each other, column by column: a tenth of the time that one row after the other takes."""
        found: Floats = self._whole.T @ self._whole
        for column in np.flatnonzero((np.diff(self.starts) > 0) & (self._whole_of < 0)):
            begin, end = self.starts[column], self.starts[column + 1]
            rows, values = self.rows[begin:end], self.values[begin:end]
            found[rows[:, None], rows] += values[:, None] * values  # a row is in a column once
        return found / np.float32(2)

    def _frequent(self) -> Floats:
        """The columns that many rows have, each with a value for every row."""
        lengths = np.diff(self.starts)
        columns = np.flatnonzero(lengths * FREQUENT > self.size)
        self._whole_of[columns] = np.arange(len(columns))
        whole = np.zeros((len(columns), self.size), np.float32)
        for place, column in enumerate(columns):
            begin, end = self.starts[column], self.starts[column + 1]
            whole[place, self.rows[begin:end]] = self.values[begin:end]
        return whole


def _unit(half: dict[int, float], rarities: Sequence[float]) -> tuple[list[int], list[float]]:
    """Known columns with their weights, of length 1."""
    columns = [column for column in half if rarities[column] > 0]
    weights = [half[column] * rarities[column] for column in columns]
    length = math.sqrt(sum(weight * weight for weight in weights)) or 1.0
    return columns, [weight / length for weight in weights]


def _units(text: str, rarities: Sequence[float]) -> tuple[NDArray[np.int64], Floats]:
    """Of the words and of the pieces, one after the other."""
    found = [_unit(half, rarities) for half in counts(text)]
    columns = np.array([column for names, _ in found for column in names], np.int64)
    return columns, np.array([weight for _, values in found for weight in values], np.float32)


class Words:
    """What cosines with all examples come to, times a weight for each example and answer: as both are sums, each column has
    its own sum over the examples that have it, and a text costs its own columns only."""

    def __init__(self, idf: Floats, table: Floats) -> None:
        """`table`: a row for each column that was seen. Raises ValueError if it has another number of them."""
        self.idf = idf
        self.table = table
        seen = idf > 0
        if len(table) != seen.sum():
            raise ValueError("columns and their weights do not go together")
        self._row_of = np.cumsum(seen) - 1
        self._rarities: list[float] = idf.tolist()

    @classmethod
    def of(cls, rows: Sparse, weights: Floats) -> "Words":
        """`weights`: one row an example, one column an answer."""
        seen = np.flatnonzero(rows.idf > 0)
        table = np.empty((len(seen), weights.shape[1]), np.float32)
        for at, column in enumerate(seen):
            own = slice(rows.starts[column], rows.starts[column + 1])
            table[at] = rows.values[own] @ weights[rows.rows[own]] / 2
        return cls(rows.idf, table)

    def scores(self, text: str) -> Floats:
        """One for each answer."""
        columns, weights = _units(text, self._rarities)
        found: Floats = np.einsum("c,ca->a", weights, self.table[self._row_of[columns]])
        return found

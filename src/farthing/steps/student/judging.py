"""What a student says of a text: which answer, how sure it is, and whether it may give it. Needs numpy alone.

A student compares a text with the texts that it learned from. How near these are, through a kernel exp(gamma (cos - 1)),
times the weights that training found, gives each answer a score. Where that is told by vectors of a text encoder, words and
pieces of words say something for each answer, too: of names and numbers an encoder knows little. How sure it is comes from a few signs (the lead of the
best score, what the nearest examples say, ...), weighed so that they foretell whether the teacher would agree. Both
thresholds come from training (`selfhost.students`). Knows nothing of calls, of training and of stores.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Guesses = Callable[[Ints], Ints]
"""Which answer the student would give to these examples, had it not learned from them; one row a text that is judged."""

NEAR, FAR = 5, 15
"""Examples that are asked what they say."""
AROUND, NEARER = 40, 6.0
"""Examples that are asked what the student would say to them; each counts by exp(6 cosine)."""
SHARP = 12.0
"""Scores are turned into shares by exp(12 score): a score runs from about 0 to 1."""


ITSELF = -1.5
SMALL = 1e-3
"""Squared length of a sum that is none: of the only example of an answer, itself left out."""
OWN = -1
"""The sign that tells strangers: how near the nearest example is that says what the student would say."""


class Verdict(NamedTuple):
    """Of one text."""

    answer: str
    """What the teacher would say, as it spells it."""
    confidence: float
    """0 to 1: how likely the teacher would say the same."""
    sure: bool
    """Whether it may be given."""
    why: str
    """What keeps it back; empty if nothing does."""


class Likeness(Protocol):
    """How near a text is to each example."""

    def cosines(self, text: str, vector: Floats | None) -> Floats: ...


class Says(Protocol):
    """What the words of a text say for each answer."""

    def scores(self, text: str) -> Floats: ...


class Dense:
    """By vectors of a text encoder, from which their mean is taken."""

    def __init__(self, rows: Floats, mean: Floats) -> None:
        self.rows = rows
        """Of length 1, the mean taken off."""
        self.mean = mean

    @classmethod
    def of(cls, vectors: Floats) -> "Dense":
        mean = vectors.mean(0).astype(np.float32)
        return cls(_unit(vectors - mean), mean)

    def cosines(self, text: str, vector: Floats | None) -> Floats:
        """Raises ValueError without a vector."""
        if vector is None:
            raise ValueError("this student needs the text's vector")
        found: Floats = np.vecdot(self.rows, _unit(vector - self.mean))  # a matrix product would wake a second core
        return found

    def cosines_of(self, vectors: Floats) -> Floats:
        """Of several: one row each."""
        found: Floats = _unit(vectors - self.mean) @ self.rows.T
        return found


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


class Weighing(NamedTuple):
    """How signs become a confidence: a logistic regression on signs of mean 0 and spread 1."""

    means: Floats
    spreads: Floats
    weights: Floats
    """One a sign, and the constant."""

    def of(self, signs: Floats) -> Floats:
        """One confidence a row."""
        found: Floats = (1 / (1 + np.exp(-np.clip(self.logits(signs), -30, 30)))).astype(np.float32, copy=False)
        return found

    def logits(self, signs: Floats) -> Floats:
        """Log of the odds, one a row."""
        scaled = (signs - self.means) / self.spreads
        found: Floats = scaled @ self.weights[:-1] + self.weights[-1]
        return found


class Judge:
    """A trained student."""

    def __init__(
        self, answers: tuple[str, ...], likeness: Likeness, words: Says | None, said: Ints, guessed: Ints, lengths: Floats,
        weights: Floats, gamma: float, weighing: Weighing, least: float, floor: float,
    ) -> None:  # fmt: skip
        self.answers = answers
        self.likeness = likeness
        self.words = words
        """What is added to the scores; None where `likeness` goes by words itself."""
        self.said = said
        self.guessed = guessed
        """What it would say of each example, left out."""
        self.lengths = lengths
        self.weights = weights
        self.weighing = weighing
        self._columns = np.ascontiguousarray(weights.T)
        self._gamma = np.float32(gamma)
        self._least = least
        self._floor = floor

    def judge(self, text: str, vector: Floats | None = None) -> Verdict:
        """See the module. Raises ValueError if the student needs a vector and gets none."""
        cosines = self.likeness.cosines(text, vector)
        scores = np.vecdot(self._columns, np.exp(self._gamma * (cosines - 1)))
        if self.words is not None:
            scores += self.words.scores(text)
        return self._verdicts(scores[None], cosines[None])[0]

    def judge_all(self, cosines: Floats, words: Floats | None = None) -> list[Verdict]:
        """Of several texts: one row each, how near it is to each example, and what its words say for each answer."""
        scores = np.exp(self._gamma * (cosines - 1)) @ self.weights
        return self._verdicts(scores if words is None else scores + words, cosines)

    def _verdicts(self, scores: Floats, cosines: Floats) -> list[Verdict]:
        signs = signs_of(scores, cosines, self.said, self.lengths, self.guessed.__getitem__)
        found = zip(scores.argmax(1), self.weighing.of(signs), signs[:, OWN], strict=True)
        return [self._verdict(self.answers[best], float(sure), float(own)) for best, sure, own in found]

    def _verdict(self, answer: str, confidence: float, own: float) -> Verdict:
        if own < self._floor:
            return Verdict(answer, confidence, False, "it is like nothing that was learned")
        if confidence < self._least:
            return Verdict(answer, confidence, False, f"not sure enough: {confidence:.3f} of {self._least:.3f}")
        return Verdict(answer, confidence, True, "")


def signs_of(scores: Floats, cosines: Floats, said: Ints, lengths: Floats, guesses: Guesses) -> Floats:
    """What foretells whether the best answer is right; one row a text. `said`: the answer of each example, by number;
    `lengths`: see `lengths_of`. The cosine of an example with itself, where it is left out, is below `ITSELF`; `guesses` must
    then be of students that did not learn from it either: else its own error would be seen around it.

    Of the scores: lead of the best, the best, log of its share, entropy, lead of the second. Of the nearest 5 and 15
    examples: the share that says the best, and of the 5 that says the second. How near the nearest is; how near the middle of
    the best answer's examples is, and by how much it is nearer than any other answer's. Squares and a product of the
    strongest of these. To how much of what is around it the student would give the best answer too, and to how much the
    teacher's. Last the nearest that says the best.
    """
    lines = np.arange(len(scores))
    order = np.argpartition(-scores, min(2, scores.shape[1] - 1), axis=1)[:, :3]
    order = np.take_along_axis(order, np.argsort(-np.take_along_axis(scores, order, 1), axis=1), 1)
    best, second = order[:, 0], order[:, 1]
    first, next_, third = scores[lines, best], scores[lines, second], scores[lines, order[:, -1]]
    powers = np.exp(SHARP * (scores - first[:, None]))
    total = powers.sum(1)
    # sum of p log p, without the logs of each: log p = SHARP (score - first) - log total
    entropy = np.log(total) - SHARP * ((scores - first[:, None]) * powers).sum(1) / total
    around = min(AROUND, cosines.shape[1])
    near = np.argpartition(-cosines, around - 1, axis=1)[:, :around]
    near = np.take_along_axis(near, np.argsort(-np.take_along_axis(cosines, near, 1), axis=1), 1)
    likeness, guessed = np.take_along_axis(cosines, near, 1), guesses(near)
    counts = np.exp(np.float32(NEARER) * (likeness - likeness[:, :1]))
    counts /= counts.sum(1)[:, None]
    words = said[near]
    to_middles = middles(cosines, said, lengths)
    middle = to_middles[lines, best]
    to_middles[lines, best] = -2
    ahead, lead = middle - to_middles.max(1), first - next_
    far_share = (words[:, :FAR] == best[:, None]).mean(1)
    return np.stack(
        [
            lead, first, -np.log(total), entropy, next_ - third, (words[:, :NEAR] == best[:, None]).mean(1), far_share,
            (words[:, :NEAR] == second[:, None]).mean(1), cosines[lines, near[:, 0]], middle, ahead,
            lead**2, first**2, far_share**2, ahead**2, lead * ahead,
            (counts * (guessed == best[:, None])).sum(1), (counts * (guessed == words)).sum(1),
            np.where(said[None] == best[:, None], cosines, -1).max(1),
        ],
        axis=1,
    ).astype(np.float32)  # fmt: skip


def middles(cosines: Floats, said: Ints, lengths: Floats) -> Floats:
    """How near each text is to the sum of each answer's examples, itself left out: a cosine."""
    answers = len(lengths)
    if len(cosines) == 1:
        near = np.bincount(said, cosines[0], answers) / np.where(lengths > 0, lengths, 1)
        return near[None].astype(np.float32)
    members = np.zeros((len(said), answers), np.float32)
    members[np.arange(len(said)), said] = 1
    itself = cosines < ITSELF
    sums = np.where(itself, 0, cosines) @ members
    squares = np.tile(lengths**2, (len(cosines), 1))
    rows, examples = np.nonzero(itself)
    squares[rows, said[examples]] -= 2 * sums[rows, said[examples]] + 1
    found: Floats = (sums / np.sqrt(np.where(squares > SMALL, squares, 1))).astype(np.float32)
    return found


def lengths_of(cosines: Floats, said: Ints, answers: int) -> Floats:
    """Of the sum of each answer's examples, from the cosines of each with each."""
    members = np.zeros((len(said), answers), np.float32)
    members[np.arange(len(said)), said] = 1
    inner = np.einsum("ea,ea->a", members, np.where(cosines < ITSELF, 1, cosines) @ members)
    found: Floats = np.sqrt(np.maximum(inner, 0)).astype(np.float32)
    return found

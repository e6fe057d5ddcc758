"""From a data set to a student: vectors, weights, confidences of examples left out, thresholds, and what they show.

Runs for seconds and blocks: in a thread of a worker, never on the event loop. Two kinds of traffic. *Closed*: texts are
answers to one form, so nearly all of them want an answer that is known; the floor keeps strangers out that are near to no
example of their answer. *Open*: anybody may ask anything, so answers that the student never saw must not get one of those it knows. A fifth of
the answers is hidden in turn, and what the student would say to their calls counts as wrong: in weighing signs, and in
a threshold that admits at most `STRANGE` of them.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from farthing.selfhost.students.calibrating import ERROR, NOTHING, Shown, lower, tail, threshold, weigh
from farthing.selfhost.students.changing import change
from farthing.selfhost.students.fitting import Fit, fit, guesses, without
from farthing.selfhost.students.pairs import DataSet
from farthing.steps.student.artefact import FORM, Facts, Traffic
from farthing.steps.student.features import Sparse, Words
from farthing.steps.student.judging import OWN, Dense, Floats, Ints, Judge, Weighing, lengths_of, signs_of

MOST = 4_000
"""Examples of a student, the newest: the inverse takes the cube of it, 3 s for 2,800."""
LEAST = 200
"""Fewer calls are not learned from. To show 95 % of their surest quarter takes 360 of them, each of that quarter right."""
DENSE_GAMMA, SPARSE_GAMMA = 1.5, 2.0
WORDS = 0.2
"""What the cosine of words adds to the kernel of vectors."""
DROPPED = 0.01
"""Share of well answered examples that the floor gives up: what is further from all examples of its answer is a stranger."""
STRANGE = 0.01
"""Share of calls with a hidden answer that may be answered. Of intents that training never saw some 2.6 times as many are:
bench/student.py."""
GROUPS = 5
"""Parts in which answers are hidden."""
FOLDS = 10
"""Parts in which confidences are weighed by what the others say."""
LATE = 0.2
"""The newest share of the calls, on which a student of the others is tried."""
LATE_ERROR = 0.01
"""A student whose late agreement is so unlikely under its target has been overtaken by time."""
TURNED = "the latest calls are answered otherwise"


class Trained(NamedTuple):
    facts: Facts
    judge: Judge | None
    """None for a student that answers nothing."""


class _Fitted(NamedTuple):
    fit: Fit
    cosines: Floats
    """With itself left out: below any other."""
    lengths: Floats
    """Of the sum of each answer's examples."""
    likeness: Dense | Sparse
    words: Words | None
    """Beside vectors."""
    gamma: float

    @property
    def guessed(self) -> Ints:
        """What it would say of each example, left out."""
        found: Ints = self.fit.left_out.argmax(1)
        return found


class Learned(NamedTuple):
    """All that does not depend on the target, so that several can be tried."""

    data: DataSet
    vectors: Floats | None
    traffic: Traffic
    said: Ints
    fitted: _Fitted
    agreed: NDArray[np.bool_]
    """Whether each example left out is answered as its teacher did."""
    near: NDArray[np.bool_]
    """Whether it is above the floor."""
    weighing: Weighing
    confidences: NDArray[np.float64]
    hidden: Floats | None
    floor: float


def train(
    data: DataSet, vectors: Floats | None, encoder: str, *, target: float, traffic: Traffic = "closed",
    error: float = ERROR, checks_time: bool = True,
) -> Trained:  # fmt: skip
    """A student of `data`; `vectors` has a row for each text, or is None for TF-IDF. Never raises for want of data: the
    student then answers nothing and its facts say why. Where the teacher's answers changed, one that learned only from the
    calls since then is held beside it, and the one that answers more is taken; both claims share the error."""
    start = change([data.answers[number] for number in data.said]).at if checks_time else 0
    if start and data.size - start >= LEAST:
        sure = error / 2
        late = vectors[start:] if vectors is not None else None
        newer = _train(data.after(start), late, encoder, target, traffic, sure, checks_time)
        whole = _train(data, vectors, encoder, target, traffic, sure, checks_time)
        return max(newer, whole, key=lambda each: each.facts.coverage)
    found = _train(data, vectors, encoder, target, traffic, error, checks_time)
    if not found.facts.why_not.startswith(TURNED) or data.size // 2 < LEAST:
        return found
    half = data.size // 2  # when it turned is not known
    late = vectors[half:] if vectors is not None else None
    again = _train(data.after(half), late, encoder, target, traffic, error, checks_time)
    return again if again.judge is not None else found


def _train(
    data: DataSet, vectors: Floats | None, encoder: str, target: float, traffic: Traffic, error: float, checks_time: bool
) -> Trained:  # fmt: skip
    if data.trouble or data.size < LEAST:
        why = data.trouble or f"{data.size} calls are too few to learn from"
        return _mute(data, encoder, target, traffic, error, why)
    return conclude(learn(data, vectors, traffic), encoder, target=target, error=error, checks_time=checks_time)


def learn(data: DataSet, vectors: Floats | None, traffic: Traffic) -> Learned:
    """Weights, confidences and floor. `data` is without trouble."""
    said = np.array(data.said, np.int64)
    fitted = _fitted(data.texts, vectors, said, len(data.answers))
    agreed = fitted.guessed == said
    signs = signs_of(
        fitted.fit.left_out, fitted.cosines, said, fitted.lengths, lambda near: guesses(fitted.fit, near)
    )  # fmt: skip
    hidden = _hidden(fitted, said) if traffic == "open" else None
    weighing, sure = confidences(signs, agreed, hidden)
    own = signs[:, OWN]
    floor = float(np.quantile(own[agreed], DROPPED)) if agreed.any() else math.inf
    return Learned(data, vectors, traffic, said, fitted, agreed, own >= floor, weighing, sure, hidden, floor)


def conclude(
    learned: Learned, encoder: str, *, target: float, error: float = ERROR, checks_time: bool = True
) -> Trained:  # fmt: skip
    """A student that keeps `target`, or one that answers nothing."""
    data, agreed, near = learned.data, learned.agreed, learned.near
    shown = threshold(np.where(near, learned.confidences, 0.0), agreed & near, target, error)
    if not shown.abstains:  # nothing is known of calls of which it would be less sure than of all that it has seen
        shown = shown._replace(threshold=max(shown.threshold, float(learned.confidences[near].min())))
    strictest = _admits(learned.weighing, learned.hidden) if learned.hidden is not None else 0.0
    if not shown.abstains and strictest > shown.threshold:
        shown = _stricter((learned.confidences >= strictest) & near, agreed, strictest, target, error)
    why = "" if not shown.abstains else f"{target:.1%} agreement cannot be shown with {data.size:,} calls"
    if not why and checks_time:
        why = _overtaken(data, learned.vectors, learned.said, shown.threshold, learned.weighing, target)
    facts = _facts(
        data, encoder, target, learned.traffic, error, learned.fitted, shown, learned.floor, float(agreed.mean()), why
    )
    if why:
        return Trained(facts, None)
    fitted = learned.fitted
    judge = Judge(
        data.answers, fitted.likeness, fitted.words, learned.said, fitted.guessed, fitted.lengths, fitted.fit.weights,
        fitted.gamma, learned.weighing, shown.threshold, learned.floor,
    )  # fmt: skip
    return Trained(facts, judge)


def _fitted(texts: tuple[str, ...], vectors: Floats | None, said: Ints, answers: int) -> _Fitted:
    by_words = Sparse.of(list(texts))
    shared = by_words.among()
    likeness: Dense | Sparse
    if vectors is not None:
        likeness, gamma, beside = Dense.of(vectors), DENSE_GAMMA, WORDS
        cosines = likeness.rows @ likeness.rows.T
    else:
        likeness, gamma, beside = by_words, SPARSE_GAMMA, 0.0
        cosines = shared
    kernel = (np.exp(np.float32(gamma) * (cosines - 1)) + np.float32(beside) * shared).astype(np.float32)
    np.fill_diagonal(kernel, 1 + beside)
    np.fill_diagonal(cosines, -2)
    found = fit(kernel, said, answers)
    words = Words.of(by_words, np.float32(beside) * found.weights) if beside else None
    return _Fitted(found, cosines, lengths_of(cosines, said, answers), likeness, words, gamma)


def confidences(
    signs: Floats, agreed: NDArray[np.bool_], hidden: Floats | None
) -> tuple[Weighing, NDArray[np.float64]]:  # fmt: skip
    """How signs are weighed, and the confidence of each example by a weighing that it had no part in.

    Without the group that has most errors the rest looks better than it is, so that just that group would get the highest
    confidences: so all weighings are brought to one level, where they say the same of all examples in the mean."""
    whole = _weighing(signs, agreed, hidden)
    found = np.zeros(len(signs))
    part = np.arange(len(signs)) % FOLDS
    for group in range(FOLDS):
        others = _weighing(signs[part != group], agreed[part != group], hidden)
        found[part == group] = _levelled(others, whole, signs.mean(0)).of(signs[part == group])
    return whole, found


def _levelled(weighing: Weighing, like: Weighing, middle: Floats) -> Weighing:
    """One that says in the mean what `like` says; `middle` is the mean of the signs."""
    weights = weighing.weights.copy()
    weights[-1] += like.logits(middle) - weighing.logits(middle)
    return weighing._replace(weights=weights)


def _weighing(signs: Floats, agreed: NDArray[np.bool_], hidden: Floats | None) -> Weighing:
    if hidden is not None:
        signs, agreed = np.vstack([signs, hidden]), np.concatenate([agreed, np.zeros(len(hidden), bool)])
    return Weighing(*(each.astype(np.float32) for each in weigh(signs, agreed)))


def _hidden(fitted: _Fitted, said: Ints) -> Floats:
    """Signs of the calls whose answer was hidden, a fifth of the answers at a time."""
    found = []
    for group in range(GROUPS):
        rows = np.flatnonzero(said % GROUPS == group)
        shown = np.flatnonzero(said % GROUPS != group)
        if not len(rows) or not len(shown):
            continue
        hidden, scores, others = np.unique(said[rows]), without(fitted.fit, rows), fitted.fit.left_out[shown]
        scores[:, hidden] = scores.min()
        others[:, hidden] = others.min()
        guessed = others.argmax(1)
        found.append(
            signs_of(scores, fitted.cosines[np.ix_(rows, shown)], said[shown], fitted.lengths, guessed.__getitem__)
        )
    return np.vstack(found)


def _admits(weighing: Weighing, hidden: Floats) -> float:
    """The confidence above which at most `STRANGE` of the calls with a hidden answer lie."""
    return float(np.quantile(weighing.of(hidden), 1 - STRANGE)) + 1e-9


def _stricter(
    above: NDArray[np.bool_], agreed: NDArray[np.bool_], least: float, target: float, error: float
) -> Shown:  # fmt: skip
    """What is shown of a threshold that strangers set: it is one claim, tested once."""
    answered, good = int(above.sum()), int((above & agreed).sum())
    if not answered or tail(answered - good, answered, 1 - target) > error:
        return NOTHING
    return Shown(least, answered, good, lower(good, answered, error))


def _overtaken(
    data: DataSet, vectors: Floats | None, said: Ints, least: float, weighing: Weighing, target: float
) -> str:  # fmt: skip
    """Why the calls of late speak against the student: one of the earlier calls alone disagrees with the later ones. Empty
    if they do not."""
    early = data.size - int(LATE * data.size)
    fitted = _fitted(
        data.texts[:early], vectors[:early] if vectors is not None else None, said[:early], len(data.answers)
    )
    late = data.texts[early:]
    if isinstance(fitted.likeness, Dense):
        assert vectors is not None
        cosines = fitted.likeness.cosines_of(vectors[early:])
    else:
        cosines = np.stack([fitted.likeness.cosines(text) for text in late])
    scores = np.exp(np.float32(fitted.gamma) * (cosines - 1)) @ fitted.fit.weights
    if fitted.words is not None:
        scores += np.stack([fitted.words.scores(text) for text in late])
    signs = signs_of(scores, cosines, said[:early], fitted.lengths, fitted.guessed.__getitem__)
    sure = weighing.of(signs) >= least
    good = int((sure & (scores.argmax(1) == said[early:])).sum())
    answered = int(sure.sum())
    # as many disagreements or more, if the target were kept
    if answered and 1 - tail(answered - good - 1, answered, 1 - target) < LATE_ERROR:
        return f"{TURNED}: {good:,} of {answered:,} agree with a student of the earlier ones"
    return ""


def _facts(
    data: DataSet, encoder: str, target: float, traffic: Traffic, error: float, fitted: _Fitted | None, shown: Shown,
    floor: float, agreement: float, why: str,
) -> Facts:  # fmt: skip
    silent = bool(why)
    said = fitted.guessed if fitted is not None else np.array(data.said, np.int64)
    mix = np.bincount(said, minlength=len(data.answers)) / max(1, data.size)
    return Facts(
        encoder=encoder, answers=data.answers, templates=data.templates, traffic=traffic, target=target,
        confidence=1 - error, least=1.0 if silent else shown.threshold, floor=floor if math.isfinite(floor) else 0.0,
        gamma=fitted.gamma if fitted is not None else 0.0, pairs=data.size, repeats=data.repeats,
        conflicts=data.conflicts, from_us=min(data.at_us, default=0), until_us=max(data.at_us, default=0),
        left_out_agreement=agreement, answered=0 if silent else shown.answered, agreed=0 if silent else shown.agreed,
        bound=0.0 if silent else shown.bound, mix=tuple(float(share) for share in mix), why_not=why, form=FORM,
    )  # fmt: skip


def _mute(data: DataSet, encoder: str, target: float, traffic: Traffic, error: float, why: str) -> Trained:
    return Trained(_facts(data, encoder, target, traffic, error, None, NOTHING, 0.0, 0.0, why), None)

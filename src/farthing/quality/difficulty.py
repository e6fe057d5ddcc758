"""Which prompts of a task a cheaper model answers as well: a ridge regression inside the task, fitted on comparisons.

It learns from ids that a hash made of words, so no text is kept. Within a task the difference between two models is hardly
foretold by the prompt (correlations of 0.05 to 0.1), how long their answers get rather well (0.4). So what it foretells is
scaled down to what it foretold of samples that it had not seen, and where a prompt looks like none of the samples of its
task it says nothing. Needs numpy. Knows nothing of prices, floors or where samples come from.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from farthing.quality.features import BUCKETS, SURFACE, Features
from farthing.quality.shrinking import STRENGTH

Floats: TypeAlias = NDArray[np.float64]

RIDGE = 10.0
"""Penalty, for rows of length 1. What it shrinks too little the scale from unseen samples takes off."""
SURFACE_WEIGHT = 0.02
"""Of a surface feature, in units of its variance, beside 1 for all words together."""
MOST_SAMPLES = 4000
"""The newest that are fitted: time grows with their cube, 4,000 take some 10 s."""
LEAST_SAMPLES = 100
"""A task with fewer has no difficulty of its own: its calls are left to the table."""
STRANGE = 0.01
"""The share of a task's own samples that counts as strange to it."""


class Sample(NamedTuple):
    """One prompt whose answers were compared."""

    task: str
    template: str
    features: Features
    gaps: dict[str, float]
    """By model: its score less the flagship's, -1 to 1."""
    out_tokens: dict[str, float]
    """By model, the flagship too: length of its answer, where known."""


class Foretold(NamedTuple):
    """What is expected of one prompt."""

    gaps: dict[str, float]
    """By model: score less the flagship's."""
    errors: dict[str, float]
    """Standard errors of the same, as far as the task's mean is uncertain."""
    lengths: dict[str, float]
    """By model: its answer's length as a multiple of the mean length in this task."""


class _Words:
    """Turns features into rows: weights by rarity, length 1; surface features with mean 0 and variance 1."""

    def __init__(self, samples: Sequence[Features]) -> None:
        counts = np.zeros(BUCKETS)
        for each in samples:
            counts[list(each.ids)] += 1
        self.rarity = np.log((1 + len(samples)) / (1 + counts))
        surface = np.array([each.surface for each in samples])
        self.mean, self.deviation = surface.mean(0), surface.std(0) + 1e-6

    def words(self, features: Features) -> tuple[NDArray[np.intp], Floats]:
        ids = np.array(features.ids, np.intp)
        values = self.rarity[ids]
        return ids, values / max(1e-9, math.sqrt(float(values @ values)))

    def surface(self, features: Features) -> Floats:
        scaled = (np.array(features.surface) - self.mean) / self.deviation
        return np.asarray(np.clip(scaled, -3, 3) * math.sqrt(SURFACE_WEIGHT))

    def rows(self, samples: Sequence[Features]) -> Floats:
        found = np.zeros((len(samples), BUCKETS + SURFACE))
        for row, each in enumerate(samples):
            ids, values = self.words(each)
            found[row, ids] = values
            found[row, BUCKETS:] = self.surface(each)
        return found


class _Scope(NamedTuple):
    """Mean gap of each model in a scope, and the standard error of each."""

    gaps: Floats
    errors: Floats


class Difficulty:
    """Fitted by `fit`. Foretells gaps and lengths of answers for one prompt, in some 0.05 ms beyond its features."""

    def __init__(
        self, models: tuple[str, ...], lengths: tuple[str, ...], words: _Words, scopes: dict[tuple[str, str], _Scope],
        weights: dict[str, Floats], levels: dict[str, Floats], centres: dict[str, tuple[Floats, float]],
        unseen: list[Foretold], scales: Floats,
    ) -> None:  # fmt: skip
        self.models, self._lengths, self._levels = models, lengths, levels
        self._words, self._scopes, self._weights, self._centres = words, scopes, weights, centres
        self.unseen = unseen
        """For each sample of the fit, what a fit without it foretells: these may serve for calibration."""
        self.scales = scales
        """By model, then by length: what share of the regression's word held for samples that it had not seen."""

    def foretell(self, features: Features, task: str, template: str = "") -> Foretold | None:
        """None where nothing is known of the task, or where the prompt resembles nothing that was seen of it."""
        weights = self._weights.get(task)
        if weights is None:
            return None
        ids, values = self._words.words(features)
        centre, least = self._centres[task]
        if float(values @ centre[ids]) < least:
            return None
        said = values @ weights[ids] + self._words.surface(features) @ weights[BUCKETS:]
        said[len(self.models) :] -= self._levels[task]
        scope = self._scopes.get((task, template)) or self._scopes[task, ""]
        return _told(self.models, self._lengths, scope, said)


def _told(models: Sequence[str], lengths: Sequence[str], scope: _Scope, said: Floats) -> Foretold:
    gaps = (scope.gaps + said[: len(models)]).tolist()
    longer = np.exp(np.clip(said[len(models) :], -3, 3)).tolist()
    return Foretold(
        dict(zip(models, gaps, strict=True)),
        dict(zip(models, scope.errors.tolist(), strict=True)),
        dict(zip(lengths, longer, strict=True)),
    )


def fit(samples: Sequence[Sample], strength: float = STRENGTH) -> Difficulty | None:
    """A model of the newest of `samples` (the last ones); None if no task has enough of them.

    Ridge regression in its dual form, on what the task's mean leaves over. A row counts twice: once for all tasks, once
    for its own, so that tasks share what they have in common. Samples left out one by one need no second fit: with `K` the
    kernel and `a = (K + r I)^-1 y`, the residual of the left-out sample `i` is `a_i / (K + r I)^-1_ii`.
    """
    counts: dict[str, int] = {}
    for sample in samples[-MOST_SAMPLES:]:
        counts[sample.task] = counts.get(sample.task, 0) + 1
    samples = [each for each in samples[-MOST_SAMPLES:] if each.task and counts[each.task] >= LEAST_SAMPLES]
    if not samples:
        return None
    return _Fitting(samples, strength).fitted()


class _Fitting:
    def __init__(self, samples: Sequence[Sample], strength: float) -> None:
        self.samples, self.strength = samples, strength
        self.models = tuple(sorted({name for each in samples for name in each.gaps}))
        self.lengths = tuple(sorted({name for each in samples for name in each.out_tokens}))
        self.tasks = np.array([each.task for each in samples])
        self.words = _Words([each.features for each in samples])
        self.rows = self.words.rows([each.features for each in samples])
        self.kernel = (self.rows @ self.rows.T) * (1.0 + (self.tasks[:, None] == self.tasks[None, :]))
        self._inverses: dict[bytes, Floats] = {}

    def fitted(self) -> Difficulty:
        gaps = _columns([each.gaps for each in self.samples], self.models)
        lengths = np.log1p(_columns([each.out_tokens for each in self.samples], self.lengths))
        scopes, left_out = self._scopes(gaps)
        own = np.array([self._scope(scopes, each).gaps for each in self.samples])
        means = _by_task(lengths, self.tasks)
        targets = np.concatenate([gaps - own, lengths - means], axis=1)
        said, duals = np.zeros(targets.shape), np.zeros(targets.shape)
        scales = np.zeros(targets.shape[1])
        for column in range(targets.shape[1]):
            said[:, column], duals[:, column], scales[column] = self._regress(targets[:, column])
        levels = self._level(said, len(self.models))
        unseen = [
            _told(self.models, self.lengths, _Scope(left_out[at], self._scope(scopes, each).errors), said[at])
            for at, each in enumerate(self.samples)
        ]
        names = sorted(set(self.tasks.tolist()))
        return Difficulty(
            self.models, self.lengths, self.words, scopes,
            {task: self._weights(task, duals) for task in names}, levels,
            {task: self._centre(task) for task in names}, unseen, scales,
        )  # fmt: skip

    def _regress(self, target: Floats) -> tuple[Floats, Floats, float]:
        """What is said of each sample by the others, the dual weights, and the scale that both carry already."""
        known = np.flatnonzero(np.isfinite(target))
        said, duals = np.zeros(len(target)), np.zeros(len(target))
        if known.size < LEAST_SAMPLES:
            return said, duals, 0.0
        inverse = self._inverse(known)
        dual = inverse @ target[known]
        others = target[known] - dual / np.diag(inverse)
        power = float(others @ others)
        scale = min(1.0, max(0.0, float(others @ target[known]) / power)) if power > 0 else 0.0
        said[known], duals[known] = scale * others, scale * dual
        return said, duals, scale

    def _inverse(self, known: NDArray[np.intp]) -> Floats:
        found = self._inverses.get(known.tobytes())
        if found is None:
            found = np.linalg.inv(self.kernel[np.ix_(known, known)] + RIDGE * np.eye(known.size))
            self._inverses[known.tobytes()] = found
        return found

    def _level(self, said: Floats, first: int) -> dict[str, Floats]:
        """Multiples of a length are 1 in the mean of a task: an exponential of what is right for logs is not."""
        levels: dict[str, Floats] = {}
        for task in set(self.tasks.tolist()):
            rows = self.tasks == task
            level = np.log(np.exp(np.clip(said[rows, first:], -3, 3)).mean(0))
            said[rows, first:] -= level
            levels[task] = level
        return levels

    def _weights(self, task: str, duals: Floats) -> Floats:
        return np.asarray(self.rows.T @ duals + self.rows[self.tasks == task].T @ duals[self.tasks == task])

    def _centre(self, task: str) -> tuple[Floats, float]:
        """The mean row of the task, and how near to it all but the strange ones are; each compared with the others' mean."""
        rows = self.rows[self.tasks == task, :BUCKETS]
        total, n = rows.sum(0), len(rows)
        others = (rows @ total - 1.0) / (n - 1)
        return total / n, float(np.quantile(others, STRANGE))

    def _scope(self, scopes: dict[tuple[str, str], _Scope], sample: Sample) -> _Scope:
        return scopes.get((sample.task, sample.template)) or scopes[sample.task, ""]

    def _scopes(self, gaps: Floats) -> tuple[dict[tuple[str, str], _Scope], Floats]:
        """Means by template, drawn to the task's, drawn to that of all tasks; and each sample's without itself."""
        names = sorted(set(self.tasks.tolist()))
        tasks = np.array([np.nanmean(gaps[self.tasks == task], axis=0) for task in names])
        overall = np.nan_to_num(np.nanmean(tasks, axis=0))
        scopes: dict[tuple[str, str], _Scope] = {}
        left_out = np.zeros(gaps.shape)
        templates = np.array([each.template for each in self.samples])
        for task in names:
            rows = np.flatnonzero(self.tasks == task)
            spread = np.nan_to_num(np.nanmean(gaps[rows] ** 2, axis=0), nan=0.25)
            scopes[task, ""], left_out[rows] = self._drawn(gaps[rows], overall, overall, spread)
            for template in sorted({name for name in templates[rows].tolist() if name}):
                own = rows[templates[rows] == template]
                scopes[task, template], left_out[own] = self._drawn(
                    gaps[own], scopes[task, ""].gaps, left_out[own], spread
                )
        return scopes, left_out

    def _drawn(self, gaps: Floats, parent: Floats, parents: Floats, spread: Floats) -> tuple[_Scope, Floats]:
        """The posterior mean of a normal whose prior weighs as much as `strength` observations."""
        known = np.isfinite(gaps)
        n, total = known.sum(0), np.nansum(gaps, axis=0)
        mean = (total + self.strength * parent) / (n + self.strength)
        others = (total - np.nan_to_num(gaps) + self.strength * parents) / (n - known + self.strength)
        return _Scope(mean, np.sqrt(spread / (n + self.strength))), others


def _columns(rows: Sequence[dict[str, float]], names: Sequence[str]) -> Floats:
    return np.array([[row.get(name, math.nan) for name in names] for row in rows], float).reshape(len(rows), len(names))


def _by_task(values: Floats, tasks: NDArray[np.str_]) -> Floats:
    means = np.zeros(values.shape)
    for task in set(tasks.tolist()):
        rows = tasks == task
        if values.shape[1]:
            means[rows] = np.nan_to_num(np.nanmean(values[rows], axis=0)) if np.isfinite(values[rows]).any() else 0.0
    return means

"""Routers as the product has them, fitted on one part of the outcomes and set on another.

Fitted on the training part. The dial is set on the calibration part together with the training part's own prompts, each of
them foretold by a fit that did not see it. The part that tests is never looked at before.
"""

from dataclasses import dataclass

import numpy as np

from farthing.model.routes import Tier
from farthing.quality.dial import CAUTION, SETTINGS, Calls, picks, set_dial
from farthing.quality.difficulty import Difficulty, Foretold, Sample, fit
from farthing.quality.features import Features
from routing_data.outcomes import CALIBRATION, Floats, Ints, Pool, Prompt

NO_WORDS = Features((), (0.0,) * 5)


@dataclass(frozen=True)
class Part:
    """Prompts with what is foretold of them, on the safe side; columns are the pool's models."""

    rows: Ints
    gaps: Floats
    length: Floats


@dataclass(frozen=True)
class Fitted:
    """A difficulty model of one pool, and what it says of the calibration's and the test's prompts."""

    model: Difficulty
    seen: Part
    test: Part


def sample_of(pool: Pool, at: int, *, words: bool) -> Sample:
    prompt, scores = pool.prompts[at], pool.score[at]
    gaps = {name: float(scores[column] - scores[-1]) for column, name in enumerate(pool.models[:-1])}
    lengths = dict(zip(pool.models, pool.length[at].tolist(), strict=True))
    return Sample(prompt.kind, prompt.template, prompt.features if words else NO_WORDS, gaps, lengths)


def fit_pool(
    pool: Pool, fold: int, *, words: bool = True, without: str = "", calibrate_on_fit: bool = True
) -> Fitted | None:  # fmt: skip
    """`without`: a kind that neither the fit nor the calibration sees. None if there is too little to fit."""
    known = np.flatnonzero((pool.parts != fold) & (pool.kinds != without))
    train, calibration = known[pool.parts[known] != CALIBRATION], known[pool.parts[known] == CALIBRATION]
    test = np.flatnonzero(pool.parts == fold)
    samples = [sample_of(pool, at, words=words) for at in train.tolist()]
    model = fit(samples)
    if model is None:
        return None
    means = mean_lengths(pool, train)

    def foretold(at: int) -> Foretold | None:
        prompt: Prompt = pool.prompts[at]
        return model.foretell(prompt.features if words else NO_WORDS, prompt.kind, prompt.template)

    fitted_rows = train[-len(model.unseen) :] if len(model.unseen) < len(train) else train
    said = [*(model.unseen if calibrate_on_fit else []), *(foretold(at) for at in calibration.tolist())]
    rows = np.concatenate([fitted_rows, calibration]) if calibrate_on_fit else calibration
    return Fitted(
        model, _part(pool, rows, said, means), _part(pool, test, [foretold(at) for at in test.tolist()], means)
    )


def mean_lengths(pool: Pool, rows: Ints) -> dict[str, Floats]:
    kinds = sorted(set(pool.kinds[rows].tolist()))
    return {
        "": pool.length[rows].mean(0),
        **{kind: pool.length[rows][pool.kinds[rows] == kind].mean(0) for kind in kinds},
    }


def _part(pool: Pool, rows: Ints, said: list[Foretold | None], means: dict[str, Floats]) -> Part:
    gaps = np.full((len(rows), len(pool.models)), -np.inf)
    gaps[:, -1] = 0.0
    length = np.array([means.get(pool.kinds[at], means[""]) for at in rows.tolist()])
    for row, each in enumerate(said):
        if each is None:
            continue
        for column, name in enumerate(pool.models):
            length[row, column] *= each.lengths.get(name, 1.0)
            if name in each.gaps:
                gaps[row, column] = each.gaps[name] - CAUTION * each.errors[name]
    return Part(rows, gaps, length)


Prices = dict[Tier, tuple[float, float]]


def dial(pool: Pool, fitted: Fitted, prices: Prices, floor: float) -> float | None:
    """What a dollar is worth, set on what the fit did not see."""
    seen = fitted.seen
    calls = Calls(seen.gaps, pool.cost(prices, seen.length, seen.rows), pool.score[seen.rows], pool.weight(seen.rows))
    return set_dial(calls, floor)


def routed(pool: Pool, fitted: Fitted, prices: Prices, worth: float | None) -> Ints:
    """The column that serves each prompt of the test."""
    test = fitted.test
    if worth is None:
        return np.full(len(test.rows), len(pool.models) - 1, np.intp)
    return picks(test.gaps, pool.cost(prices, test.length, test.rows), worth)


def curve(pool: Pool, fitted: Fitted, prices: Prices) -> Ints:
    """The same for each setting of the dial; a column each, from dear quality to dear money."""
    test, seen = fitted.test, fitted.seen
    cost = pool.cost(prices, test.length, test.rows)
    unit = float(pool.weight(seen.rows) @ pool.cost(prices, seen.length, seen.rows)[:, -1])
    return np.stack([picks(test.gaps, cost, worth / unit) for worth in SETTINGS], axis=1)

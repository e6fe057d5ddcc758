"""Experiments on paper: sessions of very different length, dear and cheap days, and a lever of known effect."""

import numpy as np

from farthing.store import ArmSums
from farthing.store.arms import HELD_OUT_GROUPS, TREATED_GROUPS

DAY_US = 86_400_000_000
LEVER = "model selection"


def experiment(
    dice: np.random.Generator, *, sessions: int = 3000, days: int = 5, share: float = 0.1, effect: float = -0.4,
    spread: float = 1.0, quality_effect: float = 0.0, errors: tuple[float, float] = (0.02, 0.02), scored: float = 0.3,
    shares: tuple[float, ...] | None = None, trend: float = 0.0, first_day: int = 0,
) -> list[ArmSums]:  # fmt: skip
    """Sums as the store would hold them. A session has its own taste (how dear its calls are), its length is geometric,
    the size of its requests lognormal; cost follows size. `effect`: expected cost a call with the lever against without.
    `shares`: the share held out on each day, in place of `share`; `trend`: by how much costs grow a day."""
    day = dice.integers(0, days, sessions)
    held = dice.random(sessions) < (np.asarray(shares)[day] if shares is not None else share)
    calls = dice.geometric(0.25, sessions)
    size = dice.lognormal(0.0, spread, sessions) * 4000
    taste = dice.lognormal(0.0, 0.3, sessions)
    cheap = dice.random(sessions) < 0.8  # the lever finds something cheaper for most sessions
    factor = np.where(held, 1.0, np.where(cheap, 1 + effect / 0.8, 1.0))
    noise = dice.gamma(4 * calls, 1 / (4 * calls))
    cost = calls * size * taste * noise * factor * 100 * (1 + trend * day)
    scores = dice.binomial(calls, scored)
    right = np.clip(0.9 + dice.normal(0, 0.05, sessions) + np.where(held, 0, quality_effect), 0, 1)
    good = dice.binomial(scores, right)
    failed = dice.binomial(calls, np.where(held, errors[1], errors[0]))
    group = dice.integers(0, 1 << 30, sessions) % np.where(held, HELD_OUT_GROUPS, TREATED_GROUPS)
    key = (day * 2 + held) * max(HELD_OUT_GROUPS, TREATED_GROUPS) + group
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)  # as they came
    sums = [np.bincount(place, each)[order] for each in (calls, failed, cost, size * calls, scores, good)]
    return [
        ArmSums(
            LEVER, (first_day + day_) * DAY_US, "default", held_, str(group_), calls=round(n), errors=round(wrong),
            priced=round(n), cost=round(cost_), baseline=round(cost_), request_bytes=round(bytes_), scored=round(s),
            score=good_,
        )
        for day_, held_, group_, n, wrong, cost_, bytes_, s, good_ in zip(
            *(each[first[order]].tolist() for each in (day, held, group)), *(each.tolist() for each in sums), strict=True
        )
    ]  # fmt: skip

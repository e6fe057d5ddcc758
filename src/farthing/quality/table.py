"""The routing table, made of evidence: how good each model is in each scope, drawn to what is known of wider ones.

A template's or task's estimate is drawn to the tenant's over all its calls, that one to the prior of the model's tier. What
counts are comparisons with the flagship on the same call. Scores of answers that nobody compared can speak against a model,
not for it: easy calls go to cheap models, so that their answers look better than they are. Knows nothing of prices, of
floors, or of how a call is routed.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from farthing.model.routes import ANY, TASKS, Cell, State, Table, Tier
from farthing.quality import noninferiority
from farthing.quality.noninferiority import counted
from farthing.quality.prior import Prior, TierPrior, shipped
from farthing.quality.shrinking import SURE, Known, drawn, lower, lower_at_any_time
from farthing.store.evidence import Sums

COMPARED = frozenset(("shadow", "eval", "check"))
"""Sources of comparisons."""
SCORED = frozenset(("check", "feedback", "eval"))
"""Sources of scores that both models may have."""
LEAST_SCORES = 20
"""Of each of two models, before their scores are compared."""
SURELY = 3.0
"""Standard errors by which scores must be lower before they speak against a model: by luck half of them are lower, and they
are looked at again and again."""
LEAST_BASE = 0.1
"""A flagship that nearly always fails is no measure: differences are not divided by less."""


class Models(Protocol):
    """Which models there are."""

    @property
    def reference(self) -> str:
        """The model that quality is compared with."""

    def tiers(self) -> Mapping[Tier, tuple[str, ...]]: ...


class _Scores(NamedTuple):
    n: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: "_Scores") -> "_Scores":  # type: ignore[override]
        return _Scores(self.n + other.n, self.total + other.total, self.squares + other.squares)

    @property
    def variance(self) -> float:
        return max(0.0, self.squares / self.n - (self.total / self.n) ** 2)


class _Seen:
    """All evidence about one model in one scope."""

    def __init__(self) -> None:
        self.pairs = _Scores()
        self.scores: dict[str, _Scores] = {}
        self.answers, self.out_tokens = 0, 0

    def add(self, row: Sums, reference: str) -> None:
        if row.source in COMPARED and row.against == reference:
            self.pairs += _Scores(row.pairs, row.difference, row.difference_squares)
        if row.source in SCORED and row.scores:
            more = _Scores(row.scores, row.score, row.score_squares)
            self.scores[row.source] = self.scores.get(row.source, _Scores()) + more
        self.answers += row.answers
        self.out_tokens += row.out_tokens

    @property
    def says_something(self) -> bool:
        """Whether anything is known of quality: else a wider scope, or the prior, has more to say."""
        return bool(self.pairs.n or self.scores)


Cells = dict[tuple[str, str], dict[str, _Seen]]


def maker(models: Models, prior: Callable[[], Prior] = shipped) -> Callable[[Sequence[Sums]], Table]:
    """Makes the table of the models as they are at the time. From no evidence: the prior's."""
    return lambda sums: make(sums, models.tiers(), models.reference, prior())


def make(sums: Iterable[Sums], tiers: Mapping[Tier, Sequence[str]], reference: str, prior: Prior) -> Table:
    """A table with a cell for each model and scope that anything was seen of, and the prior's for every tenant.

    Models that stand for no tier have no cell, nor has the reference: it clears each floor by definition.
    """
    tier_of = {model: tier for tier, models in tiers.items() for model in models if model != reference}
    cells = {
        (ANY, scope): {model: _prior_cell(model, prior.tier(tier), scope) for model, tier in tier_of.items()}
        for scope in (*(f"task:{task}" for task in TASKS), ANY)
    }
    seen: Cells = {}
    for row in sums:
        if row.model in tier_of or row.model == reference:
            seen.setdefault((row.tenant, row.scope), {}).setdefault(row.model, _Seen()).add(row, reference)
    for (tenant, scope), models in seen.items():
        flagship = models.get(reference, _Seen())
        found = {
            model: _cell(model, scope, each, flagship, _overall(seen, tenant, model), prior.tier(tier_of[model]))
            for model, each in models.items() if model != reference and each.says_something
        }  # fmt: skip
        if found:
            cells[tenant, scope] = found
    return Table(cells=cells)


def _overall(seen: Cells, tenant: str, model: str) -> _Seen:
    return seen.get((tenant, ANY), {}).get(model) or _Seen()


def _prior_cell(model: str, prior: TierPrior, scope: str) -> Cell:
    known = prior.of(scope.removeprefix("task:"))
    return Cell(model, known.mean, max(0.0, lower(known)), why="public outcomes of its tier")


def _cell(model: str, scope: str, seen: _Seen, flagship: _Seen, overall: _Seen, prior: TierPrior) -> Cell:
    base = _base(flagship)
    parent = _parent(scope, overall, prior)
    known = _drawn(seen.pairs, base, parent, prior)
    bound = _bound(known, seen.pairs, base)
    state: State = "measured" if seen.pairs.n else "prior"
    why = f"{seen.pairs.n:,.0f} comparisons with the flagship"
    against = _against(seen, flagship)
    if against is not None:
        doubted = _drawn(seen.pairs + against, base, parent, prior)
        if lower_at_any_time(doubted) < bound:
            known, bound = doubted, lower_at_any_time(doubted)
            why += ", and its answers are scored lower"
    if scope == ANY:
        bound -= lower(Known(0.0, 0.0)) - lower(Known(0.0, prior.between))
        why += "; for work of a kind not seen yet"
    length = seen.out_tokens / seen.answers if seen.answers else 0.0
    mean = max(known.mean, bound)  # drawn to wider scopes it may lie below what this one alone has shown
    return Cell(model, mean, max(0.0, bound), seen.pairs.n, state, length, why)


def _parent(scope: str, overall: _Seen, prior: TierPrior) -> Known:
    """What is expected of a scope before it is looked at: the prior of its task, moved by as much as the model is better
    or worse than its tier over all the tenant's calls."""
    start = Known(prior.mean, prior.variance)
    if scope == ANY:
        return start
    task = prior.of(scope.removeprefix("task:")) if scope.startswith("task:") else start
    if not overall.pairs.n:
        return task
    own = _drawn(overall.pairs, 1.0, start, prior)
    return Known(task.mean + own.mean - start.mean, own.variance)


def _drawn(pairs: _Scores, base: float, parent: Known, prior: TierPrior) -> Known:
    """Differences lie around 0, shares of the flagship's quality around 1."""
    seen = _relative(pairs, base)
    # Around 1, a share x = 1 + d: the sum is n + sum(d), the sum of squares n + 2 sum(d) + sum(d^2).
    squares = seen.n + 2 * seen.total + seen.squares
    return drawn(seen.n, seen.n + seen.total, squares, parent, prior.spread)


def _bound(known: Known, pairs: _Scores, base: float) -> float:
    """The better of two bounds, each with half of the error allowed: one that borrows from wider scopes, and one that
    needs nothing but the comparisons themselves."""
    if not pairs.n:
        return lower(known)
    alone = noninferiority.lower(counted(pairs.n, pairs.total, pairs.squares), SURE / 2)
    return max(lower_at_any_time(known, SURE / 2), 1.0 + (alone / base if alone < 0 else alone))


def _base(flagship: _Seen) -> float:
    """The flagship's own score, where answers are scored; else it counts as always right."""
    scored = sum(flagship.scores.values(), _Scores())
    return max(LEAST_BASE, scored.total / scored.n) if scored.n >= LEAST_SCORES else 1.0


def _relative(pairs: _Scores, base: float) -> _Scores:
    """Differences as shares of the flagship's score. A gain is not enlarged by it."""
    if pairs.total >= 0 or base >= 1.0:
        return pairs
    return _Scores(pairs.n, pairs.total / base, pairs.squares / base**2)


def _against(seen: _Seen, flagship: _Seen) -> _Scores | None:
    """Scores of the same source as if they were comparisons, where they speak against the model."""
    found = _Scores()
    for source, own in seen.scores.items():
        other = flagship.scores.get(source, _Scores())
        if min(own.n, other.n) < LEAST_SCORES:
            continue
        n = own.n * other.n / (own.n + other.n)
        difference = own.total / own.n - other.total / other.n
        error = math.sqrt(own.variance / own.n + other.variance / other.n)
        if difference < -SURELY * error:
            found += _Scores(n, n * difference, n * (own.variance + other.variance + difference**2))
    return found if found.n else None

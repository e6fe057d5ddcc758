"""Whether routing by measured quality beats what costs nothing to know: the best random mix of the tiers, always the mid
tier, and the textbook's table of tasks. On recorded answers, at today's prices.

Fitted on the training part, set on the calibration part (with the training part's own prompts, each foretold by a fit that
did not see it), tested on a fifth of the prompts that was split off before, five times in turn, so that each prompt outside
calibration is tested once. The price ladders are laid over each pool of three models that answered the same prompts. Each
kind of prompt weighs the same; quality and cost are shares of the flagship's. Intervals are a Bayesian bootstrap over
prompts, 95 %, two-sided.
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from farthing.model.asked import Asked
from farthing.model.routes import ANY, Table, Tier, scopes_of
from farthing.quality.difficulty import fit
from farthing.quality.features import of_asked
from farthing.quality.prior import fit as fit_prior
from farthing.quality.table import make
from farthing.steps.route.choose import TEXTBOOK, Candidate, Finer, choose
from farthing.store.evidence import Sums
from harness.report import Figure, Report, options
from routing_data import measures
from routing_data.kinds import seen_of, task_of
from routing_data.measures import Mix
from routing_data.outcomes import CALIBRATION, FOLDS, Data, Floats, Ints, Pool, read
from routing_data.routers import Fitted, Prices, curve, dial, fit_pool, mean_lengths, routed, sample_of

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
TARGETS = {0.95: 0.95, 0.99: 0.85}
"""Floor, and the most that it may cost beside the best random mix of the same quality."""
UNDER_MOST = -0.01
"""How far the lower end of the interval may lie under the floor."""
LADDER_MOST = 1.02
APGR_MEAN, APGR_EACH = 0.08, 0.05
COLD_MOST = 0.02
COLD_FLOORS = (0.85, 0.89, 0.93, 0.97)
CHOOSE_MOST_US, FORESEE_MOST_US = 15.0, 1000.0
DRAWS = 1000


def told(name: str, unit: str, value: float, most: float | None = None, least: float | None = None) -> Figure:
    """A figure that comes out the same each time."""
    return Figure(name, unit, [value], most, needs=1, least=least)


@dataclass
class Tested:
    """Prompts of a pool at a ladder's prices, and what a router made of them."""

    pool: Pool
    rows: Ints
    cost: Floats
    score: Floats
    prices: Prices
    ladder: str = ""
    curve: Ints = field(default_factory=lambda: np.zeros((0, 0), np.intp))
    """The model of each prompt; a column for each setting of the dial."""
    picked: dict[float, Ints] = field(default_factory=dict)
    """The same by floor, with the dial set for it."""

    @classmethod
    def of_rows(cls, pool: Pool, prices: Prices, rows: Ints) -> "Tested":
        return cls(pool, rows, pool.cost(prices, pool.length[rows], rows), pool.score[rows], prices)

    def expected(self) -> dict[str, Floats]:
        """Each model's mean cost by kind, with its mean length on other prompts of the kind."""
        means = mean_lengths(self.pool, np.setdiff1d(np.arange(len(self.pool.prompts)), self.rows))
        kinds = self.pool.kinds[self.rows]
        lengths = np.array([means.get(kind, means[""]) for kind in kinds.tolist()])
        cost = self.pool.cost(self.prices, lengths, self.rows)
        return {kind: cost[kinds == kind].mean(0) for kind in sorted(set(kinds.tolist()))}

    @property
    def weight(self) -> Floats:
        return self.pool.weight(self.rows)

    def of(self, picked: Ints, weight: Floats) -> tuple[Floats, Floats]:
        """Cost and quality, as shares of the flagship's; `weight` may have a row for each draw."""
        at = np.arange(len(self.rows))
        cost = weight @ self.cost[at, picked] / (weight @ self.cost[:, -1])
        return cost, weight @ self.score[at, picked] / (weight @ self.score[:, -1])

    def always(self, tier: Tier) -> Ints:
        return np.full(len(self.rows), self.pool.tiers.index(tier), np.intp)

    def textbook(self) -> Ints:
        tiers = [TEXTBOOK.get(task_of(kind), "flagship") for kind in self.pool.kinds[self.rows].tolist()]
        return np.array([self.pool.tiers.index(tier) for tier in tiers], np.intp)

    def singles(self) -> tuple[Floats, Floats]:
        weight = self.weight
        cost, score = weight @ self.cost, weight @ self.score
        return cost / cost[-1], score / score[-1]


class Bench:
    def __init__(self, data: Data, *, quick: bool) -> None:
        self.data = data
        self.folds = range(2 if quick else FOLDS)
        self.pools = [pool for pool in data.pools if len(pool.tiers) == 3]
        self.ladders = {name: prices for name, prices in data.ladders.items() if len(prices) == 3}

    def tested(self, *, words: bool = True, calibrate_on_fit: bool = True) -> list[Tested]:
        found = []
        for pool in self.pools:
            fits = {fold: fit_pool(pool, fold, words=words, calibrate_on_fit=calibrate_on_fit) for fold in self.folds}
            known = {fold: each for fold, each in fits.items() if each is not None}
            found += [self._at_ladder(pool, name, prices, known) for name, prices in self.ladders.items()]
        return found

    def _at_ladder(self, pool: Pool, name: str, prices: Prices, fits: dict[int, Fitted]) -> Tested:
        tested = Tested.of_rows(pool, prices, np.concatenate([each.test.rows for each in fits.values()]))
        tested.ladder = name
        tested.curve = np.concatenate([curve(pool, each, prices) for each in fits.values()])
        for floor in TARGETS:
            served = [routed(pool, each, prices, dial(pool, each, prices, floor)) for each in fits.values()]
            tested.picked[floor] = np.concatenate(served)
        return tested

    def drawn(self, tested: Tested) -> Floats:
        """A row of weights for each draw; a prompt has the same draws in all pools."""
        draws = measures.draws(self.data.prompts, DRAWS)[:, tested.pool.rows[tested.rows]]
        return measures.reweighted(draws, tested.pool.kinds[tested.rows])


def interval(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def at_floors(bench: Bench, found: list[Tested], title: str, *, judged: bool) -> Iterator[Figure]:
    for floor, most in TARGETS.items():
        ratios: dict[str, list[float]] = {}
        draws, quality, costs, lows = [], [], [], {}
        for each in found:
            cost, share = (float(value) for value in each.of(each.picked[floor], each.weight))
            ratios.setdefault(each.ladder, []).append(cost / Mix(*each.singles()).cost_of(share))
            draws.append(each.of(each.picked[floor], bench.drawn(each))[1])
            quality.append(share)
            costs.append(cost)
            lows[f"{each.pool.name} at {each.ladder}"] = interval(draws[-1])[0]
        low, high = interval(np.mean(draws, axis=0))
        name = f"{title}, floor {floor:.0%}"
        by_ladder = {ladder: float(np.mean(values)) for ladder, values in ratios.items()}
        yield told(f"{name}: quality", "%", 100 * float(np.mean(quality)))
        yield told(f"{name}: quality, lower end", "%", 100 * low, least=100 * (floor + UNDER_MOST) if judged else None)
        yield told(f"{name}: quality, upper end", "%", 100 * high)
        if judged:
            yield told(f"{name}: lower end, worst pool and ladder", "%", 100 * min(lows.values()))
        yield told(f"{name}: cost", "%", 100 * float(np.mean(costs)))
        yield told(f"{name}: cost of best mix", "x", float(np.mean(list(by_ladder.values()))), most if judged else None)
        if judged:
            for ladder, ratio in by_ladder.items():
                yield told(f"{name}: cost of best mix, {ladder}", "x", ratio, LADDER_MOST)
            worst = max(map(max, ratios.values()))
            yield told(f"{name}: cost of best mix, worst pool and ladder", "x", worst)


def areas(found: list[Tested], title: str, *, judged: bool) -> Iterator[Figure]:
    gains: dict[str, list[float]] = {}
    for each in found:
        weight = each.weight
        points = [each.of(each.curve[:, column], weight) for column in range(each.curve.shape[1])]
        cost, quality = (np.array(side) for side in zip(*points, strict=True))
        own, mix = measures.recovered(cost, quality, *each.singles())
        gains.setdefault(each.ladder, []).append(own - mix)
    by_ladder = {ladder: float(np.mean(values)) for ladder, values in gains.items()}
    mean = float(np.mean(list(by_ladder.values())))
    yield told(f"{title}: APGR above best mix", "", mean, least=APGR_MEAN if judged else None)
    if judged:
        for ladder, gain in by_ladder.items():
            yield told(f"{title}: APGR above best mix, {ladder}", "", gain, least=APGR_EACH)
        yield told(
            f"{title}: APGR above best mix, worst pool and ladder", "", min(min(each) for each in gains.values())
        )


def beside_textbook(bench: Bench, found: list[Tested]) -> Iterator[Figure]:
    """Quality at the textbook's cost: between the two settings of the dial that enclose it, drawn anew each time."""
    gaps, costs, qualities = [], [], []
    for each in found:
        weight = np.concatenate([each.weight[None, :], bench.drawn(each)])
        cost, quality = each.of(each.textbook(), weight)
        points = [each.of(each.curve[:, column], weight) for column in range(each.curve.shape[1])]
        spent, reached = (np.array(side).T for side in zip(*points, strict=True))
        order = np.argsort(spent, axis=1)
        spent, reached = np.take_along_axis(spent, order, 1), np.take_along_axis(reached, order, 1)
        own = np.array([np.interp(cost[row], spent[row], reached[row]) for row in range(len(cost))])
        gaps.append(own - quality)
        costs.append(float(cost[0]))
        qualities.append(float(quality[0]))
    gap = np.mean(gaps, axis=0)
    low, high = interval(gap[1:])
    yield told("textbook: cost", "%", 100 * float(np.mean(costs)))
    yield told("textbook: quality", "%", 100 * float(np.mean(qualities)))
    yield told("by prompt, at the textbook's cost: quality above it", "points", 100 * float(gap[0]))
    yield told("by prompt, at the textbook's cost: lower end", "points", 100 * low, least=0.0)
    yield told("by prompt, at the textbook's cost: upper end", "points", 100 * high)


def always_mid(found: list[Tested]) -> Iterator[Figure]:
    points = [each.of(each.always("mid"), each.weight) for each in found]
    yield told("always mid: cost", "%", 100 * float(np.mean([cost for cost, _ in points])))
    yield told("always mid: quality", "%", 100 * float(np.mean([quality for _, quality in points])))


def kind_left_out(bench: Bench, *, quick: bool) -> Iterator[Figure]:
    """A kind that nobody saw, beside those that were: under its own name, and under that of a kind that was seen."""
    shares: dict[float, list[float]] = {floor: [] for floor in TARGETS}
    draws: dict[float, list[Floats]] = {floor: [] for floor in TARGETS}
    strange: list[bool] = []
    for pool in bench.pools:
        kinds = sorted(set(pool.kinds.tolist()))
        for kind, fold in [(kind, at % FOLDS) for at, kind in enumerate(kinds[:1] if quick else kinds)]:
            fitted = fit_pool(pool, fold, without=kind)
            if fitted is None:
                continue
            rows = fitted.test.rows
            drawn = measures.reweighted(measures.draws(bench.data.prompts, DRAWS)[:, pool.rows[rows]], pool.kinds[rows])
            for prices in bench.ladders.values():
                one = Tested.of_rows(pool, prices, rows)
                for floor in TARGETS:
                    picked = routed(pool, fitted, prices, dial(pool, fitted, prices, floor))
                    shares[floor].append(float(one.of(picked, one.weight)[1]))
                    draws[floor].append(one.of(picked, drawn)[1])
            own = [pool.prompts[at] for at in np.flatnonzero(pool.kinds == kind).tolist()][:200]
            strange += [
                fitted.model.foretell(each.features, other) is None for other in kinds if other != kind for each in own
            ]
    for floor in TARGETS:
        name = f"a kind left out, floor {floor:.0%}"
        low, _ = interval(np.mean(draws[floor], axis=0))
        yield told(f"{name}: quality", "%", 100 * float(np.mean(shares[floor])))
        yield told(f"{name}: quality, lower end", "%", 100 * low, least=100 * (floor + UNDER_MOST))
        yield told(f"{name}: quality, worst kind, pool and ladder", "%", 100 * min(shares[floor]))
    yield told("a kind left out, under the name of another: found strange", "%", 100 * float(np.mean(strange)))


def cold_start(bench: Bench) -> Iterator[Figure]:
    """The prior alone, fitted without the fold that it is tested on, beside always the mid tier. Where a flagship that
    writes less is cheaper than the mid model it serves, and may be the worse of the two: so each is measured by the mix."""
    for floor in COLD_FLOORS:
        ratios: list[float] = []
        mid_ratios: list[float] = []
        quality: list[float] = []
        mid_quality: list[float] = []
        cost: list[float] = []
        for fold in bench.folds:
            seen = [each for pool in bench.pools for each in seen_of(pool, np.flatnonzero(pool.parts != fold))]
            prior = fit_prior(seen)
            for pool in bench.pools:
                rows = np.flatnonzero(pool.parts == fold)
                tiers = dict(zip(pool.tiers, ((model,) for model in pool.models), strict=True))
                table = make((), tiers, pool.models[-1], prior)
                for prices in bench.ladders.values():
                    one = Tested.of_rows(pool, prices, rows)
                    picked = by_table(one, table, floor, task_of)
                    mix = Mix(*one.singles())
                    for chosen, shares, beside in (
                        (picked, quality, ratios), (one.always("mid"), mid_quality, mid_ratios)
                    ):  # fmt: skip
                        spent, share = (float(value) for value in one.of(chosen, one.weight))
                        shares.append(share)
                        beside.append(spent / mix.cost_of(share))
                        if beside is ratios:
                            cost.append(spent)
        name = f"cold start, floor {floor:.0%}"
        yield told(f"{name}: cost", "%", 100 * float(np.mean(cost)))
        yield told(
            f"{name}: quality, less always mid's",
            "points",
            100 * float(np.mean(quality) - np.mean(mid_quality)),
        )
        yield told(
            f"{name}: cost of best mix, less always mid's",
            "x",
            float(np.mean(ratios) - np.mean(mid_ratios)),
            COLD_MOST,
        )


def by_table(one: Tested, table: Table, floor: float, name_of: Callable[[str], str]) -> Ints:
    """What the product's table chooses, task by task."""
    pool, chosen = one.pool, {}
    for kind, cost in one.expected().items():
        candidates = [
            Candidate(model, tier, round(1e6 * value))
            for model, tier, value in zip(pool.models, pool.tiers, cost.tolist(), strict=True)
        ]
        task = name_of(kind)
        picked = choose(table, candidates, "t", scopes_of("", task) if task else (ANY,), floor, task=task)
        chosen[kind] = pool.models.index(picked.model)
    return np.array([chosen[kind] for kind in pool.kinds[one.rows].tolist()], np.intp)


def by_task(bench: Bench) -> Iterator[Figure]:
    """The product's table with a floor that each task keeps by itself, its bound valid at any time."""
    for floor in TARGETS:
        draws, quality, cost = [], [], []
        for pool in bench.pools:
            tables = {fold: _measured(bench, pool, fold) for fold in bench.folds}
            for prices in bench.ladders.values():
                parts = [Tested.of_rows(pool, prices, np.flatnonzero(pool.parts == fold)) for fold in bench.folds]
                picked = [by_table(one, tables[fold], floor, str) for fold, one in zip(bench.folds, parts, strict=True)]
                whole = Tested.of_rows(pool, prices, np.concatenate([one.rows for one in parts]))
                spent, share = (float(value) for value in whole.of(np.concatenate(picked), whole.weight))
                draws.append(whole.of(np.concatenate(picked), bench.drawn(whole))[1])
                quality.append(share)
                cost.append(spent)
        name = f"by table, floor {floor:.0%} in each task"
        low, _ = interval(np.mean(draws, axis=0))
        yield told(f"{name}: cost", "%", 100 * float(np.mean(cost)))
        yield told(f"{name}: quality", "%", 100 * float(np.mean(quality)))
        yield told(f"{name}: quality, lower end", "%", 100 * low, least=100 * (floor + UNDER_MOST))


def _measured(bench: Bench, pool: Pool, fold: int) -> Table:
    """From all outcomes but this fold's, as evidence of one tenant; the prior from the same."""
    seen = np.flatnonzero(pool.parts != fold)
    prior = fit_prior([each for other in bench.pools for each in seen_of(other, np.flatnonzero(other.parts != fold))])
    rows = []
    for kind in (*sorted(set(pool.kinds[seen].tolist())), ANY):
        scope = ANY if kind == ANY else f"task:{kind}"
        score = pool.score[seen] if kind == ANY else pool.score[seen][pool.kinds[seen] == kind]
        flagship, n = score[:, -1], len(score)
        for column, model in enumerate(pool.models[:-1]):
            gap = score[:, column] - flagship
            rows.append(Sums(0, "t", scope, model, "eval", pool.models[-1], n, float(gap.sum()), float((gap**2).sum())))
        rows.append(
            Sums(
                0, "t", scope, pool.models[-1], "eval", "",
                scores=n, score=float(flagship.sum()), score_squares=float((flagship**2).sum()),
            )
        )  # fmt: skip
    tiers = dict(zip(pool.tiers, ((model,) for model in pool.models), strict=True))
    return make(rows, tiers, pool.models[-1], prior)


def decisions(bench: Bench, *, quick: bool) -> Iterator[Figure]:
    pool = bench.pools[0]
    table = _measured(bench, pool, 0)
    candidates = [
        Candidate(model, tier, 1000 * (at + 1))
        for at, (model, tier) in enumerate(zip(pool.models, pool.tiers, strict=True))
    ]
    kinds = sorted(set(pool.kinds.tolist()))
    scopes = [scopes_of("0123456789abcdef", kind) for kind in kinds]
    finer = Finer(dict.fromkeys(pool.models[:-1], -0.01), 1e-6)
    times = 2_000 if quick else 20_000
    repeats = range(3 if quick else 7)

    def by(finer: Finer | None) -> list[float]:
        found = []
        for _ in repeats:
            begun = time.process_time_ns()
            for at in range(times):
                choose(table, candidates, "t", scopes[at % len(scopes)], 0.95, finer=finer)
            found.append((time.process_time_ns() - begun) / times / 1000)
        return found

    yield Figure("a choice by the table", "us", by(None), CHOOSE_MOST_US)
    yield Figure("a choice by prompt, once foretold", "us", by(finer), CHOOSE_MOST_US)
    model = fit([sample_of(pool, at, words=True) for at in np.flatnonzero(pool.parts != 0).tolist()])
    if model is None:
        return
    found = []
    texts = pool.texts[:200]
    for _ in repeats:
        begun = time.process_time_ns()
        for prompt, text in zip(pool.prompts, texts, strict=False):
            model.foretell(of_asked(Asked(text=text, in_tokens=int(prompt.in_tokens))), prompt.kind, prompt.template)
        found.append((time.process_time_ns() - begun) / len(texts) / 1000)
    yield Figure("a prompt read and foretold", "us", found, FORESEE_MOST_US)


def main() -> int:
    chosen = options(__doc__.splitlines()[0])
    report = Report("routing")
    try:
        data = read(chosen.data or SHARED)
    except (OSError, ValueError, KeyError) as error:
        report.troubles.append(f"no outcomes: {type(error).__name__}: {error}; name a folder with --data")
        return report.close()
    bench = Bench(data, quick=chosen.quick)
    if not bench.pools or not bench.ladders:
        report.troubles.append("no pool of three models that answered the same prompts, or no ladder of three prices")
        return report.close()
    for pool in data.pools:
        calibrating = int((pool.parts == CALIBRATION).sum())
        print(
            f"pool {pool.name}: {len(pool.prompts):,} prompts, {calibrating:,} for calibration; {', '.join(pool.models)}"
        )
    found = bench.tested()
    report.add(*at_floors(bench, found, "by prompt", judged=True), *areas(found, "by prompt", judged=True))
    report.add(*beside_textbook(bench, found), *always_mid(found))
    report.add(*kind_left_out(bench, quick=chosen.quick), *cold_start(bench), *by_task(bench))
    if not chosen.quick:
        for title, options_of in (
            ("by mean of kind", {"words": False}),
            ("by prompt, set on calibration alone", {"calibrate_on_fit": False}),
        ):
            other = bench.tested(**options_of)
            report.add(*at_floors(bench, other, title, judged=False), *areas(other, title, judged=False))
    report.add(*decisions(bench, quick=chosen.quick))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())

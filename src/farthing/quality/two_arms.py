"""Two arms of an experiment compared from sums over independent clusters: means, their variances, intervals.

It knows nothing of levers or money. A cell is what one cluster (a session, or a random group of sessions) did in one span
of time; the mean of an arm is a ratio of sums, sum(y) / sum(n), and what varies is the cluster, not the call.

- **Strata.** Traffic changes from day to day and the share held out may too, so that the arms are compared within spans
  of days, and the untreated spans get the weights that they have among the treated (post-stratification). A span is one
  day, or so many that each arm has `LEAST` clusters in it; it ends early where the share held out clearly changes.
- **Covariate.** x is a size that no treatment changes. What the arms differ in it by chance is taken out, with the factor
  that makes the variance least (Deng et al., CUPED, WSDM 2013; for clusters: Deng et al., KDD 2018). If it tells nothing
  the factor is about 0.
- **Variance.** Delete-one-cluster jackknife of all of it, factor and weights included: with few clusters and sizes that
  differ a thousandfold the usual residuals are too small, this is a little too big (Efron and Stein 1981).
- **Intervals.** Of the ratio of means by Fieller's theorem (1954), of the difference by its variance; quantiles of
  Student's t with the degrees of freedom of Welch and Satterthwaite, where uneven clusters count for fewer (Kish).
- **Looks.** `multiplier` of an interval that may be looked at daily: the mixture sequential test (Robbins 1970; Johari
  et al., Operations Research 2022), valid at all looks together, asymptotically.
"""

import math
from collections.abc import Hashable, Iterable, Sequence
from operator import add, sub
from statistics import NormalDist
from typing import NamedTuple

import msgspec

from farthing.quality.student import two_sided

LEAST = 20
"""Clusters of each arm in a span of days. Below this in all, an interval is not to be trusted."""

LEAST_OF_A_SPAN = 5
"""Clusters of each arm without which a span is left out, unless it is the only one."""

ERROR = 0.05
"""How often an interval may miss the truth."""


class Cell(NamedTuple):
    """Sums over the calls of one cluster on one day, in one arm."""

    day: int
    untreated: bool
    cluster: Hashable
    n: float
    """Calls, or whatever the mean is of."""
    y: float
    x: float = 0.0


Sums = tuple[float, float, float]
"""n, y, x."""
Clusters = dict[Hashable, dict[int, Sums]]
"""Cluster -> span -> sums."""
Moments = tuple[float, ...]
"""Sums over clusters of n, y, x, nn, ny, nx, yx, xx, yy."""
Part = tuple[float, ...]
"""What a span brings: n, y, x of the treated; weighted y, x of the untreated; products yx, xx, yy of both (`_products`)."""


class Comparison(msgspec.Struct, frozen=True):
    """Means of both arms with variances; the untreated one is what the treated calls would have had untreated."""

    treated: float
    untreated: float
    treated_variance: float
    untreated_variance: float
    covariance: float
    """Of the two, through the covariate."""
    freedom: float
    treated_clusters: int
    untreated_clusters: int
    treated_n: float
    untreated_n: float
    """Where spans have weights, the number that would tell as much without (Kish)."""
    variance_left: float = 1.0
    """Share of the variance that the covariate left."""

    @property
    def few(self) -> bool:
        """Too few clusters for an interval to be trusted, or too much in a few of them."""
        return min(self.treated_clusters, self.untreated_clusters) < LEAST or self.freedom < LEAST - 1

    @property
    def difference(self) -> float:
        """Treated less untreated."""
        return self.treated - self.untreated

    @property
    def difference_variance(self) -> float:
        return max(0.0, self.treated_variance + self.untreated_variance - 2 * self.covariance)

    @property
    def ratio(self) -> float:
        """Treated over untreated."""
        return self.treated / self.untreated

    @property
    def ratio_variance(self) -> float:
        """By the delta method."""
        r = self.ratio
        total = self.treated_variance + r**2 * self.untreated_variance - 2 * r * self.covariance
        return max(0.0, total) / self.untreated**2

    def difference_interval(self, multiplier: float) -> tuple[float, float]:
        half = multiplier * math.sqrt(self.difference_variance)
        return self.difference - half, self.difference + half

    def ratio_interval(self, multiplier: float) -> tuple[float, float]:
        """Fieller's: the ratios r for which treated - r * untreated is not too far from 0. (-inf, inf) where the
        untreated mean itself may be 0."""
        square = multiplier**2
        a = self.untreated**2 - square * self.untreated_variance
        b = self.treated * self.untreated - square * self.covariance
        c = self.treated**2 - square * self.treated_variance
        if a <= 0:
            return -math.inf, math.inf
        root = math.sqrt(max(0.0, b**2 - a * c))
        return (b - root) / a, (b + root) / a


def at_one_look(compared: Comparison) -> float:
    """Multiplier of the standard error for an interval that is looked at once."""
    return two_sided(ERROR, compared.freedom)


def at_any_look(compared: Comparison, variance: float, scale: float) -> float:
    """The same for intervals that hold at all looks together. `variance` is that of the effect now; `scale` is the
    effect's size that the test is tuned to, fixed beforehand: it changes how wide intervals are, not that they hold."""
    if variance <= 0:
        return at_one_look(compared)
    share = variance / scale**2
    mixture = math.sqrt((1 + share) * math.log((1 + 1 / share) / ERROR**2))
    return mixture * at_one_look(compared) / NormalDist().inv_cdf(1 - ERROR / 2)


def compare(cells: Iterable[Cell], *, is_share: bool = False) -> Comparison | None:
    """Compare the arms; None where one of them has nothing, or a single cluster. `is_share`: y is between 0 and n, so
    that even if nothing varies an interval keeps the width of the rule of three."""
    known = [cell for cell in cells if cell.n > 0]
    spans = _spans(known)
    treated, untreated = (
        _clusters([cell for cell in known if cell.untreated is arm and cell.day in spans], spans)
        for arm in (False, True)
    )
    if min(len(treated), len(untreated)) < 2:
        return None
    compared = _compared(treated, untreated)
    if is_share:
        compared = msgspec.structs.replace(
            compared,
            treated_variance=compared.treated_variance + _of_the_unseen(compared.treated, compared.treated_n),
            untreated_variance=compared.untreated_variance + _of_the_unseen(compared.untreated, compared.untreated_n),
        )
    return compared


def _of_the_unseen(mean: float, n: float) -> float:
    """The variance that two more pairs of a 0 and a 1 would bring: if all n are alike, the interval is then +-3.9 / n at
    95 %; the rule of three for both sides says 3.7 / n."""
    return 4 * (mean**2 + (1 - mean) ** 2) / n**2


def _spans(cells: Sequence[Cell]) -> dict[int, int]:
    """Day -> its span, named by the span's first day. Only counts decide, never outcomes. Days that cannot be told apart
    and have hardly anything held out are left out."""
    days: dict[int, _Count] = {}
    for cell in cells:
        days.setdefault(cell.day, _Count()).add(cell)
    spans: list[tuple[list[int], _Count]] = []
    for day in sorted(days):
        if not spans or spans[-1][1].least >= LEAST or spans[-1][1].clearly_differs(days[day]):
            spans.append(([], _Count()))
        spans[-1][0].append(day)
        spans[-1][1].take(days[day])
    sound = [days for days, count in spans if count.least >= LEAST_OF_A_SPAN] or [days for days, _ in spans[:1]]
    return {day: span[0] for span in sound for day in span}


class _Count:
    """Which clusters and how many calls each arm has: treated, untreated."""

    def __init__(self) -> None:
        self.clusters: tuple[set[Hashable], set[Hashable]] = (set(), set())
        self.n = [0.0, 0.0]

    def add(self, cell: Cell) -> None:
        self.clusters[cell.untreated].add(cell.cluster)
        self.n[cell.untreated] += cell.n

    def take(self, other: "_Count") -> None:
        for arm in (0, 1):
            self.clusters[arm].update(other.clusters[arm])
            self.n[arm] += other.n[arm]

    @property
    def least(self) -> int:
        return min(map(len, self.clusters))

    def clearly_differs(self, other: "_Count") -> bool:
        """Whether the share held out is another: by half, and by three times what chance would do."""
        if not all(self.n) or not all(other.n):
            return False
        noise = math.sqrt(sum(1 / len(arm) for count in (self, other) for arm in count.clusters))
        change = math.log(self.n[1] / self.n[0]) - math.log(other.n[1] / other.n[0])
        return abs(change) > math.log(1.5) + 3 * noise


def _clusters(cells: Sequence[Cell], spans: dict[int, int]) -> Clusters:
    """What each cluster did in each span."""
    found: Clusters = {}
    for cell in cells:
        of = found.setdefault(cell.cluster, {})
        span = spans[cell.day]
        n, y, x = of.get(span, (0.0, 0.0, 0.0))
        of[span] = (n + cell.n, y + cell.y, x + cell.x)
    return found


def _moments(n: float, y: float, x: float) -> Moments:
    return n, y, x, n * n, n * y, n * x, y * x, x * x, y * y


def _totals(clusters: Clusters) -> dict[int, Moments]:
    """By span."""
    found: dict[int, Moments] = {}
    for of in clusters.values():
        for span, sums in of.items():
            found[span] = _plus(found.get(span, _NOTHING), _moments(*sums))
    return found


_NOTHING: Moments = (0.0,) * 9
_NO_PART: Part = (0.0,) * 11


def _plus(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(map(add, one, other))


def _minus(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(map(sub, one, other))


def _part(treated: Moments, untreated: Moments) -> Part:
    """What one span brings to the means and to the covariate's factor; nothing where an arm is empty."""
    if treated[0] <= 0 or untreated[0] <= 0:
        return _NO_PART
    weight = treated[0] / untreated[0]
    return (
        treated[0], treated[1], treated[2], weight * untreated[1], weight * untreated[2], *_products(treated),
        *(weight**2 * product for product in _products(untreated)),
    )  # fmt: skip


def _products(moments: Moments) -> tuple[float, float, float]:
    """Sums over the clusters of one span and arm, of the products of residuals: y with x, x with x, y with y."""
    n, y, x, nn, ny, nx, yx, xx, yy = moments
    of_y, of_x = y / n, x / n
    return (
        yx - of_y * nx - of_x * ny + of_y * of_x * nn, xx - 2 * of_x * nx + of_x**2 * nn,
        yy - 2 * of_y * ny + of_y**2 * nn,
    )  # fmt: skip


def _means(total: Part) -> tuple[float, float]:
    """Of the treated, and what it would be untreated."""
    n, y, x, their_y, their_x, *products = total
    both, size, _ = _joined(y, their_y, products)
    return y / n, (their_y - (both / size if size > 0 else 0.0) * (their_x - x)) / n


def _joined(y: float, their_y: float, products: Sequence[float]) -> tuple[float, float, float]:
    """The products of both arms as they enter the variance of the ratio; both / size is the covariate's best factor."""
    yx, xx, yy, their_yx, their_xx, their_yy = products
    ratio = y / their_y if y > 0 and their_y > 0 else 1.0
    return ratio * yx + ratio**2 * their_yx, ratio**2 * (xx + their_xx), yy + ratio**2 * their_yy


def _left(total: Part) -> float:
    """Share of the variance that the covariate leaves."""
    _, y, _, their_y, _, *products = total
    both, size, raw = _joined(y, their_y, products)
    return max(0.0, 1 - both**2 / size / raw) if size > 0 and raw > 0 else 1.0


def _compared(treated: Clusters, untreated: Clusters) -> Comparison:
    arms = (treated, untreated)
    totals = (_totals(treated), _totals(untreated))
    parts = {span: _part(totals[0][span], totals[1].get(span, _NOTHING)) for span in totals[0]}
    total = _NO_PART
    for part in parts.values():
        total = _plus(total, part)
    means = _means(total)
    spreads = [_spread(arms, totals, parts, total, which) for which in (0, 1)]
    shares = [_of_ratio(means, spread) for spread in spreads]
    weights = {span: part[0] / totals[1][span][0] for span, part in parts.items() if part[0]}
    freedom = [_freedom(treated, dict.fromkeys(weights, 1.0)), _freedom(untreated, weights)]
    squares = sum(share**2 / free for share, free in zip(shares, freedom, strict=True))
    return Comparison(
        treated=means[0], untreated=means[1], treated_variance=spreads[0][0] + spreads[1][0],
        untreated_variance=spreads[0][1] + spreads[1][1], covariance=spreads[0][2] + spreads[1][2],
        freedom=sum(shares) ** 2 / squares if squares else min(freedom), treated_clusters=len(treated),
        untreated_clusters=len(untreated), treated_n=sum(sums[0] for sums in totals[0].values()),
        untreated_n=total[0] ** 2 / sum(weight**2 * totals[1][span][0] for span, weight in weights.items()), variance_left=_left(total),
    )  # fmt: skip


def _spread(
    arms: tuple[Clusters, Clusters], totals: tuple[dict[int, Moments], dict[int, Moments]], parts: dict[int, Part],
    total: Part, which: int,
) -> tuple[float, float, float]:  # fmt: skip
    """What the clusters of one arm bring to both variances and the covariance: the means without each cluster in turn."""
    means = _means(total)
    ours, theirs, both = 0.0, 0.0, 0.0
    for of in arms[which].values():
        rest = total
        for span, sums in of.items():
            if span not in parts:
                continue
            less = _minus(totals[which][span], _moments(*sums))
            others = totals[1 - which].get(span, _NOTHING)
            part = _part(others, less) if which else _part(less, others)
            rest = _plus(_minus(rest, parts[span]), part)
        if rest[0] <= 0:
            continue
        without = _means(rest)
        one, other = without[0] - means[0], without[1] - means[1]
        ours, theirs, both = ours + one**2, theirs + other**2, both + one * other
    scale = 1 - 1 / len(arms[which])
    return scale * ours, scale * theirs, scale * both


def _of_ratio(means: tuple[float, float], spread: tuple[float, float, float]) -> float:
    """Variance of treated - ratio * untreated."""
    ratio = means[0] / means[1] if means[1] else 0.0
    return max(1e-300, spread[0] + ratio**2 * spread[1] - 2 * ratio * spread[2])


def _freedom(clusters: Clusters, weights: dict[int, float]) -> float:
    """Clusters less 1, where those of uneven size (by the covariate, or else by calls) count for fewer."""
    sized = any(sums[2] for of in clusters.values() for sums in of.values())
    sizes = [
        sum(weights.get(span, 0.0) * sums[2 if sized else 0] for span, sums in of.items()) for of in clusters.values()
    ]
    squares = sum(size**2 for size in sizes)
    return max(1.0, sum(sizes) ** 2 / squares - 1) if squares else 1.0

"""How sure a comparison is: which input moves it most (tornado), and the range of outcomes when speed and price are drawn
from their intervals (Monte Carlo with a fixed seed, so that the same question has the same answer)."""

import random
from collections.abc import Callable
from math import exp, log

import msgspec

from farthing.model.errors import BadRequest
from farthing.selfhost.tco.api_side import ApiPrices, api_cost
from farthing.selfhost.tco.demand import Demand
from farthing.selfhost.tco.fleet import fleet_for
from farthing.selfhost.tco.own_side import own_cost
from farthing.selfhost.tco.report import Case

DRAWS = 2_000
SEED = 20_261_125
NORMAL_90 = 1.2816
"""The normal quantile of 90 %: an 80 % interval lies that many sigmas around its middle."""
SHARES = (0.1, 0.9)

replace = msgspec.structs.replace


class Bar(msgspec.Struct, frozen=True):
    """One input at its low and high value, and what own GPUs then save a month, in dollars."""

    name: str
    low: str
    high: str
    saved_low: float
    saved_high: float

    @property
    def width(self) -> float:
        return abs(self.saved_high - self.saved_low)


class Range(msgspec.Struct, frozen=True):
    """80 % of the draws lie between low and high. Dollars a month."""

    own_low: float
    own_high: float
    saved_low: float
    saved_high: float
    cheaper: float
    """Share of the draws in which own GPUs are cheaper."""
    too_small: float
    """Share in which the allowed GPUs could not serve the demand; they count as dearer."""


def saved(case: Case, tokens_s: float = 0.0) -> float:
    """Dollars a month. Raises BadRequest where the fleet may not be large enough."""
    return api_cost(case.demand, case.prices, case.extras).total - _own(case, tokens_s)


def _own(case: Case, tokens_s: float = 0.0) -> float:
    fleet = fleet_for(case.demand, case.replica, case.sizing, tokens_s)
    return own_cost(case.own, fleet.gpus, 1.0, fleet.gpu_hours).total


def tornado(case: Case) -> list[Bar]:
    """One input at a time, the widest first: speed and GPU price over their intervals, the others by a quarter."""
    low, high = case.hour_range or (case.own.gpu_hour * 0.75, case.own.gpu_hour * 1.25)
    replica, own, demand, prices = case.replica, case.own, case.demand, case.prices
    bars = [
        _bar("speed", f"{replica.low:,.0f} tok/s", f"{replica.high:,.0f} tok/s", lambda at: saved(case, at), replica.low, replica.high),
        _bar("calls", "-25 %", "+25 %", lambda at: saved(replace(case, demand=demand.times(at))), 0.75, 1.25),
        _bar("API price", "-25 %", "+25 %", lambda at: saved(replace(case, prices=_scaled(prices, at))), 0.75, 1.25),
        _bar("cached share", *_around(demand.cached_share, lambda at: replace(demand, cached_share=at), case)),
        _bar("batch share", *_around(demand.batch_share, lambda at: replace(demand, batch_share=at), case)),
        _bar("engineers", f"{own.engineers * 0.5:g}", f"{own.engineers * 2:g}",
             lambda at: saved(replace(case, own=replace(own, engineers=at))), own.engineers * 0.5, own.engineers * 2),
    ]  # fmt: skip
    if own.kind == "premises" and own.premises is not None:
        place = own.premises
        bars.append(_bar("months of use", "24", "60", lambda at: saved(replace(case, own=replace(own, premises=replace(place, months=at)))), 24.0, 60.0))  # fmt: skip
    else:
        bars.append(_bar("GPU hour", f"${low:.2f}", f"${high:.2f}", lambda at: saved(replace(case, own=replace(own, gpu_hour=at))), low, high))  # fmt: skip
    return sorted(bars, key=lambda bar: -bar.width)


def _bar(name: str, low: str, high: str, at: Callable[[float], float], first: float, second: float) -> Bar:
    return Bar(name, low, high, _or_worst(at, first), _or_worst(at, second))


def _or_worst(at: Callable[[float], float], value: float) -> float:
    try:
        return at(value)
    except BadRequest:
        return float("-inf")


def _around(
    share: float, with_share: Callable[[float], Demand], case: Case
) -> tuple[str, str, Callable[[float], float], float, float]:  # fmt: skip
    low, high = max(0.0, share - 0.25), min(1.0, share + 0.25)
    return f"{low:.0%}", f"{high:.0%}", lambda at: saved(replace(case, demand=with_share(at))), low, high


def _scaled(prices: ApiPrices, factor: float) -> ApiPrices:
    def times(price: float | None) -> float | None:
        return None if price is None else price * factor

    return replace(
        prices, input=prices.input * factor, output=prices.output * factor, cached=times(prices.cached),
        batch_input=times(prices.batch_input), batch_output=times(prices.batch_output),
    )  # fmt: skip


def simulate(case: Case, draws: int = DRAWS, seed: int = SEED) -> Range:
    """Speed drawn log-normally so that 80 % lie in the replica's interval, a GPU hour from the triangle of its lowest,
    expected and highest price."""
    dice = random.Random(seed)
    api = api_cost(case.demand, case.prices, case.extras).total
    owns: list[float] = []
    for _ in range(draws):
        speed = _speed(case, dice)
        price = case.own.gpu_hour
        if case.hour_range and case.own.kind != "premises":
            price = dice.triangular(case.hour_range[0], case.hour_range[1], price)
        try:
            owns.append(_own(replace(case, own=replace(case.own, gpu_hour=price)), speed))
        except BadRequest:
            owns.append(float("inf"))
    owns.sort()
    low, high = (owns[min(draws - 1, int(share * draws))] for share in SHARES)
    return Range(
        low, high, api - high, api - low, sum(each < api for each in owns) / draws,
        sum(each == float("inf") for each in owns) / draws,
    )  # fmt: skip


def _speed(case: Case, dice: random.Random) -> float:
    """The interval need not be even around the middle: each side has its own sigma."""
    replica = case.replica
    deviation = dice.gauss(0.0, 1.0)
    edge = replica.high if deviation > 0 else replica.low
    sigma = abs(log(edge / replica.tokens_s)) / NORMAL_90
    return replica.tokens_s * exp(deviation * sigma)

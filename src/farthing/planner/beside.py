"""The calls of the dearest model on own GPUs instead: demand from the log, prices from the book, speed from the roofline; the same
functions as `farthing tco`. What quality the own model has on these calls is not in it."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from farthing.dashboard.own import models
from farthing.dashboard.own.asked import ENGINE, format_for
from farthing.finops.plans.document import BreakEven
from farthing.model.errors import BadRequest
from farthing.model.past import PastCall
from farthing.prices import PriceBook
from farthing.selfhost import gpu_prices, gpus
from farthing.selfhost.formats import FORMATS
from farthing.selfhost.tco.api_side import prices_of
from farthing.selfhost.tco.demand import HOUR_US, Demand, Hour, from_hours
from farthing.selfhost.tco.fleet import Goal, Sizing
from farthing.selfhost.tco.own_side import Own
from farthing.selfhost.tco.report import Case, report
from farthing.selfhost.tco.sensitivity import simulate
from farthing.selfhost.tco.speed import replica_for

GOAL = Goal(ttft_s=2.0, tpot_s=0.05)
STORAGE_GB = 500.0
ENGINEERS = 1.0
"""As the page of own models assumes them."""


def break_even(calls: Sequence[PastCall], book: PriceBook, own: str, gpu: str, growth: float = 1.0) -> BreakEven:
    """Raises BadRequest for a model or a GPU that is not known, and where no call has tokens and a price."""
    if own not in models.CONFIGS:
        raise BadRequest(f"{own!r} is none of {', '.join(models.CONFIGS)}; `farthing tco --own FOLDER` takes any")
    kind = gpus.gpu(gpu)
    provider, api = _dearest(calls, book)
    mine = [past for past in calls if (past.provider, past.model) == (provider, api)]
    demand = _demand(mine).times(growth)
    offer = gpu_prices.offers_for(kind, gpu_prices.known(""))
    if offer is None:
        raise BadRequest(f"no price of {kind.name} is known; `farthing tco --gpu {kind.name} --gpu-hour` takes yours")
    replica = replica_for(demand, models.shape(own), FORMATS[format_for(kind)], kind, GOAL, engine=ENGINE)
    case = Case(
        demand=demand, prices=prices_of(book, provider, api, calls[-1].at_us, demand.input_tokens),
        own=Own(gpu_hour=offer.median, storage_gb=STORAGE_GB, engineers=ENGINEERS), replica=replica, sizing=Sizing(),
        hour_range=(offer.low, offer.high),
    )  # fmt: skip
    found, sure = report(case), simulate(case)
    first = found.break_even.first
    return BreakEven(
        api, own, kind.name, demand.calls, found.api.total, found.own.total, found.fleet.replicas * found.replica.gpus,
        first * demand.calls if first is not None else None, sure.saved_low, sure.saved_high, sure.cheaper,
    )  # fmt: skip


def _dearest(calls: Sequence[PastCall], book: PriceBook) -> tuple[str, str]:
    costs: Counter[tuple[str, str]] = Counter()
    for past in calls:
        if past.usage is not None and not past.cached:
            costs[past.provider, past.model] += book.price(past.provider, past.model, past.usage, at_us=past.at_us).nano
    found = costs.most_common(1)
    if not found or not found[0][1]:
        raise BadRequest("no call of the log has tokens and a price, so there is nothing to compare own GPUs with")
    return found[0][0]


def _demand(calls: Sequence[PastCall]) -> Demand:
    sums: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for past in calls:
        if past.usage is not None:
            hour = sums[past.at_us - past.at_us % HOUR_US]
            for place, more in enumerate((1, past.usage.total_in, past.usage.cache_read, past.usage.total_out)):
                hour[place] += more
    until = max(sums) + HOUR_US
    return from_hours([Hour(hour, *each) for hour, each in sorted(sums.items())], min(sums), until, source="the log")

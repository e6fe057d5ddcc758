"""A plan of calls of the past: each lever alone, all together, all but each; what that saves a month, and on which calls.

The calls are asked again (`replay`); waiting is priced. Knows no terminal and no store.
"""

import importlib
import importlib.util
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from farthing.model.arms import MODEL_SELECTION, SEMANTIC_CACHE
from farthing.model.money import show_dollars
from farthing.model.past import PastCall
from farthing.model.plan import Example, LeverPlan, Plan
from farthing.planner.levers import GUARDED, NEAR, REPLAYED, WAITING, Lever, waiting_toml
from farthing.planner.replay.readers import Kept, encoded
from farthing.planner.replay.run import Came
from farthing.planner.replay.turnround import back_in_time
from farthing.planner.replay.world import REPLAYED as WIRES
from farthing.planner.replay.world import can_ask, served
from farthing.planner.trials import Hear, Trials, Try, all_tries, tries_of
from farthing.planner.uncertainty import Groups, amount, groups
from farthing.planner.unproved import outlooks
from farthing.prices import PriceBook
from farthing.settings import Settings

DAYS_A_MONTH = 365.25 / 12
DAY_US = 86_400_000_000
EXAMPLES = 5


class Wanted:
    """What a plan is asked for."""

    def __init__(
        self, own: Settings | None, book: PriceBook, levers: Sequence[Lever] | None = None,
        patience: Mapping[str, float] = {}, base: Callable[[Settings], Settings] = lambda settings: settings, processes: int = 1,
    ) -> None:  # fmt: skip
        """`levers`: those that are tried; None: all that may help. `patience`: feature -> seconds that its answers may wait;
        `base` changes the settings before any lever; `processes`: as many may be at work."""
        self.own = own
        self.book = book
        self.levers = levers
        self.patience = dict(patience)
        self.base = base
        self.processes = processes


async def make(calls: Sequence[PastCall], wanted: Wanted, hear: Hear) -> Plan:
    """`calls` in the order of their times. Where none can be asked again, it is what their numbers alone tell. Raises StoreError,
    SettingsError."""
    asked = [past for past in calls if can_ask(past)]
    if not asked and calls and importlib.util.find_spec("numpy"):
        alone = importlib.import_module("farthing.planner.without_text")
        told: Plan = await alone.plan_of_calls(calls, wanted.own, wanted.patience, wanted.base)
        return told
    kept = await encoded(asked) if wanted.levers is None and asked else None
    try:
        return await _made(calls, asked, wanted, hear, kept)
    finally:
        if kept is not None:
            await kept.end()


async def _made(
    calls: Sequence[PastCall], asked: Sequence[PastCall], wanted: Wanted, hear: Hear, encoder: Kept | None
) -> Plan:  # fmt: skip
    span = max((calls[-1].at_us - calls[0].at_us) if calls else 0, DAY_US) / DAY_US
    times = DAYS_A_MONTH / span
    group = groups(asked)
    levers = wanted.levers if wanted.levers is not None else _that_may_help(asked, wanted, encoder)
    has_budgets, every = wanted.own is not None and bool(wanted.own.budgets), tuple(levers)
    trials = Trials(asked, wanted.own, wanted.base, encoder, hear)
    await trials.ahead(all_tries(levers, budgets=has_budgets), wanted.processes)
    base = await trials.of("as it was", Try())
    together = await trials.of("all together", Try(every))
    plans = []
    for lever in levers:
        tries = tries_of(lever, levers)
        under = await trials.of(f"{lever.on_top_of} alone", tries.under)
        alone = await trials.of(f"{lever.name} alone", tries.alone)
        without = await trials.of(f"all but {lever.name}", tries.without)
        plans.append(_lever(lever, asked, group, times, under, alone, together, without))
    for each in plans:
        if each.lever == MODEL_SELECTION:
            free = await trials.of("any cheaper model", Try(every, floors=False))
            settings = wanted.base(served(asked, wanted.own))
            each.scenarios = outlooks(asked, together, free, settings, each.beside.likely, times, span)
    waiting, waits = _waiting(asked, group, times, base, together, wanted)
    if waiting is not None:
        plans.append(waiting)
    notes = _notes(base)
    if has_budgets:
        for what, left, right, on in (("as it was", base, (), "nothing"), ("all together", together, every, "all")):
            try:
                notes.append(_refused(await trials.of(f"{what}, with budgets", Try(right, budgets=True)), left, on))
            except TimeoutError:
                notes.append(
                    f"with {on} switched on, what your budgets would refuse is not known: a call waited for money in vain"
                )
    saved = [one + more for one, more in zip(_saved(base, together), waits, strict=True)]
    plans.sort(key=lambda each: (each.is_bound, -each.beside.likely))
    return Plan(
        since_us=calls[0].at_us if calls else 0, until_us=calls[-1].at_us if calls else 0, calls=len(calls), replayed=len(asked),
        left_out=_left_out(calls), recorded=sum(_cost(past, wanted.book) or 0 for past in asked),
        base=sum(each.cost for each in base if each is not None),
        a_month=round(sum(_cost(past, wanted.book) or 0 for past in calls) * times),
        together=amount(saved, group, times), levers=plans, notes=notes,
    )  # fmt: skip


def _that_may_help(asked: Sequence[PastCall], wanted: Wanted, encoder: Kept | None) -> list[Lever]:
    settings = wanted.base(served(asked, wanted.own))
    more = [each for each in GUARDED if each.may_help(settings, asked) and (encoder is not None or each.name != NEAR)]
    return [*REPLAYED, *more]


def _refused(came: Sequence[Came | None], free: Sequence[Came | None], on: str) -> str:
    """What budgets would have kept from being asked."""
    lost = [
        before.cost for before, after in zip(free, came, strict=True)
        if before is not None and before.status < 400 and (after is None or after.status >= 400)
    ]  # fmt: skip
    return f"with {on} switched on, your budgets would refuse {len(lost):,} of these calls, worth {show_dollars(sum(lost))}"


def _lever(
    lever: Lever, asked: Sequence[PastCall], group: Groups, times: float, base: Sequence[Came | None],
    alone: Sequence[Came | None], together: Sequence[Came | None], without: Sequence[Came | None],
) -> LeverPlan:  # fmt: skip
    saved = _saved(base, alone)
    order = sorted(range(len(asked)), key=saved.__getitem__)
    examples = [_example(asked[at], base[at], alone[at]) for at in reversed(order[-EXAMPLES:]) if saved[at] > 0]
    against = [_example(asked[at], base[at], alone[at]) for at in order[:EXAMPLES] if saved[at] < 0]
    return LeverPlan(
        lever.name, lever.risk, lever.toml, lever.caution, lever.effort, amount(saved, group, times),
        amount(_saved(without, together), group, times),
        round(times * sum(_booked(lever, each) for each in together if each is not None)),
        sum(each > 0 for each in saved), sum(each < 0 for each in saved), examples, against,
    )  # fmt: skip


def _booked(lever: Lever, came: Came) -> int:
    """In the books near questions are a part of the cache."""
    name = SEMANTIC_CACHE if lever.name == NEAR else lever.name
    is_near = came.cache == "semantic"
    return came.by_lever.get(name, 0) if name != SEMANTIC_CACHE or is_near == (lever.name == NEAR) else 0


def _waiting(
    asked: Sequence[PastCall], group: Groups, times: float, base: Sequence[Came | None],
    together: Sequence[Came | None], wanted: Wanted,
) -> tuple[LeverPlan | None, list[int]]:  # fmt: skip
    """What waiting would save: of the features that were said to have patience, else at most, of those that do not stream. And
    what it adds to all together, call by call."""
    stated = bool(wanted.patience)
    can = [
        past.feature in wanted.patience if stated else not past.first_byte_us and b'"stream":true' not in past.prompt
        for past in asked
    ]
    back = {feature: back_in_time(seconds) for feature, seconds in wanted.patience.items()}
    share = [
        _share_off(past, wanted.book) * back.get(past.feature, 1.0) if may else 0.0
        for past, may in zip(asked, can, strict=True)
    ]
    alone = [round(off * each.cost) if each is not None else 0 for off, each in zip(share, base, strict=True)]
    beside = [round(off * each.cost) if each is not None else 0 for off, each in zip(share, together, strict=True)]
    if not any(alone):
        return None, [0] * len(asked)
    found = LeverPlan(
        WAITING.name, WAITING.risk, waiting_toml(wanted.patience, _by_feature(asked, alone)),
        WAITING.caution, WAITING.effort, amount(alone, group, times), amount(beside, group, times),
        round(times * sum(beside)), sum(each > 0 for each in alone), 0, is_bound=not stated,
    )  # fmt: skip
    return found, beside if stated else [0] * len(asked)


def _by_feature(asked: Sequence[PastCall], saved: Sequence[int]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for past, each in zip(asked, saved, strict=True):
        if each:
            sums[past.feature] += each
    return sums


def _share_off(past: PastCall, book: PriceBook) -> float:
    """Of a call's cost, at the price of its provider's batches; 0 where there is none."""
    if past.usage is None or past.tier:
        return 0.0
    plain, batch = (
        book.price(past.provider, past.model, past.usage, tier=tier, at_us=past.at_us) for tier in ("", "batch")
    )
    if "unpriced" in (plain.state, batch.state) or not plain.nano:
        return 0.0
    return max(0.0, 1 - batch.nano / plain.nano)


def _saved(before: Sequence[Came | None], after: Sequence[Came | None]) -> list[int]:
    """By call; a call of which one side is not known saves nothing."""
    return [
        one.cost - other.cost if one is not None and other is not None and one.known and other.known and other.status < 400 else 0
        for one, other in zip(before, after, strict=True)
    ]  # fmt: skip


def _example(past: PastCall, before: Came | None, after: Came | None) -> Example:
    return Example(past.id, past.feature, before.cost if before else 0, after.cost if after else 0)


def _cost(past: PastCall, book: PriceBook) -> int | None:
    if past.usage is None or past.cached:
        return None
    priced = book.price(past.provider, past.model, past.usage, tier=past.tier, geo=past.geo, at_us=past.at_us)
    return priced.nano if priced.state != "unpriced" else None


def _left_out(calls: Sequence[PastCall]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for past in calls:
        if can_ask(past):
            continue
        if past.cached:
            counts["a gateway's own cache had answered"] += 1
        elif past.attempt_of or past.outcome != "ok" or past.status >= 400:
            counts["failed, or a retry"] += 1
        elif past.usage is None:
            counts["no usage in the log"] += 1
        elif not past.prompt:
            counts["no prompt in the log"] += 1
        else:
            counts[f"{past.wire or 'unknown'}: not one of {', '.join(WIRES)}"] += 1
    return dict(counts)


def _notes(base: Sequence[Came | None]) -> list[str]:
    refused = sum(each is None or each.status >= 400 for each in base)
    unknown = sum(each is not None and not each.known for each in base)
    notes = []
    if refused:
        notes.append(f"{refused:,} calls were refused in the replay and save nothing")
    if unknown:
        notes.append(f"{unknown:,} calls have no known price and save nothing")
    return notes

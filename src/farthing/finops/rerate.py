"""Pricing calls anew from the usage that they stored: after a contract was signed late, or a price list was wrong.

What an attempt costs is what the gateway would book today; see `steps.admit`. Savings follow what was paid:

overhead   what the attempts cost that it stands for
after      what the attempt that answered costs
before     stays as it was booked, unless it was equal to `after`: then it is the same price of the same usage

so that baseline - saved == cost, and a run back to the former prices gives the former amounts. A price that was known
never becomes unknown: where the new prices lack one, the call keeps its cost.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from farthing.model.call import Deployment
from farthing.model.money import Nano
from farthing.model.record import Attempt, Record, Saving
from farthing.model.usage import CostState
from farthing.prices import PriceBook
from farthing.prices.book import UNDATED, shipped_files
from farthing.prices.rates import FAMILY, LATER, STANDARD
from farthing.settings import ModelSettings, PricesSettings, ProviderSettings
from farthing.steps import admit
from farthing.steps.meter import WORST_FIRST
from farthing.store.rerates import BATCH, Rerates, Run, Wanted, same
from farthing.upstream.hosts import HOSTS

PRICE_MARKS = ("no_price", UNDATED, FAMILY, LATER, STANDARD, "geo_unknown", "reported_cost_differs")
"""Marks that pricing leaves on an attempt; `no_rate:UNIT` is another."""

NONSENSE = "numbers_out_of_range"
"""The store's mark of an attempt whose numbers cannot be priced."""

WITHOUT_COST = ("unpriced", "unknown")


class Places:
    """Whose price list holds for an attempt, by what the settings say now of its provider and deployment."""

    def __init__(self, providers: Mapping[str, ProviderSettings], models: Mapping[str, ModelSettings]) -> None:
        self._lists = {name: _list_of(name, settings) for name, settings in providers.items()}
        self._priced_as: dict[tuple[str, str], str] = {}
        for name, model in models.items():
            if model.price_as:
                self._priced_as[model.provider, name] = model.price_as
            for each in model.deployments:
                if each.price_as:
                    self._priced_as[each.provider, f"{each.provider}/{each.model or name}"] = each.price_as

    def list_of(self, provider: str) -> str:
        """The name of the provider's price list."""
        known = HOSTS.get(provider)
        return self._lists.get(provider) or (known.prices if known is not None else "") or provider

    def of(self, attempt: Attempt) -> Deployment:
        """Where the attempt went, as far as prices are concerned."""
        priced_as = self._priced_as.get((attempt.provider, attempt.deployment), "")
        return Deployment(
            attempt.deployment, attempt.provider, attempt.model, self.list_of(attempt.provider), priced_as
        )


def _list_of(name: str, settings: ProviderSettings) -> str:
    host = HOSTS.get(settings.kind or name)
    return settings.prices or (host.prices if host is not None else "") or name


class Repricer:
    """Makes a call's price anew. `provider` and `model` (a pattern) say which attempts; empty means all."""

    def __init__(self, book: PriceBook, places: Places, *, provider: str = "", model: str = "") -> None:
        self._book = book
        self._places = places
        self._provider = provider
        self._model = model.lower()

    def __call__(self, record: Record) -> Record:
        """The call at the prices of the book; the record itself where nothing changes. `record` must be priced as it was
        at first."""
        attempts = [self._priced(attempt) for attempt in record.attempts]
        if all(new is old for new, old in zip(attempts, record.attempts, strict=True)):
            return record
        new = moved(record, attempts)
        return record if same(new, record) else new

    def _priced(self, attempt: Attempt) -> Attempt:
        if attempt.usage is None or NONSENSE in attempt.flags or not self._wanted(attempt):
            return attempt
        new = msgspec.structs.replace(
            attempt, cost_state="unknown", cost=0, list_cost=0, lines=[], price_version="",
            flags=[flag for flag in attempt.flags if not _is_of_prices(flag)],
        )  # fmt: skip
        admit.price(new, self._book, self._places.of(attempt))
        lost = new.cost_state in WITHOUT_COST and attempt.cost_state not in WITHOUT_COST
        return attempt if lost or _unchanged(new, attempt) else new

    def _wanted(self, attempt: Attempt) -> bool:
        return self._provider in ("", attempt.provider) and (
            not self._model
            or any(fnmatchcase(name.lower(), self._model) for name in (attempt.served_model, attempt.model) if name)
        )


def _is_of_prices(flag: str) -> bool:
    return flag in PRICE_MARKS or flag.startswith("no_rate:")


def _unchanged(new: Attempt, old: Attempt) -> bool:
    """The release of a list may be another one: that is no other price."""
    return (new.cost_state, new.cost, new.list_cost, new.lines) == (old.cost_state, old.cost, old.list_cost, old.lines)


def moved(record: Record, attempts: Sequence[Attempt]) -> Record:
    """The record with these prices of its attempts: cost, baseline and savings follow, by the rules of the module."""
    last = next((each.no for each in reversed(attempts) if not each.part), attempts[-1].no)
    answered = _costs(record.attempts, attempts, lambda each: each.no == last)
    lost = _costs(record.attempts, attempts, lambda each: each.no != last)
    cost = record.cost + answered[1] - answered[0] + lost[1] - lost[0]
    savings = _followed(record.savings, answered, lost)
    baseline = cost + sum(saving.saved for saving in savings)
    if baseline < 0:  # what was booked does not say which attempts it stands for: what would have been paid stays
        savings = [*record.savings[:-1], _paid_more(record.savings[-1], cost - record.cost)]
        baseline = record.baseline
    return msgspec.structs.replace(
        record, cost=cost, cost_state=_state(record, attempts), baseline=baseline, savings=savings,
        attempts=list(attempts),
    )  # fmt: skip


_Costs = tuple[Nano, Nano]
"""Before and after."""


def _costs(old: Iterable[Attempt], new: Iterable[Attempt], which: Callable[[Attempt], bool]) -> _Costs:
    return sum(each.cost for each in old if which(each)), sum(each.cost for each in new if which(each))


def _state(record: Record, attempts: Sequence[Attempt]) -> CostState:
    """As well known as the least known attempt, unless the call's state had another reason (it was interrupted)."""
    if record.cost_state != _worst(record.attempts):
        return record.cost_state
    return _worst(attempts)


def _worst(attempts: Sequence[Attempt]) -> CostState:
    states = {attempt.cost_state for attempt in attempts}
    return next(state for state in WORST_FIRST if state in states)


def _followed(savings: Sequence[Saving], answered: _Costs, lost: _Costs) -> list[Saving]:
    """The innermost lever was booked first: its `before` is the `after` of the next one."""
    overheads, all_of_it = _overheads(savings, answered, lost)
    level, change = answered[0], 0 if all_of_it else answered[1] - answered[0]
    found = []
    for saving, overhead in zip(savings, overheads, strict=True):
        before, after = saving.before, saving.after
        if after == level and change:
            after += change
            change = change if saving.before == saving.after else 0
            before += change
            level = saving.before
        found.append(Saving(saving.lever, before, after, overhead, saving.estimated))
    return found


def _overheads(savings: Sequence[Saving], answered: _Costs, lost: _Costs) -> tuple[list[Nano], bool]:
    """What levers spent, where that is what attempts cost: those that did not answer, or all of a call that a lever
    made for itself (then True)."""
    booked = [saving.overhead for saving in savings]
    pool = sum(booked)
    everything = answered[0] + lost[0]
    if pool and pool == lost[0]:
        return _shared(booked, pool, lost[1]), False
    if pool and pool == everything:
        return _shared(booked, pool, answered[1] + lost[1]), True
    if len(savings) == 1 and not everything and not any((savings[0].before, savings[0].after, pool)):
        return [answered[1] + lost[1]], True  # an errand whose price was not known
    return booked, False


def _shared(booked: Sequence[Nano], pool: Nano, now: Nano) -> list[Nano]:
    """`now` in the proportions of `booked`; the last one takes what rounding leaves."""
    parts = [each * now // pool for each in booked]
    place = max(place for place, each in enumerate(booked) if each)
    parts[place] += now - sum(parts)
    return parts


def _paid_more(saving: Saving, change: Nano) -> Saving:
    return msgspec.structs.replace(saving, after=saving.after + change)


class Change(msgspec.Struct):
    """Calls of one model whose price changes from one rate card to another. Amounts in nano-dollars."""

    provider: str
    model: str
    former: str
    """The rate cards that priced them, as they are now."""
    version: str
    """Those of the new price."""
    calls: int = 0
    cost_before: Nano = 0
    cost_after: Nano = 0


class Preview(msgspec.Struct, frozen=True):
    """What a run would do."""

    changes: list[Change]
    """The biggest difference first."""
    looked_at: int

    @property
    def calls(self) -> int:
        return sum(each.calls for each in self.changes)

    @property
    def cost_before(self) -> Nano:
        return sum(each.cost_before for each in self.changes)

    @property
    def cost_after(self) -> Nano:
        return sum(each.cost_after for each in self.changes)


async def preview(rerates: Rerates, wanted: Wanted, reprice: Repricer) -> Preview:
    """What `apply` would change; writes nothing. Raises StoreError."""
    found: dict[tuple[str, str, str, str], Change] = {}
    after, looked_at = (-1, ""), 0
    while calls := await rerates.now_and_first(wanted, after):
        for now, first in calls:
            new = reprice(first)
            if not same(now, new):
                key = (now.provider, now.model, _versions(now), _versions(new))
                change = found.setdefault(key, Change(*key))
                change.calls += 1
                change.cost_before += now.cost
                change.cost_after += new.cost
        looked_at += len(calls)
        after = (calls[-1][0].started_us, calls[-1][0].id)
        if len(calls) < BATCH:
            break
    changes = sorted(found.values(), key=lambda each: -abs(each.cost_after - each.cost_before))
    return Preview(changes, looked_at)


def _versions(record: Record) -> str:
    return ", ".join(dict.fromkeys(each.price_version for each in record.attempts if each.price_version))


async def apply(
    rerates: Rerates, wanted: Wanted, reprice: Repricer, *, who: str, reason: str = "",
    hear: Callable[[Run], None] = lambda run: None,
) -> Run:  # fmt: skip
    """Price the calls of the span anew, batch by batch; goes on with a run of the same aim that was not ended. `hear` is
    told after each batch. Raises StoreError: what was done until then holds, and the same command goes on."""
    run = await rerates.begin(wanted, who=who, reason=reason)
    while not run.ended_us:
        run = await rerates.step(run, reprice)
        hear(run)
    return run


def fingerprint(settings: PricesSettings, files: Sequence[Path] = ()) -> str:
    """16 hex digits that differ where prices may: the shipped lists' releases, the user's files, the contracts. Raises
    OSError for a file that cannot be read."""
    whole = hashlib.sha256()
    for file in shipped_files():
        whole.update(f"{file.provider} {file.version}\n".encode())
    for path in (*map(Path, settings.files), *files):
        whole.update(path.read_bytes())
    whole.update(repr(settings.contracts).encode())
    return whole.hexdigest()[:16]

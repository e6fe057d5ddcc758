"""A plan with all that belongs to it, of the calls of a store: those that a log brought, or those of a gateway's own ledger.

Of a gateway's own calls there is text only where it was captured; what the gateway asked by itself (judges, shadow answers) is
not planned with. Knows no terminal.
"""

import asyncio
import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from math import isfinite

import msgspec

from farthing.finops.next_savings import Saving
from farthing.finops.plans.document import Document, Happened, unpacked
from farthing.finops.plans.happened import happened
from farthing.finops.tiers import tier_of
from farthing.model.errors import BadRequest
from farthing.model.past import PastCall
from farthing.model.plan import Plan
from farthing.planner.advice import advise, seen_of
from farthing.planner.beside import break_even
from farthing.planner.imports.farthing import put_captured
from farthing.planner.levers import REPLAYED
from farthing.planner.making import DAYS_A_MONTH, Wanted, make
from farthing.planner.replay.world import can_ask, served
from farthing.planner.scenario import Scenario, grown, grown_sums, values_of
from farthing.planner.sums import told_by_sums
from farthing.planner.sweep import sweep
from farthing.planner.trials import Hear
from farthing.prices import PriceBook
from farthing.prices.configured import configured_book
from farthing.quality.errand import FEATURES as ERRANDS
from farthing.settings import Settings
from farthing.store import Store, past_calls, past_texts, plans
from farthing.store.captures import Captures
from farthing.store.engine import Connection
from farthing.store.past_calls import begin_of_newest
from farthing.store.plans import KeptPlan
from farthing.store.rollups import DAY_US
from farthing.store.sealing import PLAIN, Wrapping, wrapping
from farthing.upstream.hosts import HOSTS

DAYS = 28
"""Of the gateway's own calls: each weekday four times."""
LEAST_TRIED = 0.9
"""Of the calls, for a trial to stand for all of them."""
_PART = 400


class Asked(msgspec.Struct, frozen=True):
    """What a plan is asked for."""

    own: Settings | None = None
    """The user's settings; None: none at hand."""
    scenario: Scenario = Scenario()
    patience: Mapping[str, float] = {}
    """Feature -> seconds that its answers may wait."""
    sweeps: Mapping[str, str] = {}
    """Setting -> the values it is tried at, as `values_of` reads them."""
    beside: tuple[str, str] = ("", "")
    """Own model and GPU to compare with; empty: none."""
    processes: int = 1
    """As many may be at work."""


async def document(
    store: Store, calls: Sequence[PastCall], asked: Asked, hear: Hear, *, whole: bool = False
) -> Document:  # fmt: skip
    """`calls` in the order of their times, at least one. `whole`: where none of them can be asked again, the plan is of all calls
    of the store, however many. Raises StoreError, SettingsError, BadRequest."""
    sweeps = {setting: values_of(text) for setting, text in asked.sweeps.items()}
    own = asked.scenario.of(served(calls, asked.own), calls)
    book = configured_book(own.prices)
    if whole and not any(map(can_ask, calls)) and importlib.util.find_spec("numpy"):
        alone = importlib.import_module("farthing.planner.without_text")
        plan = await alone.plan_of_store(store, own, asked.patience, lambda done: hear("by numbers", done, done))
    else:
        plan = await make(calls, Wanted(own, book, patience=asked.patience, processes=asked.processes), hear)
    plan.since_us, plan.until_us = plan.since_us or calls[0].at_us, plan.until_us or calls[-1].at_us
    if (span := plan.until_us - plan.since_us) < DAY_US:
        plan.notes.append(
            f"these are {_length(span)} of calls, taken for a day of the month: a log of some weeks says more"
        )
    sums = _beyond(plan, [*_shown_by(calls, own, book), *await told_by_sums(store, calls, own)])
    found = Document(
        grown(plan, asked.scenario.growth), grown_sums(sums, asked.scenario.growth), scenario=asked.scenario.words()
    )
    if any(map(can_ask, calls)):
        found.sweeps = [await sweep(calls, own, REPLAYED, setting, each, hear) for setting, each in sweeps.items()]
    elif sweeps:
        found.gaps.append("curves need prompts: no setting was tried at several values")
    model, gpu = asked.beside
    if model:
        found.break_even = await asyncio.to_thread(break_even, calls, book, model, gpu, asked.scenario.growth)
    return found


def _length(span_us: int) -> str:
    minutes = max(1, round(span_us / 60e6))
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"


def _shown_by(calls: Sequence[PastCall], own: Settings, book: PriceBook) -> list[Saving]:
    """Plain things that no lever does."""
    span = max(calls[-1].at_us - calls[0].at_us, DAY_US) / DAY_US
    models = [
        (_prices_of(own, each.provider), each.model or name) for name, each in own.models.items() if each.provider
    ]
    return advise(seen_of(calls, book, tier_of(own), DAYS_A_MONTH / span, models))


def _prices_of(own: Settings, provider: str) -> str:
    """Whose price list holds there."""
    said = own.providers[provider]
    host = HOSTS.get(said.kind or provider)
    return said.prices or (host.prices if host is not None else "") or provider


def _beyond(plan: Plan, sums: Sequence[Saving]) -> list[Saving]:
    """What sums tell of levers that could not be tried on nearly all of the calls: a bound beside a trial says nothing new."""
    tried = {each.lever for each in plan.levers} if plan.replayed >= LEAST_TRIED * plan.calls else set()
    kept = [each for each in sums if each.lever not in tried]
    return sorted(kept, key=lambda each: (-each.weight, each.what))


def check(asked: Asked) -> None:
    """Tell a mistake before the work. Raises BadRequest."""
    if not isfinite(asked.scenario.growth):
        raise BadRequest("growth is a number, such as 2 for twice the calls")
    settings = asked.scenario.of(asked.own or Settings())
    for setting, text in asked.sweeps.items():
        for value in values_of(text):
            Scenario({setting: value}).of(settings)


def newest(connection: Connection, most: int, seal: Wrapping = PLAIN, since_us: int = 0) -> list[PastCall]:
    """The newest calls of a store, in the order of their times, with what is kept of their texts."""
    texts = past_texts.texts_for(connection, past_texts.KEEP, seal)
    since = max(since_us, begin_of_newest(connection, most))
    return [past for past in past_calls.past_calls(connection, texts, since_us=since) if past.feature not in ERRANDS]


async def of_gateway(
    settings: Settings, store: Store, now_us: int, asked: Asked, hear: Hear
) -> tuple[Document, list[str]]:
    """The plan of a gateway's own calls, with what became of the one before; and whose calls they are. Raises BadRequest where
    there are none, StoreError, SettingsError."""
    since = now_us - now_us % DAY_US - DAYS * DAY_US
    calls = await store.do(lambda connection: newest(connection, settings.plan.calls, since_us=since))
    if not calls:
        raise BadRequest(f"the ledger has no calls of the last {DAYS} days")
    await _fill(calls, Captures(store, wrapping(settings.capture.encryption_key.reveal())))
    found = await document(store, calls, asked, hear)
    before = await store.do(plans.newest)
    if before is not None:
        found.happened = await store.do(lambda connection: _happened(connection, *before, now_us))
    return found, sorted({past.tenant for past in calls})


def _happened(connection: Connection, kept: KeptPlan, body: str, now_us: int) -> Happened | None:
    try:
        return happened(connection, unpacked(body), kept.made_us, now_us)
    except BadRequest:  # another version wrote it
        return None


async def _fill(calls: Sequence[PastCall], captures: Captures) -> None:
    """With captured text: of first turns only, since of later ones the talk before is not kept."""
    bare = {past.id: past for past in calls if not past.prompt and past.usage is not None}
    ids = list(bare)
    for start in range(0, len(ids), _PART):
        for id_, found in (await captures.of(ids[start : start + _PART])).items():
            if found.turns == 1:
                put_captured(bare[id_], found, bare[id_].asked or bare[id_].model)

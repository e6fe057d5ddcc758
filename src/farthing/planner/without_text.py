"""A plan of calls whose text nobody kept, or that are too many to be asked again: what token counts, times and names tell.

Reads a store, or calls at hand, a chunk at a time, in bounded memory. What needs text is not guessed: the plan says so.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial

from farthing.app.providers import open_providers
from farthing.app.routing import Models, models_of
from farthing.model.arms import BATCHING, MODEL_SELECTION, PROVIDER_CACHING
from farthing.model.call import Deployment
from farthing.model.past import PastCall
from farthing.model.plan import Amount, Example, LeverPlan, Plan, Scenario
from farthing.model.routes import ANY, Cell, Table
from farthing.planner.levers import REPLAYED, WAITING, waiting_toml
from farthing.planner.replay.columns import DAY_US, Columns, Kind, Names, Work, chunks_of, columns
from farthing.planner.replay.pricing import Pricer
from farthing.planner.replay.wordless import HOSTS, ORDER, Rules, Sums, Wordless
from farthing.planner.replay.world import served
from farthing.planner.uncertainty import FEWEST_DAYS, amount_of
from farthing.prices.configured import configured_book
from farthing.quality.table import maker
from farthing.quality.watch import floors_of
from farthing.settings import Settings
from farthing.store import Store, past_columns

DAYS_A_MONTH = 365.25 / 12
LIKELY = 0.9
"""Of the flagship's quality, by others' outcomes: below it nobody should spend money on finding out."""
UNSAID = (
    "shaping of prompts, questions in other words and students need the text of calls: nothing is said of them",
    "what a provider's cache could hold is a bound: how much of two prompts is equal is not known",
)
TOML = {lever.name: (lever.risk, lever.toml, lever.caution, lever.effort) for lever in (*REPLAYED, WAITING)} | {
    HOSTS: (
        "lossless", "[[models.NAME.deployments]]", "The same model elsewhere: a key and a contract more to look after.",
        "a key of the other host",
    )
}  # fmt: skip
BOUNDS = (PROVIDER_CACHING,)

Hear = Callable[[int], None]
"""Hears how many calls were read."""


async def plan_of_store(
    store: Store, own: Settings | None, patience: dict[str, float], hear: Hear = lambda done: None,
    base: Callable[[Settings], Settings] = lambda settings: settings,
) -> Plan:  # fmt: skip
    """All calls of a store. Raises StoreError, SettingsError."""
    known = [
        PastCall(id="", at_us=0, provider=row[0], model=row[1], wire=row[2])
        for row in await store.do(
            lambda connection: connection.query("SELECT DISTINCT provider, model, wire FROM calls")
        )
    ]

    async def read(names: Names) -> AsyncIterator[Columns]:
        after = past_columns.BEGIN
        while rows := await store.do(partial(past_columns.page, after=after)):
            yield columns(rows, names)
            after = int(rows[-1][1]), str(rows[-1][0])

    return await _plan(base(served(known, own)), read, patience, hear)


async def plan_of_calls(
    calls: Sequence[PastCall], own: Settings | None, patience: dict[str, float],
    base: Callable[[Settings], Settings] = lambda settings: settings,
) -> Plan:  # fmt: skip
    """Calls at hand, in the order of their times; `base` changes the settings. Raises SettingsError."""

    async def read(names: Names) -> AsyncIterator[Columns]:
        for chunk in chunks_of(calls, names):
            yield chunk

    return await _plan(base(served(calls, own)), read, patience, lambda done: None)


async def _plan(
    settings: Settings, read: Callable[[Names], AsyncIterator[Columns]], patience: dict[str, float], hear: Hear
) -> Plan:  # fmt: skip
    book = configured_book(settings.prices)
    async with AsyncExitStack() as stack:
        providers = await open_providers(settings, stack)
        models = models_of(settings, book, providers)
        names, pricer = Names(), Pricer(book)
        choice = _Choice(settings, models)
        rules = Rules(choice.shown, choice.hosts, patience, round(settings.cache.ttl_s * 1e6))
        bounds = BOUNDS if patience else (*BOUNDS, BATCHING)
        engine = Wordless(names, pricer, rules, bounds=bounds)
        hoped = [
            Wordless(names, pricer, rules._replace(cheaper=cheaper), (MODEL_SELECTION,))
            for cheaper in (choice.likely, choice.any)
        ]
        async for chunk in read(names):
            for each in (engine, *hoped):
                each.feed(chunk)
            hear(engine.calls)
        return _told(engine, [each.alone[MODEL_SELECTION] for each in hoped], patience)


class _Choice:
    """Which models may do which work, and where."""

    def __init__(self, settings: Settings, models: Models) -> None:
        self._settings = settings
        self._models = models
        self._table: Table = maker(models.catalog)(())
        self._floors = floors_of(settings.routing)

    def shown(self, work: Work, kind: Kind) -> list[tuple[Kind, float]]:
        """Those that others' outcomes put above the floor of such work."""
        floor = max(self._floors(f"task:{self._task(work)}"))
        return self._found(work, kind, lambda cell: cell.lower >= floor)

    def likely(self, work: Work, kind: Kind) -> list[tuple[Kind, float]]:
        """Those that have a good chance."""
        return self._found(work, kind, lambda cell: cell.quality >= LIKELY)

    def any(self, work: Work, kind: Kind) -> list[tuple[Kind, float]]:
        """All of which anything is known."""
        return self._found(work, kind, lambda cell: True)

    def cell(self, work: Work, kind: Kind) -> Cell | None:
        task = self._task(work)
        name = self._name(kind)
        return self._table.cell(work.tenant, (f"task:{task}", ANY) if task else (ANY,), name)

    def hosts(self, kind: Kind) -> list[Kind]:
        """The other deployments of the model."""
        places = self._models.catalog.places(self._name(kind))
        return [found for place in places if (found := _kind(place, kind)) != kind]

    def _found(self, work: Work, kind: Kind, may: Callable[[Cell], bool]) -> list[tuple[Kind, float]]:
        catalog = self._models.catalog
        mine = catalog.facts(self._name(kind)).verbosity
        found = []
        for models in catalog.tiers().values():
            for model in models:
                cell, places = self.cell(work, Kind("", model)), catalog.places(model)
                if cell is not None and places and may(cell):
                    found.append((_kind(places[0], kind), catalog.facts(model).verbosity / mine))
        return found

    def _task(self, work: Work) -> str:
        own = self._settings.routing.features.get(work.feature)
        return work.task or (own.task if own is not None else "")

    def _name(self, kind: Kind) -> str:
        """The name by which callers get the model of a kind."""
        models = self._settings.models
        return next((name for name, each in models.items() if (each.model or name) == kind.model), kind.model)


def _kind(place: Deployment, like: Kind) -> Kind:
    return Kind(place.prices, place.price_as or place.model, like.tier, like.geo)


def _told(engine: Wordless, hoped: Sequence[Sums], patience: dict[str, float]) -> Plan:
    span = max(engine.last_us - engine.first_us, DAY_US) / DAY_US
    times = DAYS_A_MONTH / span
    levers = [_lever(name, engine, times, patience) for name in ORDER if name in engine.alone]
    for each in levers:
        if each.lever == MODEL_SELECTION and hoped[-1].total:
            each.scenarios = _scenarios(engine.alone[MODEL_SELECTION], hoped, times)
    found = [each for each in levers if each.alone.likely or each.dearer or each.scenarios]
    found.sort(key=lambda each: (each.is_bound, -each.beside.likely))
    left = engine.calls - engine.priced
    return Plan(
        since_us=engine.first_us, until_us=engine.last_us, calls=engine.calls, replayed=engine.priced,
        left_out={"no usage, no price, failed, or a cache answered": left} if left else {}, recorded=engine.cost,
        base=engine.cost, a_month=round(engine.cost * times), together=_amount(engine.together, times), levers=found,
        notes=list(UNSAID),
    )  # fmt: skip


def _lever(name: str, engine: Wordless, times: float, patience: dict[str, float]) -> LeverPlan:
    alone, beside = engine.alone[name], engine.beside[name]
    risk, toml, caution, effort = TOML[name]
    if name == BATCHING:
        toml = waiting_toml(patience, engine.waiting)
    return LeverPlan(
        name, risk, toml, caution, effort, _amount(alone, times), _amount(beside, times), round((engine.booked[name] or beside.total) * times),
        alone.cheaper, alone.dearer, _examples(alone.most), _examples(alone.least),
        is_bound=name in BOUNDS or (name == BATCHING and not patience),
    )  # fmt: skip


def _scenarios(shown: Sums, hoped: Sequence[Sums], times: float) -> list[Scenario]:
    """By what cheaper models can do, which only outcomes of one's own show."""
    settled = "a judge, and `routing.shadow_percent` of calls answered twice: some 300 comparisons of each kind of work"

    likely, most = hoped

    def moved(sums: Sums) -> str:
        return f"{round(sums.cheaper * times):,} calls a month at cheaper models"

    return [
        Scenario("cheaper models do what others' outcomes put above the floor", round(shown.total * times), f"{moved(shown)}, at the floor or above", settled),
        Scenario(
            f"they do what others' outcomes put at {100 * LIKELY:.0f} % of the flagship", round(likely.total * times),
            f"{moved(likely)}; up to {100 * (1 - LIKELY):.0f} in 100 of them come out worse", settled,
        ),
        Scenario("they do all of it", round(most.total * times), f"{moved(most)}, whatever they are worth: no more can be saved", settled),
    ]  # fmt: skip


def _amount(sums: Sums, times: float) -> Amount:
    if len(sums.days) >= FEWEST_DAYS:
        return amount_of({str(day): each for day, each in sums.days.items()}, True, times)
    return amount_of({str(place): int(each) for place, each in enumerate(sums.buckets)}, False, times, by_chance=True)


def _examples(calls: Sequence[tuple[int, str, int]]) -> list[Example]:
    return [Example(call, "", cost, cost - saved) for saved, call, cost in calls]

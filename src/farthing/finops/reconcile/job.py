"""The whole of it: files and store in, comparison out; and the corrections that would close the gap."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import msgspec

from farthing.finops.reconcile import anthropic, azure, openai
from farthing.finops.reconcile.bill import ANY, Bill
from farthing.finops.reconcile.compare import Comparison, compare
from farthing.finops.reconcile.ledger import read_ledger
from farthing.finops.reconcile.pages import Row, rows_in
from farthing.finops.reconcile.rates import list_price
from farthing.model.errors import BadRequest
from farthing.model.money import PICO_PER_NANO, Nano
from farthing.prices import PriceBook
from farthing.settings import ProviderSettings, Settings
from farthing.store import Store
from farthing.store.corrections import Correction, Corrections, Entry
from farthing.upstream.hosts import HOSTS

READERS: Mapping[str, Callable[[Iterable[Row]], Bill]] = {
    "openai": openai.read,
    "anthropic": anthropic.read,
    "azure": azure.read,
}
"""The kinds of provider whose exports can be read."""

MERGED_TIERS = {"anthropic": ("fast",)}
"""Tiers of the ledger that a provider's export counts as standard."""


class Asked(msgspec.Struct, frozen=True):
    """What is to be compared."""

    provider: str
    """Kind of provider, one of `READERS`."""
    names: tuple[str, ...]
    """Its names in the settings: whose calls are ours."""
    prices: str
    """Its price list."""
    keys: Mapping[str, str] = {}
    models: Mapping[str, str] = {}
    since_us: int | None = None
    until_us: int | None = None


class Done(msgspec.Struct, frozen=True):
    """A comparison, and what it reckoned with."""

    comparison: Comparison
    corrections: list[Correction]
    last_correction: int


def names_of(provider: str, providers: Mapping[str, ProviderSettings]) -> tuple[str, ...]:
    """The names under which the settings have this kind of provider; the kind itself where they have none."""
    return tuple(name for name, each in providers.items() if (each.kind or name) == provider) or (provider,)


def prices_of(provider: str, names: Sequence[str], providers: Mapping[str, ProviderSettings]) -> str:
    """The price list of the first of them that names one, else that of the kind."""
    own = next((providers[name].prices for name in names if name in providers and providers[name].prices), "")
    return own or HOSTS[provider].prices


def asked_of(
    settings: Settings, provider: str, names: Sequence[str] = (), keys: Mapping[str, str] = {},
    models: Mapping[str, str] = {}, since_us: int | None = None, until_us: int | None = None,
) -> Asked:  # fmt: skip
    """What the settings say of such a bill, with what is said beside them. Raises BadRequest for a key of another provider."""
    ours = tuple(names) or names_of(provider, settings.providers)
    mapped = {**settings.reconcile.keys, **keys}
    strangers = sorted({name for name in keys.values() if name not in ours})
    if strangers:
        raise BadRequest(
            f"--key names {strangers[0]!r}, which is none of this bill's providers here: {', '.join(ours)}"
        )
    return Asked(
        provider, ours, prices_of(provider, ours, settings.providers),
        keys={id_: name for id_, name in mapped.items() if name in ours},
        models={**settings.reconcile.models, **models}, since_us=since_us, until_us=until_us,
    )  # fmt: skip


def read_bill(provider: str, files: Iterable[Path]) -> Bill:
    """The lines of these files together. Raises BadRequest that names the file and what is wrong with it."""
    contents = []
    for path in files:
        try:
            contents.append((path.name, path.read_bytes()))
        except OSError as error:
            raise BadRequest(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    return bill_in(provider, contents)


def bill_in(provider: str, files: Iterable[tuple[str, bytes]]) -> Bill:
    """The lines of these files, each a name and what is in it, together. Raises BadRequest as `read_bill`."""
    bill = Bill()
    for name, content in files:
        try:
            bill.add(READERS[provider](rows_in(content, name)))
        except BadRequest as error:
            said = error.message if error.message.startswith(name) else f"{name}: {error.message}"
            raise BadRequest(said) from None
    if bill.empty and not bill.quantities:
        raise BadRequest("the export has no lines of usage or cost")
    return bill


async def reconcile(store: Store, bill: Bill, book: PriceBook, asked: Asked) -> Done:
    """Compare a bill with the ledger. Raises StoreError, and BadRequest where the bill has no day to compare."""
    days = [line.day_us for line in (*bill.usage, *bill.quantities)] + [line.day_us for line in bill.costs]
    ledger = await read_ledger(store, asked.names, min(days), max(days))
    corrections = Corrections(store)
    last = await corrections.last()
    posted = await corrections.entries(min(days), max(days) + 1, provider=asked.provider)

    def of_days(first: int, final: int) -> list[Correction]:
        return [each for each in posted if first <= each.day_us <= final]

    try:
        comparison = await asyncio.to_thread(
            compare, bill, ledger, list_price(book, asked.prices), keys=asked.keys, models=asked.models,
            merged=MERGED_TIERS.get(asked.provider, ()), since_us=asked.since_us, until_us=asked.until_us,
            corrections=lambda first, final: sum(each.amount for each in of_days(first, final)),
        )  # fmt: skip
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return Done(comparison, of_days(comparison.first_day, comparison.last_day), last)


async def reconcile_and_post(
    store: Store, bill: Bill, book: PriceBook, asked: Asked, *, who: str, reason: str
) -> tuple[Done, int]:  # fmt: skip
    """Compare, post the corrections that close the gap, and compare again; how many were posted. Raises as `reconcile`, and
    BadRequest without a reason or where somebody else posted meanwhile."""
    done = await reconcile(store, bill, book, asked)
    entries = entries_for(done, asked.provider)
    posted = await Corrections(store).post(entries, who=who, reason=reason, after=done.last_correction)
    return (await reconcile(store, bill, book, asked) if posted else done), len(posted)


def entries_for(done: Done, provider: str) -> list[Entry]:
    """The corrections that close the gap: one for each day and model, beside what was posted already. They sum to it to the
    nano-dollar. Raises BadRequest for an export without costs."""
    comparison = done.comparison
    if comparison.at_our_prices:
        raise BadRequest("the export holds no costs, so there is nothing that a correction could be taken from")
    gaps: dict[tuple[int, str], Fraction] = {}
    for line in comparison.lines:
        key = (line.day_us, "" if line.model == ANY else line.model)
        gaps[key] = gaps.get(key, Fraction(0)) + line.gap
    amounts: dict[tuple[int, str], Nano] = {key: round(gap / PICO_PER_NANO) for key, gap in gaps.items()}
    for each in done.corrections:
        key = (each.day_us, each.model)
        amounts[key] = amounts.get(key, 0) - each.amount
    rest = comparison.gap - sum(amounts.values())
    if rest and amounts:
        biggest = max(amounts, key=lambda key: abs(amounts[key]))
        amounts[biggest] += rest
    return [
        Entry(day, amount, provider=provider, model=model) for (day, model), amount in sorted(amounts.items()) if amount
    ]

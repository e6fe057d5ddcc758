"""What people say of a transaction to come -> what it will cost, beside what it costs by hand. The same for the command line
and the pages; how each calls what it asks for, it says itself. The sums are `estimate`'s."""

from collections.abc import Callable
from decimal import Decimal, DecimalException
from fractions import Fraction

import msgspec

from farthing.finops.estimate import Estimate, Item, embedding_item, estimate, model_item, plain_item
from farthing.finops.makers import maker_of
from farthing.finops.transactions import Gatherer, hourly_rate_of, human_cost_of
from farthing.model.errors import BadRequest
from farthing.model.money import Nano
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.settings import TransactionSettings

MOST = Decimal(10**9)
MOST_TOKENS = 10**9


class Asked(msgspec.Struct, frozen=True):
    """Dollars, counts and shares as exact fractions; None where nobody said. Tokens are those of one call, on average."""

    kind: str = ""
    """A type of the settings, for people's minutes and rate."""
    model: str = ""
    provider: str = ""
    in_tokens: int = 0
    cached: int = 0
    out_tokens: int = 0
    calls: Fraction = Fraction(1)
    retries: Fraction = Fraction(0)
    tools: dict[str, Fraction] = {}
    """Uses of tools of the price list."""
    tool_calls: Fraction = Fraction(0)
    tool_cost: Fraction = Fraction(0)
    embeddings: Fraction = Fraction(0)
    embedding_model: str = ""
    embedding_tokens: int = 0
    embedding_cost: Fraction | None = None
    plain: Fraction | None = None
    """Dollars that are known anyway."""
    human_minutes: Fraction | None = None
    hourly_rate: Fraction | None = None
    human_cost: Fraction | None = None
    review_minutes: Fraction = Fraction(0)
    success_rate: Fraction = Fraction(1)


Names = Callable[[str], str]
"""From a field of `Asked` to what the asker calls it."""


def fraction_of(text: str) -> Fraction:
    """A number that is not below zero, exact; `5%` is 0.05, `$` is read over. Raises ValueError."""
    text = text.strip().removeprefix("$")
    try:
        found = Decimal(text.removesuffix("%").strip()) if len(text) <= 40 else Decimal("NaN")
    except DecimalException:
        found = Decimal("NaN")
    if not found.is_finite() or not 0 <= found <= MOST or (found and found.adjusted() < -20):
        raise ValueError(f"{text[:60]!r} is no number from 0 on. Write 2, 0.05 or 5%.")
    return Fraction(found) / 100 if text.endswith("%") else Fraction(found)


def calculated(
    book: PriceBook, settings: TransactionSettings, asked: Asked, now_us: int, names: Names
) -> Estimate:  # fmt: skip
    """Raises BadRequest, which names the field."""
    items = _items(book, settings, asked, now_us, names)
    if not items:
        need = f"{names('model')} with {names('in_tokens')} and {names('out_tokens')}"
        raise BadRequest(
            f"Say what it is made of: {need}, {names('tool_calls')}, {names('embeddings')} or {names('plain')}."
        )
    rate = _nano(asked.hourly_rate) if asked.hourly_rate is not None else hourly_rate_of(asked.kind, settings)
    if asked.review_minutes and rate is None:
        raise BadRequest(f"{names('review_minutes')} needs {names('hourly_rate')}.", param="hourly_rate")
    return estimate(
        items, success_rate=asked.success_rate, review=_by_minutes(asked.review_minutes, rate or 0),
        human=_human(settings, asked, rate, names),
    )  # fmt: skip


def _items(book: PriceBook, settings: TransactionSettings, asked: Asked, now_us: int, names: Names) -> list[Item]:
    items = _model(book, asked, now_us, names)
    prices = Gatherer(settings)
    items += [plain_item("tools", name, count, prices.price_of(name)) for name, count in asked.tools.items()]
    if asked.tool_calls:
        if not asked.tool_cost:
            raise BadRequest(f"{names('tool_calls')} needs {names('tool_cost')}, dollars for one.", param="tool_cost")
        items.append(plain_item("tools", "tools", asked.tool_calls, _nano(asked.tool_cost)))
    if asked.embeddings:
        items.append(_embeddings(book, asked, now_us, names))
    if asked.plain is not None:
        items.append(plain_item("other", "other", Fraction(1), _nano(asked.plain)))
    return items


def _model(book: PriceBook, asked: Asked, now_us: int, names: Names) -> list[Item]:
    model = asked.model
    if not asked.in_tokens and not asked.out_tokens:
        if model:
            raise BadRequest(
                f"{names('model')} needs {names('in_tokens')} and {names('out_tokens')}, tokens of a call on average.",
                param="in_tokens",
            )
        return []
    if not model:
        raise BadRequest(f"{names('in_tokens')} and {names('out_tokens')} need {names('model')}.", param="model")
    if asked.cached > asked.in_tokens:
        raise BadRequest(f"{names('cached')} is a part of {names('in_tokens')}.", param="cached")
    usage = Usage(uncached_in=asked.in_tokens - asked.cached, cache_read=asked.cached, out=asked.out_tokens)
    provider = asked.provider or maker_of(model, "openai.chat")
    return [model_item(book, provider, model, usage, asked.calls, asked.retries, now_us)]


def _embeddings(book: PriceBook, asked: Asked, now_us: int, names: Names) -> Item:
    if asked.embedding_cost is not None:
        return plain_item("embeddings", "embeddings", asked.embeddings, _nano(asked.embedding_cost))
    model, tokens = asked.embedding_model, asked.embedding_tokens
    if not model or not tokens:
        either = f"{names('embedding_model')} with {names('embedding_tokens')}"
        raise BadRequest(
            f"{names('embeddings')} needs {names('embedding_cost')}, or {either}.", param="embedding_model"
        )
    return embedding_item(book, maker_of(model, "openai.embeddings"), model, tokens, asked.embeddings, now_us)


def _human(settings: TransactionSettings, asked: Asked, rate: Nano | None, names: Names) -> Nano | None:
    if asked.human_cost is not None:
        if asked.human_minutes is not None:
            raise BadRequest(f"Say either {names('human_cost')} or {names('human_minutes')}.", param="human_cost")
        return _nano(asked.human_cost)
    if asked.human_minutes is not None:
        if rate is None:
            raise BadRequest(f"{names('human_minutes')} needs {names('hourly_rate')}.", param="hourly_rate")
        return _by_minutes(asked.human_minutes, rate)
    if asked.kind and asked.kind not in settings.types:
        raise BadRequest(f"{names('kind')}: there is no [transactions.types.{asked.kind[:80]}].", param="kind")
    return human_cost_of(asked.kind, settings)


def _nano(dollars: Fraction) -> Nano:
    return round(dollars * 10**9)


def _by_minutes(minutes: Fraction, rate: Nano) -> Nano:
    return round(minutes * rate / 60)

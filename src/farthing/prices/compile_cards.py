"""Compiles the card files from the genai-prices package, which is their source; the only module that imports it.

Runs when someone refreshes the cards, never beside a call: the package costs 50 us and more a price, and pydantic.
"""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from genai_prices import types as source
from genai_prices.data import providers as source_providers

from farthing.prices.card import Amount, CardFile, Price, RateCard
from farthing.prices.match import Clause

PROVIDERS = (
    "openai", "azure", "anthropic", "google", "aws", "deepseek", "groq", "mistral", "x-ai", "together", "fireworks",
    "openrouter", "cohere", "perplexity", "voyageai", "moonshotai", "cerebras", "zai",
)  # fmt: skip

UNITS = {
    "input_mtok": "uncached_in", "output_mtok": "out", "cache_read_mtok": "cache_read", "cache_write_mtok": "w5m",
    "cache_write_1h_mtok": "w1h", "input_audio_mtok": "audio_in", "output_audio_mtok": "audio_out",
    "cache_audio_read_mtok": "cached_audio", "input_image_mtok": "image_in", "output_image_mtok": "image_out",
    "web_searches_kcount": "web_search", "storage_searches_kcount": "file_search", "requests_kcount": "request",
    "rerank_searches_kcount": "rerank", "input_text_messages_kcount": "message", "input_mchars": "character",
    "input_document_kpages": "page", "input_annotated_document_kpages": "annotated_page", "audio_hours": "audio_second",
}  # fmt: skip
"""The source's price keys that have a unit here. Video, citations, cached images and reasoning at a price of its own
(one provider's research models) have none yet."""

SHORT_WRITE = {"openai": "w30m", "azure": "w30m"}
"""Where the source's plain cache write is not for five minutes."""

TIERS = {("service_tier", tier): tier for tier in ("flex", "priority", "fast")} | {
    ("processing", "batch"): "batch",
    ("speed", "fast"): "fast",
}
"""The source's variants that are service tiers here. `service_tier: default` is the standard price again; a search's
type and a router's route are not known from an answer."""


FREE: dict[str, Amount] = {"uncached_in": Decimal(0), "cache_read": Decimal(0), "out": Decimal(0)}


def compile_cards(today: date) -> Iterator[CardFile]:
    """A card file for each provider that Farthing serves."""
    release = version("genai-prices")
    known = {provider.id: provider for provider in source_providers}
    for name in PROVIDERS:
        provider = known[name]
        yield CardFile(
            provider=name,
            source="genai-prices, https://github.com/pydantic/genai-prices",
            licence="MIT, Copyright (c) Pydantic Services Inc. 2025 to present",
            version=f"genai-prices-{release}",
            compiled=today,
            fallback=list(provider.fallback_model_providers or ()),
            models=[card for model in provider.models if (card := _card(name, model)).prices],
        )


def write_cards(folder: Path, today: date) -> list[tuple[Path, int]]:
    """Write the card files; return each with how many models it has."""
    written = []
    for file in compile_cards(today):
        path = folder / f"{file.provider}.json"
        path.write_text(_laid_out(file), encoding="utf-8")
        written.append((path, len(file.models)))
    return written


def _card(provider: str, model: Any) -> RateCard:
    dated = model.prices if isinstance(model.prices, list) else [source.ConditionalPrice(prices=model.prices)]
    prices = [_price(provider, "", entry) for entry in dated]
    if not any(price.rates for price in prices):
        # No price at all says "free" only where the name says it too; elsewhere it says "not known".
        prices = [Price(FREE)] if model.id.endswith(":free") else []
    # The source lets the first variant in force win, a card lets the last.
    for variant in reversed(model.price_variants or ()):
        tier = TIERS.get(next(iter(variant.when.items())))
        if tier is not None and len(variant.when) == 1:
            prices.append(_price(provider, tier, variant))
    clause = _clause(model.match)
    return RateCard(
        id=model.id,
        match=None if clause == Clause(equals=model.id) else clause,
        prices=[price for price in prices if price.rates],
        context_window=model.context_window,
    )


def _price(provider: str, tier: str, entry: Any) -> Price:
    day = entry.constraint if isinstance(entry.constraint, source.StartDateConstraint) else None
    hours = entry.constraint if isinstance(entry.constraint, source.TimeOfDateConstraint) else None
    return Price(
        rates=dict(_rates(provider, entry.prices)),
        tier=tier,
        valid_from=day.start_date if day else None,
        hours=(hours.start_time.replace(tzinfo=None), hours.end_time.replace(tzinfo=None)) if hours else None,
    )


def _rates(provider: str, prices: Any) -> Iterator[tuple[str, Amount]]:
    for key, price in prices.__dict__.items():
        unit = UNITS.get(key)
        if unit is None or price is None:
            continue
        yield SHORT_WRITE.get(provider, unit) if unit == "w5m" else unit, _amount(price)


def _amount(price: Any) -> Amount:
    if isinstance(price, source.TieredPrices):
        return {"0": _plain(price.base)} | {str(tier.start): _plain(tier.price) for tier in price.tiers}
    return _plain(price)


def _plain(amount: Decimal) -> Decimal:
    """The same amount, written without an exponent."""
    return Decimal(f"{amount:f}")


def _clause(match: Any) -> Clause:
    if isinstance(match, source.ClauseOr):
        return Clause(any_of=[_clause(each) for each in match.or_])
    if isinstance(match, source.ClauseAnd):
        return Clause(all_of=[_clause(each) for each in match.and_])
    return Clause(**vars(match))


def _laid_out(file: CardFile) -> str:
    """JSON with a line for each model and each price, so that a change of a price is one line of a diff."""
    head = msgspec.structs.replace(file, models=[])
    members = [f" {_json(key)}: {_json(value)}" for key, value in msgspec.to_builtins(head).items() if key != "models"]
    models = ",\n".join(_model(card) for card in file.models)
    return "{\n" + ",\n".join(members) + ',\n "models": [\n' + models + "\n ]\n}\n"


def _model(card: RateCard) -> str:
    first = msgspec.to_builtins(card)
    del first["prices"]
    prices = ",\n".join(f"    {_json(price)}" for price in card.prices)
    return f'  {_json(first)[:-1]},\n   "prices": [\n{prices}]}}'


def _json(value: Any) -> str:
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)

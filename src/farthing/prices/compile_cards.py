"""Compiles the card files from the genai-prices package, which is their source; the only module that imports it.

Runs when someone refreshes the cards, never beside a call: the package costs 50 us and more a price, and pydantic.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date
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
            version=release,
            compiled=today,
            fallback=list(provider.fallback_model_providers or ()),
            models=[_card(name, model) for model in provider.models],
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
    # The source lets the first variant in force win, a card lets the last.
    for variant in reversed(model.price_variants or ()):
        tier = TIERS.get(next(iter(variant.when.items())))
        if tier is not None and len(variant.when) == 1:
            price = _price(provider, tier, variant)
            if price.rates:
                prices.append(price)
    return RateCard(
        id=model.id,
        match=_clause(model.match),
        prices=[price for price in prices if price.rates or not price.tier],
        context_window=model.context_window,
    )


def _price(provider: str, tier: str, entry: Any) -> Price:
    constraint = entry.constraint
    hours = (
        (constraint.start_time.replace(tzinfo=None), constraint.end_time.replace(tzinfo=None))
        if isinstance(constraint, source.TimeOfDateConstraint)
        else None
    )
    return Price(
        rates=dict(_rates(provider, entry.prices)),
        tier=tier,
        valid_from=constraint.start_date if isinstance(constraint, source.StartDateConstraint) else None,
        hours=hours,
    )


def _rates(provider: str, prices: Any) -> Iterator[tuple[str, Amount]]:
    for key, price in prices.__dict__.items():
        unit = UNITS.get(key)
        if unit is None or price is None:
            continue
        yield SHORT_WRITE.get(provider, unit) if unit == "w5m" else unit, _amount(price)


def _amount(price: Any) -> Amount:
    if isinstance(price, source.TieredPrices):
        return {"0": f"{price.base:f}"} | {str(tier.start): f"{tier.price:f}" for tier in price.tiers}
    return f"{price:f}"


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
    del first["match"], first["prices"]
    prices = ",\n".join(f"    {_json(price)}" for price in card.prices)
    return f'  {_json(first)[:-1]}, "match": {_json(card.match)},\n   "prices": [\n{prices}]}}'


def _json(value: Any) -> str:
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)


def changed(old: Iterable[CardFile], new: Iterable[CardFile]) -> int:
    """How many models differ between two sets of card files."""
    before = {(file.provider, card.id): card for file in old for card in file.models}
    after = {(file.provider, card.id): card for file in new for card in file.models}
    return sum(before.get(key) != after.get(key) for key in before.keys() | after.keys())

"""Reads LiteLLM's price map (`model_prices_and_context_window.json`) as card files: a second source to compare with, or
to price by where a user trusts it more.

It has no dates. A price of 0.0 there may mean free or not known, so that zeros are left out.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from farthing.prices.card import Amount, CardFile, Price, RateCard

PROVIDERS = {
    "openai": "openai", "text-completion-openai": "openai", "azure": "azure", "anthropic": "anthropic",
    "bedrock": "aws", "bedrock_converse": "aws", "gemini": "google", "vertex_ai-language-models": "google",
    "deepseek": "deepseek", "groq": "groq", "mistral": "mistral", "xai": "x-ai", "together_ai": "together",
    "fireworks_ai": "fireworks", "openrouter": "openrouter", "cohere": "cohere", "cohere_chat": "cohere",
    "perplexity": "perplexity", "voyage": "voyageai", "moonshot": "moonshotai", "cerebras": "cerebras", "zai": "zai",
}  # fmt: skip
"""Its names of providers, and ours."""

FIELDS = {
    "input_cost_per_token": "uncached_in", "output_cost_per_token": "out", "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "w5m", "input_cost_per_audio_token": "audio_in",
    "output_cost_per_audio_token": "audio_out", "input_cost_per_image_token": "image_in",
    "output_cost_per_image_token": "image_out",
}  # fmt: skip

_FIELD = re.compile(
    r"(?P<field>.+?)(?P<ttl>_above_1hr|_above_12hr)?(?:_above_(?P<above>\d+)k_tokens)?"
    r"(?:_(?P<tier>batches|flex|priority))?"
)
_TTLS = {"_above_1hr": "w1h", "_above_12hr": "w12h"}
_TIERS = {"batches": "batch", "flex": "flex", "priority": "priority"}


def read_litellm(path: Path, version: str = "") -> list[CardFile]:
    """A card file for each provider that we know. Raises ValueError for a file that is no such map, OSError where it
    cannot be read."""
    try:
        entries = json.loads(path.read_bytes(), parse_float=Decimal)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
    if not isinstance(entries, dict) or not any(
        isinstance(e, dict) and "litellm_provider" in e for e in entries.values()
    ):
        raise ValueError(f"{path.name}: neither a card file nor LiteLLM's price map")
    cards: dict[str, dict[str, RateCard]] = {}
    for name, entry in entries.items():
        provider = PROVIDERS.get(entry.get("litellm_provider", "")) if isinstance(entry, dict) else None
        card = _card(provider, name, entry) if provider is not None else None
        if provider is not None and card is not None:
            cards.setdefault(provider, {}).setdefault(card.id, card)
    return [
        CardFile(
            provider=provider, models=list(models.values()), source="LiteLLM's price map", version=version or path.stem
        )
        for provider, models in sorted(cards.items())
    ]


def _card(provider: str, name: str, entry: Mapping[str, Any]) -> RateCard | None:
    own = name.removeprefix(f"{entry['litellm_provider']}/")
    prices = [Price(rates=rates, tier=tier) for tier, rates in _tiers(provider, entry).items()]
    window = entry.get("max_input_tokens")
    return (
        RateCard(id=own, prices=prices, context_window=window if isinstance(window, int) else None) if prices else None
    )


def _tiers(provider: str, entry: Mapping[str, Any]) -> dict[str, dict[str, Amount]]:
    """Tier -> unit -> dollars per 1M, in bands where there is more than one."""
    bands: dict[str, dict[str, dict[str, Decimal]]] = {}
    for tier, unit, above, dollars in _rates(provider, entry):
        bands.setdefault(tier, {}).setdefault(unit, {})[above] = dollars
    tiers = {
        tier: {unit: _amount(steps) for unit, steps in units.items() if "0" in steps} for tier, units in bands.items()
    }
    return {tier: units for tier, units in tiers.items() if units}


def _rates(provider: str, entry: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Decimal]]:
    for name, value in entry.items():
        found = _FIELD.fullmatch(name)
        unit = FIELDS.get(found["field"]) if found is not None else None
        dollars = _dollars(value)
        if found is not None and unit is not None and dollars:
            if unit == "w5m":
                unit = _TTLS.get(found["ttl"], "w30m" if provider in ("openai", "azure") else "w5m")
            yield _TIERS.get(found["tier"], ""), unit, f"{int(found['above'] or 0) * 1_000}", dollars * 1_000_000
    searches = entry.get("search_context_cost_per_query")
    per_search = _dollars(searches.get("search_context_size_medium")) if isinstance(searches, dict) else None
    if per_search:
        yield "", "web_search", "0", per_search * 1_000
    per_thousand = _dollars(entry.get("file_search_cost_per_1k_calls"))
    if per_thousand:
        yield "", "file_search", "0", per_thousand


def _dollars(value: Any) -> Decimal | None:
    return Decimal(value) if isinstance(value, Decimal | int) and not isinstance(value, bool) else None


def _amount(steps: dict[str, Decimal]) -> Amount:
    return steps["0"] if len(steps) == 1 else steps

"""What FOCUS calls the units that are billed, and how many of them one listed price is for.

The working draft of FOCUS for AI names kinds of tokens in two ways; `details` writes either. Their keys carry `x_` as long
as no ratified version defines them.
"""

from decimal import Context, Decimal
from typing import Literal, NamedTuple

from farthing.model.money import Pico

Kinds = Literal["type", "direction"]
"""`type`: one key TokenType; `direction`: TokenDirection and TokenCacheAction."""


_EXACT = Context(prec=60)


def dollars(pico: Pico) -> Decimal:
    """The exact amount in dollars."""
    return _EXACT.scaleb(Decimal(pico), -12)


class Meter(NamedTuple):
    """One class of units."""

    name: str
    """SkuMeter."""
    unit: str = "Tokens"
    """ConsumedUnit."""
    scale: int = 1_000_000
    """PricingUnit is so many of them: a power of ten, so that quantities are exact decimals."""
    direction: str = ""
    cache: str = ""
    """Read or Write, where a provider's prompt cache had a part."""
    modality: str = "Text"
    lifetime: str = ""
    """How long a cache write is kept."""

    @property
    def pricing_unit(self) -> str:
        return self.unit if self.scale == 1 else f"{self.scale} {self.unit}"

    def quantity(self, units: int) -> Decimal:
        """PricingQuantity."""
        return _EXACT.divide(Decimal(units), Decimal(self.scale))

    def price(self, rate: Pico) -> Decimal:
        """A unit price in dollars, from pico-dollars a unit."""
        return dollars(rate * self.scale)


def _tokens(name: str, direction: str, cache: str = "", modality: str = "Text", lifetime: str = "") -> Meter:
    return Meter(f"{name} Tokens", direction=direction, cache=cache, modality=modality, lifetime=lifetime)


def _events(name: str, unit: str, scale: int = 1_000) -> Meter:
    return Meter(name, unit, scale, modality="")


METERS = {
    "uncached_in": _tokens("Input", "Input"),
    "cache_read": _tokens("Cache Read Input", "Input", "Read"),
    "w5m": _tokens("Cache Write Input", "Input", "Write", lifetime="5m"),
    "w30m": _tokens("Cache Write Input", "Input", "Write", lifetime="30m"),
    "w1h": _tokens("Cache Write Input", "Input", "Write", lifetime="1h"),
    "w12h": _tokens("Cache Write Input", "Input", "Write", lifetime="12h"),
    "audio_in": _tokens("Audio Input", "Input", modality="Audio"),
    "image_in": _tokens("Image Input", "Input", modality="Image"),
    "cached_audio": _tokens("Cache Read Audio Input", "Input", "Read", "Audio"),
    "tool_in": _tokens("Tool Input", "Input"),
    "out": _tokens("Output", "Output"),
    "audio_out": _tokens("Audio Output", "Output", modality="Audio"),
    "image_out": _tokens("Image Output", "Output", modality="Image"),
    "web_search": _events("Web Searches", "Searches"),
    "web_fetch": _events("Web Fetches", "Requests"),
    "file_search": _events("File Searches", "Searches"),
    "x_search": _events("X Searches", "Searches"),
    "maps_search": _events("Maps Searches", "Searches"),
    "code_session": _events("Code Sessions", "Sessions"),
    "request": _events("Requests", "Requests"),
    "rerank": _events("Reranks", "Requests"),
    "message": _events("Messages", "Messages"),
    "page": _events("Pages", "Pages"),
    "annotated_page": _events("Annotated Pages", "Pages"),
    "image": _events("Images", "Images"),
    "character": _events("Characters", "Characters", 1_000_000),
    "audio_second": _events("Audio", "Seconds", 1),
    "training": _events("Training Tokens", "Tokens", 1_000_000),
    "cached_token_hour": _events("Cache Storage", "Token-Hours", 1_000_000),
}
"""By unit of the ledger."""

CALLS = Meter("Calls", "Requests", 1, modality="")
"""What calls are counted by: they cost nothing themselves."""


def meter_of(unit: str) -> Meter:
    """Also for a unit that no list knows."""
    return METERS.get(unit) or Meter(unit, "Units", 1, modality="")


def details(meter: Meter, model: str, kinds: Kinds) -> dict[str, str]:
    """SkuPriceDetails."""
    found = {"x_ModelId": model}
    if meter.direction and kinds == "type":
        found["x_TokenType"] = f"Cache{meter.cache}" if meter.cache else meter.direction
    elif meter.direction:
        found["x_TokenDirection"] = meter.direction
        found["x_TokenCacheAction"] = meter.cache or "None"
    if meter.modality:
        found["x_Modality"] = meter.modality
    if meter.lifetime:
        found["x_CacheLifetime"] = meter.lifetime
    return found

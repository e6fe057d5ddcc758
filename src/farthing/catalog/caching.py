"""How a model's provider caches prompts: by whose word, from which size on, for how long, and what writes and reads cost.

The way and the smallest size are dated data (`caching.json`); every price comes from the price book at the moment of the
call, for no factor holds for all models. Knows nothing of prompts and of what is worth keeping.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from farthing.catalog.facts import matches, plain_name
from farthing.model.call import Deployment
from farthing.model.money import Pico
from farthing.prices import PriceBook
from farthing.prices.card import TOKEN_UNITS

DATA = Path(__file__).with_name("caching.json")
MEMORY = 4_096
"""Models that are remembered; callers choose their names."""

Way = Literal["marks", "breakpoints", "automatic"]
"""Only what a request marks (Anthropic); what it marks, else its end by itself (OpenAI since GPT-5.6); all by itself."""


class Keep(msgspec.Struct, frozen=True):
    """One lifetime that can be asked for."""

    ttl: str
    seconds: int
    write: Pico
    """Pico-dollars for a token that is written."""


class Caching(msgspec.Struct, frozen=True):
    """What can be done at one model, and what it costs at one moment."""

    way: Way
    least: int
    """Tokens; a shorter prefix is not cached."""
    plain: Pico
    """Pico-dollars for a token of input that is neither read from the cache nor written to it."""
    read: Pico
    keeps: tuple[Keep, ...] = ()
    """The shortest lifetime first. Empty where requests have no say."""
    most: int = 0
    """How many marks a request may have."""
    look_back: int = 0
    """Blocks before a mark in which an entry is found; 0 for no bound."""
    key: bool = False
    """It takes `prompt_cache_key`."""
    storage: Pico = 0
    """Pico-dollars for a token that lies in an explicit cache for an hour; 0 where there is none, or no price of it is known."""
    header: str = ""
    """The header in which it takes what calls have in common, where it takes no `prompt_cache_key`."""


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    match: tuple[str, ...]
    way: Way
    least: int
    lists: tuple[str, ...] = ()
    key: bool = False
    keyed: tuple[str, ...] = ()
    """The formats in which it takes a key, where that is not all of them."""
    headers: dict[str, str] = {}
    """The header of a format that takes its place."""


class _Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    as_of: str
    sources: tuple[str, ...]
    rules: tuple[_Rule, ...]


@cache
def _shipped() -> _Data:
    return msgspec.json.decode(DATA.read_bytes(), type=_Data)


_LIFETIMES = {"5m": 300, "1h": 3_600, "30m": 1_800, "12h": 43_200}
_TTLS: dict[Way, tuple[str, ...]] = {"marks": ("5m", "1h"), "breakpoints": ("30m", "12h"), "automatic": ()}
_MARKS = 4
_LOOK_BACK = 20
_SHORT_ONLY = "openai.chat"
"""In this format OpenAI takes the shorter lifetime alone."""


class Cachings:
    """The cachings of all models, worked out when they are first asked for and again when a price changes."""

    def __init__(self, book: PriceBook, now_us: Callable[[], int]) -> None:
        self._book = book
        self._now_us = now_us
        self._known: dict[tuple[str, str, str], tuple[int, int, Caching | None]] = {}

    def of(self, deployment: Deployment, format: str) -> Caching | None:
        """What holds now at a deployment to which `format` is spoken; None where nothing is known of its cache, or its
        price list has no rate for it."""
        model = deployment.price_as or deployment.model
        key = (deployment.prices, model, format)
        now = self._now_us()
        known = self._known.get(key)
        if known is None or not known[0] <= now < known[1]:
            if len(self._known) >= MEMORY:
                self._known.clear()
            known = self._known[key] = self._work_out(deployment.prices, model, format, now)
        return known[2]

    def _work_out(self, prices: str, model: str, format: str, now: int) -> tuple[int, int, Caching | None]:
        rates = self._book.rates(prices, model, at_us=now)
        rule = _rule(prices, model)
        cost = dict(zip(TOKEN_UNITS, rates.bands[-1].tokens, strict=True)) if rates.bands else {}
        plain, read = cost.get("uncached_in"), cost.get("cache_read")
        if rule is None or not plain or read is None:
            return rates.from_us, rates.until_us, None
        keeps: list[Keep] = []
        if (rule.way == "marks") == (format == "anthropic.messages"):
            for ttl in _TTLS[rule.way]:
                write = cost.get(f"w{ttl}")
                if write is not None and not (format == _SHORT_ONLY and keeps):
                    keeps.append(Keep(ttl, _LIFETIMES[ttl], write))
        found = Caching(
            rule.way, rule.least, plain, read, tuple(keeps), _MARKS if keeps else 0,
            _LOOK_BACK if rule.way == "marks" else 0, rule.key or format in rule.keyed,
            rates.requests.get("cached_token_hour", 0), rule.headers.get(format, ""),
        )  # fmt: skip
        return rates.from_us, rates.until_us, found


def _rule(prices: str, model: str) -> _Rule | None:
    name = plain_name(model)
    fitting = (rule for rule in _shipped().rules if not rule.lists or prices in rule.lists)
    return next((rule for rule in fitting if matches(rule.match, name)), None)

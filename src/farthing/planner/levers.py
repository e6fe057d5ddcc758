"""What can be switched on, as a plan tries it: the settings that do it, and what that may do to answers.

Each lever is one change of the settings' tree. They are tried alone, all together, and each taken out of all: what a lever is
worth beside the others lies between its first and its last place.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from farthing.model.arms import BATCHING, MODEL_SELECTION, PROMPT_OPTIMISATION, PROVIDER_CACHING, SEMANTIC_CACHE
from farthing.settings import Settings

Risk = Literal["lossless", "guarded", "needs proof"]
"""Answers stay as they are; answers change within a stated bound; nobody has compared them yet."""


class Lever(msgspec.Struct, frozen=True):
    """See the module."""

    name: str
    """As savings name it."""
    risk: Risk
    toml: str
    """What switches it on, as it is written in farthing.toml."""
    caution: str
    """What could go wrong, in a sentence."""
    switch: Callable[[Settings], Settings]
    effort: str = "one setting"


def _cache(settings: Settings) -> Settings:
    cache = msgspec.structs.replace(settings.cache, mode="exact", max_temperature=1.0)
    return msgspec.structs.replace(settings, cache=cache)


def _routing(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, routing=msgspec.structs.replace(settings.routing, substitute=True))


def _caching(settings: Settings) -> Settings:
    prompts = msgspec.structs.replace(settings.prompts, provider_caching="auto")
    return msgspec.structs.replace(settings, prompts=prompts)


def _lossless(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, prompts=msgspec.structs.replace(settings.prompts, lossless="on"))


REPLAYED: Sequence[Lever] = (
    Lever(
        SEMANTIC_CACHE, "guarded", '[cache]\nmode = "exact"\nmax_temperature = 1.0',
        "Who asks the same again gets the same words again, for a day.", _cache,
    ),
    Lever(
        MODEL_SELECTION, "needs proof", "[routing]\nsubstitute = true",
        "Others' outcomes say that cheaper models do this work; your own calls must show it: a hold-out does.", _routing,
        "a judge and a few weeks of evidence",
    ),
    Lever(
        PROMPT_OPTIMISATION, "lossless", '[prompts]\nlossless = "on"',
        "Prompts say the same in fewer tokens; models see other white space and spelling.", _lossless,
    ),
    Lever(
        PROVIDER_CACHING, "lossless", '[prompts]\nprovider_caching = "auto"',
        "A write that nobody reads costs more than none; what may be lost by that is bounded.", _caching,
    ),
)  # fmt: skip
"""In the order of the steps that they are."""

WAITING = Lever(
    BATCHING, "lossless", "[batch.features.NAME]\ndeadline_s = 21600",
    "Whoever waits for these answers waits longer; only you know who does not.", lambda settings: settings,
    "say which features can wait",
)  # fmt: skip
"""Priced, not replayed: the same answers at the price of batches."""


def switched(settings: Settings, levers: Sequence[Lever]) -> Settings:
    for lever in levers:
        settings = lever.switch(settings)
    return settings

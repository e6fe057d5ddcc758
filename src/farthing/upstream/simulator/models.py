"""The models that the simulator serves: real ids, as the price cards have them, with what matters of each.

Figures are those that the providers publish where they do; tier and speed are ours.
"""

from typing import Literal

import msgspec

Tier = Literal["small", "mid", "flagship"]
Cache = Literal["blocks", "breakpoints", "marks", "units", "chance", "none"]
"""How prompts are cached: OpenAI's automatic blocks of 128 tokens, its breakpoints since GPT-5.6 (writes cost extra),
Anthropic's marks, DeepSeek's units of 64 tokens, Gemini's blocks that are read by chance."""


class Model(msgspec.Struct, frozen=True):
    id: str
    maker: Literal["openai", "anthropic", "deepseek", "google"]
    tier: Tier
    snapshot: str = ""
    """What answers call the model; the id where the provider gives no date."""
    created: int = 1_735_689_600
    """Unix seconds."""
    context: int = 128_000
    max_output: int = 16_384
    thinks: Literal["never", "asked", "always"] = "never"
    """Whether it spends reasoning tokens."""
    cache: Cache = "none"
    cache_min: int = 1024
    """Tokens; a shorter prefix is not cached."""
    retention: Literal["in_memory", "24h"] = "in_memory"
    """How long an automatic cache keeps a prefix unless the request says otherwise."""
    image: Literal["tiles", "tiles-mini", "tiles-5", "patches", "area", "none"] = "none"
    """The rule by which images are counted."""
    patch_factor: float = 1.0
    embeds: int = 0
    """Dimensions of its vectors; 0 for a model that chats."""
    edge: float = 0.0
    """Added to the tier's skill: newer generations are a little better."""

    @property
    def name(self) -> str:
        return self.snapshot or self.id

    @property
    def family(self) -> Literal["openai", "anthropic"]:
        """The wire that it speaks."""
        return "anthropic" if self.maker == "anthropic" else "openai"


def _gpt(id: str, tier: Tier, snapshot: str = "", **more: object) -> Model:
    what = {"cache": "blocks", "image": "tiles", **more}
    return msgspec.convert({"id": id, "maker": "openai", "tier": tier, "snapshot": snapshot, **what}, Model)


def _thinker(id: str, tier: Tier, snapshot: str = "", **more: object) -> Model:
    what = {"thinks": "always", "context": 400_000, "max_output": 128_000, "retention": "24h", "image": "patches"}
    return _gpt(id, tier, snapshot, **{**what, **more})


def _later(id: str, tier: Tier, **more: object) -> Model:
    """GPT-5.6 and on: cache writes are billed."""
    what = {"cache": "breakpoints", "context": 1_050_000, "created": 1_780_000_000, "edge": 0.02}
    return _thinker(id, tier, "", **{**what, **more})


def _claude(id: str, tier: Tier, snapshot: str = "", **more: object) -> Model:
    what = {
        "cache": "marks", "image": "area", "thinks": "asked", "context": 200_000, "max_output": 64_000, **more
    }  # fmt: skip
    return msgspec.convert({"id": id, "maker": "anthropic", "tier": tier, "snapshot": snapshot, **what}, Model)


_ALL = [
    _gpt("gpt-4o-mini", "small", "gpt-4o-mini-2024-07-18", image="tiles-mini", created=1_721_172_741),
    _gpt("gpt-4o", "mid", "gpt-4o-2024-08-06", created=1_715_367_049),
    _gpt("gpt-4o-audio-preview", "mid", "gpt-4o-audio-preview-2025-06-03", cache="none"),
    _gpt("gpt-4.1-nano", "small", "gpt-4.1-nano-2025-04-14", context=1_047_576, max_output=32_768, image="patches",
         patch_factor=2.46, retention="24h", edge=-0.03),
    _gpt("gpt-4.1-mini", "small", "gpt-4.1-mini-2025-04-14", context=1_047_576, max_output=32_768, image="patches",
         patch_factor=1.62, retention="24h", edge=0.02),
    _gpt("gpt-4.1", "mid", "gpt-4.1-2025-04-14", context=1_047_576, max_output=32_768, retention="24h", edge=0.01),
    _thinker("o4-mini", "mid", "o4-mini-2025-04-16", context=200_000, max_output=100_000, patch_factor=1.72),
    _thinker("o3", "flagship", "o3-2025-04-16", context=200_000, max_output=100_000, image="tiles-5", edge=-0.01),
    _thinker("gpt-5-nano", "small", "gpt-5-nano-2025-08-07", patch_factor=2.46),
    _thinker("gpt-5-mini", "mid", "gpt-5-mini-2025-08-07", patch_factor=1.62),
    _thinker("gpt-5", "flagship", "gpt-5-2025-08-07", image="tiles-5"),
    _thinker("gpt-5.1", "flagship", "gpt-5.1-2025-11-13", image="tiles-5", thinks="asked", edge=0.005),
    _thinker("gpt-5.2", "flagship", "gpt-5.2-2025-12-11", image="tiles-5", thinks="asked", edge=0.01),
    _thinker("gpt-5.4-nano", "small", edge=0.01, created=1_772_000_000),
    _thinker("gpt-5.4-mini", "mid", edge=0.01, created=1_772_000_000),
    _thinker("gpt-5.4", "flagship", context=1_050_000, edge=0.01, created=1_772_000_000),
    _thinker("gpt-5.5", "flagship", context=1_000_000, edge=0.015, created=1_776_000_000),
    _later("gpt-5.6-luna", "small"),
    _later("gpt-5.6-terra", "mid"),
    _later("gpt-5.6-sol", "flagship"),
    _later("gpt-6-luna", "small"),
    _later("gpt-6.1-terra", "mid"),
    _later("gpt-6-sol", "flagship"),
    _later("gpt-6.1-sol", "flagship"),
    _later("gpt-6-astra", "flagship"),
    _gpt("text-embedding-3-small", "small", embeds=1536, cache="none", image="none", context=8192),
    _gpt("text-embedding-3-large", "mid", embeds=3072, cache="none", image="none", context=8192),
    _gpt("text-embedding-ada-002", "small", embeds=1536, cache="none", image="none", context=8192),
    Model("deepseek-chat", "deepseek", "mid", max_output=8192, cache="units", cache_min=64),
    Model("deepseek-reasoner", "deepseek", "flagship", max_output=65_536, thinks="always", cache="units", cache_min=64),
    Model("gemini-2.5-flash", "google", "small", context=1_048_576, max_output=65_536, cache="chance", cache_min=2048),
    Model("gemini-2.5-pro", "google", "flagship", context=1_048_576, max_output=65_536, cache="chance", cache_min=2048),
    _claude("claude-3-5-haiku-latest", "small", "claude-3-5-haiku-20241022", max_output=8192, thinks="never",
            cache_min=2048, edge=-0.02),
    _claude("claude-haiku-4-5", "small", "claude-haiku-4-5-20251001", cache_min=4096, edge=0.02),
    _claude("claude-sonnet-4-0", "mid", "claude-sonnet-4-20250514", edge=-0.01),
    _claude("claude-sonnet-4-5", "mid", "claude-sonnet-4-5-20250929"),
    _claude("claude-opus-4-1", "flagship", "claude-opus-4-1-20250805", max_output=32_000, edge=-0.01),
    _claude("claude-opus-4-5", "flagship", "claude-opus-4-5-20251101", cache_min=4096),
    _claude("claude-sonnet-4-6", "mid", context=1_000_000, max_output=128_000, edge=0.01),
    _claude("claude-opus-4-6", "flagship", context=1_000_000, max_output=128_000, cache_min=4096, edge=0.005),
    _claude("claude-opus-4-7", "flagship", context=1_000_000, max_output=128_000, cache_min=2048, edge=0.005),
    _claude("claude-opus-4-8", "flagship", context=1_000_000, max_output=128_000, edge=0.01),
    _claude("claude-sonnet-5", "mid", context=1_000_000, max_output=128_000, edge=0.02),
    _claude("claude-opus-5", "flagship", context=1_000_000, max_output=128_000, cache_min=512, edge=0.01),
    _claude("claude-haiku-5-5", "small", context=1_000_000, max_output=128_000, cache_min=512, edge=0.04),
    _claude("claude-sonnet-5-5", "mid", context=1_000_000, max_output=128_000, cache_min=512, edge=0.03),
    _claude("claude-opus-5-5", "flagship", context=1_000_000, max_output=128_000, cache_min=512, edge=0.015),
    _claude("claude-fable-5-1", "flagship", context=1_000_000, max_output=128_000, cache_min=512, edge=0.02),
]  # fmt: skip

MODELS: dict[str, Model] = {model.id: model for model in _ALL}
"""By id."""

TUNED = "ft:"
"""How the names of customers' own models begin."""
_BY_ANY_NAME = {name: model for model in _ALL for name in (model.id, model.snapshot) if name}


def find(name: object, family: str) -> Model | None:
    """The model of an id or a dated snapshot, among those that speak the wire of `family`; None if there is none."""
    model = _BY_ANY_NAME.get(name) if isinstance(name, str) else None
    if model is None and isinstance(name, str) and name.startswith(TUNED):
        model = _tuned(name)
    return model if model is not None and model.family == family else None


def _tuned(name: str) -> Model | None:
    """What a name like `ft:BASE:ORGANISATION:SUFFIX:ID` stands for; whether that was ever trained is for the provider to
    know."""
    base = _BY_ANY_NAME.get(name.split(":")[1])
    return msgspec.structs.replace(base, id=name, snapshot="") if base is not None and name.count(":") == 4 else None


def of_family(family: str) -> list[Model]:
    return [model for model in _ALL if model.family == family]

"""Facts of models: names are told apart, every chat model has a tier, and the data agree with the price lists."""

import pytest

from farthing.catalog.facts import CAPABILITIES, UNKNOWN, facts_of, plain_name, shipped
from farthing.upstream.hosts import HOSTS

from .shelf import BOOK

MAKERS = ("openai", "anthropic", "google", "deepseek", "x-ai")


@pytest.mark.parametrize(
    ("model", "plain"),
    [
        ("gpt-4o", "gpt-4o"),
        ("openai/gpt-6-luna", "gpt-6-luna"),
        ("anthropic/claude-haiku-5.5:batch", "claude-haiku-5-5"),
        ("regional.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929-v1"),
        ("global.openai.gpt-6.1-sol", "gpt-6.1-sol"),
        ("openai.gpt-oss-120b-1:0", "gpt-oss-120b-1"),
        ("accounts/fireworks/models/glm-5p3-flash", "glm-5.3-flash"),
        ("publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("claude-opus-4-1@20250805", "claude-opus-4-1"),
        ("ft:gpt-4o-mini:acme::x", "gpt-4o-mini"),
        ("llama3.1-8b", "llama3.1-8b"),
    ],
)
def test_names_lose_host_owner_and_suffix(model: str, plain: str) -> None:
    assert plain_name(model) == plain


@pytest.mark.parametrize("provider", MAKERS)
def test_every_model_of_the_makers_has_a_tier_or_is_left_out(provider: str) -> None:
    """A new model in a price list is to be looked at."""
    facts = {model: facts_of(model) for model in BOOK.models(provider)}
    assert not [model for model, known in facts.items() if not known.tier and not known.left_out]
    assert not [model for model, known in facts.items() if known.tier and known.left_out]


def test_what_is_not_known_is_not_claimed() -> None:
    assert facts_of("a-model-of-tomorrow") == UNKNOWN
    assert not UNKNOWN.can
    assert UNKNOWN.context is None


def test_capabilities_have_known_names() -> None:
    rules = [rule for family in shipped().families for rule in (family, *family.models)]
    named = {name for rule in rules for name in rule.can or ()}
    assert named <= set(CAPABILITIES)


@pytest.mark.parametrize(
    ("model", "tier", "has", "lacks"),
    [
        ("gpt-6-luna", "small", {"tools", "schema", "images", "files", "reasoning"}, {"audio"}),
        ("gpt-6.1-terra", "mid", {"tools"}, {"audio"}),
        ("gpt-5-mini-2025-08-07", "mid", {"reasoning"}, set()),
        ("gpt-4o-2024-05-13", "flagship", {"tools", "images"}, {"schema"}),
        ("o3-mini", "mid", {"reasoning"}, {"images"}),
        ("claude-3-haiku-20240307", "small", {"images"}, {"schema", "reasoning"}),
        ("claude-sonnet-4-20250514", "mid", {"reasoning"}, {"schema"}),
        ("claude-opus-5-5", "flagship", {"schema"}, {"audio"}),
        ("gemini-3.5-flash-lite", "small", {"audio"}, {"files"}),
        ("deepseek-v4-pro", "flagship", {"tools"}, {"images", "schema"}),
        ("text-embedding-3-small", "embedding", set(), {"tools"}),
    ],
)
def test_known_models(model: str, tier: str, has: set[str], lacks: set[str]) -> None:
    facts = facts_of(model)
    assert facts.tier == tier
    assert has <= facts.can
    assert not lacks & facts.can


def test_context_windows_agree_with_the_price_lists() -> None:
    """Within a tenth, where both say one: lists round them."""
    for provider in ("openai", "anthropic"):
        for model in BOOK.models(provider):
            card, facts = BOOK.card(provider, model), facts_of(model)
            listed = card.context_window if card is not None else None
            if listed and facts.context and facts.tier:
                assert facts.context <= listed * 1.1, model


def test_ladders_name_models_that_have_a_price_and_serve_ordinary_calls() -> None:
    lists = {host.prices for host in HOSTS.values()}
    for price_list, tiers in shipped().ladders.items():
        assert price_list in lists
        assert {"small", "flagship"} <= tiers.keys()
        for kind, models in tiers.items():
            for model in models:
                facts = facts_of(model)
                assert BOOK.card(price_list, model) is not None, model
                assert not facts.left_out
                assert (facts.tier == "embedding") == (kind == "embedding")
                assert kind == "embedding" or "tools" in facts.can

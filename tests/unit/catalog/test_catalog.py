"""The catalog: tiers from settings or ladders, facts of the models at hand, and reasons why one cannot serve a call."""

import pytest

from farthing.model.asked import Asked
from farthing.settings import SettingsError

from .shelf import ANTHROPIC, GOOGLE, OPENAI, OWN, catalog


def test_tiers_are_prefilled_by_provider_in_the_order_of_the_settings() -> None:
    found = catalog(ANTHROPIC + OPENAI)
    assert found.tiers() == {
        "small": ("claude-haiku-5-5", "gpt-6-luna"),
        "mid": ("claude-sonnet-5-5", "gpt-6.1-terra"),
        "flagship": ("claude-opus-5-5", "gpt-6.1-sol"),
    }
    assert found.reference == "claude-opus-5-5"
    assert found.embeddings == ("text-embedding-3-small",)
    assert catalog(OPENAI + ANTHROPIC).reference == "gpt-6.1-sol"


def test_listed_tiers_come_before_prefilled_ones() -> None:
    found = catalog(OPENAI + ANTHROPIC + '[routing]\nsmall = ["claude-haiku-4-5", "gpt-4o-mini"]\n')
    assert found.tiers()["small"] == ("claude-haiku-4-5", "gpt-4o-mini")
    assert found.tiers()["flagship"] == ("gpt-6.1-sol", "claude-opus-5-5")
    assert found.tier_of("claude-haiku-4-5") == "small"
    assert not list(found.problems())


def test_models_are_named_as_callers_can_ask_for_them() -> None:
    groq = catalog('[providers.fast]\nkind = "groq"\napi_key = "k"\n' + OPENAI)
    assert groq.tiers()["small"] == ("fast/openai/gpt-oss-20b", "gpt-6-luna")
    assert groq.tier_of("fast/openai/gpt-oss-120b") == "flagship"
    router = catalog('[providers.openrouter]\napi_key = "k"\n')
    assert router.reference == "openai/gpt-6.1-sol"
    two = catalog('[providers.a]\nkind = "openai"\napi_key = "k"\n[providers.b]\nkind = "openai"\napi_key = "k"\n')
    assert two.tiers()["small"] == ("gpt-6-luna",)


def test_two_rung_ladders_leave_mid_empty() -> None:
    found = catalog('[providers.deepseek]\napi_key = "k"\n')
    assert found.tiers() == {"small": ("deepseek-v4-flash",), "mid": (), "flagship": ("deepseek-v4-pro",)}
    assert found.choices() == ("auto", "auto:small", "auto:flagship", "small", "flagship")
    assert not list(found.problems())


def test_denied_models_make_room_for_the_next() -> None:
    found = catalog(OPENAI + '[routing]\ndeny = ["gpt-6*"]\n')
    assert found.tiers()["flagship"] == ("gpt-5.6-sol",)


def test_own_hardware_alone_has_no_tiers_and_that_is_no_mistake() -> None:
    found = catalog(OWN)
    assert set(found.tiers().values()) == {()}
    assert found.choices() == ()
    found.check()


@pytest.mark.parametrize(
    ("routing", "key", "problem"),
    [
        ('small = ["claude-haiku-5-5"]', "routing.small", "no provider serves 'claude-haiku-5-5'"),
        ('mid = ["own/llama"]', "routing.mid", "no price is known for 'own/llama'"),
        ('embedding = ["voyage-4"]', "routing.embedding", "no provider serves 'voyage-4'"),
        ('small = ["mid"]', "routing.small", "'mid' is a name for a choice"),
        ('small = ["gpt-6-luna"]\ndeny = ["*luna"]', "routing.small", "routing.deny leaves no model in it"),
        ('small = ["gpt-4o-mini"]\ndeny = ["*sol", "gpt-5*", "gpt-4*"]', "routing.flagship", "no flagship model"),
    ],
)
def test_a_tier_that_nobody_would_serve_is_refused(routing: str, key: str, problem: str) -> None:
    found = catalog(OPENAI + OWN + f"[routing]\n{routing}\n")
    with pytest.raises(SettingsError) as caught:
        found.check()
    assert any(each.key == key and problem in each.problem and each.cure for each in caught.value.problems)


def test_own_models_may_stand_for_tiers_once_they_have_a_price() -> None:
    text = (
        OPENAI + OWN + '[models.ours]\nprovider = "own"\nmodel = "llama"\ncan = ["tools"]\ncontext = 32000\n'
        '[routing]\nsmall = ["ours"]\n[[prices.contracts]]\nprovider = "own"\nrates = { input = 0.1, output = 0.2 }\n'
    )
    found = catalog(text)
    found.check()
    assert found.tiers()["small"] == ("ours",)
    assert found.facts("ours").can == {"tools"}
    assert found.facts("ours").context == 32000
    assert found.name_there("ours") == "llama"


def test_capabilities_of_the_settings_must_have_known_names() -> None:
    found = catalog(OPENAI + '[models.fast]\nprovider = "openai"\nmodel = "gpt-4o"\ncan = ["tools", "vision"]\n')
    with pytest.raises(SettingsError, match=r"models\.fast\.can: 'vision' is nothing that calls ask for"):
        found.check()


DEPLOYED = (
    OPENAI + '[providers.azure]\nbase_url = "https://me.test"\napi_key = "k"\n'
    '[[models.luna.deployments]]\nprovider = "openai"\nmodel = "gpt-6-luna"\nregion = "us"\n'
    '[[models.luna.deployments]]\nprovider = "azure"\nmodel = "my-luna"\nprice_as = "gpt-4o"\nregion = "EU"\n'
)


def test_a_model_at_several_places_is_as_good_as_the_worst_of_them() -> None:
    facts = catalog(DEPLOYED).facts("luna")
    assert facts.context == 128_000
    assert facts.max_output == 16_384
    assert facts.can == {"tools", "schema", "images", "files"}
    assert facts.tier == "small"


def test_regions_are_those_of_deployments() -> None:
    found = catalog(DEPLOYED)
    assert found.missing("luna", Asked(), region="eu") == ""
    assert found.missing("luna", Asked(), region="ap") == "not known to be served in ap"
    assert found.missing("gpt-6-luna", Asked(), region="eu") == "not known to be served in eu"


@pytest.mark.parametrize(
    ("model", "asked", "max_output", "why"),
    [
        ("gpt-4o", Asked(in_tokens=1_000), 1_000, ""),
        ("gpt-4o", Asked(tools=1, images=True, schema=True, files=True), None, ""),
        ("gpt-4o", Asked(in_tokens=100_000, most_in_tokens=190_000), None,
         "context of 128,000 tokens is too small for about 190,000"),
        ("gpt-4o", Asked(in_tokens=120_000), 10_000,
         "context of 128,000 tokens is too small for about 120,000 and 10,000 of output"),
        ("gpt-4o", Asked(), 20_000, "it writes at most 16,384 tokens, 20,000 are asked for"),
        ("gpt-4o", Asked(audio=True, reasoning=True), None, "not known to hear audio and think before it answers"),
        ("deepseek-v4-pro", Asked(schema=True), None, "not known to keep to a JSON schema"),
        ("own/tomorrow", Asked(in_tokens=8_000), None, ""),
        ("own/tomorrow", Asked(in_tokens=9_000), None,
         "context is not known, and about 9,000 tokens are more than any model takes"),
        ("own/tomorrow", Asked(tools=2), None, "not known to call tools"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_in_words(model: str, asked: Asked, max_output: int | None, why: str) -> None:
    found = catalog(OPENAI + OWN + '[providers.deepseek]\napi_key = "k"\n')
    assert found.missing(model, asked, max_output) == why


def test_a_model_of_the_settings_called_like_a_tier_is_that_model() -> None:
    found = catalog(OPENAI + '[models.small]\nprovider = "openai"\nmodel = "gpt-4o"\n')
    assert "small" not in found.choices()
    assert "auto:small" in found.choices()


def test_names_of_callers_do_not_fill_the_memory() -> None:
    found = catalog(GOOGLE)
    for number in range(5_000):
        assert found.facts(f"gemini-x{number}").tier is None
    assert found.facts("gemini-4-argon").tier == "flagship"

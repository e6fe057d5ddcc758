"""Which calls can be asked again, and the gateway that they are asked through."""

import msgspec
import pytest

from farthing.model.usage import Usage
from farthing.planner.replay.world import PLACE, can_ask, served, settings_for
from farthing.settings import ModelSettings, ProviderSettings, Settings, StoreSettings, StoreUrl, Url
from farthing.settings.values import Secret
from unit.planner.pasts import chat, message

CALL = chat(1)


def test_a_whole_call_can_be_asked() -> None:
    assert can_ask(CALL) and can_ask(message(1))


@pytest.mark.parametrize(
    "what",
    [
        {"prompt": b""}, {"usage": None}, {"cached": True}, {"attempt_of": "x"}, {"outcome": "error"}, {"status": 429},
        {"wire": "openai.embeddings"},
    ],
)  # fmt: skip
def test_others_cannot(what: dict[str, object]) -> None:
    assert not can_ask(msgspec.structs.replace(CALL, **what))


def test_without_settings_what_the_log_names_is_served() -> None:
    asked = chat(3, model="gpt-4o-2024-08-06", asked="gpt-4o", usage=Usage(out=1))
    settings = served([asked, message(2)], None)
    assert set(settings.models) == {"gpt-4o", "claude-sonnet-4-5"}
    assert settings.models["claude-sonnet-4-5"].provider == "anthropic"
    unknown = served(
        [
            chat(1, provider=""),
            message(
                1,
            ),
        ],
        None,
    )
    assert set(unknown.providers) == {"openai", "anthropic"}


def test_own_settings_reach_nobody() -> None:
    own = Settings(
        providers={"main": ProviderSettings(base_url=Url("https://api.openai.com/v1"), api_key=Secret("real"))},
        models={"gpt-4o": ModelSettings(provider="main")},
        store=StoreSettings(url=StoreUrl("postgresql://ann:word@db/farthing")),
    )
    found = settings_for([CALL], own)
    assert found.providers["main"].base_url == PLACE and found.providers["main"].api_key.reveal() == "recorded"
    assert found.models == own.models
    assert not found.alerts.on and not found.budgets and not found.batch.worker and not found.routing.judge
    assert found.store == StoreSettings(), "and not the user's own"

"""Plans without text: a store tells what the calls tell, and what needs text is said to need it."""

import tomllib

import msgspec
import pytest

from farthing.model.past import PastCall
from farthing.model.plan import Plan
from farthing.planner.imports.booking import record_of
from farthing.planner.without_text import plan_of_calls, plan_of_store
from farthing.prices import PriceBook
from farthing.settings import ModelSettings, ProviderSettings, Settings, Url
from farthing.settings.tree import FeatureRoutingSettings
from farthing.store import Store, past_columns, past_texts
from farthing.store.engine import Connection
from unit.planner.pasts import chat

MODELS = ("gpt-4o", "gpt-4o-mini")


def own(task: str = "") -> Settings:
    tree = Settings(
        providers={"openai": ProviderSettings(base_url=Url("http://127.0.0.1:1/v1"))},
        models={model: ModelSettings(provider="openai") for model in MODELS},
    )
    routing = msgspec.structs.replace(
        tree.routing, small=["gpt-4o-mini"], flagship=["gpt-4o"], features={"chat": FeatureRoutingSettings(task=task)}
    )
    return msgspec.structs.replace(tree, routing=routing)


def a_month() -> list[PastCall]:
    calls = [chat(n, f"Is parcel {n % 9} late?", at_s=n * 3_600.0, first_byte_us=n % 2) for n in range(400)]
    for past in calls:
        past.prompt_digest, past.prompt, past.answer = past.prompt[-20:-4], b"", b""
    return calls


async def test_a_store_tells_what_the_calls_tell(
    store: Store, book: PriceBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = a_month()
    await store.write([record_of(past, book) for past in calls])
    monkeypatch.setattr(past_columns, "PAGE", 37)
    there = await plan_of_store(store, own(), {"chat": 3_600.0})
    for past in calls:
        past.prompt_digest = b""
    assert there == await plan_of_calls(calls, own(), {"chat": 3_600.0})
    assert there.calls == there.replayed == 400 and there.together.likely > 0


async def test_hashes_that_were_kept_show_repeats(store: Store, book: PriceBook) -> None:
    calls = a_month()
    await store.write([record_of(past, book) for past in calls])

    def keep(connection: Connection) -> None:
        texts = past_texts.texts_for(connection, past_texts.HASH)
        full = [msgspec.structs.replace(past, prompt=past.prompt_digest) for past in calls]
        past_texts.add(connection, texts.rows(full))

    await store.do(keep)
    there = await plan_of_store(store, own(), {})
    assert there == await plan_of_calls(calls, own(), {})
    assert next(each for each in there.levers if each.lever == "semantic cache").calls > 200


async def test_cheaper_models_are_scenarios_that_say_what_they_do_to_answers() -> None:
    plan = await plan_of_calls(a_month(), own("classification"), {})
    found = next(each for each in plan.levers if each.lever == "model selection").scenarios
    amounts = [each.a_month for each in found]
    assert len(found) == 3 and amounts == sorted(amounts) and amounts[-1] > 0
    assert all(each.consequence and each.settled_by for each in found)


async def test_features_that_could_wait_are_proposed_by_name() -> None:
    calls = a_month()
    for n, past in enumerate(calls):
        past.first_byte_us, past.session, past.feature = 0, "", "" if n % 2 else 'a "night"'
    found = (await plan_of_calls(calls, own(), {})).levers
    proposed = next(each for each in found if each.lever == "batching")
    assert proposed.is_bound and tomllib.loads(proposed.toml) == {
        "batch": {"features": {'a "night"': {"deadline_s": 21600}}}
    }


async def test_what_needs_text_is_said_to() -> None:
    plan = await plan_of_calls(a_month(), None, {})
    assert any("need the text" in note for note in plan.notes)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


async def test_no_calls_save_nothing(store: Store) -> None:
    plan = await plan_of_store(store, own(), {})
    assert plan.calls == 0 and plan.together.likely == 0 and not plan.levers

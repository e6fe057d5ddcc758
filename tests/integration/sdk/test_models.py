"""The lists of models, in the shape that each SDK wants."""

import anthropic
import openai
import pytest

from integration.callers import AsyncCaller, Caller


def test_list_openai(caller: Caller) -> None:
    models = {model.id: model for model in caller.openai.models.list()}
    assert {"gpt-4o-mini", "claude-haiku-4-5", "deepseek-chat", "house-model"} <= set(models)
    assert models["gpt-4o-mini"].owned_by == "openai"
    assert models["house-model"].object == "model"


async def test_list_openai_async(acaller: AsyncCaller) -> None:
    ids = {model.id async for model in acaller.openai.models.list()}
    assert "gpt-4o-mini" in ids


def test_list_anthropic_pages(caller: Caller) -> None:
    ids = [model.id for model in caller.anthropic.models.list(limit=7)]
    assert len(caller.answers) > 2, "the SDK turned pages"
    assert len(ids) == len(set(ids))
    assert {"claude-haiku-4-5", "house-model"} <= set(ids)
    assert set(ids) == {model.id for model in caller.openai.models.list()}


async def test_list_anthropic_async(acaller: AsyncCaller) -> None:
    ids = [model.id async for model in acaller.anthropic.models.list(limit=1000)]
    assert "claude-haiku-4-5" in ids


def test_pages_backwards(caller: Caller) -> None:
    ids = [model.id for model in caller.anthropic.models.list(limit=1000)]
    page = caller.anthropic.models.list(before_id=ids[5], limit=3)
    assert [model.id for model in page.data] == ids[2:5]


@pytest.mark.parametrize("name", ["gpt-4o-mini", "house-model", "openai/gpt-4o-mini", "claude-haiku-4-5"])
def test_retrieve(caller: Caller, name: str) -> None:
    assert caller.openai.models.retrieve(name).id == name
    shown = caller.anthropic.models.retrieve(name)
    assert shown.id == name and shown.display_name


def test_an_unknown_model_is_404(caller: Caller) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        caller.openai.models.retrieve("no-such-model")
    assert refused.value.code == "model_not_found"
    with pytest.raises(anthropic.NotFoundError) as refused_too:
        caller.anthropic.models.retrieve("no-such-model")
    assert refused_too.value.type == "not_found_error"

"""What is known of models by their names."""

import pytest

from farthing.wire.translate import reasoning


@pytest.mark.parametrize(
    "model",
    [
        "claude-3-7-sonnet-20250219", "claude-3-haiku-20240307", "claude-2.1", "claude-instant-1.2", "claude-opus-4-0",
        "claude-opus-4-20250514", "claude-opus-4@20250514", "claude-opus-4-1", "claude-opus-4-5-20251101", "claude-opus-4",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic/claude-haiku-4.5", "claude-haiku-4-5",
    ],
)  # fmt: skip
def test_claudes_with_budgets(model: str) -> None:
    assert reasoning.wants_budget(model)


@pytest.mark.parametrize(
    "model", ["claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-8", "claude-opus-4-10", "claude-sonnet-5", "claude-fable-5-1"]
)  # fmt: skip
def test_claudes_that_adapt(model: str) -> None:
    assert not reasoning.wants_budget(model)


@pytest.mark.parametrize(
    "model", ["o3", "o1-mini", "gpt-5", "azure/gpt-5-mini", "gpt-5.1-codex", "gpt-oss-120b", "gemini-3-pro"]
)
def test_models_that_take_an_effort(model: str) -> None:
    assert reasoning.takes_effort(model)


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-35-turbo", "gpt-5-chat-latest", "mistral-large", "llama-3", "foo1", "grok-4"]
)
def test_models_that_may_not(model: str) -> None:
    assert not reasoning.takes_effort(model)


def test_the_largest_answer_with_thinking_fits_the_smallest_claude_with_thinking() -> None:
    assert reasoning.OUTPUT_ROOM + max(reasoning.BUDGETS.values()) < 32_000
    assert min(reasoning.BUDGETS.values()) >= reasoning.LEAST_BUDGET


def test_efforts_survive_a_round_trip_as_budgets() -> None:
    for effort in ("low", "medium", "high"):
        assert reasoning.effort_of_budget(reasoning.BUDGETS[effort]) == effort

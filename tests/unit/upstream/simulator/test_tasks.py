from collections import Counter
from typing import Any

import pytest
from openai import AsyncOpenAI

from farthing.upstream.simulator import tasks
from farthing.upstream.simulator.models import MODELS

BANK = list(tasks.bank(1500, seed=3))


def test_the_bank_is_large_and_differs_by_seed() -> None:
    assert len({task.prompt for task in BANK}) > 1300
    assert list(tasks.bank(1500, seed=3)) == BANK


def test_each_task_is_read_back_also_inside_other_text() -> None:
    for task in BANK:
        around = f"You help our staff.\n\n{task.prompt}\n\nMany thanks! [[simulate: drop@1]]"
        assert (tasks.kind_of(around), tasks.gold_answer(around)) == (task.kind, task.gold)


def test_other_prompts_have_no_answer() -> None:
    for prompt in ("", "Hello", "What is the capital of Atlantis? Answer with the name alone.", "Who is the tallest?"):
        assert tasks.gold_answer(prompt) is None and tasks.is_right(prompt, "x") is None


@pytest.mark.parametrize(
    ("kind", "wrap"),
    [
        ("classification", "**{}**."),
        ("sentiment", '{{"sentiment": "{}"}}'),
        ("arithmetic", "Adding all up we get\nAnswer: {}"),
        ("extraction", "```json\n{}\n```"),
        ("choice", "The answer is {}"),
        ("fact", "Answer: {}."),
        ("code", '{{"answer": {}}}'),
    ],
)
def test_right_answers_are_known_in_any_dress(kind: str, wrap: str) -> None:
    for task in BANK:
        if task.kind == kind:
            assert tasks.is_right(task.prompt, wrap.format(task.gold))


@pytest.mark.parametrize("model", ["gpt-4.1-nano", "gpt-4o", "claude-opus-4-5"])
def test_models_are_right_as_often_as_their_skill_says(model: str) -> None:
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for task in BANK:
        said = tasks.attempt(task.prompt, MODELS[model], seed=11)
        assert said is not None
        asked[task.kind] += 1
        right[task.kind] += bool(tasks.is_right(task.prompt, said))
    for kind in tasks.KINDS:
        expected = tasks.skill(model, kind)
        margin = 4 * (expected * (1 - expected) / asked[kind]) ** 0.5 + 0.01
        assert abs(right[kind] / asked[kind] - expected) < margin, kind


def test_hard_prompts_are_hard_for_all() -> None:
    def wrong(model: str) -> set[str]:
        return {
            task.prompt
            for task in BANK
            if not tasks.is_right(task.prompt, tasks.attempt(task.prompt, MODELS[model], seed=11) or "")
        }

    small, flagship = wrong("gpt-4o-mini"), wrong("gpt-5")
    assert len(flagship & small) > 3 * len(flagship) * len(small) / len(BANK)


async def test_served_models_answer_the_bank(openai: AsyncOpenAI) -> None:
    right = 0
    for task in BANK[:40]:
        messages: Any = [{"role": "system", "content": "Be exact."}, {"role": "user", "content": task.prompt}]
        answer = await openai.chat.completions.create(model="gpt-4.1", messages=messages)
        right += bool(tasks.is_right(task.prompt, answer.choices[0].message.content or ""))
    assert 30 <= right <= 40


async def test_structured_answers_carry_the_result(openai: AsyncOpenAI) -> None:
    labels = {"type": "string", "enum": ["billing", "delivery", "account", "defect", "feedback"]}
    schema = {"type": "object", "properties": {"label": labels}, "required": ["label"]}
    chosen = [task for task in BANK if task.kind == "classification"][:15]
    right = 0
    for task in chosen:
        answer = await openai.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": task.prompt}],
            response_format={"type": "json_schema", "json_schema": {"name": "label", "schema": schema}},
        )  # fmt: skip
        right += bool(tasks.is_right(task.prompt, answer.choices[0].message.content or ""))
    assert right >= 12


def test_skills_are_those_of_the_model_then_of_its_tier_and_can_be_shifted() -> None:
    skills = tasks.Skills({"code": {"small": 0.9, "gpt-4.1-nano": 0.5}})
    small, nano = MODELS["gpt-4o-mini"], MODELS["gpt-4.1-nano"]
    assert (skills.of(small, "code"), skills.of(nano, "code")) == (0.9, 0.5)
    assert skills.of(small, "fact") == tasks.skill(small, "fact")
    skills.shifts = {small.id: -0.2}
    assert abs(skills.of(small, "code") - 0.7) < 1e-9 and skills.of(nano, "code") == 0.5

import json

import pytest

from farthing.upstream.simulator import answers, models, tasks
from farthing.upstream.simulator.answers import Mind, Question
from farthing.upstream.simulator.prompt_truth import Truth
from farthing.upstream.simulator.settings import SimulatorSettings

MODEL = models.MODELS["gpt-4o-mini"]
TASKS = list(tasks.bank(400, seed=3, kinds=["classification"]))
NEEDED = 'Money back is "billing".'


def right(truth: Truth | None, system: str, examples: int = 0) -> list[bool]:
    settings = SimulatorSettings(seed=5, truth=truth)
    mind = Mind(settings, tasks.Skills())
    found = []
    for task in TASKS:
        turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}] * examples
        said = [{"role": "system", "content": system}, *turns, {"role": "user", "content": task.prompt}]
        context = json.dumps(said, separators=(",", ":")).encode()
        reply = answers.answer(Question(MODEL, task.prompt, context), mind)
        found.append(bool(tasks.is_right(task.prompt, reply.text)))
    return found


def test_without_a_truth_no_words_matter() -> None:
    assert right(None, "") == right(None, NEEDED) == right(Truth(), "")


def test_missing_words_lose_their_share_of_tasks_and_no_others() -> None:
    truth = Truth(needs={NEEDED: 0.1, "Other.": 0.2})
    whole = right(truth, f"{NEEDED} Other.")
    assert whole == right(None, "")
    one = right(truth, "Other.")
    lost = [before and not after for before, after in zip(whole, one, strict=True)]
    assert sum(lost) == pytest.approx(0.1 * 400, abs=20) and not any(
        after and not before for before, after in zip(whole, one, strict=True)
    )
    both = right(truth, "")
    assert all(not after for after, gone in zip(both, lost, strict=True) if gone) and sum(both) < sum(one)


def test_examples_count_until_there_are_enough() -> None:
    truth = Truth(example='"role":"assistant"', examples=2, example_loss=0.1)
    none, one, two, three = (sum(right(truth, "", count)) for count in range(4))
    assert none < one < two == three


def test_answers_turn_by_luck_with_each_wording() -> None:
    truth = Truth(flips=0.05)
    one, other = right(truth, "a"), right(truth, "b")
    assert right(truth, "a") == one
    assert 10 < sum(before != after for before, after in zip(one, other, strict=True)) < 80


def test_a_missing_form_costs_tokens_and_no_answer() -> None:
    settings = SimulatorSettings(truth=Truth(brief="the label alone"))
    task = TASKS[0]
    short, long = (
        answers.answer(Question(MODEL, task.prompt, context), Mind(settings, tasks.Skills()))
        for context in (b'"Say the label alone."', b'"Say it."')
    )
    assert long.output > short.output + 20
    assert tasks.is_right(task.prompt, long.text) == tasks.is_right(task.prompt, short.text)

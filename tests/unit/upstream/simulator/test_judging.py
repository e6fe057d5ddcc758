"""A model as judge of two answers, through the words and the schema with which the gateway asks it."""

import random

import msgspec

from farthing.quality.pairwise import SCHEMA, _request
from farthing.upstream.simulator import tasks
from farthing.upstream.simulator.answers import Mind, Question, answer
from farthing.upstream.simulator.judging import field_of, verdict
from farthing.upstream.simulator.models import MODELS
from farthing.upstream.simulator.settings import SimulatorSettings

BANK = list(tasks.bank(60, seed=5))


def asked(
    request: str, first: str, second: str, settings: SimulatorSettings | None = None, dice: int = 1
) -> str | None:
    prompt = _request("gpt-4.1", request, first, second)["messages"][1]["content"]
    return verdict(prompt, settings or SimulatorSettings(), random.Random(dice))


def test_the_right_answer_is_better_wherever_it_stands() -> None:
    for task in BANK:
        assert asked(task.prompt, task.gold, "no idea") == "first"
        assert asked(f"Be brief.\n{task.prompt}", "no idea", task.gold) == "second"
        assert asked(task.prompt, task.gold, task.gold) == asked(task.prompt, "a", "b") == "same"


def test_of_other_requests_it_says_that_both_are_the_same() -> None:
    assert asked("Write a poem.", "Roses", "Violets") == "same"
    assert verdict("Which is better?", SimulatorSettings(), random.Random(1)) is None


def test_it_is_as_often_wrong_and_biased_as_set() -> None:
    task = BANK[0]
    wrong = [asked(task.prompt, task.gold, "no idea", SimulatorSettings(judge_errors=0.2), at) for at in range(1000)]
    assert 150 < sum(each != "first" for each in wrong) < 250
    biased = [asked(task.prompt, "no idea", task.gold, SimulatorSettings(judge_bias=0.3), at) for at in range(1000)]
    assert 250 < biased.count("first") < 350


def test_it_replies_with_the_field_that_the_schema_names() -> None:
    schema = SCHEMA["schema"]
    assert isinstance(schema, dict)
    assert field_of(schema) == "better" and field_of({"type": "object"}) == field_of(None) == ""
    prompt = _request("gpt-4.1", BANK[0].prompt, BANK[0].gold, "no idea")["messages"][1]["content"]
    question = Question(MODELS["gpt-4.1"], prompt, b"all that it sees", schema=schema)
    settings = SimulatorSettings()
    said = answer(question, Mind(settings, tasks.Skills()))
    assert msgspec.json.decode(said.text) == {"better": "first"}

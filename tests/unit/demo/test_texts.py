"""The company's prompts hold what real ones do, so that shaping, caches and the lab have something true to find."""

import json
import random

import pytest

from farthing.demo import texts
from farthing.demo.company import BY_NAME, Heard, Moment
from farthing.wire.shaping.shape import LOSSLESS, Shaper


@pytest.mark.parametrize(
    "name", ["support chat", "product advisor", "invoice fields", "weekly report", "contract desk"]
)
def test_records_are_spelled_as_systems_spell_them_and_say_the_same_in_fewer_bytes(name: str) -> None:
    feature = BY_NAME[name]
    asked = next(feature.work(random.Random(2), feature.users[0], Moment(), "n"))
    body = json.dumps(asked.body).encode()
    made = Shaper(frozenset(LOSSLESS)).shape(asked.wire, body)
    assert made is not None and len(made.body) < 0.9 * len(body)
    before, after = (json.loads(each)["messages"][-1]["content"] for each in (body, made.body))
    assert [json.loads(part["text"]) for part in after[:-1]] == [json.loads(part["text"]) for part in before[:-1]]
    assert after[-1] == before[-1], "what people write is left alone"


def test_a_record_is_the_same_each_time_it_is_looked_up() -> None:
    assert texts.order(5) == texts.order(5) != texts.order(6)


def test_instructions_say_things_again_and_show_more_examples_than_it_takes() -> None:
    feature = BY_NAME["ticket queue"]
    system = next(feature.work(random.Random(2), feature.users[0], Moment(), "n")).body["messages"][0]["content"]
    assert system.count("Ticket: ") == 6
    assert all(rule in texts.HANDBOOK for rule in texts.AGAIN)


def test_the_coding_agent_marks_its_prompts_so_they_stay_as_they_are() -> None:
    feature = BY_NAME["coding agent"]
    script = feature.work(random.Random(2), feature.users[0], Moment(), "n")
    asked = next(script)
    asked = script.send(Heard(200, blocks=[{"type": "text", "text": "Done."}]))
    assert Shaper(frozenset(LOSSLESS)).shape(asked.wire, json.dumps(asked.body).encode()) is None

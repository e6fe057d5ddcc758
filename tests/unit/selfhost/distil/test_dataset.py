"""Answers, near-duplicates, filters, splits, formats."""

import csv
import io
import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest
from farthing.selfhost.distil import formats
from farthing.selfhost.distil.alike import Alike, similarity, sketch_of
from farthing.selfhost.distil.answers import entropy, look
from farthing.selfhost.distil.dataset import Filters, build, split
from unit.selfhost.distil.conftest import a_capture

WORDS = [
    "parcel",
    "invoice",
    "refund",
    "late",
    "broken",
    "address",
    "order",
    "payment",
    "return",
    "color",
    "size",
    "gift",
]


def a_text(dice: random.Random, length: int = 30) -> str:
    return " ".join(dice.choice(WORDS) + str(dice.randrange(1000)) for _ in range(length))


def test_what_answers_are_like() -> None:
    labelled = look(
        [
            a_capture(at, answer=("Billing ", "billing", "shipping")[at % 3], labels=("billing", "shipping"))
            for at in range(30)
        ]
    )
    assert (labelled.distinct, labelled.closed, labelled.labels) == (2, True, ("billing", "shipping"))
    assert labelled.top_share == pytest.approx(2 / 3) and 0.9 < labelled.entropy < 1.0
    assert look([a_capture(at, answer=f"word {at}") for at in range(100)]).closed is False
    assert look([a_capture(at, answer=str(at % 4)) for at in range(100)]).closed is True
    assert look([a_capture(at) for at in range(10)]).closed is None
    assert look([]).entropy == 0.0 and look([a_capture(text="a"), a_capture(text=" A")]).repeated == 0.5


def test_entropy_is_shannons_for_many() -> None:
    assert entropy([1000] * 8) == pytest.approx(3 + 7 / (16_000 * math.log(2)))
    assert entropy([5]) == 0.0


def test_near_duplicates_are_found_and_others_are_not() -> None:
    dice = random.Random(5)
    alike, texts = Alike(0.9), [a_text(dice) for _ in range(300)]
    for each in texts:
        assert alike.find(each) is None
        alike.add(each)
    found = [alike.find(each.replace(each.split()[15], each.split()[15][:-1] + "x", 1)) for each in texts]
    assert sum(number == at for at, number in enumerate(found)) >= 290
    assert sum(alike.find(a_text(dice)) is not None for _ in range(200)) == 0


@given(st.text(max_size=60), st.text(max_size=60))
def test_similarity_is_exact_for_short_texts(one: str, other: str) -> None:
    def shingles(text: str) -> set[str]:
        plain = " ".join(text.split()).casefold()
        return {plain[at : at + 5] for at in range(max(1, len(plain) - 4))}

    left, right = shingles(one), shingles(other)
    if len(left | right) <= 64:
        assert similarity(sketch_of(one), sketch_of(other)) == pytest.approx(len(left & right) / len(left | right))


def test_each_filter_says_what_it_left_out() -> None:
    dice = random.Random(2)
    calls = [a_capture(at, a_text(dice)) for at in range(20)]
    calls += [
        a_capture(20, turns=3), a_capture(21, "  ", answer="x"), a_capture(22, "tiny"), a_capture(23, "x" * 30_000),
        a_capture(24, a_text(dice)), a_capture(25, "Write to ana@example.org please, and soon"),
        a_capture(26, "Same question here?", "one"), a_capture(27, "same question  here?", "two"),
        a_capture(28, calls[0].text + "!"), a_capture(29, calls[1].text + "?", "shipping"),
        a_capture(30, a_text(dice), sample="left"),
    ]  # fmt: skip
    found = build(calls, Filters(least_chars=5), scores={"call-24": -1.0, "call-3": 1.0})
    assert found.dropped == {
        "given back by a student": 1, "earlier turns are not kept": 1, "empty": 1, "too short": 1, "too long": 1, "judged worse": 1,
        "personal data or secrets": 1, "answered differently": 2, "nearly the same": 1,
    }  # fmt: skip
    kept = {each.call_id for each in (*found.train, *found.test)}
    assert "call-28" in kept and "call-0" not in kept  # the newest stays
    assert {"call-1", "call-29"} <= kept  # another answer: there the border runs
    assert found.given == 31 and len(kept) == 21


def test_hard_calls_are_kept_where_that_is_asked_for() -> None:
    calls = [a_capture(at, sample=("drawn", "left", "audited", "held out", "")[at % 5]) for at in range(10)]
    assert build(calls, Filters(near=1.01)).dropped["given back by a student"] == 2
    assert "given back by a student" not in build(calls, Filters(near=1.01, fair=False)).dropped


def test_a_majority_of_answers_stays() -> None:
    calls = [a_capture(at, "Same question?", "two" if at == 1 else "one") for at in range(6)]
    found = build(calls, Filters(near=1.01))
    assert found.dropped["answered differently"] == 1 and len(found.train) + len(found.test) == 5


def test_tests_are_later_and_of_unseen_templates() -> None:
    calls = [a_capture(at, template=f"{at % 40:016x}") for at in range(400)]
    train, test, unseen = split(calls, 0.2, 0.1)
    apart = {each.template for each in test} - {each.template for each in train}
    assert unseen == sum(each.template in apart for each in test) > 0 and len(train) + len(test) == 400
    seen = [each for each in test if each.template not in apart]
    assert min(each.at_us for each in seen) > max(each.at_us for each in train)
    assert split(calls[:9], 0.0, 0.1) == (calls[:9], [], 0)


def test_nothing_left_is_said() -> None:
    with pytest.raises(BadRequest, match="nothing is left of 1 calls: empty 1"):
        build([a_capture(text=" ")], Filters())


CALL = a_capture(1, 'Say "hi",\nplease', "hi")


@pytest.mark.parametrize("format_", formats.FORMATS)
def test_each_format_holds_the_call(format_: str) -> None:
    data = b"".join(formats.written(format_, [CALL, CALL]))
    if format_ == "csv":
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
        assert [(row["text"], row["answer"], row["task"]) for row in rows] == [(CALL.text, "hi", "intent")] * 2
        return
    first, second = (json.loads(line) for line in data.splitlines())
    said = json.dumps(first)
    assert first == second and all(json.dumps(text)[1:-1] in said for text in (CALL.text, "hi", "Which team?"))
    (bare,) = [json.loads(line) for line in formats.written(format_, [CALL], "")]
    assert "Which team?" not in json.dumps(bare)


def test_shapes_as_their_readers_want_them() -> None:
    def one(format_: str) -> dict:
        return json.loads(next(formats.written(format_, [CALL])))

    turns = [{"role": "user", "content": CALL.text}, {"role": "assistant", "content": "hi"}]
    assert one("openai") == {"messages": [{"role": "system", "content": "Which team?"}, *turns]} == one("axolotl")
    assert one("anthropic") == {"system": "Which team?", "messages": turns}
    assert one("trl") == {"prompt": [{"role": "system", "content": "Which team?"}, turns[0]], "completion": turns[1:]}
    bedrock = one("bedrock")
    assert bedrock["schemaVersion"] == "bedrock-conversation-2024" and bedrock["system"] == [{"text": "Which team?"}]
    assert bedrock["messages"][1] == {"role": "assistant", "content": [{"text": "hi"}]}
    assert one("eval")["answer"] == "hi" and formats.suffix("csv") == ".csv" and formats.suffix("trl") == ".jsonl"

"""From captured calls to a student that answers, or that says why it does not."""

from functools import cache

import msgspec
import numpy as np
import pytest

from farthing.selfhost.students.changing import change
from farthing.selfhost.students.pairs import Captured, by_scope, clean
from farthing.selfhost.students.spelling import meaning
from farthing.selfhost.students.training import MOST, Trained, confidences, train
from farthing.steps.student.artefact import pack, unpack
from farthing.steps.student.features import NAME
from farthing.steps.student.judging import lengths_of, middles
from unit.selfhost.students.talk import calls

pytest.importorskip("numpy")


@cache
def trained(size: int) -> Trained:
    """A student of so many calls, none of which is wrong."""
    return train(clean(calls(size), most=MOST), None, NAME, target=0.95)


def test_a_student_of_an_easy_task_answers_as_its_teacher_spells_it() -> None:
    facts, judge = trained(700)
    assert judge is not None and facts.coverage > 0.5 and facts.bound >= 0.95 and not facts.why_not
    new = [each for each in calls(1_600) if each.text not in {one.text for one in calls(700)}]
    verdicts = [(judge.judge(each.text), each.answer) for each in new]
    sure = [verdict.answer == answer for verdict, answer in verdicts if verdict.sure]
    assert len(sure) > 0.5 * len(new) and sum(sure) >= 0.95 * len(sure)
    assert facts.least > 0, "where all that was seen passes, what it would be less sure of does not"
    assert not judge.judge("what is the capital of France, and who was born there").sure
    known, again = unpack(pack(facts, judge))
    assert known == facts
    assert again.judge(new[0].text).answer == verdicts[0][0].answer


def test_what_the_others_say_does_not_make_just_the_worst_group_the_surest() -> None:
    """Signs of chance tell nothing, so the surest quarter has a quarter of the errors."""
    in_quarter = errors = 0
    for seed in range(30):
        dice = np.random.default_rng(seed)
        signs, agreed = dice.normal(size=(600, 17)).astype(np.float32), dice.random(600) > 0.01
        _, sure = confidences(signs, agreed, None)
        in_quarter += int((~agreed[np.argsort(-sure)[:150]]).sum())
        errors += int((~agreed).sum())
    assert 0.17 < in_quarter / errors < 0.33


def test_open_traffic_is_answered_less() -> None:
    closed = trained(700).facts
    opened = train(clean(calls(700), most=MOST), None, NAME, target=0.95, traffic="open").facts
    assert opened.answered <= closed.answered


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        (calls(100), "too few"),
        ([msgspec.structs.replace(each, answer="yes") for each in calls(300)], "one answer"),
        ([msgspec.structs.replace(each, answer=each.text) for each in calls(300)], "no closed set"),
        (calls(400, wrong=1.0), "cannot be shown"),
        ([], "no pairs"),
    ],
)  # fmt: skip
def test_it_abstains_entirely_and_says_why(pairs: list[Captured], why: str) -> None:
    facts, judge = train(clean(pairs, most=MOST), None, NAME, target=0.95)
    assert judge is None and facts.answered == 0 and why in facts.why_not


def test_a_teacher_that_changed_its_mind_is_noticed() -> None:
    turned = {"track": "cancel", "cancel": "track"}
    pairs = calls(1_000)
    for at in range(800, 1_000):
        way = pairs[at].answer[9:-2]
        pairs[at] = msgspec.structs.replace(pairs[at], answer=pairs[at].answer.replace(way, turned.get(way, way)))
    facts, judge = train(clean(pairs, most=MOST), None, NAME, target=0.7)
    assert judge is None and ("latest" in facts.why_not or "cannot be shown" in facts.why_not)


def renamed(pairs: list[Captured], names: dict[str, str], since: int) -> list[Captured]:
    """Another word for some answers, from a call on."""
    found = list(pairs)
    for at in range(since, len(found)):
        way = found[at].answer[9:-2]
        found[at] = msgspec.structs.replace(found[at], answer=found[at].answer.replace(way, names.get(way, way)))
    return found


@pytest.mark.parametrize(
    "names", [{"track": "where"}, {way: f"{way}-2" for way in ("track", "return", "refund", "cancel")}]
)
def test_answers_that_were_renamed_are_forgotten_at_once(names: dict[str, str]) -> None:
    data = clean(renamed(calls(1_400), names, 600), most=MOST)
    assert not {f'{{"way": "{old}"}}' for old in names} & set(data.answers)
    assert data.outdated == 1_400 - data.size and 600 * len(names) / 4 * 0.8 < data.outdated <= 600
    facts, judge = train(data, None, NAME, target=0.95)
    assert judge is not None and facts.coverage > 0.5


def test_what_is_said_since_a_change_is_enough() -> None:
    """One answer became narrower, and half of what it was asked for has a new one."""
    pairs = calls(1_500)
    for at in range(700, 1_500):
        if "back" in pairs[at].text:
            pairs[at] = msgspec.structs.replace(pairs[at], answer='{"way": "exchange"}')
    facts, judge = train(clean(pairs, most=MOST), None, NAME, target=0.95)
    assert judge is not None and facts.pairs <= 800 and '{"way": "exchange"}' in facts.answers
    assert judge.judge("how do I return a red lamp").answer == '{"way": "return"}'


def test_a_rare_answer_is_no_change() -> None:
    ways = ["a", "b"] * 300 + ["rare"] * 3 + ["b", "a"] * 100
    assert change(ways) == (frozenset(), 0)
    assert change(["a"] * 50 + ["b"] * 50) == (frozenset({"a"}), 50)
    assert change([]) == (frozenset(), 0)
    stayed_away = ["a", "b", "c"] * 200 + ["a", "b"] * 200
    assert change(stayed_away).gone == frozenset()


def test_pairs_are_cleaned_and_answers_told_apart_by_what_they_say() -> None:
    pairs = [
        Captured("Where is it?", '{"way": "Track", "n": 1}', "t", 1), Captured("where  is IT?", "refund", "t", 5),
        Captured("", "refund", "t", 2), Captured("stop", " Refund ", "u", 3), Captured("money", "refund", "t", 4),
    ]  # fmt: skip
    data = clean(pairs, most=10)
    assert data.texts == ("stop", "money", "where  is IT?") and data.answers == ("refund",)
    assert (data.unreadable, data.repeats, data.conflicts, data.templates) == (1, 1, 1, ("t", "u"))
    assert meaning('{"a": "X", "b": 2}') == meaning('{"b":2,"a":"x"}') and meaning("yes") != meaning("no")
    assert clean(pairs, most=1).texts == ("where  is IT?",)
    found = by_scope([Captured("a", "b", "t", task="triage"), Captured("a", "b")])
    assert set(found) == {("default", "template:t"), ("default", "task:triage")}


def test_a_text_alone_is_judged_as_one_among_many() -> None:
    _, judge = trained(500)
    assert judge is not None
    texts = [each.text for each in calls(1_600)[500:540]]
    together = judge.judge_all(np.stack([judge.likeness.cosines(text, None) for text in texts]))
    for text, verdict in zip(texts, together, strict=True):
        alone = judge.judge(text)
        assert (alone.answer, alone.sure) == (verdict.answer, verdict.sure)
        assert alone.confidence == pytest.approx(verdict.confidence, abs=1e-4)


def test_an_example_left_out_is_not_in_the_middle_of_its_answer() -> None:
    dice = np.random.default_rng(3)
    rows = dice.normal(size=(30, 5)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    said = np.arange(30) % 3
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -2)
    lengths = lengths_of(cosines, said, 3)
    found = middles(cosines, said, lengths)
    for at in (0, 7, 29):
        others = [rows[(said == answer) & (np.arange(30) != at)].sum(0) for answer in range(3)]
        wanted = [rows[at] @ each / np.linalg.norm(each) for each in others]
        np.testing.assert_allclose(found[at], wanted, atol=1e-4)
    alone = middles(rows[:1] @ rows[1:].T, said[1:], lengths_of(rows[1:] @ rows[1:].T, said[1:], 3))
    np.testing.assert_allclose(alone[0], found[0], atol=1e-4)


def test_a_student_of_an_older_form_is_refused() -> None:
    facts, judge = trained(500)
    assert judge is not None
    with pytest.raises(ValueError, match="version"):
        unpack(pack(msgspec.structs.replace(facts, form=1), judge))


def test_what_is_no_student_is_refused() -> None:
    for broken in (b"", b"PK\x03\x04", b"not a file", pack_of_nothing()):
        with pytest.raises(ValueError):
            unpack(broken)


def pack_of_nothing() -> bytes:
    facts, judge = trained(700)
    assert judge is not None
    return pack(facts, judge)[:-200]


def test_words_count_beside_vectors() -> None:
    """Of vectors that tell nothing apart but two halves of the answers, words tell the rest; kept, it says the same."""
    pairs = calls(1_000)
    data = clean(pairs, most=MOST)
    halves = np.array(data.said) % 2
    dice = np.random.default_rng(5)
    vectors = (dice.normal(size=(data.size, 8)) * 0.3 + np.where(halves, 1, -1)[:, None]).astype(np.float32)
    facts, judge = train(data, vectors, "encoder", target=0.95)
    assert judge is not None and judge.words is not None and facts.left_out_agreement > 0.9
    known, again = unpack(pack(facts, judge))
    assert known == facts
    together = judge.judge_all(
        np.stack([judge.likeness.cosines("", vector) for vector in vectors[:20]]),
        np.stack([judge.words.scores(text) for text in data.texts[:20]]),
    )
    for text, vector, verdict in zip(data.texts, vectors, together, strict=False):
        alone, kept = judge.judge(text, vector), again.judge(text, vector)
        assert alone.answer == kept.answer == verdict.answer and alone.sure == verdict.sure
        assert alone.confidence == pytest.approx(verdict.confidence, abs=1e-4)
        assert alone.confidence == pytest.approx(kept.confidence, abs=0.02)

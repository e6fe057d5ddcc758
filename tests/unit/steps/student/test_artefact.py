"""A student as bytes: whole, cut, and with bits that turned."""

import random

import msgspec
import pytest

from farthing.selfhost.students.pairs import clean
from farthing.selfhost.students.training import train
from farthing.steps.student.artefact import Damaged, Facts, pack, unpack
from farthing.steps.student.features import NAME
from unit.selfhost.students.talk import calls


@pytest.fixture(scope="module")
def packed() -> tuple[Facts, bytes]:
    found = train(clean(calls(260), most=300), None, NAME, target=0.9)
    assert found.judge is not None
    return found.facts, pack(found.facts, found.judge)


def test_what_was_packed_says_the_same(packed: tuple[Facts, bytes]) -> None:
    facts, judge = unpack(packed[1])
    assert facts == packed[0] and judge.judge("where is my red lamp now").answer in facts.answers


def test_damaged_bytes_are_told_and_never_judge_otherwise(packed: tuple[Facts, bytes]) -> None:
    """Whatever is turned or missing: it is told, or it was where nothing is read."""
    facts, data = packed
    text = calls(300)[-1].text
    verdict = unpack(data)[1].judge(text)
    dice = random.Random(3)
    told = 0
    for _ in range(120):
        broken = bytearray(data)
        broken[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        try:
            found, judge = unpack(bytes(broken))
        except Damaged:
            told += 1
            continue
        assert found == facts and judge.judge(text) == verdict
    assert told > 100
    for size in (0, 1, 4, 100, len(data) // 2, len(data) - 1):
        with pytest.raises(Damaged):
            unpack(data[:size])


def test_arrays_that_do_not_go_together_are_told(packed: tuple[Facts, bytes]) -> None:
    facts, data = packed
    _, judge = unpack(data)
    judge.lengths = judge.lengths[:-1]
    with pytest.raises(Damaged):
        unpack(pack(facts, judge))


def test_one_of_another_version_is_not_damaged(packed: tuple[Facts, bytes]) -> None:
    facts, data = packed
    with pytest.raises(ValueError, match="not a student of this version") as told:
        unpack(pack(msgspec.structs.replace(facts, form=99), unpack(data)[1]))
    assert not isinstance(told.value, Damaged)

"""The guard on the committed trap set: how many traps it springs, how many paraphrases it serves."""

import json
import time
from pathlib import Path

import pytest

from farthing.steps.cache.guard import Strictness, compare, compare_prepared, prepare

TRAPS = Path(__file__).parents[4] / "traps"


def pairs(file: str, split: str) -> list[dict]:
    lines = (TRAPS / file).read_text("utf-8").splitlines()
    return [pair for pair in map(json.loads, lines) if pair["split"] == split]


def outcome(found: list[dict], strictness: Strictness = Strictness.DEFAULT) -> tuple[float, list[str]]:
    """Share of the paraphrases served, and the traps sprung."""
    served, sprung = [], []
    for pair in found:
        verdict = compare(pair["a"], pair["b"], pair["cosine"], strictness=strictness)
        if pair["same"]:
            served.append(verdict.same)
        elif verdict.same:
            sprung.append(pair["id"])
    return sum(served) / len(served), sprung


@pytest.mark.parametrize("split", ["tune", "test"])
def test_at_most_one_trap_of_150_is_sprung_and_two_thirds_of_the_paraphrases_are_served(split: str) -> None:
    served, sprung = outcome(pairs("pairs.jsonl", split))
    assert len(sprung) <= 1, sprung
    assert served >= 0.67


def test_later_rounds_hold() -> None:
    served, sprung = outcome(pairs("rounds.jsonl", "tune"))
    assert sprung == []
    assert served >= 0.75


@pytest.mark.parametrize("split", ["tune", "test"])
def test_everyday_questions_have_no_wrong_hit_and_many_repeats_served(split: str) -> None:
    served, wrong = outcome(pairs("ordinary.jsonl", split))
    assert wrong == []
    assert served >= 0.3


def test_strict_serves_less_and_springs_nothing() -> None:
    everything = [pair for split in ("tune", "test") for pair in pairs("pairs.jsonl", split)]
    served, sprung = outcome(everything, Strictness.STRICT)
    assert sprung == []
    assert 0.4 <= served < outcome(everything)[0] < outcome(everything, Strictness.LENIENT)[0]


def test_the_set_is_large_and_its_kinds_do_not_cross_the_split() -> None:
    tune, test = pairs("pairs.jsonl", "tune"), pairs("pairs.jsonl", "test")
    assert len(tune) + len(test) >= 600
    assert not {pair["kind"] for pair in tune} & {pair["kind"] for pair in test}
    assert len({pair["id"] for pair in tune + test}) == len(tune) + len(test)
    assert abs(sum(pair["same"] for pair in tune + test) * 2 - len(tune + test)) <= 2


def test_eight_candidates_take_few_milliseconds() -> None:
    found = pairs("pairs.jsonl", "test")[:200]
    read = [(prepare(pair["a"]), prepare(pair["b"]), pair["cosine"]) for pair in found]
    start = time.process_time()
    for asked, stored, cosine in read:
        compare_prepared(asked, stored, cosine)
    assert (time.process_time() - start) / len(read) * 8 < 0.01  # under 2 ms where nobody else is at work


def test_a_long_hostile_pair_is_refused_quickly() -> None:
    asked = "how do I " + " ".join(f"word{i} of thing{i}" for i in range(22))
    stored = "how do I " + " ".join(f"thing{i} word{i}" for i in range(22))
    pair = prepare(asked), prepare(stored)
    start = time.process_time()
    assert not compare_prepared(*pair, 0.99).same
    assert time.process_time() - start < 0.2  # it takes 2 ms

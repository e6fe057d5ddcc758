"""Trials decide as the tier does: the same guard, the same walls, an answer left by each miss."""

import hashlib
import re
from collections.abc import Sequence

import pytest

np = pytest.importorskip("numpy")

from farthing.steps.cache.guard import compare  # noqa: E402
from farthing.steps.cache.trial import Asked, Pair, Stream, decide  # noqa: E402


class Words:
    """Vectors of words: equal words make near texts."""

    name = "words"
    dims = 256

    async def encode(self, texts: Sequence[str]) -> "np.ndarray":
        rows = np.zeros((len(texts), self.dims), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16) % self.dims] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    async def close(self) -> None: ...


RESET, RESET_TOO, CHANGE = "How do I reset my password?", "how do I reset my password", "How do I reset my router?"


async def test_pairs_are_decided_by_the_guard() -> None:
    pairs = [Pair(RESET, RESET_TOO), Pair(RESET, CHANGE), Pair("", RESET), Pair("x" * 2_001, "x" * 2_001)]
    found = await decide(Words(), pairs)
    assert [each.same for each in found] == [True, False, False, False]
    assert found[1].rule == compare(CHANGE, RESET, found[1].cosine).rule != ""
    assert [each.rule for each in found[2:]] == ["length", "length"]
    assert found[0].cosine == 1.0


async def test_a_stream_answers_from_what_came_before() -> None:
    stream = Stream(Words())
    first = await stream.ask([Asked("1", RESET, "a"), Asked("2", RESET_TOO, "a"), Asked("3", RESET, "b")])
    then = await stream.ask([Asked(4, CHANGE, "a"), Asked(5, RESET, "a"), Asked(6, CHANGE, "b"), Asked(7, CHANGE, "b")])
    assert [(each.id, each.hit, each.of) for each in first + then] == [
        ("1", False, None), ("2", True, "1"), ("3", False, None), (4, False, None), (5, True, "1"), (6, False, None),
        (7, True, 6),
    ]  # fmt: skip
    assert (then[0].rule != "", then[0].cosine > 0.55) == (True, True)
    assert (first[0].rule, first[0].cosine) == ("", 0.0)


async def test_texts_that_are_no_questions_are_met_word_by_word_only() -> None:
    long = "why " * 600
    found = await Stream(Words()).ask(
        [Asked(1, long), Asked(2, long + "?"), Asked(3, long), Asked(4, " "), Asked(5, " ")]
    )
    assert [each.of for each in found] == [None, None, 1, None, 4]

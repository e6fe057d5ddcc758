"""Texts as sparse vectors: what is added for all rows at once is what is added row by row."""

import numpy as np
import pytest

from farthing.steps.student.features import Sparse, Words, _remembered, counts
from farthing.upstream.simulator import tasks

TEXTS = [tasks.make("classification", 1, number).prompt for number in range(60)] + ["Something else", "", "x y z x"]


def test_cosines_of_all_rows_with_each_other_are_those_of_each_text() -> None:
    sparse = Sparse.of(TEXTS)
    one_by_one = np.stack([sparse.cosines(text) for text in TEXTS])
    assert np.allclose(sparse.among(), one_by_one, atol=1e-5)
    assert np.allclose(np.diag(sparse.among())[:60], 1, atol=1e-5)


def test_a_text_of_unknown_words_is_near_to_nothing() -> None:
    assert not Sparse.of(TEXTS).cosines("Qqqq vvvv").any()


def test_long_words_are_not_remembered() -> None:
    """4,000 of them would be a gigabyte."""
    before = _remembered.cache_info().currsize
    counted = [counts(f"{at:04}" * 1_000) for at in range(20)]
    assert _remembered.cache_info().currsize == before
    assert counts("0007" * 1_000) == counted[7] != counted[8]


def test_words_say_for_each_answer_what_their_cosines_come_to() -> None:
    texts = ["where is my lamp", "refund my lamp please", "where is the refund", "stop it"]
    rows, weights = Sparse.of(texts), np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    words = Words.of(rows, weights)
    for text in (*texts, "where is my refund, please", "", "xylophone"):
        np.testing.assert_allclose(words.scores(text), rows.cosines(text) @ weights, atol=1e-5)
    with pytest.raises(ValueError, match="do not go together"):
        Words(words.idf, words.table[:-1])

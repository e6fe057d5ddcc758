"""The tokenizer's ids are the reference's: for 10,000 texts of all kinds, by a hash of each."""

import hashlib
import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.embed.wordpiece import END, START, UNKNOWN, WordPiece, tokenizer

HERE = Path(__file__).parent


def _texts() -> Iterator[str]:
    place = importlib.util.spec_from_file_location("wordpiece_texts", HERE / "wordpiece_texts.py")
    assert place and place.loader
    made: Any = importlib.util.module_from_spec(place)
    place.loader.exec_module(made)
    found: Iterator[str] = made.texts()
    return found


def _hash(ids: list[int]) -> str:
    return hashlib.blake2b(repr(ids).encode(), digest_size=4).hexdigest()


def test_ids_equal_the_reference_on_10_000_texts() -> None:
    expected = (HERE / "golden_ids.txt").read_text(encoding="ascii").replace("\n", "")
    wrong, count = [], 0
    for number, text in enumerate(_texts()):
        count += 1
        if _hash(tokenizer().ids(text)) != expected[8 * number : 8 * number + 8]:
            wrong.append((number, text[:80]))
    assert (count, len(expected)) == (10_000, 80_000)
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", []),
        ("What's our refund policy?", [2054, 1005, 1055, 2256, 25416, 8630, 3343, 1029]),
        ("CAFÉ cafe\u0301 café", [7668, 7668, 7668]),
        ("[SEP] [sep]", [END, 1031, 19802, 1033]),
        ("[CLS]", [START]),
        ("a" * 101, [UNKNOWN]),
        ("\u200b\ufeff\0", []),
    ],
)
def test_ids_of_known_texts(text: str, ids: list[int]) -> None:
    assert tokenizer().ids(text) == ids


def test_a_lone_surrogate_is_dropped_like_a_control_character() -> None:
    assert tokenizer().ids("pass\ud800word") == tokenizer().ids("password")


@given(st.text(), st.text())
def test_texts_apart_by_a_space_have_the_ids_of_both(left: str, right: str) -> None:
    words = tokenizer()
    assert words.ids(f"{left} {right}") == words.ids(left) + words.ids(right)


@given(st.text())
def test_each_id_is_in_the_vocabulary(text: str) -> None:
    assert all(0 <= each < 30_522 for each in tokenizer().ids(text))


def test_many_characters_and_words_do_not_stay_in_memory() -> None:
    words = WordPiece()
    for start in range(0x10000, 0x40000, 0x4000):
        words.ids(" ".join(map(chr, range(start, start + 0x4000))))
    words.ids(" ".join(f"word{number}" for number in range(20_000)))
    assert len(words._table) <= 65_536
    assert words._pieces.cache_info().currsize <= 16_384


def test_a_short_question_takes_microseconds() -> None:
    text = "How do I reset the password of my account in the mobile app?"
    words = tokenizer()
    words.ids(text)
    best = min(_seconds(words, text) for _ in range(50))
    assert best < 100e-6


def _seconds(words: WordPiece, text: str) -> float:
    start = time.perf_counter()
    words.ids(text)
    return time.perf_counter() - start

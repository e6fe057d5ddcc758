"""The words of providers, in either spelling and case."""

import logging

import pytest

from farthing.upstream.batches.states import STATES, States, shown


@pytest.mark.parametrize("kind", STATES)
def test_both_spellings_are_known(kind: str) -> None:
    words = STATES[kind]
    for word, state in words.items():
        for other in (word.replace("cancell", "cancel"), word.replace("canceli", "cancelli"), word.upper()):
            if other in words:
                assert States(kind, "p").meaning(other) == state
    assert "ended" in words.values() and "running" in words.values()


def test_an_unknown_word_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    states = States("openai", "mine")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert states.meaning("dreaming\n") == "unknown"
    assert [record.getMessage().startswith("mine calls a batch 'dreaming?'") for record in caplog.records] == [True]
    for at in range(300):
        states.meaning(f"word {at}")
    assert len(caplog.records) <= 100


def test_words_are_shown_short_and_plain() -> None:
    assert shown("a\x1bb" + "c" * 100) == "a?b" + "c" * 61


@pytest.mark.parametrize(
    ("word", "over", "has_results", "state"),
    [
        ("dreaming", False, False, "unknown"), ("dreaming", False, True, "unknown"), ("dreaming", True, False, "failed"),
        ("dreaming", True, True, "ended"), ("failed", False, False, "failed"), ("failed", False, True, "ended"),
        ("in_progress", True, True, "running"),
    ],
)  # fmt: skip
def test_an_unknown_word_is_waited_out(word: str, over: bool, has_results: bool, state: str) -> None:
    assert States("openai", "p").settled(word, over=over, has_results=has_results) == state

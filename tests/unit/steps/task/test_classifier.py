"""The classifier tells kinds of work apart, and says nothing rather than too little."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.routes import TASKS
from farthing.steps.task.classifier import NOTHING, TIER_OF, WEIGHTS, Classifier
from farthing.steps.task.features import ROWS, WORD_ROWS, features, row_of, shape

classifier = Classifier()
PARCEL = "My parcel has been on its way for nine days now, and nobody at the shop answers the phone."


def test_it_knows_our_kinds_of_work() -> None:
    assert sorted(classifier.labels) == sorted((*TASKS, NOTHING)) == sorted(TIER_OF)


def test_the_weights_are_small() -> None:
    assert WEIGHTS.stat().st_size < 300_000


@pytest.mark.parametrize(
    ("text", "instructions", "label"),
    [
        (PARCEL, "Classify the customer's message into one of these intents: delivery, billing, complaint. Return only the intent.", "classification"),
        (f"Extract the following fields as JSON: name, date, amount.\n\n{PARCEL}", "", "extraction"),
        (f"Summarise the following text in two sentences.\n\n{PARCEL * 5}", "", "summarisation"),
        ("Translate the following text to German: The house is old.", "", "rewrite"),
        ("Mia has 12 pears. She gives a third of them to Tom and buys 7 more. How many pears does she have now?", "", "reasoning"),
        ("Find all real solutions of $x^2 - 5x + 6 = 0$.", "", "reasoning"),
        ("Write a poem about an old lighthouse.", "", "creative"),
        ("Write a function in Python that reverses a linked list.", "", "code"),
    ],
)  # fmt: skip
def test_plain_cases(text: str, instructions: str, label: str) -> None:
    assert classifier.guess(text, instructions).label == label


@pytest.mark.parametrize("text", ["", "hi", "ok", "thanks a lot!", "continue", "xqzt wvrp 77"])
def test_it_abstains_where_there_is_nothing_to_see(text: str) -> None:
    assert classifier.guess(text).label == ""


@given(st.text(max_size=400), st.text(max_size=100))
def test_probabilities_add_up(text: str, instructions: str) -> None:
    shares = classifier.probabilities(text, instructions)
    assert abs(sum(shares) - 1) < 1e-9 and min(shares) >= 0


@given(st.text(alphabet=string.ascii_letters + string.digits + " .?,\n_$\\", max_size=300))
def test_rows_are_in_the_table(text: str) -> None:
    seen = features(text, "", code=True, quoted=True)
    assert all(0 <= row < WORD_ROWS for row in seen.words | seen.edges)
    assert all(WORD_ROWS <= row < ROWS for row in seen.shape)


def test_hashes_do_not_change() -> None:
    """Weights are worth nothing under another hash."""
    assert row_of("<parcel>") == 19974


def test_the_middle_of_a_long_text_is_not_read() -> None:
    head, tail = "Summarise this. " * 60, " What does it say about tax?" * 40
    one, other = (features(head + middle * 3000 + tail, "") for middle in ("apple ", "brick "))
    assert (one.words, one.edges) == (other.words, other.edges)


def test_shape_names() -> None:
    names = shape("Which one is it?\nA. 4\nB. 5\nC. 6", "", code=False, quoted=False)
    assert "options 3" in names and "asks False True" in names
    assert "formula" in shape("Solve $x^2 = 4$.", "", code=False, quoted=False)

"""What the structure of a request says of its kind of work."""

import pytest

from farthing.model.asked import Asked
from farthing.steps.task.structure import is_agent, structure

TEXT = "The parcel came on Monday and the box was open. " * 10


def task(asked: Asked) -> str:
    form = structure(asked)
    return form.task if form is not None else ""


def test_one_enum_is_classification() -> None:
    assert task(Asked(text=TEXT, labels=("spam", "ham"), picks=True, fields=1)) == "classification"


def test_letters_are_the_answers_of_an_exam() -> None:
    assert task(Asked(text=TEXT, labels=("A", "B", "C", "D"), picks=True, fields=1)) == ""


def test_fields_over_a_text_are_extraction() -> None:
    assert task(Asked(text=TEXT, fields=4, schema=True)) == "extraction"
    assert task(Asked(text="Take the fields.", quoted=900, fields=4, schema=True)) == "extraction"


def test_fields_over_no_text_are_anything() -> None:
    assert task(Asked(text="Invent a hero.", fields=4, schema=True)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "How similar are these two sentences?\n1. I am here.\n2. Here I am.", "Rank the following passages by relevance to 'tax':\n[1] a b\n[2] c d",
        "Which of the FAQ entries is closest in meaning to the question?\n1. How to pay\n2. How to go", "Find near-duplicates in this list:\n- a\n- b\n- c",
        "Wie ähnlich sind sich die Texte?\n1. Der Hund\n2. Die Katze", "You are a reranker.\nquery: tax\n1. a\n2. b",
    ],
)  # fmt: skip
def test_comparing_by_meaning_is_embedding(text: str) -> None:
    assert task(Asked(text=text)) == "embedding"


@pytest.mark.parametrize(
    "text",
    [
        "What is the similarity between Kant and Hume?", "Write a function that removes duplicates.", "Are these triangles similar?", "Which is the most relevant law here, and why?",
        "Write a poem about duplicates\nand another\nand one more",
    ],
)  # fmt: skip
def test_words_about_likeness_alone_are_not(text: str) -> None:
    assert task(Asked(text=text)) == ""


def test_source_text_is_never_embedding() -> None:
    assert task(Asked(text="How similar are these?\n1. a\n2. b", code=True)) == ""


def test_agents_have_tools_to_choose_from() -> None:
    assert is_agent(Asked(tools=3))
    assert not is_agent(Asked(tools=1, fields=3))
    assert not is_agent(Asked())

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.lab.prompt import AS_IT_IS, Arm, PromptError, Variant, read_prompt

FILE = '''
name = "tickets"
may_go = ["label alone"]
keep = ["polite"]
typical = { input = 50, output = 5 }

[[messages]]
role = "system"
text = """Sort tickets. Be polite.

# Rules
- Answer with the label alone.
- Take care."""

[[messages]]
role = "user"
text = "Ticket: {{ticket}}"

[[examples]]
input = "a"
output = "b"

[[examples]]
input = "c"
output = "d"

[[arms]]
name = "limit"
body = { max_tokens = 5 }
add = "One word."

[body]
temperature = 0
'''
PROMPT = read_prompt(FILE, "file")


def test_its_parts() -> None:
    assert [(part.text, part.protected, part.released) for part in PROMPT.parts] == [
        ("Sort tickets.", "", False), ("Be polite.", "kept", False), ("- Answer with the label alone.", "", True),
        ("- Take care.", "", False), ("Ticket: {{ticket}}", "slot", False), ("a\n-> b", "", False), ("c\n-> d", "", False),
    ]  # fmt: skip


def test_a_request() -> None:
    assert PROMPT.request("m", AS_IT_IS, {"ticket": "It {{broke}}."}) == {
        "temperature": 0, "model": "m", "stream": False,
        "messages": [
            {"role": "system", "content": PROMPT.messages[0].text}, {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"},
            {"role": "user", "content": "Ticket: It {{broke}}."},
        ],
    }  # fmt: skip


def test_a_variant() -> None:
    body = PROMPT.request("m", Variant(frozenset((0, 2, 3, 5)), arm="limit"), {"ticket": "x"})
    assert [message["content"] for message in body["messages"]] == ["Be polite.\n\nOne word.", "c", "d", "Ticket: x"]
    assert body["max_tokens"] == 5
    turned = PROMPT.request("m", Variant(order=(1, 0)), {"ticket": "x"})
    assert [message["content"] for message in turned["messages"][1:5]] == ["c", "d", "a", "b"]


def test_a_message_that_is_left_with_nothing_is_left_out() -> None:
    prompt = read_prompt("[[messages]]\nrole='system'\ntext='Be kind.'\n[[messages]]\nrole='user'\ntext='{{a}}'", "p")
    assert [each["role"] for each in prompt.request("m", Variant(frozenset((0,))), {"a": "x"})["messages"]] == ["user"]


def test_the_new_file_is_the_variant() -> None:
    variant = Variant(frozenset((0, 5)), arm="limit")
    again = read_prompt(PROMPT.toml(variant), "other")
    assert again.request("m", AS_IT_IS, {"ticket": "x"}) == PROMPT.request("m", variant, {"ticket": "x"})
    assert (again.name, again.keep, again.may_go, again.typical) == (
        "tickets",
        ("polite",),
        ("label alone",),
        PROMPT.typical,
    )


@given(
    st.text(), st.text(), st.dictionaries(st.text(min_size=1), st.text() | st.lists(st.integers(0, 9)) | st.booleans())
)
def test_any_text_comes_back_from_the_file(system: str, shown: str, more: dict[str, object]) -> None:
    names = {"model", "messages", "stream"} | {name for name in more if not name.isprintable()}
    body = {name: each for name, each in more.items() if name not in names}
    prompt = read_prompt("[[messages]]\nrole='user'\ntext='{{a}}'", "p")
    prompt.messages = (*prompt.messages, prompt.messages[0].__class__("user", f"{system}{{{{a}}}}"))
    prompt.examples = (PROMPT.examples[0].__class__(shown, system),)
    prompt.body = body
    prompt.segments = [[], []]
    told = tomllib.loads(prompt.toml(AS_IT_IS))
    assert told["messages"][1]["text"] == f"{system}{{{{a}}}}" and told["examples"][0]["input"] == shown
    assert told.get("body", {}) == body


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[messages]]\nrole='user'\ntext=''", "last one must have text"),
        ("[[messages]]\nrole='user'\ntext='a'", "slot"), ("a = 1", "unknown field `a`"),
        (FILE.replace("limit", ""), "names of their own"), (FILE + "stream = true", "stream: not in a body"),
        ("[[messages]]\nrole='user'\ntext='{{a}} " + "Aa bb. " * 401 + "'", "parts are more than"),
    ],
)  # fmt: skip
def test_what_is_no_prompt(text: str, said: str) -> None:
    with pytest.raises(PromptError, match=said):
        read_prompt(text, "p")


@pytest.mark.parametrize(
    ("field", "text", "inside"),
    [
        ("", '{"a": "x"}', "x"), ("", '{"a": 1}', "1"), ("", '{"a": "x", "b": "y"}', None), ("b", '{"a": "x", "b": "y"}', "y"),
        ("c", '{"a": "x"}', None), ("", "x", None), ("", "[1]", None), ("", '{"a": null}', None), ("", "\ud800", None),
    ],
)  # fmt: skip
def test_the_answer_inside_an_arms_json(field: str, text: str, inside: str | None) -> None:
    assert Arm("json", field=field).answer_in(text) == inside


def test_text_that_is_the_same_in_each_call() -> None:
    assert PROMPT.fixed(Variant(frozenset((5, 6)))).endswith("Ticket: ")
    assert "a\nb" in PROMPT.fixed()

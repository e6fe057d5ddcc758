import msgspec
import pytest

from farthing.prices.match import Clause, forms_of


def clause(text: str) -> Clause:
    return msgspec.json.decode(text, type=Clause)


@pytest.mark.parametrize(
    ("text", "meant", "not_meant"),
    [
        ('{"equals": "GPT-4o"}', "gpt-4o", "gpt-4o-mini"),
        ('{"starts_with": "claude-"}', "claude-opus-5", "anthropic.claude-opus-5"),
        ('{"ends_with": ":free"}', "qwen3-8b:free", "qwen3-8b"),
        ('{"contains": "nova"}', "us.amazon.nova-pro", "us.amazon.titan"),
        ('{"regex": "^gpt-5\\\\.6-sol-\\\\d{4}$"}', "gpt-5.6-sol-2026", "gpt-5.6-sol"),
        ('{"or": [{"equals": "a"}, {"equals": "b"}]}', "b", "c"),
        ('{"and": [{"starts_with": "a"}, {"ends_with": "z"}]}', "a-z", "a-y"),
    ],
)
def test_each_kind_of_clause(text: str, meant: str, not_meant: str) -> None:
    assert clause(text).matches(meant)
    assert not clause(text).matches(not_meant)


@pytest.mark.parametrize("text", ["{}", '{"equals": "a", "contains": "b"}', '{"like": "a"}'])
def test_a_clause_has_exactly_one_key(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        clause(text)


def test_a_bad_regex_is_found_wherever_it_is() -> None:
    with pytest.raises(ValueError, match=r"regex '\('"):
        clause('{"or": [{"equals": "a"}, {"and": [{"regex": "("}]}]}').check()


@pytest.mark.parametrize(
    ("model", "forms"),
    [
        ("GPT-4o", [("gpt-4o", False)]),
        ("models/gemini-2.5-pro", [("gemini-2.5-pro", False)]),
        ("gpt-5.2-20251211", [("gpt-5.2-20251211", False), ("gpt-5.2-2025-12-11", False), ("gpt-5.2", True)]),
        ("claude-x@20260101", [("claude-x@20260101", False), ("claude-x", True)]),
        ("gpt-4-1106", [("gpt-4-1106", False)]),
    ],
)
def test_the_forms_of_an_id(model: str, forms: list[tuple[str, bool]]) -> None:
    assert list(forms_of(model)) == forms

"""Letters instead of escapes: the same value, whatever was escaped."""

import json

from hypothesis import given
from hypothesis import strategies as st

from farthing.wire.shaping.escapes import letters

TEXTS = st.text(max_size=40) | st.sampled_from(
    ["Größe", "注文を承りました", "\\u00e9", '\\"\\\\u0041', "👍🏽", "\x00\x85"]
)


@given(st.dictionaries(TEXTS, TEXTS, max_size=6))
def test_the_value_stays_the_same(value: dict[str, str]) -> None:
    text = json.dumps(value)
    made = letters(text)
    if made is not None:
        assert json.loads(made.text) == value
        assert len(made.text) < len(text) and letters(made.text) is None


def test_letters_pairs_and_the_escapes_of_html_become_plain() -> None:
    made = letters('{"a":"M\\u00fcller \\ud83d\\udc4d \\u003cb\\u003e"}')
    assert made is not None and made.text == '{"a":"Müller 👍 <b>"}'
    assert made.tokens > 0


def test_escapes_that_are_needed_stay() -> None:
    for text in ('["\\u0022 \\u005c \\u0000 \\u000a"]', '["\\\\u00e9"]', '["\\u200b\\u202e"]'):
        assert letters(text) is None, text


def test_text_that_is_no_json_and_fenced_code_are_left_alone() -> None:
    for text in ("caf\\u00e9", '{"a":"\\u00e9"} more', "[\"```\\nx = '\\u00e9'\\n```\"]", '["\\ud83d alone"]'):
        assert letters(text) is None, text

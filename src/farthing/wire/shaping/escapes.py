r"""Embedded JSON with letters instead of `\uXXXX` escapes, which cost a model three to six tokens a letter.

Only inside JSON, where an escape and its letter are the same value. Escapes that are needed stay: control characters,
quotes, backslashes, halves of a surrogate pair. A document with a code fence inside is left alone. Knows no wire format.
"""

import re

import msgspec

from farthing.wire.shaping.compact import is_json
from farthing.wire.shaping.shaped import Shaped

TOKENS_AN_ESCAPE = 2
"""That fall with each: 2.3 (punctuation in HTML) to 4.4 (German and French) were seen."""
FENCE = "```"

_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|.)", re.DOTALL
)
"""A pair of surrogates, a single code, or any other escape, so that the second of two backslashes begins none."""


def letters(text: str) -> Shaped | None:
    """The same JSON document with letters for escapes; None where there are none, or it is no JSON document."""
    if text.rfind("\\u") < 0 or FENCE in text or not is_json(text):
        return None
    changed = 0

    def letter(match: re.Match[str]) -> str:
        nonlocal changed
        high, low, single = match.groups()
        if high is not None:
            changed += 2
            return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
        if single is None:
            return match[0]
        char = chr(int(single, 16))
        if not _is_plain(char):
            return match[0]
        changed += 1
        return char

    try:
        msgspec.json.format(text, indent=-1)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    made = _ESCAPE.sub(letter, text)
    return Shaped(made, changed * TOKENS_AN_ESCAPE) if changed else None


def _is_plain(char: str) -> bool:
    """Whether a character may stand in a JSON string as it is, and is seen when it does."""
    return char not in '"\\' and char.isprintable()

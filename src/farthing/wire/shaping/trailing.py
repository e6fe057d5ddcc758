"""Texts without white space at the ends of their lines, which nobody sees and models are billed for.

Two spaces at the end of a line are a line break in Markdown and stay. A text with source text or a fence in it is left
alone. Knows no wire format.
"""

import re

from farthing.wire.asked import is_code
from farthing.wire.shaping.shaped import Shaped

LINES_A_TOKEN = 2
"""A tokenizer sees many line ends with a space or two as one token anyway."""

_LINE_END = re.compile(r"(?<![ \t])[ \t]++(?=\n)")
"""A run is tried once, as a whole: a megabyte of spaces takes no longer than one of letters."""
_FENCES = ("```", "~~~")
HARD_BREAK = "  "


def trimmed(text: str) -> Shaped | None:
    """The text without white space at the ends of its lines and at its own end; None where no token falls."""
    end = text.rstrip(" \t\n")
    tail = len(text) - len(end)
    inside = " \n" in end or "\t\n" in end
    if not end or not (inside or " \n" in text) or any(fence in text for fence in _FENCES) or is_code(text):
        return None
    lines = 0

    def cut(match: re.Match[str]) -> str:
        nonlocal lines
        if match[0] == HARD_BREAK and end[match.start() - 1 : match.start()] not in ("", "\n"):
            return HARD_BREAK
        lines += 1
        return ""

    made = _LINE_END.sub(cut, end) if inside else end
    tokens = lines // LINES_A_TOKEN + (1 if (tail and text[len(end)] != "\n") or "\n " in text[len(end) :] else 0)
    return Shaped(made, tokens) if tokens else None

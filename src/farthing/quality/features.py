"""What is kept of a prompt for who learns which prompts are difficult: ids that a hash made of its words, and how it looks.

No text can be told from it: 4,096 buckets stand for all words there are. Knows nothing of who learns.
"""

import math
import re
import zlib
from itertools import pairwise
from struct import Struct
from typing import NamedTuple

from farthing.model.asked import Asked

BUCKETS = 4096
SURFACE = 5
LONGEST_TEXT = 3000
"""Characters that are read: the first and the last half of them."""
_WORD = re.compile(r"[^\W\d_]+|\d+|[^\s\w]")
_HEAD = Struct("<B8sH5f")
_ID = Struct("<H")
_LAYOUT = 1


class Features(NamedTuple):
    """What is kept of a prompt."""

    ids: tuple[int, ...]
    """Buckets of its words, pairs of words, and parts of words of four letters; sorted, each once."""
    surface: tuple[float, ...]
    """Log of input tokens, has tools, has code, share of digits, log of lines."""


def of_asked(asked: Asked) -> Features:
    """Features of what a request asks for."""
    return features_of(asked.text, asked.in_tokens, tools=asked.tools > 0, code=asked.code)


def kept_of(asked: Asked) -> bytes:
    """The same as the store keeps it."""
    return packed(of_asked(asked), asked.template)


def features_of(text: str, in_tokens: int, *, tools: bool = False, code: bool = False) -> Features:
    """Features of a prompt. About 0.3 ms for 2,000 characters."""
    if len(text) > LONGEST_TEXT:
        text = text[: LONGEST_TEXT // 2] + "\n" + text[-LONGEST_TEXT // 2 :]
    words = ["0" if word.isdigit() else word for word in _WORD.findall(text.lower())]
    kinds = set(words)
    grams = {f"{one} {other}" for one, other in pairwise(words)}
    parts = set()
    for word in kinds:
        marked = f"<{word[:40]}>"
        parts.update([marked[at : at + 4] for at in range(len(marked) - 3)])
    crc, mask = zlib.crc32, BUCKETS - 1
    ids = {crc(name.encode("utf-8", "replace")) & mask for group in (kinds, grams, parts) for name in group}
    digits = sum(map(str.isdigit, text)) / max(1, len(text))
    surface = (math.log1p(max(0, in_tokens)), float(tools), float(code), digits, math.log1p(text.count("\n")))
    return Features(tuple(sorted(ids)), surface)


def packed(features: Features, template: str = "", out_tokens: int = 0) -> bytes:
    """As the store keeps it. `template` is 16 hex digits or nothing."""
    head = _HEAD.pack(_LAYOUT, bytes.fromhex(template or "0" * 16), min(out_tokens, 65535), *features.surface)
    return head + b"".join(map(_ID.pack, features.ids))


class Unpacked(NamedTuple):
    features: Features
    template: str
    out_tokens: int


def unpacked(kept: bytes) -> Unpacked | None:
    """The opposite of `packed`; None if another release kept it otherwise."""
    if len(kept) < _HEAD.size or kept[0] != _LAYOUT or (len(kept) - _HEAD.size) % 2:
        return None
    _, template, out_tokens, *surface = _HEAD.unpack_from(kept)
    ids = tuple(each for (each,) in _ID.iter_unpack(kept[_HEAD.size :]))
    if any(each >= BUCKETS for each in ids):
        return None
    named = template.hex() if any(template) else ""
    return Unpacked(Features(ids, tuple(surface)), named, out_tokens)

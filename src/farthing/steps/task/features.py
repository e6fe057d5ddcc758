"""What the classifier looks at: words and pairs of words, pieces of words, and the outer shape of a prompt; each a row of
its table. The trainer uses the same code. Knows no weights and no tasks.
"""

import re
from typing import NamedTuple
from zlib import crc32

WORD_ROWS, SHAPE_ROWS = 2**15, 2**11
ROWS = WORD_ROWS + SHAPE_ROWS
"""Rows of the table: those of words, then those of the shape. A feature's row is the hash of its name."""
HEAD_WORDS, TAIL_WORDS = 70, 40
"""Words of the ask that are read: what is wanted is said first or last, and what lies between is what it is done to."""
SYSTEM_HEAD, SYSTEM_TAIL = 60, 25
EDGE = 14
"""Words at each end that are seen once more on their own."""
CHARACTERS = 10
"""At most, for each word that is read; longer ends are cut off before they are looked at."""
PIECE = 4
"""Letters of a piece of a word."""
REMEMBERED = 20_000
"""Words whose rows are remembered; callers choose their words, so there is a bound."""


class Seen(NamedTuple):
    """Rows of the table. Those of words and of edges count by the square root of how many there are."""

    words: set[int]
    edges: set[int]
    """Words near the ends, once more."""
    shape: set[int]
    """Each counts as it is."""


def features(text: str, instructions: str, *, code: bool = False, quoted: bool = False) -> Seen:
    """What is to be seen in the words of a person and the instructions above them."""
    words: set[int] = set()
    edges: set[int] = set()
    for runs in (_ends(text, HEAD_WORDS, TAIL_WORDS), _ends(instructions, SYSTEM_HEAD, SYSTEM_TAIL)):
        for run in runs:
            _add(words, run)
        _add_edge(edges, runs[0][:EDGE])
        _add_edge(edges, runs[-1][-EDGE:])
    return Seen(
        words,
        edges,
        {
            WORD_ROWS + crc32(name.encode("utf-8", "replace")) % SHAPE_ROWS
            for name in shape(text, instructions, code=code, quoted=quoted)
        },
    )


def row_of(name: str) -> int:
    return crc32(name.encode("utf-8", "replace")) % WORD_ROWS


_WORD = re.compile(r"[^\W\d_]+|\d+|[?!:;=+*/^<>|%$€\[\]{}()\\#-]")


def _ends(text: str, head: int, tail: int) -> list[list[str]]:
    """The words at both ends, in lower case."""
    cut = (head + tail) * CHARACTERS
    if len(text) <= cut:
        words = _WORD.findall(text.lower())
        if len(words) <= head + tail:
            return [words]
        return [words[:head], words[-tail:]]
    return [
        _WORD.findall(text[: head * CHARACTERS].lower())[:head],
        _WORD.findall(text[-tail * CHARACTERS :].lower())[-tail:],
    ]


def _add(rows: set[int], words: list[str]) -> None:
    last = "^"
    for word in words:
        if word[0].isdigit():
            word = "0" if len(word) < 3 else "000"
        known = _known.get(word)
        if known is None:
            known = _known[word] = _of_word(word)
            if len(_known) > REMEMBERED:
                _known.clear()
        rows.update(known)
        rows.add(crc32(f"{last} {word}".encode("utf-8", "replace")) % WORD_ROWS)
        last = word


def _add_edge(rows: set[int], words: list[str]) -> None:
    last = "^"
    for word in words:
        rows.add(crc32(f"|{word}".encode("utf-8", "replace")) % WORD_ROWS)
        rows.add(crc32(f"|{last} {word}".encode("utf-8", "replace")) % WORD_ROWS)
        last = word


_known: dict[str, tuple[int, ...]] = {}


def _of_word(word: str) -> tuple[int, ...]:
    """The word itself and its pieces."""
    framed = f"<{word[:24]}>"
    pieces = {framed}
    if len(word) > PIECE:
        pieces.update("~" + framed[at : at + PIECE] for at in range(len(framed) - PIECE + 1))
    return tuple(row_of(piece) for piece in pieces)


_OPTIONS = re.compile(r"^\s*\(?(?:[A-Ja-j]|\d\d?)[.):]\s", re.MULTILINE)
_FORMULA = re.compile(
    r"\\[a-zA-Z]{2,}|\$[^$\n]{1,80}\$|[a-zA-Z0-9)]\s?\^\s?[({0-9a-z]|\d\s?[-+*/=]\s?\d|[a-z]\s?=\s?-?\d"
)
_NAMES = re.compile(r"[a-z0-9]_[a-z]")
"""Names as programs have them."""
SAY_LITTLE = 90
"""Characters of instructions that only say to be helpful."""
_NUMBER = re.compile(r"\d+")
_FINAL = re.compile(r"[.?!:\n]\s*")


def shape(text: str, instructions: str, *, code: bool, quoted: bool) -> list[str]:
    """The outer shape of a prompt, as names."""
    words = text.count(" ") + 1
    size = _bucket(words)
    numbers = len(_NUMBER.findall(text))
    options = len(_OPTIONS.findall(text))
    asks = text.rstrip().endswith("?")
    found = [
        f"size {size}", f"lines {_bucket(text.count(chr(10)) + 1)}", f"numbers {_bucket(numbers)}",
        f"density {_bucket(100 * numbers // words)}", f"instructions {_bucket(instructions.count(' '))}",
        f"options {min(options, 4)}", f"asks {asks} {'?' in text}",
        f"names {_bucket(len(_NAMES.findall(text)) + len(_NAMES.findall(instructions)))}",
        f"commas {_bucket(20 * text.count(',') // words)}", f"commas above {_bucket(instructions.count(','))}",
        f"below instructions, size {size if len(instructions) > SAY_LITTLE else 0}",
    ]  # fmt: skip
    formulas = len(_FORMULA.findall(text))
    if formulas:
        found += ["formula", f"formulas {_bucket(formulas)}"]
    if code:
        found += ["code", f"code asks {asks}"]
    if "```" in text:
        found.append("fence")
    if quoted:
        found.append("quoted")
    if text.rstrip().endswith(":"):
        found.append("ends with a colon")
    if options > 1:
        found += [f"options, numbers {_bucket(numbers - options)}", f"options, formula {formulas > 0}"]
    if asks:
        last = _FINAL.split(text.rstrip().rstrip("?")[-400:])[-1].split()
        found.append("last question " + " ".join(last[:2]).lower())
        found.append(f"asks, numbers {min(numbers, 3)}, words {size}")
    return found


def _bucket(count: int) -> int:
    """0, 1, 2, 3-4, 5-8, ... as 0, 1, 2, 3, 4, ..."""
    return (count - 1).bit_length() + 1 if count > 0 else 0

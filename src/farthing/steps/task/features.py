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
    return crc32(_spelled(name)) % WORD_ROWS


def _spelled(name: str) -> bytes:
    return name.encode("utf-8", "replace")


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


class _Word(NamedTuple):
    """What is hashed of a word, as far as it can be without those around it. A pair's hash is that of its first word and a
    blank, continued with the second."""

    rows: tuple[int, ...]
    """Of the word itself and its pieces."""
    spelled: bytes
    """Numbers are alike if they are about as long."""
    before: int
    """The hash with which a pair begins that it is the first of."""
    edge: int
    edge_spelled: bytes
    edge_before: int


_known: dict[str, _Word] = {}
_FIRST, _EDGE_FIRST = crc32(b"^ "), crc32(b"|^ ")


def _word(word: str) -> _Word:
    alike = word if not word[0].isdigit() else "0" if len(word) < 3 else "000"
    spelled, edge_spelled = _spelled(alike), _spelled(word)
    if len(_known) >= REMEMBERED:
        _known.clear()
    known = _known[word] = _Word(
        _pieces(alike), spelled, crc32(spelled + b" "), row_of(f"|{word}"), edge_spelled, crc32(b"|%b " % edge_spelled)
    )
    return known


def _add(rows: set[int], words: list[str]) -> None:
    before = _FIRST
    for word in words:
        known, spelled, following, _, _, _ = _known.get(word) or _word(word)
        rows.update(known)
        rows.add(crc32(spelled, before) % WORD_ROWS)
        before = following


def _add_edge(rows: set[int], words: list[str]) -> None:
    before = _EDGE_FIRST
    for word in words:
        _, _, _, row, spelled, following = _known.get(word) or _word(word)
        rows.add(row)
        rows.add(crc32(spelled, before) % WORD_ROWS)
        before = following


def _pieces(word: str) -> tuple[int, ...]:
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
_SUM = re.compile(r"\\[a-zA-Z]{2,}|\$[^$\n]{1,80}\$|\d\s?[-+*/=]\s?\d")
"""The same for texts without ^ and =: a fifth of the work, since no letter can begin one."""
_NAMES = re.compile(r"[a-z0-9]_[a-z]")
"""Names as programs have them."""
SAY_LITTLE = 90
"""Characters of instructions that only say to be helpful."""
_NUMBER = re.compile(r"\d+")
_DIGITS = bytes(byte if byte in b"0123456789" else ord(" ") for byte in range(256))
"""Blanks all other bytes of a text."""
_FINAL = re.compile(r"[.?!:\n]\s*")


def shape(text: str, instructions: str, *, code: bool, quoted: bool) -> list[str]:
    """The outer shape of a prompt, as names."""
    words = text.count(" ") + 1
    size = _bucket(words)
    numbers = _numbers(text)
    options = len(_OPTIONS.findall(text)) if "\n" in text else int(_OPTIONS.match(text) is not None)
    asks = text.rstrip().endswith("?")
    found = [
        f"size {size}", f"lines {_bucket(text.count(chr(10)) + 1)}", f"numbers {_bucket(numbers)}",
        f"density {_bucket(100 * numbers // words)}", f"instructions {_bucket(instructions.count(' '))}",
        f"options {min(options, 4)}", f"asks {asks} {'?' in text}",
        f"names {_bucket(sum(len(_NAMES.findall(each)) for each in (text, instructions) if '_' in each))}",
        f"commas {_bucket(20 * text.count(',') // words)}", f"commas above {_bucket(instructions.count(','))}",
        f"below instructions, size {size if len(instructions) > SAY_LITTLE else 0}",
    ]  # fmt: skip
    formulas = _formulas(text, numbers)
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


def _numbers(text: str) -> int:
    """How many there are. A pattern looks at each character, which takes ten times as long."""
    return len(text.encode().translate(_DIGITS).split()) if text.isascii() else len(_NUMBER.findall(text))


def _formulas(text: str, numbers: int) -> int:
    """How many there are; where nothing can be one, nobody looks for it."""
    if "^" in text or "=" in text:
        return len(_FORMULA.findall(text))
    return len(_SUM.findall(text)) if numbers > 1 or "\\" in text or "$" in text else 0


def _bucket(count: int) -> int:
    """0, 1, 2, 3-4, 5-8, ... as 0, 1, 2, 3, 4, ..."""
    return (count - 1).bit_length() + 1 if count > 0 else 0

"""Text to the token ids of bert-base-uncased, equal to those of its reference tokenizer.

The text is cleaned (control characters out, any white space a space), accents are taken off, letters lowered; a word is
what stands between spaces, each sign and each Chinese character is one by itself; a word is then cut into the longest
pieces that the vocabulary holds. Knows nothing of models.
"""

import re
import unicodedata
from bisect import bisect_right
from functools import cache, lru_cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"

UNKNOWN, START, END = 100, 101, 102
_SPECIAL = {"[PAD]": 0, "[UNK]": UNKNOWN, "[CLS]": START, "[SEP]": END, "[MASK]": 103}
_SPECIAL_WORDS = re.compile(r"(\[(?:PAD|UNK|CLS|SEP|MASK)\])")

LONGEST_WORD = 100
"""Characters; a longer word is one unknown token."""
_REMEMBERED_WORDS = 16_384
_REMEMBERED_CHARACTERS = 65_536

_CHINESE = "3400-4dbf 4e00-9fff f900-faff 20000-2a6df 2a700-2b73f 2b740-2b81f 2b920-2ceaf 2f800-2fa1f"


class WordPiece:
    """The tokenizer. Safe to use from several threads."""

    def __init__(self) -> None:
        pieces = (_DATA / "vocab.txt").read_text(encoding="utf-8").split("\n")
        self._whole = {piece: number for number, piece in enumerate(pieces) if piece}
        self._inner = {piece[2:]: number for piece, number in self._whole.items() if piece.startswith("##")}
        self._table = _Table()
        self._pieces = lru_cache(_REMEMBERED_WORDS)(self._cut)

    def ids(self, text: str) -> list[int]:
        """Token ids without the marks for start and end, the whole text. The names of the marks in a text, such as
        `[SEP]`, become the marks: so does the reference."""
        if "[" not in text:
            return self._plain(text)
        found: list[int] = []
        for part in _SPECIAL_WORDS.split(text):
            mark = _SPECIAL.get(part)
            found += self._plain(part) if mark is None else [mark]
        return found

    def _plain(self, text: str) -> list[int]:
        found: list[int] = []
        for word in self._table.apply(text).split():
            if len(word) > LONGEST_WORD:
                found.append(UNKNOWN)
            else:
                found += self._pieces(word)
        return found

    def _cut(self, word: str) -> tuple[int, ...]:
        """The longest piece that the vocabulary holds, then the longest of the rest, and so on."""
        found = []
        start, pieces = 0, self._whole
        while start < len(word):
            end = len(word)
            while end > start and word[start:end] not in pieces:
                end -= 1
            if end == start:
                return (UNKNOWN,)
            found.append(pieces[word[start:end]])
            start, pieces = end, self._inner
        return tuple(found)


class _Table(dict[int, str]):
    """What each character becomes, for `str.translate`; worked out when a character is first met."""

    def __init__(self) -> None:
        lines = (_DATA / "characters.txt").read_text(encoding="ascii").splitlines()
        classes = {name: value for name, _, value in (line.partition(" ") for line in lines)}
        self._removed = _members(classes["removed"])
        self._spaces = _members(classes["spaces"])
        self._marks = _members(classes["marks"])
        self._signs = _members(classes["signs"])
        self._chinese = _members(_CHINESE)
        self._later = {int(old, 16): new for old, _, new in (pair.partition("=") for pair in classes["later"].split())}
        self._out_of_order = re.compile(f"[{_pattern(classes['ordered'])}]")
        self._dropped = re.compile(f"[{_pattern(classes['removed'])}]")

    def apply(self, text: str) -> str:
        """The text with its words apart by spaces, cleaned."""
        if text.isascii():
            return text.translate(self)
        if self._out_of_order.search(text):
            # Marks that stay have an order among themselves, which shows only in the whole text.
            text = unicodedata.normalize("NFD", self._dropped.sub("", text))
        return text.translate(self)

    def __missing__(self, code: int) -> str:
        if len(self) >= _REMEMBERED_CHARACTERS:
            self.clear()
        made = self._make(code)
        self[code] = made
        return made

    def _make(self, code: int) -> str:
        if code in self._removed or 0xD800 <= code <= 0xDFFF:
            return ""
        if code in self._spaces:
            return " "
        made = "".join(map(self._apart, self._bare(code)))
        return f" {made} " if code in self._chinese else made

    def _bare(self, code: int) -> str:
        """The character without accents, in lower case."""
        if code in self._later:
            return "".join(chr(int(each, 16)) for each in self._later[code].split("+"))
        return "".join(each.lower() for each in unicodedata.normalize("NFD", chr(code)) if ord(each) not in self._marks)

    def _apart(self, char: str) -> str:
        if ord(char) in self._spaces:
            return " "
        return f" {char} " if ord(char) in self._signs else char


class _Ranges:
    """A set of code points, kept as ranges: some classes hold a hundred thousand."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self._firsts = [first for first, _ in ranges]
        self._lasts = [last for _, last in ranges]

    def __contains__(self, code: int) -> bool:
        at = bisect_right(self._firsts, code) - 1
        return at >= 0 and code <= self._lasts[at]


def _members(written: str) -> _Ranges:
    return _Ranges(_read(written))


def _pattern(written: str) -> str:
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _read(written))


def _read(written: str) -> list[tuple[int, int]]:
    """Ranges as the data file writes them: `9-d 20 85`."""
    pairs = ((first, last or first) for first, _, last in (each.partition("-") for each in written.split()))
    return [(int(first, 16), int(last, 16)) for first, last in pairs]


@cache
def tokenizer() -> WordPiece:
    """The one tokenizer of this process; the first call reads its vocabulary (some 20 ms)."""
    return WordPiece()

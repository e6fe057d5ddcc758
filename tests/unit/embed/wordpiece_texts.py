# ruff: noqa: RUF001, SIM905 (look-alike letters and a list of words are the point here)
"""10,000 texts of all kinds that the ids of the tokenizer are proved by; the same texts on every Python.

`tools/wordpiece.py` hashes the reference's ids of them into `golden_ids.txt`.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

COUNT = 10_000

WORDS = """how do i reset my password what is the refund policy for orders placed in europe can you explain this error why
does kubernetes restart pods invoice subscription unbelievable antidisestablishmentarianism tokenization embeddings
iPhone GitHub PostgreSQL don't it's e-mail 3.14 1,000 2026-11-25 $49.99 50% v2.0.1 #42 A/B C++ naïve café résumé Zürich
São Łódź Ångström Straße İstanbul ΟΔΥΣΣΕΥΣ Ἀθῆναι Москва Київ България""".split()

SCRIPTS = {
    "han": [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x20100), (0xF900, 0xFAD9)],
    "kana": [(0x3041, 0x3096), (0x30A1, 0x30FA), (0xFF66, 0xFF9D)],
    "hangul": [(0xAC00, 0xD7A3), (0x1100, 0x1112)],
    "devanagari": [(0x0900, 0x097F)],
    "tamil and bengali": [(0x0B85, 0x0BCD), (0x0985, 0x09CD)],
    "thai": [(0x0E01, 0x0E3A), (0x0E3F, 0x0E5B)],
    "arabic and hebrew": [(0x0620, 0x0669), (0x05D0, 0x05EA), (0x0591, 0x05C7)],
    "greek and cyrillic": [(0x0370, 0x04FF), (0x1F00, 0x1FFE)],
    "latin": [(0x00A0, 0x024F), (0x1E00, 0x1EFF)],
    "emoji": [(0x1F300, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F900, 0x1F9FF), (0x2600, 0x27BF), (0x1F1E6, 0x1F1FF)],
    "symbols": [(0x2000, 0x206F), (0x20A0, 0x20BF), (0x2100, 0x22FF), (0x2460, 0x24FF), (0xFF01, 0xFF5E)],
    "mathematical letters": [(0x1D400, 0x1D7FF)],
}
MARKS = [(0x0300, 0x036F), (0x1AB0, 0x1ABE), (0x20D0, 0x20F0), (0x0651, 0x0655), (0x302A, 0x302F), (0x1D165, 0x1D172)]
CONTROLS = [(0x00, 0x1F), (0x7F, 0xA0), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x2064), (0xFEFF, 0xFEFF),
            (0xFFF9, 0xFFFD), (0xE000, 0xE010), (0xE0020, 0xE007F), (0x3000, 0x3000), (0x1680, 0x1680)]  # fmt: skip
PIECES = ["[SEP]", "[CLS]", "[PAD]", "[MASK]", "[UNK]", "[sep]", "[ SEP ]", "[SEP", "SEP]", "[[SEP]]", "x[CLS]y", "##ing",
          "```python\nprint('x')\n```", "https://example.com/a_b?c=d&e=%20f#g", '{"key": [1, 2.5e-3, null]}', "\\frac{a}{b}",
          "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "👍🏽", "1️⃣", "ﬁ ﬂ ﬃ", "ẞ ß", "Ω Ω Å", "Ⅷ ⅷ", "½ ²", "ΣΑΣ Σ ς", "İI ıi", "Ǆ ǅ ǆ", "…", "“q”", "’s",
          "a\u0301\u0323b", "\u1e9b\u0323", "e\u0301", "ｆｕｌｌ　ｗｉｄｔｈ", "क्षि त्र", "ไม่มี", "한국어", "日本語テスト", "中文"]  # fmt: skip


def texts() -> Iterator[str]:
    chance = Random(20_261_125)
    makers: list[Callable[[Random], str]] = [
        sentence, sentence, sentence, script, script, mixed, mixed, marked, controlled, anywhere, pieces, pieces,
    ]  # fmt: skip
    yield from edges()
    for number in range(COUNT - len(edges())):
        yield makers[number % len(makers)](chance)


def edges() -> list[str]:
    """Lengths at which something changes, and texts of 10 kB of each kind."""
    chance = Random(7)
    found = ["", " ", "\n\t ", "\u0301", "\ufffd", "\0"]
    found += ["a" * n for n in (99, 100, 101, 300)] + ["ab" * 150, "é" * 100, "é" * 101, "İ" * 100, "漢" * 300]
    found += ["한" * n for n in (33, 34, 50, 51, 100)] + ["q" * 99 + "\u0301" * 50, "x" * 50 + "-" + "y" * 60]
    for make in (sentence, script, mixed, marked, controlled, anywhere, pieces):
        text = ""
        while len(text.encode()) < 10_000:
            text += make(chance) + " "
        found.append(text)
    return found


def sentence(chance: Random) -> str:
    words = [pick(chance, WORDS) for _ in range(1 + below(chance, 25))]
    words = [
        word.upper() if chance.random() < 0.1 else word.title() if chance.random() < 0.2 else word for word in words
    ]
    return "".join(
        word + pick(chance, [" ", " ", " ", ", ", "? ", "! ", "-", " (", ") ", ": ", "\n", "'", "_", "/"])
        for word in words
    )


def script(chance: Random) -> str:
    blocks = pick(chance, tuple(SCRIPTS.values()))
    return "".join(char(chance, blocks) if chance.random() > 0.15 else " " for _ in range(1 + below(chance, 60)))


def mixed(chance: Random) -> str:
    return "".join(
        pick(chance, WORDS) + pick(chance, ["", " "]) if chance.random() < 0.5 else char(chance, pick(chance, tuple(SCRIPTS.values())))
        for _ in range(1 + below(chance, 30))
    )  # fmt: skip


def marked(chance: Random) -> str:
    """Letters with marks stacked on them, in an order that is not the canonical one."""
    return "".join(
        char(chance, MARKS) if chance.random() < 0.5 else pick(chance, tuple("aeiouzAEÖñक한あ漢 1."))
        for _ in range(1 + below(chance, 40))
    )


def controlled(chance: Random) -> str:
    return "".join(
        char(chance, CONTROLS) if chance.random() < 0.3 else pick(chance, tuple("abcxyzABC019.,é漢 "))
        for _ in range(1 + below(chance, 50))
    )


def anywhere(chance: Random) -> str:
    """Any code point, whether it has a character or not."""
    codes = (
        below(chance, 0x110000) if chance.random() < 0.2 else below(chance, 0x3100)
        for _ in range(1 + below(chance, 40))
    )
    return "".join(chr(code) for code in codes if not 0xD800 <= code <= 0xDFFF)


def pieces(chance: Random) -> str:
    return "".join(pick(chance, PIECES) + pick(chance, ["", " ", "  "]) for _ in range(1 + below(chance, 12)))


def char(chance: Random, blocks: list[tuple[int, int]]) -> str:
    first, last = pick(chance, blocks)
    return chr(first + below(chance, last - first + 1))


def pick(chance: Random, choices: Sequence[T]) -> T:
    return choices[below(chance, len(choices))]


def below(chance: Random, limit: int) -> int:
    """By `random()` alone: the one method of Random whose results never change."""
    return int(chance.random() * limit)

"""Writes what the tokenizer is built from and proved by, out of the reference implementation.

    python tools/wordpiece.py TOKENIZER_JSON

needs the package `tokenizers` (in an environment of its own: Farthing does not use it) and the `tokenizer.json` of
all-MiniLM-L6-v2. Writes `src/farthing/embed/data/characters.txt` (how each character is treated) and
`tests/unit/embed/golden_ids.txt` (a hash of the ids of each text that `wordpiece_texts.py` makes).
"""

import hashlib
import importlib.util
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer  # type: ignore[import-not-found]

ROOT = Path(__file__).parents[1]
CHARACTERS = ROOT / "src" / "farthing" / "embed" / "data" / "characters.txt"
TESTS = ROOT / "tests" / "unit" / "embed"


def characters(reference: Any) -> str:
    """The classes of characters, found by asking the reference about each."""
    normalize, split = reference.normalizer.normalize_str, reference.pre_tokenizer.pre_tokenize_str
    found: dict[str, list[int]] = {name: [] for name in ("removed", "spaces", "marks", "signs", "ordered")}
    later = []
    for code in (*range(0xD800), *range(0xE000, 0x110000)):
        char = chr(code)
        made = normalize(f"a{char}b")[1:-1]
        if made == " ":
            found["spaces"].append(code)
        if not made:
            found["removed" if unicodedata.category(char)[0] == "C" or char == "\ufffd" else "marks"].append(code)
        if [word for word, _ in split(f"a{char}b")] == ["a", char, "b"]:
            found["signs"].append(code)
        if made and unicodedata.combining(char):
            found["ordered"].append(code)
    marks = set(found["marks"])
    for code in (*range(0xD800), *range(0xE000, 0x110000)):
        char = chr(code)
        made = normalize(f"a{char}b")[1:-1]
        plain = "".join(each.lower() for each in unicodedata.normalize("NFD", char) if ord(each) not in marks)
        if made.strip() and made.strip() != plain:
            later.append(f"{code:x}={'+'.join(f'{ord(each):x}' for each in made)}")
    return "".join(f"{name} {ranges(codes)}\n" for name, codes in found.items()) + f"later {' '.join(later)}\n"


def ranges(codes: Iterable[int]) -> str:
    joined: list[list[int]] = []
    for code in codes:
        if joined and joined[-1][1] == code - 1:
            joined[-1][1] = code
        else:
            joined.append([code, code])
    return " ".join(f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in joined)


def golden(reference: Any) -> str:
    """Eight hex digits a text, 12 texts a line: small enough to keep, and a wrong id does not get past 10,000 of them."""
    place = importlib.util.spec_from_file_location("wordpiece_texts", TESTS / "wordpiece_texts.py")
    assert place and place.loader
    made = importlib.util.module_from_spec(place)
    place.loader.exec_module(made)
    hashes = [digest(reference.encode(text, add_special_tokens=False).ids) for text in made.texts()]
    return "".join("".join(hashes[start : start + 12]) + "\n" for start in range(0, len(hashes), 12))


def digest(ids: list[int]) -> str:
    return hashlib.blake2b(repr(ids).encode(), digest_size=4).hexdigest()


def main() -> None:
    reference = Tokenizer.from_file(sys.argv[1])
    reference.no_truncation()
    reference.no_padding()
    CHARACTERS.write_text(characters(reference), encoding="ascii")
    (TESTS / "golden_ids.txt").write_text(golden(reference), encoding="ascii")


if __name__ == "__main__":
    main()

"""From a word to the forms by which it may be matched: spelling, inflection, synonym. Knows one word at a time."""

from __future__ import annotations

from functools import lru_cache

from farthing.steps.cache.guard.lexicon import (
    BRITISH,
    COUPLES,
    IRREGULAR,
    NOUNS_IN_ING,
    NOUNS_IN_S,
    NOUNS_TOO,
    SYNONYMS,
)

VOWELS = frozenset("aeiouy")


def spelled(word: str) -> str:
    """One spelling for British and American."""
    if word in BRITISH:
        return BRITISH[word]
    for british, american in (
        ("isation", "ization"),
        ("ise", "ize"),
        ("ising", "izing"),
        ("ised", "ized"),
        ("ises", "izes"),
    ):
        if len(word) > len(british) + 4 and word.endswith(british) and not word.endswith(_NOT_IZE):
            return word[: -len(british)] + american
    return word


_NOT_IZE = tuple(
    stem + end
    for stem in [
        "exerc",
        "adv",
        "rev",
        "superv",
        "surpr",
        "comprom",
        "enterpr",
        "prom",
        "franch",
        "telev",
        "d",
        "ra",
        "cru",
        "merchand",
        "prec",
        "expert",
        "pra",
        "prem",
        "pro",
    ]
    for end in ("ise", "ised", "ising", "ises")
)


def singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word in NOUNS_IN_S or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return word[:-2]
    return word[:-1]


def _plain(word: str) -> tuple[str, ...]:
    """The base forms that an inflected word may have come from; more than one where English does not say which."""
    if word in IRREGULAR:
        return (IRREGULAR[word],)
    word = singular(word)
    if word in IRREGULAR:
        return (IRREGULAR[word],)
    base = ""
    if word.endswith("ing") and len(word) > 5 and word not in NOUNS_IN_ING:
        base = word[:-3]
    elif word.endswith("ied") and len(word) > 4:
        return (word[:-3] + "y",)
    elif word.endswith("ed") and len(word) > 3 and not word.endswith("eed"):
        base = word[:-2]
    if not base or not VOWELS & set(base):
        return (word,)
    if len(base) > 2 and base[-1] == base[-2] and base[-1] not in VOWELS:
        return (base[:-1], base)
    return (base, base + "e")


@lru_cache(maxsize=20_000)
def forms(word: str) -> frozenset[str]:
    """All keys under which a word may equal another; two words are the same when their keys meet."""
    word = spelled(word)
    found: set[str] = set()
    for base in (word, *_plain(word)):
        base = spelled(base)
        found.add(SYNONYMS.get(base, base))
    if len(found) > 1 and word not in NOUNS_TOO:
        found.discard(word)
    return frozenset(found)


PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "mis", "de")


@lru_cache(maxsize=20_000)
def opposite(left: str, right: str) -> bool:
    """Antonyms by the table, or one word with a negative prefix."""
    ours, theirs = forms(left) | {left}, forms(right) | {right}
    if any((a, b) in COUPLES for a in ours for b in theirs):
        return True
    return any(
        a == prefix + b or b == prefix + a
        for a in ours
        for b in theirs
        for prefix in PREFIXES
        if min(len(a), len(b)) > 2
    )


def slip(left: str, right: str) -> bool:
    """A doubled letter, two letters turned round or (in long words) one left out: fingers, not another vowel or ending."""
    if min(len(left), len(right)) < 5 or left[0] != right[0]:
        return False
    if len(left) == len(right):
        differ = [i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a != b]
        if len(differ) != 2 or differ[1] != differ[0] + 1:
            return False
        first, second = differ
        return left[first] == right[second] and left[second] == right[first]
    short, long = sorted((left, right), key=len)
    if len(long) != len(short) + 1:
        return False
    for i in range(1, len(long) - 1):
        if long[:i] + long[i + 1 :] == short:
            return len(short) >= 8 or long[i] in (long[i - 1], long[i + 1])
    return False

"""The rules: each looks for one kind of difference between two prepared texts that may change the answer.

A rule returns "" or words for people that say what differs. They are asked in the order of `RULES`; the first that speaks
refuses. None knows of thresholds or of the cache.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from farthing.steps.cache.guard import lexicon as lx
from farthing.steps.cache.guard.prepared import Prepared, Token
from farthing.steps.cache.guard.words import opposite, slip


class Alignment(NamedTuple):
    """Which content word of one text is which of the other, and what is left over on each side."""

    pairs: dict[int, int]
    left: tuple[Token, ...]
    right: tuple[Token, ...]


def align(ours: Prepared, theirs: Prepared) -> Alignment:
    """Match content words by their keys, then slips of spelling, compounds written apart and acronyms spelled out."""
    free = list(range(len(theirs.content)))
    pairs: dict[int, int] = {}
    for same in (_equal, _slipped):
        for index, token in enumerate(ours.content):
            if index in pairs:
                continue
            for other in free:
                if same(token, theirs.content[other]):
                    pairs[index] = other
                    free.remove(other)
                    break
    left = [token for index, token in enumerate(ours.content) if index not in pairs]
    right = [theirs.content[index] for index in free]
    if left and right:
        left, right = _joined(left, right)
        right, left = _joined(right, left)
        left, right = _spelled_out(left, right, theirs.raw)
        right, left = _spelled_out(right, left, ours.raw)
    return Alignment(pairs, tuple(left), tuple(right))


def _equal(ours: Token, theirs: Token) -> bool:
    if ours.text == theirs.text:
        return True
    if (ours.name and theirs.name) or ours.acronym or theirs.acronym:
        return False
    return not ours.keys.isdisjoint(theirs.keys)


def _slipped(ours: Token, theirs: Token) -> bool:
    return (
        not (ours.name or theirs.name)
        and slip(ours.text, theirs.text)
        and not (ours.text in lx.KNOWN and theirs.text in lx.KNOWN)
    )


def _joined(ones: list[Token], parts: list[Token]) -> tuple[list[Token], list[Token]]:
    """ "check out" and "checkout" are one word."""
    for one in ones:
        for first, second in zip(parts, parts[1:], strict=False):
            if one.text == first.text + second.text:
                return [t for t in ones if t is not one], [t for t in parts if t is not first and t is not second]
    return ones, parts


def _spelled_out(ones: list[Token], words: list[Token], raw: tuple[str, ...]) -> tuple[list[Token], list[Token]]:
    """ "ROI" and "return on investment" are one word."""
    for one in ones:
        length = len(one.text)
        if not one.acronym or not 2 <= length <= 5:
            continue
        for start in range(len(raw) - length + 1):
            run = raw[start : start + length]
            if "".join(word[0] for word in run) == one.text and all(len(word) > 1 for word in run):
                return [t for t in ones if t is not one], [t for t in words if t.text not in run]
    return ones, words


# --- the rules ----------------------------------------------------------------------------------------------------------


def numbers(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    if ours.numbers == theirs.numbers:
        return ""
    mine, others = Counter(ours.numbers), Counter(theirs.numbers)
    extra, missing = mine - others, others - mine
    if set(extra) <= {"1"} and set(missing) <= {"1"}:
        if (not extra or theirs.soft_ones) and (not missing or ours.soft_ones):
            return ""
    return f"numbers differ: {' '.join(extra) or 'none'} / {' '.join(missing) or 'none'}"


def negation(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    return "" if ours.negations == theirs.negations else "one is negated"


def kind(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    mine, others = _asked(ours), _asked(theirs)
    if mine == others or {mine, others} == {("topic",), ("what",)}:
        return ""
    return f"they ask {' '.join(mine)} / {' '.join(others)}"


def _asked(one: Prepared) -> tuple[str, ...]:
    """ "How much does it cost" asks what the price is."""
    if "how-much" in one.asks and any("cost" in token.keys for token in one.content):
        return tuple(sorted("what" if ask == "how-much" else ask for ask in one.asks))
    return one.asks


def modality(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    free: set[str] = set()
    if "how" in ours.asks:
        free = {"can", "should", "would"}
    elif "where" in ours.asks:
        free = {"can"}
    mine, others = ours.modals - free, theirs.modals - free
    return "" if mine == others else f"{'/'.join(sorted(mine)) or 'plain'} is not {'/'.join(sorted(others)) or 'plain'}"


def tense(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    return "" if ours.tense == theirs.tense else f"{ours.tense or 'present'} is not {theirs.tense or 'present'}"


def persons(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    mine, others = _third(ours), _third(theirs)
    if mine != others:
        return f"{' '.join(mine) or 'nobody'} is not {' '.join(others) or 'nobody'}"
    near, far = _near(ours), _near(theirs)
    if near == far or not (set(near) and set(far)):
        both = len(set(near)) > 1 or len(set(far)) > 1
        return "who does it to whom differs" if both and near != far else ""
    if len(set(near)) > 1 or len(set(far)) > 1:
        return "" if near == far else "who does it to whom differs"
    if set(near) == set(far):
        return ""
    general = "how" in ours.asks or ("can" in ours.modals and ours.asks == ("yes-no",)) or "should" in ours.modals
    return "" if general and not ours.tense else "I is not you"


_PERSON = {"i": "i", "me": "i", "we": "i", "us": "i", "you": "you"}


def _near(one: Prepared) -> list[str]:
    return [_PERSON[person] for person in one.persons if person in _PERSON]


def _third(one: Prepared) -> list[str]:
    return sorted(person for person in one.persons if person not in _PERSON)


def owners(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    mine, others = ours.owners, theirs.owners
    if mine == others:
        return ""
    why = f"{'/'.join(sorted(mine)) or 'nobody'}'s is not {'/'.join(sorted(others)) or 'nobody'}'s"
    if mine - lx.OWNERS_NEAR != others - lx.OWNERS_NEAR or (mine & lx.OWNERS_NEAR and others & lx.OWNERS_NEAR):
        return why
    bare = theirs if mine else ours
    return why if bare.indefinite and "how" not in bare.asks else ""


def small_words(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    if ours.strong == theirs.strong:
        return ""
    mine, others = Counter(ours.strong), Counter(theirs.strong)
    extra, missing = mine - others, others - mine
    if ours.listed and theirs.listed and set(extra | missing) <= {"all"}:
        return ""
    return f"{' '.join(extra) or 'nothing'} is not {' '.join(missing) or 'nothing'}"


def one_or_many(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    if ours.superlative and theirs.superlative and ours.plural_be != theirs.plural_be and "what" in ours.asks:
        return "one is asked for, not many"
    return ""


def antonym(ours: Prepared, theirs: Prepared, found: Alignment) -> str:
    for left in found.left:
        for right in found.right:
            if opposite(left.text, right.text):
                return f"{left.text} is the opposite of {right.text}"
    return ""


def name(ours: Prepared, theirs: Prepared, found: Alignment) -> str:
    names = [token.text for token in found.left + found.right if token.name]
    return f"a name differs: {' '.join(names)}" if names else ""


def content(ours: Prepared, theirs: Prepared, found: Alignment) -> str:
    if not found.left and not found.right:
        return ""
    return f"{_said(found.left)} is not {_said(found.right)}"


def _said(tokens: tuple[Token, ...]) -> str:
    return " ".join(token.text for token in tokens) or "nothing"


def order(ours: Prepared, theirs: Prepared, found: Alignment) -> str:
    """Who does what to whom: the same words in another order, unless whole phrases moved."""
    mine = [found.pairs.get(item, -1) if isinstance(item, int) else item for item in ours.sequence]
    others: list[str | int] = list(theirs.sequence)
    matched = set(found.pairs.values())
    mine = [item for item in mine if item != -1]
    others = [item for item in others if not isinstance(item, int) or item in matched]
    if not (ours.ordering or theirs.ordering):
        mine, others = _lists_sorted(mine), _lists_sorted(others)
    flat, there = _flat(mine), _flat(others)
    if flat == there:
        return ""
    if Counter(_phrases(mine)) == Counter(_phrases(others)):
        return ""
    if ours.passive != theirs.passive and _one_turned(flat, there):
        return ""
    if (
        ours.extraposed != theirs.extraposed
        and _rotated(flat, there)
        and not any(isinstance(item, str) for item in flat)
    ):
        return ""
    return "the same words in another order"


def _flat(items: list[str | int]) -> list[str | int]:
    return [item for item in items if isinstance(item, int) or item.startswith("s:")]


def _phrases(items: list[str | int]) -> list[tuple[str | int, ...]]:
    """The text cut at prepositions, question words and commas; each piece keeps what opens it."""
    pieces: list[list[str | int]] = [["p:"]]
    for item in items:
        if isinstance(item, str) and item.startswith("p:"):
            pieces.append([item])
        elif item == "|":
            pieces.append(["p:"])
        elif isinstance(item, int) or item.startswith("s:"):
            pieces[-1].append(item)
    return [tuple(piece) for piece in pieces if len(piece) > 1]


def _lists_sorted(items: list[str | int]) -> list[str | int]:
    """Enumerations joined by "and", "or" and commas in one order."""
    out = list(items)
    at = 0
    while at < len(out):
        end, places, joined = at, [], False
        if isinstance(out[at], int):
            places = [at]
            end = at + 1
            while end < len(out):
                step = end
                while step < len(out) and out[step] in ("|", "and", "or"):
                    joined |= out[step] != "|"
                    step += 1
                if step == end or step >= len(out) or not isinstance(out[step], int):
                    break
                places.append(step)
                end = step + 1
                if joined:
                    break
        if len(places) > 1 and joined:
            for place, value in zip(places, sorted(out[p] for p in places if isinstance(out[p], int)), strict=True):  # type: ignore[type-var]
                out[place] = value
            at = end
        else:
            at += 1
    return out


def _one_turned(left: list[str | int], right: list[str | int]) -> bool:
    differ = [i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b]
    return (
        len(left) == len(right)
        and len(differ) == 2
        and differ[1] == differ[0] + 1
        and all(isinstance(left[i], int) for i in differ)
    )


def _rotated(left: list[str | int], right: list[str | int]) -> bool:
    return len(left) == len(right) and any(left[i:] + left[:i] == right for i in range(len(left)))


Rule = Callable[[Prepared, Prepared, Alignment], str]
RULES: tuple[tuple[str, Rule], ...] = (
    ("number", numbers),
    ("negation", negation),
    ("question", kind),
    ("antonym", antonym),
    ("name", name),
    ("small word", small_words),
    ("modality", modality),
    ("tense", tense),
    ("person", persons),
    ("owner", owners),
    ("one or many", one_or_many),
    ("content", content),
    ("order", order),
)

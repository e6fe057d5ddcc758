"""The rules: each looks for one kind of difference between two prepared texts that may change the answer.

A rule returns "" or words for people that say what differs. They are asked in the order of `RULES`; the first that speaks
refuses. None knows of thresholds or of the cache.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from farthing.steps.cache.guard import lexicon as lx
from farthing.steps.cache.guard.prepared import Prepared, Token
from farthing.steps.cache.guard.words import opposite, singular, slip


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
    left = [token for index, token in enumerate(ours.content) if index not in pairs and not _is_got(token, theirs)]
    right = [theirs.content[index] for index in free if not _is_got(theirs.content[index], ours)]
    if left and right:
        left, right = _joined(left, right)
        right, left = _joined(right, left)
        left, right = _spelled_out(left, right, theirs.raw)
        right, left = _spelled_out(right, left, ours.raw)
    return Alignment(pairs, tuple(left), tuple(right))


def _is_got(token: Token, other: Prepared) -> bool:
    """ "Obtain" and "receive" where the other text says "get", which is too light a word to be kept."""
    return not token.keys.isdisjoint(("obtain", "receive")) and not _GET.isdisjoint(other.raw)


_GET = frozenset(("get", "gets", "got", "getting"))


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
        for first, second in pairwise(parts):
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
    only_ones = set(extra) <= {"1"} and set(missing) <= {"1"}
    if only_ones and (not extra or theirs.soft_ones) and (not missing or ours.soft_ones):
        return ""
    return f"numbers differ: {' '.join(extra) or 'none'} / {' '.join(missing) or 'none'}"


def negation(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    return "" if ours.negations == theirs.negations else "one is negated"


def kind(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    mine, others = _asked(ours), _asked(theirs)
    if mine == others:
        return ""
    bare = {mine, others} == {("topic",), ("what",)} and len(ours.content) > 1
    if bare and not any(one.persons or one.modals or one.tense for one in (ours, theirs)):
        return ""
    return f"they ask {' '.join(mine)} / {' '.join(others)}"


def _asked(one: Prepared) -> tuple[str, ...]:
    """ "How much does it cost" asks what the price is."""
    if "how-much" in one.asks and any("cost" in token.keys for token in one.content):
        return tuple(sorted("what" if ask == "how-much" else ask for ask in one.asks))
    return one.asks


def modality(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    free: set[str] = set()
    if any(ask.startswith("how") for ask in ours.asks):
        free = {"can", "would"} | ({"should"} if {"how", "how-long"} & set(ours.asks) else set())
    elif "where" in ours.asks:
        free = {"can"}
    mine, others = ours.modals - free, theirs.modals - free
    return "" if mine == others else f"{'/'.join(sorted(mine)) or 'plain'} is not {'/'.join(sorted(others)) or 'plain'}"


def tense(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    if "if" in ours.strong and {ours.tense, theirs.tense} == {"", "future"}:
        return ""
    return "" if ours.tense == theirs.tense else f"{ours.tense or 'present'} is not {theirs.tense or 'present'}"


def persons(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    mine, others = _third(ours), _third(theirs)
    if mine != others:
        return f"{' '.join(mine) or 'nobody'} is not {' '.join(others) or 'nobody'}"
    near, far = _near(ours), _near(theirs)
    if ours.passive != theirs.passive and near and far:
        return "one does it, to the other it is done"
    if near and far and ("me" in near) != ("me" in far):
        return "who does it to whom differs"
    if near == far or not (set(near) and set(far)):
        both = len(set(near)) > 1 or len(set(far)) > 1
        return "who does it to whom differs" if both and near != far else ""
    if len(set(near)) > 1 or len(set(far)) > 1:
        return "" if near == far else "who does it to whom differs"
    if set(near) == set(far):
        return ""
    return "" if _general(ours) and _general(theirs) else "I is not you"


def _general(one: Prepared) -> bool:
    """Questions in which "I" and "you" both stand for anybody: "how do I", "can you"."""
    anybody = "how" in one.asks or ("can" in one.modals and one.asks == ("yes-no",)) or "should" in one.modals
    return anybody and not one.tense and len(set(_near(one))) == 1


_PERSON = {"i": "i", "me": "me", "we": "i", "us": "me", "you": "you"}


def _near(one: Prepared) -> list[str]:
    return [_PERSON[person] for person in one.persons if person in _PERSON]


def _third(one: Prepared) -> list[str]:
    return sorted(person for person in one.persons if person not in _PERSON)


def owners(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    mine, others = ours.owners, theirs.owners
    if not mine or not others:
        mine, others = mine - {"their"}, others - {"their"}
    if mine == others:
        return ""
    why = f"{'/'.join(sorted(mine)) or 'nobody'}'s is not {'/'.join(sorted(others)) or 'nobody'}'s"
    if {*mine, *others} == {"my", "your"} and len(mine) == len(others) == 1 and _general(ours) and _general(theirs):
        speaks = {"my": "i", "your": "you"}
        return "" if speaks[min(mine)] in _near(ours) and speaks[min(others)] in _near(theirs) else why
    if mine - lx.OWNERS_NEAR != others - lx.OWNERS_NEAR or (mine & lx.OWNERS_NEAR and others & lx.OWNERS_NEAR):
        return why
    bare, owned = (theirs, mine) if mine else (ours, others)
    other_party = {"my": "you", "our": "you", "your": "i"}
    if any(other_party.get(owner) in _near(bare) for owner in owned) and "how" not in bare.asks:
        return why
    return why if bare.indefinite and "how" not in bare.asks else ""


def small_words(ours: Prepared, theirs: Prepared, _: Alignment) -> str:
    if ours.strong == theirs.strong:
        return ""
    mine, others = Counter(ours.strong), Counter(theirs.strong)
    extra, missing = mine - others, others - mine
    if ours.listed and theirs.listed and set(extra | missing) <= {"all"}:
        return ""
    return f"{' '.join(extra) or 'nothing'} is not {' '.join(missing) or 'nothing'}"


def relation(ours: Prepared, theirs: Prepared, found: Alignment) -> str:
    """The same noun behind another preposition, or with and without "have"."""
    for index, other in found.pairs.items():
        left, right = ours.content[index].preposition, theirs.content[other].preposition
        if ours.content[index].text.startswith(("#", "month")):
            continue
        if (
            left
            and right
            and left != right
            and not any(left in group and right in group for group in lx.PREPOSITION_GROUPS)
        ):
            return f"{left} {ours.content[index].text} is not {right} {theirs.content[other].text}"
    if ours.stranded != theirs.stranded:
        return f"{' '.join(ours.stranded) or 'nothing'} is not {' '.join(theirs.stranded) or 'nothing'}"
    if ("by" in ours.times) != ("by" in theirs.times) or {"for", "in"} == ours.times ^ theirs.times:
        return "another relation to the time"
    if ours.has != theirs.has:
        other_side = theirs if ours.has else ours
        if not (other_side.soft & {"available", "exists"} or any(token.preposition for token in other_side.content)):
            return "to have is not to be"
    return ""


def one_or_many(ours: Prepared, theirs: Prepared, found: Alignment) -> str:
    if ours.superlative and theirs.superlative and ours.plural_be != theirs.plural_be and "what" in ours.asks:
        return "one is asked for, not many"
    if ours.asks == theirs.asks == ("order",) and not (ours.listed or "all" in ours.strong):
        for index, other in found.pairs.items():
            left, right = ours.content[index].text, theirs.content[other].text
            if (singular(left) != left) != (singular(right) != right) and not (ours.numbers or theirs.numbers):
                return f"{left} is not {right}"
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
    if not ours.content and not theirs.content:
        return "there is nothing to compare"
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
    if ours.listed and theirs.listed:
        mine, others = [item for item in mine if item != "s:all"], [item for item in others if item != "s:all"]
    adverbs = {index for index, token in enumerate(theirs.content) if _floats(token)}
    mine, others = [item for item in mine if item not in adverbs], [item for item in others if item not in adverbs]
    if not (ours.ordering or theirs.ordering):
        mine, others = _lists_sorted(mine), _lists_sorted(others)
    flat, there = _flat(mine), _flat(others)
    if flat == there and (role := _changed_role(ours, theirs, found)):
        return role
    if _alike(mine, others):
        return ""
    more, fewer = (mine, others) if _weak(mine) > _weak(others) else (others, mine)
    if _near(ours) == _near(theirs) and any(
        _alike(variant, fewer) for variant in _compounds(more, _weak(more) - _weak(fewer))
    ):
        return ""
    if ours.superlative and theirs.superlative:
        ranks = {
            i for i, token in enumerate(theirs.content) if token.text.endswith("est") or token.text in ("best", "worst")
        }
        if len(ranks) == 1 and [i for i in flat if i not in ranks] == [i for i in there if i not in ranks]:
            return ""
    if ours.passive != theirs.passive and (ours.persons or theirs.persons) and _one_moved(flat, there):
        return ""
    if ours.extraposed != theirs.extraposed and (_one_moved(flat, there) or _blocks_turned(flat, there)):
        return ""
    return "the same words in another order"


def as_said(ours: Prepared, theirs: Prepared, found: Alignment) -> bool:
    """The same words, inflection aside, in the same order."""
    same_words = all(
        ours.content[index].text[:3] == theirs.content[other].text[:3] for index, other in found.pairs.items()
    )
    return same_words and list(found.pairs.values()) == sorted(found.pairs.values())


LONGEST_REORDERED = 40
"""Longer sequences are not read in other orders: it would take long and they hardly ever come again."""


ROLES = frozenset(("with", "by", "using", "as", "for", "about"))
"""Prepositions that give a noun another part in the sentence: "pay with the card", "pay the card"."""


def _changed_role(ours: Prepared, theirs: Prepared, found: Alignment) -> str:
    for index, other in found.pairs.items():
        left, right = ours.content[index].preposition, theirs.content[other].preposition
        if bool(left) != bool(right) and (left or right) in ROLES and not (ours.has or theirs.has):
            return f"{left} {ours.content[index].text} is not {right} {theirs.content[other].text}".replace("  ", " ")
    return ""


def _floats(token: Token) -> bool:
    return token.text.endswith("ly") and len(token.text) > 4 and not token.name and token.text not in lx.NO_ADVERB


def _alike(left: list[str | int], right: list[str | int]) -> bool:
    """Same words in the same order, or the same phrases in any order."""
    return _flat(left) == _flat(right) or Counter(_phrases(left)) == Counter(_phrases(right))


def _weak(items: list[str | int]) -> int:
    return sum(_is_weak(item) and isinstance(after, int) for item, after in pairwise(items))


def _is_weak(item: str | int) -> bool:
    return isinstance(item, str) and item.startswith("p:~")


def _compounds(items: list[str | int], depth: int) -> list[list[str | int]]:
    """Readings of "the policy on parental leave" as "the parental leave policy", up to `depth` (at most 2) at once."""
    if not 1 <= depth <= 2 or len(items) > LONGEST_REORDERED:
        return []
    found: list[list[str | int]] = []
    for at, item in enumerate(items):
        if not _is_weak(item) or at == 0:
            continue
        end = at + 1
        while end < len(items) and isinstance(items[end], int):
            end += 1
        for size in range(1, min(3, end - at - 1) + 1):
            block, rest, start = items[at + 1 : at + 1 + size], items[at + 1 + size :], at
            while start > 0 and at - start < 3 and isinstance(items[start - 1], int):
                start -= 1
                variant = items[:start] + block + items[start:at] + rest
                found.append(variant)
                if depth > 1 and len(found) < 24:
                    found += _compounds(variant, depth - 1)
    return found


def _flat(items: list[str | int]) -> list[str | int]:
    return [item for item in items if isinstance(item, int) or item.startswith("s:")]


def _phrases(items: list[str | int]) -> list[tuple[str | int, ...]]:
    """The text cut at prepositions, question words and commas; each piece keeps what opens it."""
    pieces: list[list[str | int]] = [["p:"]]
    for item in items:
        if isinstance(item, str) and item.startswith("p:"):
            if item != "p:" and pieces[-1] != ["p:"] and not any(isinstance(word, int) for word in pieces[-1]):
                pieces[-1].append(item)
            else:
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
            for place, value in zip(places, sorted(out[p] for p in places if isinstance(out[p], int)), strict=True):
                out[place] = value
            at = end
        else:
            at += 1
    return out


def _one_moved(left: list[str | int], right: list[str | int]) -> bool:
    """Equal but for the place of one content word."""
    if len(left) != len(right):
        return False
    return any(
        [other for other in left if other != item] == [other for other in right if other != item]
        for item in left
        if isinstance(item, int)
    )


def _blocks_turned(left: list[str | int], right: list[str | int]) -> bool:
    """ "Safe to drink" and "tap water" have changed places at the beginning."""
    return len(left) == len(right) and any(
        left[first:second] + left[:first] + left[second:] == right
        for second in range(2, min(7, len(left) + 1))
        for first in range(1, second)
        if all(isinstance(item, int) for item in left[:second])
    )


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
    ("relation", relation),
    ("order", order),
)

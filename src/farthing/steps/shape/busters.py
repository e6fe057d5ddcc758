"""What broke a prefix: where two prompts that begin alike part, and why, from what differs. Pure; texts in, no text out.

A difference is a buster only where most of what follows it is alike again, so that a provider's cache would have read it had
the difference stood at the end. What differs is told by its kind and its masked shape, never by its letters and digits.
Knows nothing of providers, tokens and money.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from farthing.model.marks import TOOLS, Place

Kind = Literal[
    "date", "epoch", "uuid", "hex id", "jwt", "number", "name", "text", "tool order", "tools", "key order", "whitespace",
    "settings", "model", "minimum", "host", "gap", "unmarked", "unexplained",
]  # fmt: skip
KINDS: tuple[Kind, ...] = (
    "date", "epoch", "uuid", "hex id", "jwt", "number", "name", "text", "tool order", "tools", "key order", "whitespace",
    "settings", "model", "minimum", "host", "gap", "unmarked", "unexplained",
)  # fmt: skip
"""The first twelve are to be seen in the prompt, the others are not."""

WINDOW = 96
"""Bytes around the first difference in which it is recognised."""
LONGEST_NAME = 80
"""Bytes of what may be a name."""
LONGEST_SHAPE = 40
MOST_DIFFERENCES = 24
"""In one block that is still the same one."""
SURELY_ALIKE = 16
"""Bytes in a row that two texts have in common by more than chance."""
HEAD = 1_024
"""Bytes in which texts that part for good are told without their ends."""
HEADROOM = 2 * (LONGEST_NAME + SURELY_ALIKE) + 128
"""Bytes that are looked at where two texts part, and those at which a cut may have changed the mask."""
LONGEST_TOKEN, LONGEST_OTHER = 2_048, 192
"""Bytes of a JSON web token that are read, and of anything else that is recognised."""


class Block(NamedTuple):
    """One block of a prompt, in the order of the cache."""

    place: Place
    raw: bytes
    """As it stands in the body: JSON."""


class Break(NamedTuple):
    """Where and why a prefix ended."""

    kind: Kind
    at: int
    """The block, counted from 0; `len` of the shorter prompt where nothing differs."""
    offset: int
    """Bytes into the block."""
    regained: int
    """Bytes behind the difference that are alike in both prompts."""
    shape: str = ""
    """What differs, with its letters and digits masked."""


class Span(NamedTuple):
    """What differs inside one block."""

    kind: Kind
    offset: int
    regained: int
    goes_on: bool
    """The block's end is alike, so that the next blocks may be too."""
    shape: str = ""


def compare(before: Sequence[Block], after: Sequence[Block], common: int) -> Break | None:
    """Why `after` was not read as `before` was kept. `common`: blocks up to which a provider takes both for the same.
    None where they part for good, as prompts do that ask for different things. Never raises."""
    first: Span | None = None
    regained = 0
    at = common
    for old, new in zip(before[common:], after[common:], strict=False):
        if old.raw == new.raw:
            if first is None:  # something else than the text, which the provider reads before it
                first = Span("settings", 0, 0, goes_on=True)
            regained += len(new.raw)
            continue
        found = difference(old.raw, new.raw, tools=new.place.part == TOOLS)
        first = first or found
        regained += found.regained
        if not found.goes_on:
            break
    if first is None or not regained:
        return None
    return Break(first.kind, at, first.offset, regained, first.shape)


def difference(old: bytes, new: bytes, *, tools: bool = False) -> Span:
    """What differs between two blocks that are not equal. Never raises."""
    start = shared_start(old, new)
    same = _same_meaning(old, new, start, tools)
    if same is not None:
        return same
    kind, begin, ends = _recognised(old, new, start)
    regained, goes_on = _alike_behind(old[begin:], new[begin:])
    regained = max(0, min(regained, len(new) - start))
    if kind == "text":
        kind, first, end = _word(old, new, start)
        return Span(kind, start, regained, goes_on, _shape(kind, new[first:end]))
    return Span(kind, start, regained, goes_on, _shape(kind, new[begin : ends[1]]))


def _alike_behind(old: bytes, new: bytes) -> tuple[int, bool]:
    """See `_alike`, of masked texts. Texts that part for good mostly do so at once: then their ends need not be masked."""
    if min(len(old), len(new)) > 2 * HEAD:
        one, other = _masked(old[:HEAD]), _masked(new[:HEAD])
        alike, whole, at, there = _alike(one, other)
        if not whole and at + HEADROOM <= len(one) and there + HEADROOM <= len(other):
            return alike, False
    return _alike(_masked(old), _masked(new))[:2]


def _alike(old: bytes, new: bytes) -> tuple[int, bool, int, int]:
    """Bytes that are alike in both, over a few differences of some words each, whether they are alike up to the end, and how
    far that was followed in each."""
    alike = at = there = 0
    for _ in range(MOST_DIFFERENCES):
        run = shared_start(old[at:], new[there:])
        alike, at, there = alike + run, at + run, there + run
        if at == len(old) and there == len(new):
            return alike, True, at, there
        for skipped in range(LONGEST_NAME):
            key = old[at + skipped : at + skipped + SURELY_ALIKE]
            found = new.find(key, there, there + LONGEST_NAME + len(key)) if key else -1
            if found >= 0 and (len(key) == SURELY_ALIKE or found + len(key) == len(new)):
                at, there = at + skipped, found
                break
        else:
            return alike, False, at, there
    return alike, False, at, there


def shared_start(one: bytes, other: bytes) -> int:
    """How many bytes they begin with alike."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while low < high - 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def shared_end(one: bytes, other: bytes) -> int:
    """How many bytes they end with alike."""
    return shared_start(one[::-1], other[::-1])


def _same_meaning(old: bytes, new: bytes, start: int, tools: bool) -> Span | None:
    """Another spelling of the same value, or other tools."""
    if old[:1] not in b"{[" or new[:1] not in b"{[":
        return _other_space(old, new, start)
    try:
        one, other = msgspec.json.decode(old), msgspec.json.decode(new)
        if one == other:
            kind: Kind = "whitespace" if msgspec.json.encode(one) == msgspec.json.encode(other) else "key order"
            return Span(kind, start, len(new) - start, goes_on=True)
        if tools and isinstance(one, list) and isinstance(other, list):
            return _other_tools(one, other, start, len(new))
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeError, RecursionError, ValueError):
        return None
    return _other_space(old, new, start)


def _other_tools(one: list[Any], other: list[Any], start: int, size: int) -> Span | None:
    known, told = {_canonical(each) for each in one}, [_canonical(each) for each in other]
    shared = [each for each in told if each in known]
    if len(shared) == len(told) == len(one):
        return Span("tool order", start, size - start, goes_on=True)
    if _names(one) == _names(other) or 2 * len(shared) < len(told):
        return None  # what a tool says has changed, or these are other tools altogether
    return Span("tools", start, min(size - start, sum(map(len, shared))), goes_on=True)


def _canonical(value: object) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def _names(tools: list[Any]) -> list[object]:
    return [
        each.get("name") or (each.get("function") or {}).get("name") if isinstance(each, dict)
        and isinstance(each.get("function") or {}, dict) else None
        for each in tools
    ]  # fmt: skip


def _other_space(old: bytes, new: bytes, start: int) -> Span | None:
    """The same words in the same order, and embedded JSON whose members changed places."""
    if _SPACE.sub(b" ", old) == _SPACE.sub(b" ", new):
        return Span("whitespace", start, len(new) - start, goes_on=True)
    end = shared_end(old[start:], new[start:])
    middle, other = old[start : len(old) - end], new[start : len(new) - end]
    members, moved = _MEMBERS.findall(middle), _MEMBERS.findall(other)
    if b":" in middle and members != moved and len(members) > 1 and sorted(members) == sorted(moved) and b'"' in middle:
        return Span("key order", start, len(new) - start, goes_on=True)
    return None


_SPACE = re.compile(rb"(?:\s|\\[nrt])+")
_MEMBERS = re.compile(rb"[\w.-]+")

_MONTHS = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_DAYS = rb"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?"
_TIME = rb"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?[AaPp][Mm]\b)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_DATE = re.compile(
    rb"(?:\b" + _DAYS + rb",? )?(?:"
    rb"\d{4}-\d\d-\d\d(?:[T ,]{1,2}" + _TIME + rb")?"
    rb"|\d{1,2}(?:st|nd|rd|th|\.)? " + _MONTHS + rb"\.?,?(?: \d{4})?(?:(?:,| at)? " + _TIME + rb")?"
    rb"|\b" + _MONTHS + rb"\.? \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?(?:(?:,| at)? " + _TIME + rb")?"
    rb"|\d{1,4}[/.]\d{1,2}[/.]\d{2,4}(?:,? " + _TIME + rb")?"
    rb"|" + _TIME + rb")"
    rb"|\b" + _DAYS + rb"\b",
)  # fmt: skip
_JWT = re.compile(rb"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?")
_UUID = re.compile(rb"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b")
_HEX = re.compile(rb"(?<![A-Za-z0-9])(?:0x)?(?=[0-9a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{7,}(?![A-Za-z0-9])")
_EPOCH = re.compile(rb"(?<![\w.])1[5-9]\d{8}(?:\d{3}|\d{6}|\d{9})?(?:\.\d{1,9})?(?![\w])")
_NUMBER = re.compile(rb"(?<!\w)[+-]?\d+(?:[.,]\d+)*(?!\w)")
_RECOGNISED: tuple[tuple[Kind, re.Pattern[bytes]], ...] = (
    ("jwt", _JWT), ("uuid", _UUID), ("epoch", _EPOCH), ("date", _DATE), ("hex id", _HEX), ("number", _NUMBER),
)  # fmt: skip


def _recognised(old: bytes, new: bytes, start: int) -> tuple[Kind, int, tuple[int, int]]:
    """The kind of what differs first, where it begins in both, and where it ends in each."""
    from_ = max(0, start - WINDOW)
    for kind, pattern in _RECOGNISED:
        end = start + (LONGEST_TOKEN if kind == "jwt" else LONGEST_OTHER)
        one = _over(pattern, old, from_, start, end)
        other = _over(pattern, new, from_, start, end) if one is not None else None
        if one is not None and other is not None:
            return kind, min(one[0], other[0]), (one[1], other[1])
    return "text", start, (start, start)


def _over(pattern: re.Pattern[bytes], raw: bytes, from_: int, start: int, end: int) -> tuple[int, int] | None:
    """What a pattern takes of the text at `start`; also what ends there, as a shorter number does."""
    for match in pattern.finditer(raw, from_, end):
        if match.start() > start:
            return None
        if start <= match.end():
            return match.span()
    return None


def _word(old: bytes, new: bytes, start: int) -> tuple[Kind, int, int]:
    """What differs up to where the rest is alike, in whole words: a name where they are few."""
    tail = shared_end(old[start:], new[start:])
    ends = (len(old) - tail, len(new) - tail)
    if max(ends) - start > LONGEST_NAME:  # something else differs further on
        ends = (_word_end(old, start), _word_end(new, start))
    begin = start
    while start - begin < LONGEST_NAME and begin > 0 and new[begin - 1] in _IN_WORDS:
        begin -= 1
    end = max(_word_end(new, ends[1]), begin)
    one, other = old[begin : ends[0]], new[begin : ends[1]]
    is_name = max(map(len, (one, other))) <= LONGEST_NAME and all(byte in _IN_NAMES for byte in one + other)
    return "name" if is_name and end > begin else "text", begin, end


def _word_end(raw: bytes, start: int) -> int:
    end = start
    while end < len(raw) and end - start <= LONGEST_NAME and raw[end] in _IN_WORDS:
        end += 1
    return end


_IN_WORDS = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-@+'"
) | frozenset(range(128, 256))  # fmt: skip
_IN_NAMES = _IN_WORDS | frozenset(b" .")


def _masked(raw: bytes) -> bytes:
    """Without what changes from call to call and can be recognised: equal for two texts that differ in nothing else."""
    return _NUMBERS.sub(b"0", _CHANGING.sub(b"\0", raw))


_CHANGING = re.compile(
    rb"(?=e)" + _JWT.pattern + rb"|(?=[0-9a-fA-F]{7}|0x)(?:" + _UUID.pattern + rb"|" + _HEX.pattern + rb")"
    rb"|(?=[0-9JFMASONDTW])(?:" + _DATE.pattern + rb")"
)  # fmt: skip
"""Each behind a look at what it begins with, which is all that most places of a text cost."""
_NUMBERS = re.compile(rb"\d+")


def _shape(kind: Kind, raw: bytes) -> str:
    """What differs, without what it says."""
    fixed = {"uuid": "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "jwt": "xxx.xxx.xxx", "text": ""}.get(kind)
    if fixed is not None:
        return fixed
    if kind == "hex id":
        return "x" * min(len(raw), LONGEST_SHAPE)
    text = raw[: 4 * LONGEST_SHAPE].decode("utf-8", "replace")
    masked = _LETTERS.sub("a", _DIGIT.sub("0", text))
    return _ODD.sub(".", masked)[:LONGEST_SHAPE]


_DIGIT = re.compile(r"\d")
_LETTERS = re.compile(r"[^\W\d_]+")
_ODD = re.compile(r"[^a0 :,./+@_-]")

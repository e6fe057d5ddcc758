"""What a prompt's text is made of: sections, bullets, sentences, examples, blocks. Each part has its place in the text, so that
the text without some of them is cut, never written anew, and with all of them is the text itself.

A heading goes when nothing is left under it, a pair of tags when nothing is left between them. What speaks of safety, law
or the form of the answer is protected: an eval set seldom shows what it is there for. Knows nothing of models.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Literal

import msgspec

Kind = Literal["heading", "tag", "bullet", "sentence", "example", "block"]

SLOT = re.compile(r"\{\{\s*(\w+)\s*\}\}")
"""Where an item's input goes."""

_SAFETY = re.compile(
    r"\b(safety|unsafe|harm\w*|suicid\w*|self-harm|emergenc\w+|abus\w+|weapons?|violen\w+|hate|discriminat\w+|minors?|"
    r"passwords?|credentials?|secrets?|confidential\w*|personal data|pii|injection|jailbreak\w*|medical|diagnos\w+|"
    r"(?:system|these|your) (?:prompt|instructions))\b",
    re.IGNORECASE,
)
_LEGAL = re.compile(
    r"\b(legal\w*|laws?|lawyers?|gdpr|hipaa|licen[cs]\w*|copyright\w*|disclaimers?|regulat\w+|complian\w+|consent|liabil\w+|"
    r"terms of (?:use|service)|privacy)\b",
    re.IGNORECASE,
)
_FORMAT = re.compile(
    r"\b(json|xml|yaml|csv|markdown|schema|format\w*|code fence|(?:respond|reply|answer|return|output)s?\s+(?:\w+\s+){0,2}?"
    r"(?:with|as|in)|no other (?:text|words)|nothing else|one word)\b",
    re.IGNORECASE,
)
_BULLET = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S")
_HEADING = re.compile(
    r"[ \t]*(?:#{1,6}[ \t]+\S.*|\*\*[^*]{1,80}\*\*:?|[A-Z][A-Z0-9 /&,-]{3,60}:?|[A-Z][\w ,/&'()-]{2,60}:)[ \t]*"
)
_OPENING = re.compile(r"[ \t]*<([A-Za-z][\w-]*)[^<>]*>[ \t]*")
_EXAMPLE_TITLE = re.compile(
    r"[ \t]*(?:#{1,6}[ \t]*|\*\*)?example\b[ \t]*\d*[^\n.]{0,40}:?[ \t]*(?:\*\*)?[ \t]*", re.IGNORECASE
)
_ASKS = re.compile(
    r"[ \t]*(?:input|q|question|user|text|message|ticket|review|customer|query|sentence)[ \t]*:", re.IGNORECASE
)
_ANSWERS = re.compile(
    r"[ \t]*(?:output|a|answer|assistant|label|category|intent|result|response|sentiment)[ \t]*:", re.IGNORECASE
)
_FENCE = re.compile(r"[ \t]*(```|~~~)")
_STOP = re.compile(r"[.!?][\"')\]]*\s+(?=[\"'(\[]?[A-ZÀ-Þ])")
_SHORTENED = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|mr|mrs|ms|dr|no|st|approx|incl|fig)|\b[A-Za-z])\.$", re.IGNORECASE)


class Segment(msgspec.Struct, frozen=True):
    """A part of a text, with the white space behind it."""

    start: int
    end: int
    kind: Kind
    text: str
    """Without the white space around it."""
    protected: str = ""
    """Why it must stay: slot, safety, legal, format, kept. Empty: it may be tried."""
    inside: int = -1
    """The heading or tag that it is under, by place among the segments; -1 for none."""
    closes: int = -1
    """For a closing tag: its opening one."""

    @property
    def is_frame(self) -> bool:
        """Whether it goes only with what it holds."""
        return self.kind in ("heading", "tag")


def split(text: str, keep: Sequence[str] = (), *, loose: Sequence[str] = ()) -> list[Segment]:
    """The parts of a text, end to end. `keep`: texts whose parts stay; `loose`: texts whose parts may be tried although
    they would be protected."""
    parts = list(_parts(text))
    parts = [(kind, start, end) for kind, start, end in _with_tails(text, parts)]
    insides = _insides(text, parts)
    made = []
    for at, (kind, start, end) in enumerate(parts):
        words = text[start:end].strip()
        frame = kind in ("heading", "tag")
        inside, closes = insides[at]
        made.append(Segment(start, end, kind, words, "" if frame else protection(words, keep, loose), inside, closes))
    return made


def protection(words: str, keep: Sequence[str] = (), loose: Sequence[str] = ()) -> str:
    """Why a part must stay; empty if it may be tried. A slot always stays."""
    if SLOT.search(words):
        return "slot"
    if any(each in words for each in keep):
        return "kept"
    if any(each in words for each in loose):
        return ""
    for name, pattern in (("safety", _SAFETY), ("legal", _LEGAL), ("format", _FORMAT)):
        if pattern.search(words):
            return name
    return ""


def without(text: str, segments: Sequence[Segment], gone: Collection[int]) -> str:
    """The text without the segments at these places, and without headings and tags that are left with nothing."""
    out = set(gone)
    for at in range(len(segments) - 1, -1, -1):
        held = [place for place, each in enumerate(segments) if each.inside == at and each.closes != at]
        if segments[at].is_frame and held and out.issuperset(held):
            out.add(at)
    out |= {at for at, each in enumerate(segments) if each.closes in out}
    if not out:
        return text
    kept = "".join(text[each.start : each.end] for at, each in enumerate(segments) if at not in out)
    ends = len(segments) - 1 in out and not text[-1:].isspace()
    return kept.rstrip() if ends else kept


def _parts(text: str) -> Iterator[tuple[Kind, int, int]]:
    """Kind and place of each, without the white space between them."""
    lines = _lines(text)
    at = 0
    while at < len(lines):
        start, line = lines[at]
        if not line.strip():
            at += 1
            continue
        kind, last = _block(lines, at)
        end = lines[last][0] + len(lines[last][1])
        if kind == "sentence":
            yield from _sentences(text, start, end)
        else:
            yield kind, start, end
        at = last + 1


def _lines(text: str) -> list[tuple[int, str]]:
    found, start = [], 0
    for line in text.splitlines(keepends=True):
        found.append((start, line))
        start += len(line)
    return found


def _block(lines: Sequence[tuple[int, str]], at: int) -> tuple[Kind, int]:
    """What begins in this line, and its last line."""
    line = lines[at][1]
    bare = line.rstrip("\r\n")
    if fence := _FENCE.match(line):
        return "block", _until(lines, at + 1, lambda each: each.lstrip().startswith(fence[1]))
    if re.match(r"[ \t]*<example\b", line, re.IGNORECASE):
        return "example", _until(lines, at, lambda each: "</example" in each.lower())
    if _OPENING.fullmatch(bare):
        return "tag", at
    if re.fullmatch(r"[ \t]*</[A-Za-z][\w-]*>[ \t]*", bare):
        return "tag", at
    example = _example(lines, at)
    if example is not None:
        return "example", example
    if _BULLET.match(line):
        return "bullet", _tail(lines, at)
    if _HEADING.fullmatch(bare):
        return "heading", at
    return "sentence", _paragraph(lines, at)


def _until(lines: Sequence[tuple[int, str]], at: int, ends: Callable[[str], bool]) -> int:
    """The first line from `at` on that ends it; the text's last one where none does."""
    return next((place for place in range(at, len(lines)) if ends(lines[place][1])), len(lines) - 1)


def _example(lines: Sequence[tuple[int, str]], at: int) -> int | None:
    """The last line of an example that begins here; None where none does."""
    first = at
    if _EXAMPLE_TITLE.fullmatch(lines[at][1].rstrip("\r\n")):
        at += 1
        while at < len(lines) and not lines[at][1].strip():
            at += 1
    if at >= len(lines) or not _ASKS.match(lines[at][1]):
        return None
    last = _paragraph(lines, at, _ASKS if first == at else None)
    if any(_ANSWERS.match(line) for _, line in lines[at : last + 1]):
        return last
    return None


def _tail(lines: Sequence[tuple[int, str]], at: int) -> int:
    """The last line of a bullet: indented ones that are no bullets go on with it."""
    while at + 1 < len(lines):
        line = lines[at + 1][1]
        if not line.strip() or not line[0].isspace() or _BULLET.match(line):
            break
        at += 1
    return at


def _paragraph(lines: Sequence[tuple[int, str]], at: int, stops: re.Pattern[str] | None = None) -> int:
    while at + 1 < len(lines):
        line = lines[at + 1][1]
        bare = line.rstrip("\r\n")
        if not line.strip() or _BULLET.match(line) or _FENCE.match(line) or _OPENING.fullmatch(bare):
            break
        if bare.lstrip().startswith(("#", "</")) or (stops is not None and stops.match(line)):
            break
        at += 1
    return at


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[Kind, int, int]]:
    begin = start
    for found in _STOP.finditer(text, start, end):
        if not _SHORTENED.search(text[begin : found.start() + 1]):
            yield "sentence", begin, found.end()
            begin = found.end()
    if text[begin:end].strip():
        yield "sentence", begin, end


def _with_tails(text: str, parts: Sequence[tuple[Kind, int, int]]) -> Iterator[tuple[Kind, int, int]]:
    """Each part up to the next, the first from the text's beginning: white space belongs to what stands before it."""
    for at, (kind, start, _) in enumerate(parts):
        end = parts[at + 1][1] if at + 1 < len(parts) else len(text)
        yield kind, start if at else 0, end


def _insides(text: str, parts: Sequence[tuple[Kind, int, int]]) -> list[tuple[int, int]]:
    """For each part, what it is under and, for a closing tag, which tag it closes."""
    found: list[tuple[int, int]] = []
    heading = -1
    tags: list[tuple[int, str]] = []
    for at, (kind, start, end) in enumerate(parts):
        words = text[start:end].strip()
        if kind == "tag" and words.startswith("</"):
            name = words[2:-1].strip()
            closes = -1
            while tags:
                place, opened = tags.pop()
                if opened == name:
                    closes = place
                    break
            heading = -1
            found.append((closes if closes >= 0 else (tags[-1][0] if tags else -1), closes))
            continue
        above = tags[-1][0] if tags else -1
        if kind == "tag":
            found.append((above, -1))
            opening = _OPENING.fullmatch(words)
            tags.append((at, opening[1] if opening else ""))
            heading = -1
        elif kind == "heading":
            found.append((above, -1))
            heading = at
        else:
            found.append((heading if heading >= 0 else above, -1))
    return found

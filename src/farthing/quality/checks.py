"""Programs that say whether an answer is good: pure functions of a request and its answer, in any wire, whole or streamed.

    auto            what the request itself asks for: the schema of the answer, its labels, JSON, the arguments of tools
    json            the answer is JSON
    python          its code compiles (it is not run)
    citation        what it quotes, and each [n], is in the request
    words:MIN-MAX   its length
    regex:PATTERN   what is found in it
    none            nothing

Answers that were cut or refused fail. A check that needs more than it may spend, or that the answer gives no hold to, says
nothing. Nothing that a model or a client writes makes one raise, hang, fetch or run anything. A check says that an answer
has the right shape, seldom that it is right.
"""

import ast
import re
import warnings
from collections.abc import Callable
from functools import lru_cache

import msgspec

from farthing.model.asked import Asked
from farthing.quality.schemas import LONGEST, fits, matches
from farthing.wire.said import Said, Used, said
from farthing.wire.wanted import Wanted, wanted

LONGEST_CODE = 16 * 1024
"""Bytes of code that are parsed, at some 1 us a byte."""
SHORTEST_QUOTE = 20
"""Characters from which on words in quotes are a quotation."""
MOST_CITATIONS = 50

_FENCED = re.compile(r"```([\w+-]*)[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
_MARK = re.compile(r"\[(\d{1,4})\]")
_QUOTED = re.compile(rf"\"([^\"\n]{{{SHORTEST_QUOTE},1000}})\"|“([^”\n]{{{SHORTEST_QUOTE},1000}})”")
_WORDS = re.compile(r"(\d{1,7})-(\d{1,7})")
_PUNCTUATION = " \t\r\n.,;:!?\"'`*"


class Checked(msgspec.Struct, frozen=True):
    passed: bool
    score: float
    """0 to 1: how much of what was looked at is as it should be."""
    why: str
    """In a few words, without any of the answer's."""


class Look(msgspec.Struct, frozen=True):
    """What a check looks at."""

    asked: Asked | None
    wanted: Wanted
    said: Said


Check = Callable[[Look], Checked | None]

CUT = Checked(False, 0.0, "the answer was cut at a length limit")
REFUSED = Checked(False, 0.0, "the model refused, or a filter stopped it")


def check(kind: str, asked: Asked | None, format: str, request: bytes, answer: bytes) -> Checked | None:
    """The verdict of the check `kind` on an answer in the client's wire; None where there is nothing to check, or no way
    to. Raises ValueError for a kind that does not exist."""
    looks = named(kind)
    if looks is None:
        return None
    what, words = wanted(format, request), said(format, answer)
    if what is None or words is None:
        return None
    try:
        verdict = looks(Look(asked, what, words))
    except RecursionError:
        return None
    if verdict is None or words.finish not in ("length", "filter"):
        return verdict
    return CUT if words.finish == "length" else REFUSED


@lru_cache(maxsize=256)
def named(kind: str) -> Check | None:
    """The check of that name; None for `none`. Raises ValueError with what is wrong with it."""
    name, _, more = kind.partition(":")
    if kind in ("none", ""):
        return None
    if kind in _PLAIN:
        return _PLAIN[kind]
    if name == "words":
        span = _WORDS.fullmatch(more)
        if span is None or int(span[1]) > int(span[2]):
            raise ValueError("words:MIN-MAX, such as words:50-200")
        return _words(int(span[1]), int(span[2]))
    if name == "regex":
        if not more or matches(more, "") is None:
            raise ValueError("a regular expression without look-around and back references, and not too large")
        return _regex(more)
    raise ValueError("one of auto, none, json, python, citation, words:MIN-MAX, regex:PATTERN")


def _auto(look: Look) -> Checked | None:
    if look.said.tools:
        return _tools(look)
    if look.wanted.schema is not None:
        return _schema(look)
    if look.asked is not None and look.asked.labels:
        return _label(look, look.asked.labels)
    return _json(look) if look.wanted.json else None


def _json(look: Look) -> Checked | None:
    _, verdict = _parsed(look.said.text)
    return verdict or Checked(True, 1.0, "JSON")


def _schema(look: Look) -> Checked | None:
    value, verdict = _parsed(look.said.text)
    if verdict is not None:
        return verdict
    assert look.wanted.schema is not None, "asked for before"
    found = fits(look.wanted.schema, value)
    if found is None:
        return None
    valid, where = found
    return Checked(True, 1.0, "as its schema") if valid else Checked(False, 0.0, f"not as its schema: {where}")


def _label(look: Look, labels: tuple[str, ...]) -> Checked | None:
    told = look.said.text.strip(_PUNCTUATION).casefold()
    if told in {label.strip(_PUNCTUATION).casefold() for label in labels}:
        return Checked(True, 1.0, "one of the labels")
    return Checked(False, 0.0, "none of the labels")


def _tools(look: Look) -> Checked | None:
    verdicts = [verdict for used in look.said.tools[:64] if (verdict := _arguments(used, look.wanted)) is not None]
    if not verdicts:
        return None
    wrong = [why for good, why in verdicts if not good]
    score = 1 - len(wrong) / len(verdicts)
    return Checked(not wrong, score, wrong[0] if wrong else "arguments as the tools' schemas")


def _arguments(used: Used, wanted: Wanted) -> tuple[bool, str] | None:
    if not wanted.tools:
        return None
    if used.name not in wanted.tools:
        return False, "a tool that there is not"
    value, verdict = _parsed(used.arguments)
    if verdict is not None:
        return False, "arguments that are no JSON"
    found = fits(wanted.tools[used.name], value)
    return found if found is None or found[0] else (False, f"arguments not as the tool's schema: {found[1]}")


def _parsed(text: str) -> tuple[object, Checked | None]:
    """The value, or why there is none."""
    try:
        if len(text) <= LONGEST:
            return msgspec.json.decode(text), None
        return None, Checked(False, 0.0, "JSON that is too long to be read")
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None, Checked(False, 0.0, "no JSON" if text.strip() else "no text")


def _python(look: Look) -> Checked | None:
    text = look.said.text[: LONGEST + 1]
    blocks = [code for language, code in _FENCED.findall(text) if language.lower() in ("python", "py", "python3", "")]
    if not blocks:
        blocks = [text]
    if len(text) > LONGEST or sum(map(len, blocks)) > LONGEST_CODE:
        return None
    if not text.strip():
        return Checked(False, 0.0, "no code")
    compiling = sum(map(_compiles, blocks))
    score = compiling / len(blocks)
    return Checked(compiling == len(blocks), score, "it compiles" if score == 1 else "it does not compile")


def _compiles(code: str) -> bool:
    """Parsed only. The parser's own limits end what is nested too deep."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _citation(look: Look) -> Checked | None:
    text = look.said.text
    if len(text) > LONGEST:
        return None
    context = look.wanted.words
    marks = sorted(set(_MARK.findall(text)))[:MOST_CITATIONS]
    quotes = [_plain(one or other) for one, other in _QUOTED.findall(text)][:MOST_CITATIONS]
    if not marks and not quotes:
        return Checked(False, 0.0, "it cites nothing")
    source = _plain(context)
    found = sum(f"[{mark}]" in context for mark in marks) + sum(quote in source for quote in quotes)
    score = found / (len(marks) + len(quotes))
    return Checked(score == 1, score, "all it cites is in the request" if score == 1 else "it cites what is not there")


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".,;:")


def _words(least: int, most: int) -> Check:
    def looks(look: Look) -> Checked | None:
        count = len(look.said.text.split())
        if least <= count <= most:
            return Checked(True, 1.0, "as long as it should be")
        return Checked(False, 0.0, f"{count} words, not {least} to {most}")

    return looks


def _regex(pattern: str) -> Check:
    def looks(look: Look) -> Checked | None:
        found = matches(pattern, look.said.text)
        if found is None:
            return None
        return Checked(True, 1.0, "the pattern is there") if found else Checked(False, 0.0, "the pattern is not there")

    return looks


_PLAIN: dict[str, Check] = {"auto": _auto, "json": _json, "python": _python, "citation": _citation}

"""Read one text once: what kind of question it is, its numbers, names, small words that matter, content words and clauses.

Everything that needs only one of the two texts happens here, so that comparing with several candidates is cheap.
It knows nothing of the other text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from farthing.steps.cache.guard import lexicon as lx
from farthing.steps.cache.guard.words import forms, spelled

LONGEST_WORDS = 120
"""A longer text is a document: only the same text again is the same question."""


class Token(NamedTuple):
    """A word that counts, and the keys by which it may match."""

    text: str
    keys: frozenset[str]
    name: bool
    acronym: bool
    preposition: str
    """The preposition that governs it, "" if none."""


class Prepared(NamedTuple):
    """A text as the rules see it."""

    folded: str
    """Case, white space and closing punctuation folded: equal means the same text."""
    language: str
    """"en", "other", or "script" where letters are not Latin."""
    long: bool
    numbers: tuple[str, ...]
    soft_ones: int
    """How often the word "one" stands for the number 1; "a" may replace it."""
    negations: int
    asks: tuple[str, ...]
    """Question words, sorted; or "yes-no", "order" (do this), "topic" (a bare phrase)."""
    modals: frozenset[str]
    tense: str
    persons: tuple[str, ...]
    owners: frozenset[str]
    indefinite: bool
    strong: tuple[str, ...]
    passive: bool
    soft: frozenset[str]
    content: tuple[Token, ...]
    sequence: tuple[str | int, ...]
    """In order of speech: indices of content words, `s:` strong words, `p:` openings of phrases, `|` breaks, conjunctions."""
    listed: bool
    superlative: bool
    plural_be: bool
    raw: tuple[str, ...]
    """Lower-case words, for acronyms spelled out."""
    extraposed: bool
    ordering: bool
    has: bool
    """The verb "have" itself, not as an auxiliary."""
    stranded: tuple[str, ...]
    """Prepositions without a noun behind them."""
    times: frozenset[str]
    """Which of by, for, in stand before a time or a number."""


_TOKEN = re.compile(
    r"0x[0-9a-fA-F]+|[A-Za-z](?:\+\+|#)|[!=<>]=+|[^\W\d_]+(?:-[^\W\d_]+)+|[^\W\d_]+(?:'[^\W\d_]+)*'?"
    r"|\d+(?:[.,:/-]\d+)*|[$€£¥₹%<>=+@&\u00d7*#°]|[,;:.?!()\n\u2013\u2014-]|\S"
)
_MASK = str.maketrans({"\u2019": "'", "\u2018": "'", "`": "'", "\u201c": '"', "\u201d": '"', "…": "."})
_BOUNDARY = frozenset(",;:.?!()\n\u2013\u2014-")
_SYMBOL = {key: value.strip() for key, value in lx.SYMBOLS.items() if value.strip()}


def _table(text: str) -> dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]]:
    table: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for line in text.strip().splitlines():
        left, _, right = line.partition("=")
        pattern = tuple(left.split())
        table.setdefault(pattern[0], []).append((pattern, tuple(right.split())))
    for entries in table.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return table


_PHRASES = _table(lx.PHRASES_TEXT)
_FILLERS = _table(lx.FILLERS_TEXT)
_AT_END = frozenset(
    tuple(text.split())
    for text in ("please", "thanks", "thank you", "thanks a lot", "for me", "in general", "btw", "by the way")
)
_POLITE = sorted((tuple(p.split()) for p in lx.POLITE_REQUEST), key=len, reverse=True)


class _Word(NamedTuple):
    text: str
    name: bool = False
    acronym: bool = False


@lru_cache(maxsize=8192)
def prepare(text: str) -> Prepared:
    """Read a text. About 100 us for a question of ten words; remembered for the last few thousand texts."""
    text = unicodedata.normalize("NFKC", text).translate(_MASK)
    folded = " ".join(text.casefold().split()).strip(" ?.!")
    words = _split(text)
    if len(words) > LONGEST_WORDS:
        return _bare(folded, "en", long=True)
    language = _language(text, words)
    if language != "en":
        return _bare(folded, language, long=False)
    raw = tuple(word.text for word in words)
    words = _replaced(_without_fillers(words))
    return _read(folded, _meanings(_passives([word for word in words if word.text != "'s"])), raw)


def _bare(folded: str, language: str, *, long: bool) -> Prepared:
    none: frozenset[str] = frozenset()
    return Prepared(
        folded, language, long, (), 0, 0, (), none, "", (), none, False, (), False, none, (), (), False, False, False, (), False,
        False, False, (), none,
    )  # fmt: skip


# --- from characters to words ---------------------------------------------------------------------------------------


def _split(text: str) -> list[_Word]:
    """Words, numbers, signs and boundaries in lower case, contractions written out."""
    out: list[_Word] = []
    opening = True
    shouting = text.isupper()
    found = list(_TOKEN.finditer(text))
    for number, match in enumerate(found):
        token = match.group()
        low = token.casefold()
        if token in _BOUNDARY:
            if token == "-" and not _is_dash(text, match):
                if out and (out[-1].text in ("gmt", "utc") or text[match.start() - 1 : match.start()].isspace()):
                    out.append(_Word("minus"))
                continue
            if token != ":" or not (out and out[-1].text in ("ratio",)):
                out.append(_Word("|"))
            opening = opening or token in ".?!\n:"
            continue
        if low == "°":
            continue
        if low in _SYMBOL:
            out.append(_Word(_SYMBOL[low]))
            continue
        if low[0].isdigit():
            unit = found[number + 1].group().casefold() if number + 1 < len(found) else ""
            glued = number + 1 < len(found) and found[number + 1].start() == match.end()
            out += _number(low, unit if glued else "")
            opening = False
            continue
        if low in ("c", "f") and text[match.start() - 1 : match.start()] == "°":
            out.append(_Word("celsius" if low == "c" else "fahrenheit"))
            continue
        name = not opening and token[0].isupper() and not shouting
        acronym = len(token) > 1 and token.isupper() and not shouting
        if token not in "\"'":
            out += [
                _Word(part, name or acronym, acronym) for part in _written_out(low, glued=_after_digit(text, match))
            ]
        opening = False
    return out


def _is_dash(text: str, match: re.Match[str]) -> bool:
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    return not (after.isdigit() or (before.isalnum() and after.isalnum()))


def _after_digit(text: str, match: re.Match[str]) -> bool:
    return match.start() > 0 and text[match.start() - 1].isdigit()


def _number(low: str, unit: str) -> list[_Word]:
    """A number in one spelling: no thousands separators, no closing zeros, dates as month, day, year."""
    parts = re.split(r"[/-]", low)
    if len(parts) == 3 and all(part.isdigit() for part in parts):
        return _date([int(part) for part in parts], low)
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", low):
        low = low.replace(",", "")
    if re.fullmatch(r"\d+\.00?", low) and not low.endswith(".0"):
        low = low.split(".")[0]
    if re.fullmatch(r"0\d:\d\d", low):
        low = low[1:]
    if re.fullmatch(r"\d{1,2}:00", low):
        low = low[:-3]
    if unit in ("k", "m") and low.replace(".", "").isdigit() and unit == "k":
        low = str(int(float(low) * 1000))
    return [_Word("#" + low)]


def _date(parts: list[int], low: str) -> list[_Word]:
    first, second, third = parts
    if first > 31:
        year, month, day = first, second, third
    elif second > 12:
        month, day, year = first, second, third
    elif first > 12:
        day, month, year = first, second, third
    else:
        return [_Word("#" + low.replace("-", "/"))]
    return [_Word(f"month{month}"), _Word(f"#{day}"), _Word(f"#{year if year > 99 else 2000 + year}")]


_ENDINGS = {"'re": "are", "'ll": "will", "'ve": "have", "'d": "would", "'m": "am"}
_IS_BEFORE_S = (
    lx.QUESTION_WORDS
    | lx.PERSONS
    | frozenset(["it", "there", "here", "that", "this", "everything", "something", "nothing", "everyone"])
)


def _written_out(low: str, *, glued: bool) -> list[str]:
    if glued and low in ("k",):
        return []
    if glued and low in ("st", "nd", "rd", "th"):
        return ["@nth"]
    if low in lx.CONTRACTIONS:
        return lx.CONTRACTIONS[low].split()
    if "-" in low:
        return [part for piece in low.split("-") for part in _written_out(piece, glued=False)]
    if low.endswith("n't"):
        return [low[:-3], "not"]
    for ending, word in _ENDINGS.items():
        if low.endswith(ending) and low != ending:
            return [low[: -len(ending)], word]
    if low.endswith("'s"):
        return [low[:-2], "is" if low[:-2] in _IS_BEFORE_S else "'s"]
    if low.endswith("s'"):
        return [low[:-1], "'s"]
    return [low.strip("'")] if low.strip("'") else []


def _language(text: str, words: list[_Word]) -> str:
    odd = sum(1 for char in text if char.isalpha() and ord(char) > 0x24F)
    if odd:
        return "script"
    english = sum(word.text in lx.ENGLISH for word in words)
    foreign = sum(word.text in lx.FOREIGN and word.text not in lx.ENGLISH for word in words)
    accents = sum(char.isalpha() and ord(char) > 127 for char in text)
    if foreign > english or (not english and accents) or "¿" in text or "¡" in text:
        return "other"
    return "en"


# --- fillers, phrases, number words ---------------------------------------------------------------------------------


def _match(words: list[_Word], at: int, pattern: tuple[str, ...]) -> bool:
    if at + len(pattern) > len(words):
        return False
    return all(words[at + offset].text == part for offset, part in enumerate(pattern))


def _without_fillers(words: list[_Word]) -> list[_Word]:
    """Greetings, thanks, "could you tell me": dropped where a sentence begins or ends."""
    out: list[_Word] = []
    asking = any(word.text in lx.QUESTION_WORDS for word in words)
    at = 0
    while at < len(words):
        begins = not out or out[-1].text == "|"
        skip = 0
        for pattern, _ in _FILLERS.get(words[at].text, ()):
            end = at + len(pattern)
            ends = (end >= len(words) or words[end].text == "|") and pattern in _AT_END
            anywhere = pattern in (("please",), ("kindly",))
            if (out and out[-1].text in lx.SAYING) or (pattern == ("for", "me") and asking):
                break
            if (
                pattern[-2:] in (("help", "me"), ("you", "help"), ("need", "help"))
                and end < len(words)
                and words[end].text == "with"
            ):
                continue
            if (begins or ends or anywhere) and _match(words, at, pattern):
                skip = len(pattern)
                break
        if (
            begins
            and words[at].text in ("right", "correct", "yes")
            and (at + 1 == len(words) or words[at + 1].text == "|")
            and out
        ):
            skip = 1
        if not skip and begins:
            skip = _polite(words, at)
        if skip:
            at += skip
            continue
        out.append(words[at])
        at += 1
    return out


def _polite(words: list[_Word], at: int) -> int:
    for pattern in _POLITE:
        after = at + len(pattern)
        if after < len(words) and _match(words, at, pattern):
            follows = words[after].text
            if follows == "please" and after + 1 < len(words):
                follows = words[after + 1].text
            if forms(follows) & lx.IMPERATIVES:
                return len(pattern)
    return 0


def _replaced(words: list[_Word]) -> list[_Word]:
    """Fixed phrases by their one-word meaning."""
    out: list[_Word] = []
    at = 0
    while at < len(words):
        for pattern, replacement in _PHRASES.get(words[at].text, ()):
            if _match(words, at, pattern) and not (pattern[-1] == "to" and _match(words, at + len(pattern), ("#",))):
                out += [_Word(part if not part.isdigit() else "#" + part) for part in replacement]
                at += len(pattern)
                break
        else:
            out.append(words[at])
            at += 1
    return _amounts(_numbered(out))


_CURRENCIES = frozenset(("dollar", "euro", "pound", "yen", "rupee"))


def _amounts(words: list[_Word]) -> list[_Word]:
    """ "$ 500" and "EUR 500" are read as "500 dollar" and "500 euro"."""
    out = list(words)
    for at in range(len(out) - 1):
        if (
            out[at].text in _CURRENCIES
            and out[at + 1].text.startswith("#")
            and not (at and out[at - 1].text.startswith("#"))
        ):
            out[at], out[at + 1] = out[at + 1], out[at]
    return out


def _numbered(words: list[_Word]) -> list[_Word]:
    """Number words to digits, ordinals to "nth", months and units to one word."""
    out: list[_Word] = []
    at = 0
    while at < len(words):
        word = words[at].text
        if word in lx.NUMBER_WORDS and word != "one":
            value, at = _spoken(words, at)
            out.append(_Word(f"#{value}"))
            continue
        if word == "one" and at + 1 < len(words) and words[at + 1].text in lx.MULTIPLIERS:
            value, at = _spoken(words, at)
            out.append(_Word(f"#{value}"))
            continue
        previous = out[-1].text if out else ""
        if word in lx.MULTIPLIERS and previous.startswith("#") and previous[1:].replace(".", "").isdigit():
            out[-1] = _Word(f"#{int(float(previous[1:]) * lx.MULTIPLIERS[word])}")
        elif word == "@nth" and previous.startswith("#"):
            out[-1] = _Word(f"#nth{previous[1:]}")
        elif word in lx.ORDINALS and not (word == "second" and previous.startswith("#")):
            out.append(_Word(f"#nth{lx.ORDINALS[word]}"))
        elif (
            word in lx.MONTHS
            and previous.startswith("#")
            and word != "may"
            and previous[1:].isdigit()
            and int(previous[1:]) < 32
        ):
            out[-1:] = [_Word(f"month{lx.MONTHS[word]}"), out[-1]]
        elif word in lx.MONTHS and (
            word != "march" or words[at].name or previous in ("in", "for", "of", "since", "until")
        ):
            out.append(_Word(f"month{lx.MONTHS[word]}"))
        elif (
            word == "may"
            and words[at].name
            and previous in ("in", "for", "of", "since", "until", "by", "last", "next", "from")
        ):
            out.append(_Word("month5"))
        elif word.removesuffix("s") in lx.WEEKDAYS:
            out.append(_Word(word.removesuffix("s"), words[at].name))
        elif word in lx.UNITS and (len(word) > 2 or previous.startswith("#") or not word.isalnum()):
            out.append(_Word(lx.UNITS[word]))
        else:
            out.append(words[at])
        at += 1
    return out


def _spoken(words: list[_Word], at: int) -> tuple[int, int]:
    total, current = 0, 0
    while at < len(words):
        word = words[at].text
        if word in lx.NUMBER_WORDS:
            value = lx.NUMBER_WORDS[word]
            if current and not (current % 100 >= 20 and current % 10 == 0 and value < 10) and current % 100:
                break
            current += value
        elif word == "hundred" or word == "dozen":
            current = max(current, 1) * lx.MULTIPLIERS[word]
        elif word in lx.MULTIPLIERS:
            total += max(current, 1) * lx.MULTIPLIERS[word]
            current = 0
        elif not (
            word == "and" and total + current >= 100 and at + 1 < len(words) and words[at + 1].text in lx.NUMBER_WORDS
        ):
            break
        at += 1
    return total + current, at


# --- one order of words for one meaning -------------------------------------------------------------------------------


def _is_content(word: str) -> bool:
    return not (
        word == "|"
        or word[0] in "@'"
        or word in _FUNCTION
        or word in lx.STRONG
        or word in _MARKERS
        or word.startswith("how-")
    )


_FUNCTION = (
    lx.ARTICLES | lx.AUXILIARIES | lx.NOTHING | lx.SOFT | lx.QUESTION_WORDS | lx.PERSONS | lx.OWNERS
    | frozenset(["and", "or", "but", "to", "from", "not", "than"])
)  # fmt: skip
_MARKERS = lx.PREPOSITIONS_WEAK | lx.SUBORDINATORS | frozenset({"to", "from"})


def _participle(word: str) -> bool:
    return word in lx.PARTICIPLES or (word.endswith("ed") and len(word) > 3 and not word.endswith("eed"))


_INVERSE_IN = frozenset(["included", "contained", "covered"])


def _passives(words: list[_Word]) -> list[_Word]:
    """ "Can mould be caused by damp walls" is read as "can damp walls cause mould"."""
    for at in range(1, len(words) - 1):
        if words[at].text != "by" and not (words[at].text == "in" and words[at - 1].text in _INVERSE_IN):
            continue
        verb = at - 1
        if not _participle(words[verb].text) or not any(word.text in lx.BE for word in words[:verb]):
            continue
        subject_end = verb
        while subject_end > 0 and words[subject_end - 1].text in lx.BE | lx.HAVE | {"not", "already"}:
            subject_end -= 1
        subject_start = subject_end
        while subject_start > 0 and (
            _is_content(words[subject_start - 1].text)
            or words[subject_start - 1].text in lx.ARTICLES | lx.OWNERS | {"and", "|"}
        ):
            subject_start -= 1
        agent_end = at + 1
        while agent_end < len(words) and (
            _is_content(words[agent_end].text) or words[agent_end].text in lx.ARTICLES | lx.OWNERS | {"you", "me", "us"}
        ):
            agent_end += 1
        if subject_end == subject_start or agent_end == at + 1:
            continue
        subject, agent = words[subject_start:subject_end], words[at + 1 : agent_end]
        between = words[subject_end:verb]
        return words[:subject_start] + agent + between + [words[verb]] + subject + words[agent_end:]
    return words


def _meanings(words: list[_Word]) -> list[_Word]:
    """ "What does X mean" is read as "what is X"."""
    end = len(words)
    while end and words[end - 1].text == "|":
        end -= 1
    if end > 3 and words[0].text == "what" and words[1].text in ("do", "does") and words[end - 1].text == "mean":
        return [words[0], _Word("is"), *words[2 : end - 1]]
    return words


# --- the reading ------------------------------------------------------------------------------------------------------


class _Reader:
    """Walks the words once and sorts each into its class."""

    def __init__(self, words: list[_Word]) -> None:
        self.words = words
        self.numbers: list[str] = []
        self.soft_ones = 0
        self.negations = 0
        self.asks: list[str] = []
        self.modals: set[str] = set()
        self.past = self.future = False
        self.persons: list[str] = []
        self.owners: set[str] = set()
        self.indefinite = False
        self.strong: list[str] = []
        self.soft: set[str] = set()
        self.content: list[Token] = []
        self.sequence: list[str | int] = []
        self.present_aux = False
        self.preposition = self.waiting = ""
        self.stranded: list[str] = []
        self.has = False
        self.times: set[str] = set()
        self.participle_seen = False

    def open_phrase(self, marker: str, preposition: str = "") -> None:
        self.strand()
        self.sequence.append("p:" + marker + (preposition if marker == "~" else ""))
        self.preposition = self.waiting = preposition

    def strand(self) -> None:
        """A preposition that governs nothing here: "who do I work for", "for whom do I work"."""
        if self.waiting:
            self.stranded.append(self.waiting)
        self.waiting = ""

    def must_match(self, word: str) -> None:
        word = {"or-more": "at-least", "or-less": "at-most"}.get(word, word)
        self.strong.append(word)
        if word not in lx.FLOATING:
            self.sequence.append("s:" + word)

    def add(self, word: _Word, *, number: bool = False) -> None:
        keys = frozenset({word.text}) if number or word.acronym else forms(word.text)
        self.waiting = ""
        self.sequence.append(len(self.content))
        self.content.append(Token(word.text, keys, word.name, word.acronym, self.preposition))

    def walk(self) -> None:
        for at, word in enumerate(self.words):
            self.one(at, word)
        self.strand()

    def one(self, at: int, word: _Word) -> None:
        text = word.text
        after = self.words[at + 1].text if at + 1 < len(self.words) else ""
        before = self.words[at - 1].text if at else "|"
        if text == "|":
            self.strand()
            self.sequence.append("|")
            self.preposition = ""
        elif text.startswith("#"):
            self.numbers.append(text[1:])
            self.add(word, number=True)
        elif text == "one":
            self.soft_ones += 1
        elif text.startswith("@"):
            self.modal(text[1:])
        elif text.startswith("how-") or text in lx.QUESTION_WORDS:
            self.question(text, before, after, at)
        elif text in ("not", "never"):
            self.negations += 1
            if text == "never":
                self.strong.append("never")
        elif text == "no" and after != "|" and after:
            self.negations += 1
            self.strong.append("no")
        elif text in lx.DO and self.is_main_verb(at, text, before, after):
            self.add(_Word("do"))
        elif text in lx.AUXILIARIES:
            self.auxiliary(at, text, before)
        elif text in lx.ARTICLES or text in lx.NOTHING:
            self.indefinite |= text in ("a", "an")
            if text == "that" and _is_content(before):
                self.open_phrase("")
        elif text in lx.SOFT:
            self.soft.add(text)
        elif text in lx.PERSONS:
            self.persons.append(text)
            if self.waiting:
                self.stranded.append(f"{self.waiting} {text}")
            self.waiting = ""
        elif text in lx.OWNERS:
            self.owners.add(
                {"mine": "my", "yours": "your", "ours": "our", "hers": "her", "theirs": "their"}.get(text, text)
            )
        elif text in ("and", "or", "but"):
            self.sequence.append(text)
            if text != "and":
                self.strong.append(text)
        else:
            self.other(word, text, after)

    def bound(self, text: str, after: str) -> str:
        """ "Over 18" is "more than 18", "within 5 days" is "at most 5 days"."""
        if not (after.startswith("#") or after in lx.UNITS.values()):
            return text
        return _BOUNDS.get(text, text)

    def other(self, word: _Word, text: str, after: str) -> None:
        text = self.bound(text, after)
        head = next(iter(forms(text))) if len(forms(text)) == 1 else text
        if text in lx.SUBORDINATORS or text in ("from", "to") or text in lx.PREPOSITIONS_WEAK:
            weak = "to" if text in ("into", "onto") else "~"
            preposition = text if text in lx.PREPOSITIONS_WEAK or text == "to" else ""
            self.open_phrase(weak if text in lx.PREPOSITIONS_WEAK else text, preposition)
            if text in ("by", "for", "in") and (after.startswith(("#", "month")) or after in lx.WEEKDAYS):
                self.times.add(text)
            if text in lx.STRONG or text == "from":
                self.must_match(text)
        elif not word.name and (text in lx.STRONG or head in lx.STRONG):
            strong = text if text in lx.STRONG and head not in lx.STRONG else head
            if strong in _RELATIONS:
                self.open_phrase(strong)
            self.must_match(strong)
            if strong in ("without", "neither", "none"):
                self.negations += 1
        else:
            self.add(word)

    def modal(self, modal: str) -> None:
        if modal == "will":
            self.future = True
        else:
            self.modals.add(modal)

    def question(self, text: str, before: str, after: str, at: int) -> None:
        asking = after in lx.AUXILIARIES or after.startswith("@")
        if (
            text in ("when", "where", "while", "how")
            and not asking
            and text == "when"
            and before != "|"
            and len(self.words) > at + 1
        ):
            self.open_phrase("when")
            self.must_match("when")
            return
        if text == "when" and not asking and after and after != "|" and self.other_question(at):
            self.open_phrase("when")
            self.must_match("when")
            return
        if text in ("who", "which", "whom") and _is_content(before):
            return
        self.open_phrase("")
        self.asks.append({"which": "what", "whom": "who"}.get(text, text))

    def other_question(self, at: int) -> bool:
        return any(
            word.text in lx.QUESTION_WORDS or word.text.startswith("how-")
            for place, word in enumerate(self.words)
            if place != at
        ) or any(
            word.text == "|" and place + 1 < len(self.words) for place, word in enumerate(self.words) if place > at
        )

    def is_main_verb(self, at: int, text: str, before: str, after: str) -> bool:
        """ "Do" as in "what does she do": behind a subject, another auxiliary or "to", or at the end."""
        if text in ("doing", "done"):
            return True
        if after in ("", "|"):
            return before != "|"
        return before == "to" or before in lx.PERSONS or before in lx.AUXILIARIES or before.startswith("@")

    def auxiliary(self, at: int, text: str, before: str) -> None:
        if before == "|" or before in lx.QUESTION_WORDS:
            self.open_phrase("")
        if text in ("can", "could", "may", "might"):
            self.modals.add("can")
        elif text in ("must",):
            self.modals.add("must")
        elif text in ("should", "ought", "shall"):
            self.modals.add("should")
        elif text == "will":
            self.future = True
        elif text == "would":
            self.modals.add("would")
        elif text in ("did", "was", "were", "had"):
            self.past = True
            self.has |= text == "had"
        elif text in ("has", "have"):
            self.perfect(at)
        else:
            self.present_aux = True

    def perfect(self, at: int) -> None:
        for word in self.words[at + 1 : at + 8]:
            if _participle(word.text):
                self.past = True
                return
            if word.text == "|" or word.text == "to":
                break
        self.has = True
        self.present_aux = True


_BOUNDS = {"over": "more-than", "above": "more-than", "under": "less-than", "below": "less-than", "within": "at-most"}
_RELATIONS = frozenset(
    [
        "before",
        "after",
        "without",
        "above",
        "below",
        "under",
        "over",
        "between",
        "among",
        "since",
        "except",
        "besides",
        "against",
        "instead",
        "outside",
        "inside",
        "during",
        "than",
        "through",
        "across",
        "along",
        "around",
        "behind",
        "beyond",
        "despite",
        "per",
        "via",
        "versus",
        "within",
        "less-than",
        "more-than",
        "at-least",
        "at-most",
    ]
)


def _read(folded: str, words: list[_Word], raw: tuple[str, ...]) -> Prepared:
    reader = _Reader(words)
    reader.walk()
    kind = _kind(words)
    asks = tuple(sorted(reader.asks)) or (kind,)
    if reader.asks and kind == "yes-no":
        asks = (*asks, kind)
    texts = [word.text for word in words]
    if not (reader.past or reader.present_aux or reader.modals or reader.future):
        reader.past = any(word in lx.PAST_FORMS or (word.endswith("ed") and len(word) > 4) for word in texts[:8])
    return Prepared(
        folded=folded,
        language="en",
        long=False,
        numbers=tuple(sorted(reader.numbers)),
        soft_ones=reader.soft_ones,
        negations=reader.negations,
        asks=asks,
        modals=frozenset(reader.modals),
        tense=("past" if reader.past else "") + ("future" if reader.future else ""),
        persons=tuple(reader.persons),
        owners=frozenset(reader.owners),
        indefinite=reader.indefinite,
        strong=tuple(sorted(reader.strong)),
        passive=_is_passive(texts),
        soft=frozenset(reader.soft),
        content=tuple(reader.content),
        sequence=tuple(reader.sequence),
        listed=bool(texts) and texts[0] in lx.LISTING,
        superlative=any(word.endswith("est") or word in ("most", "least", "best", "worst") for word in texts),
        plural_be="are" in texts or "were" in texts,
        raw=raw,
        extraposed=texts[:2] == ["is", "it"] or texts[:2] == ["was", "it"],
        ordering=any(forms(word) & lx.ORDERING for word in texts if word[0].isalpha()),
        has=reader.has,
        stranded=tuple(sorted(reader.stranded)),
        times=frozenset(reader.times),
    )


def _is_passive(texts: list[str]) -> bool:
    """A form of "be" or "get" with a participle within the same phrase."""
    for at, text in enumerate(texts):
        if text in lx.BE or text in ("get", "gets", "got", "getting"):
            for word in texts[at + 1 : at + 6]:
                if word == "|" or word in _MARKERS or word in lx.QUESTION_WORDS:
                    break
                if _participle(word):
                    return True
    return False


def _kind(words: list[_Word]) -> str:
    """What the main clause does where no question word is used; clauses in front of it are passed over."""
    for clause in _clauses(words):
        if clause[0] in lx.AUXILIARIES or clause[0].startswith("@") or clause[0] == "exists":
            return "yes-no"
        if clause[0] in lx.IMPERATIVES or spelled(clause[0]) in lx.IMPERATIVES:
            return "order"
        if clause[0] not in lx.SUBORDINATORS and clause[0] not in lx.PREPOSITIONS_WEAK and clause[0] not in lx.STRONG:
            return "topic"
    return "topic"


def _clauses(words: list[_Word]) -> list[list[str]]:
    clauses: list[list[str]] = [[]]
    for word in words:
        if word.text == "|":
            clauses.append([])
        else:
            clauses[-1].append(word.text)
    return [clause for clause in clauses if clause]

"""Takes out of a text what says who somebody is or opens something: e-mail addresses, phone and card numbers, IBANs, addresses
of the internet, keys and passwords. What stood there is named instead, so that the text keeps its shape.

Numbers are told from other numbers by their check digits where they have any (cards: Luhn, ISO/IEC 7812-1; IBANs: ISO 13616,
remainder 1 by 97). Names of people and streets are not found: that needs a model, and is no promise of this. Every pattern is
bounded, so that the time is linear in the text.
"""

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

Kind = str
KINDS = ("secret", "email", "iban", "card", "ip", "phone")
"""In the order in which they are looked for."""
MARK = re.compile(rf"\[(?:{'|'.join(KINDS)})\]")
"""What stands where something was taken out."""


class Redacted(NamedTuple):
    text: str
    found: dict[Kind, int]
    """How many of each kind were taken out."""


def redact(text: str) -> Redacted:
    """The text without what is looked for."""
    found: dict[Kind, int] = {}
    if _NEEDS_ANY.search(text) is None:
        return Redacted(text, found)
    for kind, pattern, is_one in _RULES:
        if kind in _NEEDS and _NEEDS[kind].search(text) is None:
            continue
        text = pattern.sub(_Replacing(kind, is_one, found), text)
    return Redacted(text, found)


def finds(text: str) -> bool:
    """Whether there is anything of it in the text."""
    return bool(redact(text).found)


class _Replacing:
    def __init__(self, kind: Kind, is_one: Callable[[str], bool] | None, found: dict[Kind, int]) -> None:
        self._kind = kind
        self._is_one = is_one
        self._found = found

    def __call__(self, match: re.Match[str]) -> str:
        said = match.group("it")
        if self._is_one is not None and not self._is_one(said):
            return match.group()
        self._found[self._kind] = self._found.get(self._kind, 0) + 1
        start, end = match.start("it") - match.start(), match.end("it") - match.start()
        whole = match.group()
        return f"{whole[:start]}[{self._kind}]{whole[end:]}"


def is_card(text: str) -> bool:
    """Whether the digits are a card's number: 13 to 19 of them, first digit 2 to 6, and Luhn's check digit."""
    digits = [int(char) for char in text if char.isdigit()]
    if not 13 <= len(digits) <= 19 or not 2 <= digits[0] <= 6 or len(set(digits)) == 1:
        return False
    doubled = (2 * digit - 9 * (digit > 4) if at % 2 else digit for at, digit in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether it is an IBAN by its check digits."""
    plain = text.replace(" ", "").replace("-", "").upper()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def _is_ip(text: str) -> bool:
    try:
        return not IPv4Address(text).is_unspecified
    except AddressValueError:
        pass
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return text.count(":") >= 3 or "::" in text.strip(":")


def _is_phone(text: str) -> bool:
    """Whether there are as many digits as a number has that can be called (ITU-T E.164: at most 15), and no date."""
    digits = sum(char.isdigit() for char in text)
    return 8 <= digits <= 15 and _DATE.fullmatch(text.strip()) is None


_DATE = re.compile(r"\(?(?:\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{4})\)?(?:[ T]\d{1,2})?")

_SECRET = r"""
    -----BEGIN[ A-Z]{0,30}PRIVATE[ ]KEY-----[\s\S]{0,20000}?(?:-----END[ A-Z]{0,30}PRIVATE[ ]KEY-----|\Z)
  | \b(?:sk|pk|rk)[-_](?:[A-Za-z0-9]{1,12}[-_]){0,4}[A-Za-z0-9_-]{16,300}      # OpenAI, Anthropic, Stripe
  | \b(?:gh[pousr]|github_pat|glpat|npm|pypi|dop_v1|shpat|hf|gsk|xai|r8|whsec)[-_][A-Za-z0-9_-]{16,300}
  | \bxox[abeoprs]-[A-Za-z0-9-]{10,300}                                          # Slack
  | \b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b                                      # AWS
  | \bAIza[A-Za-z0-9_-]{35}                                                      # Google
  | \bya29\.[A-Za-z0-9_-]{20,300}
  | \bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}                             # SendGrid
  | \bfarthing[-_][A-Za-z0-9_-]{20,100}
  | \beyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{4,4000}\.[A-Za-z0-9_-]{0,2000}    # JSON web tokens
"""
_NAMED_SECRET = r"""
    (?<![A-Za-z0-9])(?:pass(?:word|wd|phrase|code)?|pwd|kennwort|passwort|secret(?:[-_ ]?key)?|api[-_ ]?key|access[-_ ]?key
      |account[-_ ]?key|auth[-_ ]?token|access[-_ ]?token|refresh[-_ ]?token|client[-_ ]?secret|private[-_ ]?key
      |connection[-_ ]?string)
    ["']?\s{0,3}(?:[:=]|\b(?:is|lautet)\b(?=\s{0,3}["']?[^\s\d]{0,40}\d))\s{0,3}["']?(?P<it>(?![\[<{$])[^\s"'<>,;]{6,200})
"""
_BEARER = r"\b(?:Bearer|Basic)\s{1,3}(?P<it>[A-Za-z0-9+/_.~=-]{16,4000})"
_TOKEN = r"""(?<![A-Za-z0-9])token["']?\s{0,3}[:=]\s{0,3}["']?(?P<it>[A-Za-z0-9+/_.~=-]{16,4000})"""
_IN_URL = r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,100}:(?P<it>[^\s/@]{1,200})(?=@)"
_EMAIL = (
    r"(?<![\w.+%-])(?P<it>[\w.+%'-]{1,64}(?:@|%40)(?:[A-Za-z0-9\u00c0-\u024f-]{1,63}\.){1,8}[A-Za-z]{2,24})(?![\w-])"
)
_IBAN = r"(?<![A-Za-z0-9])(?P<it>[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?)(?![A-Za-z0-9])"
_GAP = r"[ \u00a0\u2007\u2009\u202f._\u2010-\u2015-]"
"""What stands between digits that belong together, as people and word processors write it."""
_CARD = rf"(?<!\d)(?<!\d[.,-])(?P<it>\d(?:{_GAP}{{0,2}}\d){{12,18}})(?![\d])"
_IP = r"""
    (?<![\w.:])(?P<it>
        (?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)
      | (?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3}|(?<=::))(?![\w:]|\.\d)
    )
"""
_PHONE = rf"""
    (?<![\w.,/+-])(?<!\d:)(?P<it>
        (?:\+|00)[1-9]\d{{0,2}}(?:/|{_GAP}){{0,2}}(?:\(\d{{1,5}}\)(?:/|{_GAP}){{0,2}})?\d(?:(?:/|{_GAP}){{0,2}}\d){{5,12}}   # with the country
      | (?:\(0[1-9]\d{{1,4}}\)|0[1-9]\d{{1,4}})(?:/|{_GAP}){{1,3}}\d(?:(?:/|{_GAP})?\d){{4,9}}                                # trunk prefix and area
      | 0[1-9](?:{_GAP}\d\d){{4}}                                                                                        # the same in pairs
      | 0[1-9]\d{{8,10}}                                                                                                # and in one
      | (?:1{_GAP})?(?:\(\d{{3}}\){_GAP}?\d{{3}}{_GAP}\d{{4}}|\d{{3}}(?P<gap>{_GAP})\d{{3}}(?P=gap)\d{{4}})                            # North America
    )(?![\w]|[.,]\d)
"""

_X = re.VERBOSE
_RULES: tuple[tuple[Kind, re.Pattern[str], Callable[[str], bool] | None], ...] = (
    ("secret", re.compile(f"(?P<it>{_SECRET})", _X), None),
    ("secret", re.compile(_BEARER), None),
    ("secret", re.compile(_NAMED_SECRET, _X | re.IGNORECASE), None),
    ("secret", re.compile(_TOKEN, re.IGNORECASE), None),
    ("secret", re.compile(_IN_URL, re.IGNORECASE), None),
    ("email", re.compile(_EMAIL), None),
    ("iban", re.compile(_IBAN), is_iban),
    ("card", re.compile(_CARD), is_card),
    ("ip", re.compile(_IP, _X), _is_ip),
    ("phone", re.compile(_PHONE, _X), _is_phone),
)
_NEEDS = {
    "email": re.compile("@|%40"), "iban": re.compile(r"\d\d"), "card": re.compile(r"\d"), "ip": re.compile(r"\d\.\d|:[\dA-Fa-f]{0,4}:"),
    "phone": re.compile(r"\d"),
}  # fmt: skip
"""Without this there is none: most texts are passed by so."""
_NEEDS_ANY = re.compile(r"[\d@:=]|-----|[\w+/.~=-]{15}")
"""Without this there is nothing of any kind: a number, a sign that joins a name and its value, or one long word."""

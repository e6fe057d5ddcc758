"""How many tokens a text has, before anyone has counted them: o200k's count where its vocabulary is installed (the extra
`tokens`), else one token for every 4 bytes; times how many tokens this model's provider counts for one of these, learned
from the usage that it reported.

    estimate = plain count x ratio of the model

The ratio is a mean that starts at the family's own, with the weight of `STRENGTH` calls, and settles within tens of calls.
Vocabularies differ little in English and twofold in Hindi, so that each script, told by its bytes for a character, has a
mean of its own, drawn to that of all. Old calls fade. Ratios of the two plain counts are kept apart. Knows nothing of prices and messages; never blocks.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from farthing.catalog.facts import plain_name
from farthing.model.record import CACHE_HITS, Attempt, Record

try:
    from rs_bpe.bpe import openai as _vocabularies
except ImportError:  # the extra is not installed: bytes are counted instead
    _vocabularies = None

BYTES_PER_TOKEN = 4
STRENGTH = 2.0
FADE_AT = 512
MOST_MODELS = 2_000
LEAST, MOST = 0.25, 4.0
"""A call outside of this has media in it, or a body that is mostly not shown to the model."""
STARTS = (
    ("claude", 1.15), ("gemini", 1.08), ("gemma", 1.08), ("mistral", 1.05), ("ministral", 1.05), ("deepseek", 1.04),
    ("qwen", 1.03),
)  # fmt: skip
"""Tokens for one of o200k's in English prose, by the beginning of a model's name; Claude's is not published."""
_SCRIPTS = ((1.03, "ascii"), (1.4, "accented"), (2.2, "two bytes"), (2.75, "mostly three bytes"), (9.0, "three bytes"))
"""Bytes for a character, at most: English and code; German, French; Russian, Arabic; Hindi, which has spaces; Chinese."""


def exact(text: str) -> int | None:
    """o200k's own count; None where it is not installed."""
    if _vocabularies is None:
        return None
    vocabulary = _loaded()
    try:
        return int(vocabulary.count(text))
    except UnicodeEncodeError:  # half a surrogate pair
        return int(vocabulary.count(text.encode("utf-8", "replace").decode()))


def plain(text: str) -> int:
    """The count that ratios are of: exact, or by bytes."""
    found = exact(text)
    return found if found is not None else by_bytes(len(text.encode("utf-8", "replace")))


def by_bytes(size: int) -> int:
    """Tokens of so many bytes, rounded up: `wire.tokens`' rule."""
    return -(-size // BYTES_PER_TOKEN)


def script_of(text: str) -> str:
    """Which of the scripts a text is in, for the most part."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return next(name for most, name in _SCRIPTS if size <= most * max(len(text), 1))


@lru_cache(maxsize=1024)
def start_of(model: str) -> float:
    """What is assumed of a model that was not seen."""
    name = plain_name(model)
    return next((ratio for beginning, ratio in STARTS if name.startswith(beginning)), 1.0)


class _Ratio:
    __slots__ = ("plain", "reported", "seen")

    def __init__(self) -> None:
        self.seen = 0
        self.plain = 0.0
        self.reported = 0.0


class TokenRatios:
    """Learns in the ledger's thread while calls are served; readers see each number whole."""

    def __init__(self, most: int = MOST_MODELS) -> None:
        self._most = most
        self._known: dict[tuple[str, str, str], _Ratio] = {}

    def ratio(self, model: str, by: str = "o200k", script: str = "") -> float:
        """Tokens that the model's provider counts for one; `by`: o200k, or bytes; `script`: as `script_of` says, or of all."""
        whole = _drawn(self._known.get((model, by, "")), start_of(model))
        return _drawn(self._known.get((model, by, script)), whole) if script else whole

    def seen(self, model: str, by: str = "o200k") -> int:
        """Calls that the ratio rests on."""
        found = self._known.get((model, by, ""))
        return found.seen if found is not None else 0

    def tokens(self, model: str, text: str) -> int:
        """What the model's provider is expected to count for a text."""
        by = "bytes" if _vocabularies is None else "o200k"
        return round(plain(text) * self.ratio(model, by, script_of(text)))

    def tokens_of_bytes(self, model: str, size: int) -> int:
        """The same of a request's body that nobody wants to parse."""
        return round(by_bytes(size) * self.ratio(model, "bytes"))

    def learn(self, model: str, counted: int, reported: int, by: str = "o200k", script: str = "") -> None:
        """A call whose plain count was `counted`, and that the provider says had `reported`."""
        if counted > 0 and LEAST <= reported / counted <= MOST:
            for which in {"", script}:
                self._add((model, by, which), counted, reported)

    def _add(self, key: tuple[str, str, str], counted: int, reported: int) -> None:
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= self._most:
                kept = sorted(self._known.items(), key=lambda item: -item[1].seen)
                self._known = dict(kept[: self._most // 2])
            found = self._known[key] = _Ratio()
        found.seen += 1
        found.plain += counted
        found.reported += reported
        if found.seen >= FADE_AT:
            found.seen //= 2
            found.plain /= 2
            found.reported /= 2

    def observe(self, records: Sequence[Record]) -> None:
        """Learn from calls that ended well, by the bytes of their requests. An observer of the ledger."""
        for record in records:
            attempt = _counted(record)
            if attempt is not None and attempt.usage is not None and record.request_bytes:
                self.learn(attempt.model, by_bytes(record.request_bytes), attempt.usage.total_in, "bytes")


def _drawn(found: _Ratio | None, start: float) -> float:
    if found is None or not found.plain:
        return start
    first = STRENGTH * found.plain / found.seen
    return (found.reported + first * start) / (found.plain + first)


def _counted(record: Record) -> Attempt | None:
    """The attempt whose usage is the provider's own."""
    if record.outcome != "ok" or record.cache in CACHE_HITS:
        return None
    ended = [attempt for attempt in record.attempts if not attempt.part]
    return ended[-1] if ended and ended[-1].outcome == "ok" and not ended[-1].estimated else None


_held: list[Any] = []


def _loaded() -> Any:
    """The vocabulary, read once: 50 ms."""
    if not _held:
        _held.append(_vocabularies.o200k_base())
    return _held[0]

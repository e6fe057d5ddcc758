"""A request in fewer tokens: the transforms that somebody wants, each where it may be used; all other bytes as they came.

| transform | where | what it needs |
|---|---|---|
| compact | results of tools, and what users send, that is wholly JSON | nothing: the value is the same |
| escapes | the same | nothing |
| schemas | the list of tools | nothing |
| trailing | instructions and what users send, as long as it is no source text | nothing |
| table | JSON arrays of uniform records, and objects with such a member: results of tools, parts beside what a user says | a model that reads tables |
| repeats | results of tools and what users send, from the second time on | a model that follows a reference |

Where tools edit files by the exact text in them, texts keep every byte. Knows nothing of policies, models and prices.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from farthing.wire import splice
from farthing.wire.shaping.compact import compact
from farthing.wire.shaping.escapes import letters
from farthing.wire.shaping.repeats import LEAST_CHARS, Repeats, refer
from farthing.wire.shaping.schemas import Tools, tools_of
from farthing.wire.shaping.shaped import Shaped
from farthing.wire.shaping.slots import Kind, Places, Slot, place_of_tools, places
from farthing.wire.shaping.table import table
from farthing.wire.shaping.trailing import trimmed

COMPACT, ESCAPES, SCHEMAS, TRAILING = "compact", "escapes", "schemas", "trailing"
TABLE, REPEATS = "table", "repeats"
LOSSLESS = (COMPACT, ESCAPES, SCHEMAS, TRAILING)
"""A model gets the same values, only spelled in fewer tokens."""
GUARDED = (TABLE, REPEATS)
"""A model must understand another form."""


SHORT = 8 * 1024
"""Bytes of a body that is looked through before it is parsed."""


MEMORY = 8 * 1024 * 1024
"""Bytes of texts whose shaped form is remembered; when they are full it begins anew."""
ENTRY = 300
"""Bytes that an entry takes beside its texts."""


class Removed(NamedTuple):
    """What one transform took off at one place."""

    transform: str
    tokens: int
    """Estimated."""
    at: float
    """Where in the request, from 0 (its beginning, as a provider reads it) to 1."""


class Outcome(NamedTuple):
    """A request that was shaped."""

    body: bytes
    removed: tuple[Removed, ...]


Shape = Callable[[str, bytes], Outcome | None]
"""As `Shaper.shape`."""
Shaping = Callable[[frozenset[str]], Shape]
"""As `shaping`."""


class Made(NamedTuple):
    """What became of one text: the JSON string, and the tokens that fell by each transform."""

    raw: bytes
    tokens: tuple[tuple[str, int], ...]


def shaping(transforms: frozenset[str]) -> Shape:
    """What shapes requests with these transforms."""
    return Shaper(transforms).shape


class Shaper:
    """Shapes requests with one set of transforms."""

    def __init__(self, transforms: frozenset[str]) -> None:
        self._wanted = transforms
        self._json: list[tuple[str, Callable[[str], Shaped | None]]] = [
            (name, make) for name, make in ((ESCAPES, letters), (COMPACT, compact)) if name in transforms
        ]
        self._values = bool(self._json) or TABLE in transforms
        self._known: dict[tuple[bytes, bool], Made] = {}
        self._bytes = 0

    def shape(self, format: str, body: bytes) -> Outcome | None:
        """The request with what falls; None where nothing does. Never raises."""
        if not self._may(body):
            return None
        found = places(format, body, self._wants)
        try:
            return self._shaped(body, found) if found is not None else None
        except (msgspec.DecodeError, UnicodeError):  # a text that is no UTF-8
            return None

    def _shaped(self, body: bytes, found: Places) -> Outcome | None:
        edits: list[tuple[int, int, bytes]] = []
        removed: list[Removed] = []
        tools = tools_of(found.tools) if found.tools else NO_TOOLS
        if tools.tokens and found.free and SCHEMAS in self._wanted:
            place = place_of_tools(body, found.tools)
            if place is not None:
                edits.append((*place, tools.raw))
                removed.append(Removed(SCHEMAS, tools.tokens, 0.0))
        if not tools.edits:
            repeats = Repeats() if REPEATS in self._wanted else None
            for slot in found.slots:
                made = self._made(body[slot.start : slot.end], slot, repeats, found.escapes)
                if made.tokens:
                    removed += [Removed(name, tokens, slot.start / len(body)) for name, tokens in made.tokens]
                    edits.append((slot.start, slot.end, made.raw))
        return Outcome(splice.replace(body, edits), tuple(removed)) if edits else None

    def _may(self, body: bytes) -> bool:
        """A cheap look at the bytes: whether there can be anything to do. From the end, which is the faster way. A long body is
        read at once, since it is more likely to hold something."""
        return (
            len(body) > SHORT
            or REPEATS in self._wanted
            or (self._values and (body.rfind(b'"{') >= 0 or body.rfind(b'"[') >= 0))
            or (SCHEMAS in self._wanted and body.rfind(b'"tools"') >= 0)
            or (TRAILING in self._wanted and body.rfind(_LINE_END) >= 0)
        )

    def _wants(self, string: memoryview, kind: Kind) -> bool:
        if kind != "system":
            if self._values and string[1] in _OPENS:
                return True
            if REPEATS in self._wanted and len(string) > LEAST_CHARS:
                return True
        return kind != "tool" and TRAILING in self._wanted and bytes(string).rfind(_LINE_END) >= 0

    def _made(self, raw: bytes, slot: Slot, repeats: Repeats | None, escapes: bool) -> Made:
        """What the transforms made of a text, one after the other."""
        if repeats is not None and slot.kind != "system":
            first = repeats.first(raw, slot.id)
            reference = refer(_string(raw), first) if first is not None else None
            if reference is not None:
                return _made_of([(REPEATS, reference)])
        if slot.kind == "system" or not self._values or raw[1] not in _OPENS:
            cut = trimmed(_string(raw)) if TRAILING in self._wanted and slot.kind != "tool" else None
            return _made_of([(TRAILING, cut)]) if cut is not None else NOTHING
        tables = TABLE in self._wanted and (slot.kind == "tool" or slot.beside)
        return self._of_json(raw, escapes=escapes, tables=tables)

    def _of_json(self, raw: bytes, *, escapes: bool, tables: bool) -> Made:
        """The same of what may be JSON. Results of tools come again with each turn, so what was made is remembered."""
        known = self._known.get((raw, tables))
        if known is not None:
            return known
        text = _string(raw)
        made: list[tuple[str, Shaped]] = []
        for name, transform in self._json:
            shaped = transform(text) if escapes or name != ESCAPES else None
            if shaped is not None:
                made.append((name, shaped))
                text = shaped.text
        rows = table(text) if tables else None
        if rows is not None:
            made.append((TABLE, rows))
        result = _made_of(made) if made else NOTHING
        self._bytes += len(raw) + len(result.raw) + ENTRY
        if self._bytes > MEMORY:
            self._known, self._bytes = {}, len(raw) + len(result.raw) + ENTRY
        self._known[raw, tables] = result
        return result


def _made_of(made: list[tuple[str, Shaped]]) -> Made:
    return Made(msgspec.json.encode(made[-1][1].text), tuple((name, shaped.tokens) for name, shaped in made))


NOTHING = Made(b"", ())
NO_TOOLS = Tools(b"", 0, False)

_string = msgspec.json.Decoder(str).decode
_LINE_END = b" \\n"
_OPENS = b"{["

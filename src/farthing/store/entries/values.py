"""What the cache's store keeps and gives back: entries, their extra questions, verdicts, and what was asked of them.

Plain values; nothing here knows SQL, files or vectors' meaning.
"""

import secrets
from typing import Literal, NamedTuple

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One stored answer with the question that it answers. `tenant` is part of every key: no other tenant finds it."""

    id: str
    tenant: str
    scope: str = ""
    """The feature, or empty."""
    owner: str = ""
    """The user whose call wrote it."""
    team: str = ""
    format: str = ""
    """The wire of the answer, such as openai.chat."""
    model: str = ""
    """The model that was executed."""
    asked: str = ""
    """The model that was asked for."""
    target: str = ""
    """The model that routing chose, by the name that callers know; empty where the call had named it."""
    encoder: str = ""
    """What made the vector; vectors of two encoders are never compared."""
    exact: bytes = b""
    """Fingerprint of everything that changes the answer, and of who may be served. Empty: found by vector or id only."""
    context: bytes = b""
    """Fingerprint of everything but the question; vectors are compared inside one context."""
    question: str = ""
    vector: bytes = b""
    """Opaque here; empty if there is none. Entries that are read by `get`, `get_many` and `read` come without it."""
    answer: bytes = b""
    cost: int = 0
    """Nano-dollars that the answer cost, which is what a hit saves."""
    baseline: int = 0
    """What the answer would have cost without the choice of a cheaper model; 0 where nobody chose."""
    in_tokens: int = 0
    out_tokens: int = 0
    created_us: int
    """Microseconds since 1970, when the answer was asked for: a purge after that moment removes the entry even if it is
    written later."""
    expires_us: int = 0
    """0 means never."""
    source_call: str = ""
    tags: tuple[str, ...] = ()
    pinned: bool = False
    """Approved by people: not evicted to make room, and not replaced by an entry that is not pinned."""
    hits: int = 0


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One more question that an entry answers. Its context, model and limits are those of the entry."""

    id: str
    tenant: str
    entry_id: str
    question: str
    vector: bytes = b""
    source: Literal["judge", "pin", "feedback"] = "judge"
    created_us: int


HITS = ("shadow", "feedback", "judge")
"""Sources of verdicts on hits."""
PROBES = ("repeat", "mismatch")
"""Sources of verdicts on the judge itself: it was shown a fresh answer to its own question, or an answer to another one."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one hit, or one that would have been a hit, was wrong; or, of a probe, whether the judge said so. One a call
    and source; a later one replaces it."""

    tenant: str
    scope: str = ""
    entry_id: str = ""
    call_id: str
    similarity: float
    """Cosine, 0 to 1; kept to a millionth."""
    wrong: bool
    source: Literal["shadow", "feedback", "judge", "repeat", "mismatch"]
    judge: str = ""
    """The model that judged; empty where people did."""
    score: float | None = None
    """A number that people gave with it, on a scale of theirs."""
    at_us: int


class Tally(NamedTuple):
    """Verdicts with a similarity in one bucket: from `at_least` up to the next bucket's."""

    at_least: float
    total: int
    wrong: int
    people: int = 0
    """Those of the total that people gave."""


class ProbeCount(NamedTuple):
    """Probes of the judge in one scope."""

    scope: str
    source: str
    near: bool
    """Whether the two questions were near each other."""
    total: int
    wrong: int
    """Those to which the judge said no."""


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """Which of a tenant's entries are meant: those that agree with everything given. Nothing given means all."""

    ids: tuple[str, ...] | None = None
    scope: str | None = None
    tag: str | None = None
    model: str | None = None
    asked: str | None = None
    owner: str | None = None
    team: str | None = None
    context: bytes | None = None
    exact: bytes | None = None
    created_before_us: int | None = None
    keep_pinned: bool = False
    """Leave pinned entries out."""

    def matches(self, entry: Entry) -> bool:
        equal = (
            (self.scope, entry.scope), (self.model, entry.model), (self.asked, entry.asked), (self.owner, entry.owner),
            (self.team, entry.team), (self.context, entry.context),
            (self.exact, entry.exact),
        )  # fmt: skip
        return (
            all(wanted is None or wanted == found for wanted, found in equal)
            and (self.ids is None or entry.id in self.ids)
            and (self.tag is None or self.tag in entry.tags)
            and (self.created_before_us is None or entry.created_us < self.created_before_us)
            and not (self.keep_pinned and entry.pinned)
        )


class Vector(NamedTuple):
    """A question's vector with what the index needs to place it. `link` is empty for the entry's own question."""

    tenant: str
    entry_id: str
    link: str
    scope: str
    context: bytes
    encoder: str
    expires_us: int
    vector: bytes


class Position(NamedTuple):
    """How far a reader of changes has come. The default is before everything."""

    epoch: int = 0
    change: int = 0
    began: int = 0
    """The newest change when the reader began: what went before that was never told to it."""


class Changes(NamedTuple):
    position: Position
    """To go on from."""
    added: list[Vector]
    dropped: list[str]
    """Ids of entries and of links that are gone."""
    anew: bool
    """Forget everything known before: the store began anew, or too much went at once."""
    more: bool
    """There is more right now."""


class Worth(NamedTuple):
    """What one stored answer saved so far; neither what was asked nor what was answered."""

    id: str
    scope: str
    asked: str
    """The model that was asked for."""
    created_us: int
    expires_us: int
    """0 means never."""
    source_call: str
    pinned: bool
    hits: int
    saved: int
    """Nano-dollars: hits times what the answer cost."""
    bytes: int


class ScopeStats(NamedTuple):
    scope: str
    entries: int
    bytes: int
    hits: int
    saved: int
    """Nano-dollars: hits of the entries that are still there, times what each entry's answer cost."""


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant has in the cache now."""

    entries: int
    pinned: int
    links: int
    bytes: int
    """As counted against the budget."""
    hits: int
    oldest_us: int
    """0 if there is none."""
    newest_us: int
    scopes: list[ScopeStats]


def new_entry_id() -> str:
    return "ent-" + secrets.token_hex(8)


def new_link_id() -> str:
    return "lnk-" + secrets.token_hex(8)

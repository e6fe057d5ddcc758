"""Between the cache's values and rows of its tables: wrapping on the way in, unwrapping and checking on the way out."""

from collections.abc import Sequence

import msgspec

from farthing.store.engine import Row
from farthing.store.entries.values import Entry, Link, Vector, Verdict
from farthing.store.entries.worth import first_heat, worth
from farthing.store.sealing import Unreadable, Wrapping

ROW_OVERHEAD = 400
"""Bytes that an entry or a link takes beside its question, vector and answer, with its places in indexes."""

_MOST = 2**62

READ = (
    "id, tenant, scope, owner, team, format, model, asked, target, encoder, exact, context, cost, baseline, in_tokens, out_tokens, "
    "created_us, expires_us, source_call, tags, pinned, hits, question, answer"
)
"""The columns that `entry` takes, in order."""

_json = msgspec.json.Encoder()
_tags = msgspec.json.Decoder(tuple[str, ...])


class EntryRow(msgspec.Struct, frozen=True):
    """An entry ready to be inserted: everything wrapped, so that the transaction has nothing to compute."""

    entry: Entry
    question: bytes
    vector: bytes | None
    answer: bytes
    size: int

    def row(self, seal: int, changed: int, heat: float, hits: int) -> Row:
        e = self.entry
        return (
            e.id, e.tenant, e.scope, e.owner, e.team, e.format, e.model, e.asked, e.target, e.encoder, e.exact or None,
            e.context, e.cost, e.baseline, e.in_tokens, e.out_tokens, e.created_us, e.expires_us, e.source_call, _json.encode(e.tags).decode(),
            int(e.pinned), hits, heat, worth(heat, e.cost, self.size), self.size, seal, changed, self.question,
            self.vector, self.answer,
        )  # fmt: skip

    @property
    def first_heat(self) -> float:
        return first_heat(self.entry.created_us)


class LinkRow(msgspec.Struct, frozen=True):
    """A link ready to be inserted."""

    link: Link
    question: bytes
    vector: bytes | None
    size: int

    def row(self, seal: int, changed: int) -> Row:
        link = self.link
        return (
            link.id, link.tenant, link.entry_id, link.source, link.created_us, self.size, seal, changed, self.question,
            self.vector,
        )  # fmt: skip


def entry_row(wrapping: Wrapping, e: Entry) -> EntryRow:
    question = wrapping.wrap(_bytes(e.question), e.tenant, e.id, "question")
    vector = wrapping.wrap(e.vector, e.tenant, e.id, "vector") if e.vector else None
    answer = wrapping.wrap(e.answer, e.tenant, e.id, "answer")
    return EntryRow(e, question, vector, answer, len(question) + len(vector or b"") + len(answer) + ROW_OVERHEAD)


def link_row(wrapping: Wrapping, link: Link) -> LinkRow:
    question = wrapping.wrap(_bytes(link.question), link.tenant, link.entry_id, link.id, "question")
    vector = wrapping.wrap(link.vector, link.tenant, link.id, "vector") if link.vector else None
    return LinkRow(link, question, vector, len(question) + len(vector or b"") + ROW_OVERHEAD)


def verdict_row(verdict: Verdict) -> Row:
    similarity = round(max(-1.0, min(verdict.similarity, 1.0)) * 1e6)
    return (
        verdict.tenant, verdict.scope, verdict.entry_id, verdict.call_id, similarity, int(verdict.wrong),
        verdict.source, verdict.judge, verdict.score, verdict.at_us,
    )  # fmt: skip


def entry(wrapping: Wrapping, row: Row) -> Entry:
    """Without its vector. Raises Unreadable."""
    (
        id_, tenant, scope, owner, team, format_, model, asked, target, encoder, exact, context, cost, baseline, in_tokens, out_tokens,
        created_us, expires_us, source_call, tags, pinned, hits, question, answer,
    ) = row  # fmt: skip
    return Entry(
        id=id_, tenant=tenant, scope=scope, owner=owner, team=team, format=format_, model=model, asked=asked, target=target,
        encoder=encoder, exact=exact or b"", context=context, cost=cost, baseline=baseline, in_tokens=in_tokens, out_tokens=out_tokens,
        created_us=created_us, expires_us=expires_us, source_call=source_call,
        tags=() if tags == "[]" else _tags.decode(tags), pinned=pinned != 0, hits=hits,
        question=_text(wrapping.unwrap(question, tenant, id_, "question")),
        answer=wrapping.unwrap(answer, tenant, id_, "answer"),
    )  # fmt: skip


def link(wrapping: Wrapping, row: Row) -> Link:
    """From id, tenant, entry_id, source, created_us, question; without its vector. Raises Unreadable."""
    id_, tenant, entry_id, source, created_us, question = row
    text = _text(wrapping.unwrap(question, tenant, entry_id, id_, "question"))
    return Link(id=id_, tenant=tenant, entry_id=entry_id, source=source, created_us=created_us, question=text)


def vectors(wrapping: Wrapping, found: Sequence[Row]) -> list[Vector]:
    """From tenant, entry_id, link, scope, context, encoder, expires_us, vector; without those that cannot be read."""
    kept = []
    for tenant, entry_id, link_id, scope, context, encoder, expires_us, wrapped in found:
        try:
            vector = wrapping.unwrap(wrapped, tenant, link_id or entry_id, "vector")
        except Unreadable:
            continue
        kept.append(Vector(tenant, entry_id, link_id, scope, context, encoder, expires_us, vector))
    return kept


def tags(text: str) -> tuple[str, ...]:
    return _tags.decode(text)


def sound(texts: Sequence[str], numbers: Sequence[int]) -> bool:
    """Whether every engine can hold these."""
    try:
        return "\0" not in "".join(texts).encode().decode() and all(-_MOST < number < _MOST for number in numbers)
    except (UnicodeError, TypeError):
        return False


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _text(encoded: bytes) -> str:
    return encoded.decode(errors="surrogatepass")

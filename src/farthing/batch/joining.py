"""Which lines may share one answer: those that ask the same of the same model, for callers who may see each other's answers.

An answer into which chance goes is never shared: whoever asks for the same thing ten times may want ten answers. So it is
temperature 0, said in the request, and a single choice; or embeddings, which have no chance in them. As in the cache, who
may share is the feature's `share`, as one word, and never anybody beyond the tenant. Knows nothing of stores and answers.
"""

from hashlib import blake2b

from farthing.wire import vectors
from farthing.wire.question import Question, question

EMBEDDINGS = "openai.embeddings"
_SIZE = 16


def digest_of(
    wire: str, body: bytes, *, tenant: str, sharing: str, model: str, feature: str = "", asked: Question | None = None
) -> bytes:
    """16 bytes, equal for lines that may share an answer; empty where it may not stand for another's. `sharing`: who shares
    answers with the caller, as one word (`steps.cache.policy.sharing`); empty: nobody. `model`: as it was asked for.
    `feature`: what is kept apart by it (its route, its cache). `asked`: the body's question, if it was read. Never raises."""
    if not sharing:
        return b""
    said = _said(wire, body, asked)
    if not said:
        return b""
    found = blake2b(digest_size=_SIZE, person=b"farthing join")
    for part in (tenant.encode(), sharing.encode(), model.encode(), feature.encode(), wire.encode(), said):
        found.update(len(part).to_bytes(8, "big") + part)
    return found.digest()


def _said(wire: str, body: bytes, asked: Question | None) -> bytes:
    """A fingerprint of all that its answer depends on; empty if chance has a part in it, or it cannot be told."""
    if wire == EMBEDDINGS:
        items = vectors.items(body)
        return b"".join(items.keys) if items is not None else b""
    asked = asked or question(wire, body)
    return asked.exact if asked is not None and asked.temperature == 0 and asked.choices == 1 else b""

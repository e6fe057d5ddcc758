"""Stop sequences, written into a request that has none, in the words of its format. Knows nothing of policies."""

import msgspec

from farthing.wire import splice

NAMES = {"openai.chat": b'"stop"', "anthropic.messages": b'"stop_sequences"'}
"""Responses have no such thing."""
MOST = 4
"""Sequences that every provider takes."""


def takes(wire: str, model: str, sequences: tuple[str, ...]) -> bool:
    """Whether a model takes them, by the name that its provider has for it: Claude refuses those that are white space alone."""
    return wire in NAMES and ("claude" not in model or all(each.strip() for each in sequences))


def with_stop(wire: str, body: bytes, sequences: tuple[str, ...]) -> bytes:
    """The body with them; `body` itself where it says anything about where to stop."""
    name = NAMES[wire]
    value = msgspec.json.encode(sequences)
    place = splice.value_span(body, name, splice.has_plain_names(body))
    if place is not None:
        return splice.replace(body, [(*place, value)]) if body[place[0] : place[1]] == b"null" else body
    start = splice.first_member(body)
    return splice.replace(body, [(start, start, name + b":" + value + b",")])

"""How far into a conversation a client's own marks for its provider's prompt cache reach. What lies before a mark is a prefix
that the provider may hold, byte by byte; whoever changes it makes it dear.

Keys and options that mark no place are no marks here. Knows nothing of models and of what is worth keeping.
"""

import msgspec

from farthing.wire import splice
from farthing.wire.blocks import elements, is_marked, value_of
from farthing.wire.member_spans import span_of

LIST_NAMES = {"openai.chat": b'"messages"', "openai.responses": b'"input"', "anthropic.messages": b'"messages"'}
"""Where the messages of a request are, by its format."""
_WHOLE = (b'"cache_control"', b'"prompt_cache_options"', b'"cachedContent"', b'"cached_content"')
"""Members of the request itself by which all of it is kept."""
ALL = 1 << 30
"""More messages than any request has."""


def marked_messages(format: str, body: bytes) -> int:
    """How many messages, from the first on, lie before the client's last mark or hold it: 0 where at most its tools and its
    system prompt are marked, `ALL` where it marks everything, or where that cannot be told. A system prompt that is a
    message counts."""
    try:
        return _marked_messages(format, body) if is_marked(body) else 0
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ALL


def _marked_messages(format: str, body: bytes) -> int:
    if not splice.has_plain_names(body):
        return ALL
    if any(value_of(body, name, True) is not None for name in _WHOLE):
        return ALL
    listed = span_of(body, LIST_NAMES[format].decode().strip('"'))
    if listed is None or body[listed[0] : listed[0] + 1] != b"[":
        return 0
    last = 0
    for at, (start, end) in enumerate(elements(body, listed)):
        if body.find(b"cache", start, end) >= 0 and is_marked(body[start:end]):
            last = at + 1
    return last

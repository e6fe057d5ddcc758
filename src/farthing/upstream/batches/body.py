"""What keeps a request out of a batch, as far as its body says so. Knows nothing of any one provider."""

from collections.abc import Sequence
from typing import Any

import msgspec


class _Head(msgspec.Struct):
    stream: Any = None
    background: Any = None


_HEAD = msgspec.json.Decoder(_Head)


def why_not(wire: str, body: bytes, wires: Sequence[str]) -> str:
    """Empty, or why such a line cannot be one of a batch of formats `wires`, in words for people."""
    if wire not in wires:
        return f"batches there take {', '.join(wires) or 'none of our formats'}, not {wire}"
    try:
        head = _HEAD.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "it is no JSON object"
    if head.stream:
        return "a batch has no streams"
    if head.background:
        return "a batch has no background responses"
    return ""

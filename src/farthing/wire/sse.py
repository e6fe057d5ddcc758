"""Server-sent events in raw bytes: where they end, and what they carry. Knows nothing of any provider's JSON.

An event ends at a blank line; lines end with LF, CRLF or CR. Nearly all hosts send LF and one `data:` line an event,
so that case is taken first everywhere.
"""

import re
from collections.abc import Iterator

DONE = b"[DONE]"

_BLANK = re.compile(rb"(?:\r\n?+|\n)(?:\r\n?+|\n)")
_LINE_END = re.compile(rb"\r\n|\n|\r")


def ends_whole(data: bytes) -> bool:
    """Whether the bytes end just after an event, as a burst nearly always does."""
    return data.endswith(_COMMON_ENDS)


def boundary(data: bytes) -> int:
    """Where the last whole event in `data` ends; 0 if there is none."""
    if b"\r" not in data:
        return data.rfind(b"\n\n") + 2 if b"\n\n" in data else 0
    end = 0
    for match in _BLANK.finditer(data):
        end = match.end()
    return end


def span(data: bytes, start: int, inside: int) -> tuple[int, int]:
    """Where the event around the index `inside` begins and ends, looking no further back than `start`, itself the
    beginning of an event. The end is that of the data if the event is not whole."""
    if b"\r" not in data:
        left = data.rfind(b"\n\n", start, inside)
        right = data.find(b"\n\n", inside)
        return (start if left < 0 else left + 2), (len(data) if right < 0 else right + 2)
    for match in _BLANK.finditer(data, start):
        if match.end() > inside:
            return start, match.end()
        start = match.end()
    return start, len(data)


def payload(event: bytes) -> bytes:
    """What an event carries: its `data:` lines, joined. b"" if it has none (comments, keep-alives)."""
    event = event.strip(b"\r\n")
    if event.startswith(b"data: ") and b"\n" not in event and b"\r" not in event:
        return event[6:]
    lines = []
    for line in _LINE_END.split(event):
        if line.startswith(b"data:"):
            lines.append(line[6:] if line.startswith(b"data: ") else line[5:])
    return lines[0] if len(lines) == 1 else b"\n".join(lines)


def payloads(data: bytes) -> Iterator[bytes]:
    """What each event carries, first to last; the end of the data ends the last event too."""
    events = data.split(b"\n\n") if b"\r" not in data else _BLANK.split(data)
    for event in events:
        if event and (carried := payload(event)):
            yield carried


def payloads_backwards(data: bytes) -> Iterator[bytes]:
    """The same from last to first, reading no more of the data than is asked for."""
    if b"\r" in data:
        yield from reversed(list(payloads(data)))
        return
    end = len(data)
    while end > 0:
        left = data.rfind(b"\n\n", 0, end)
        start = left + 2 if left >= 0 else 0
        if start < end and (carried := payload(data[start:end])):
            yield carried
        end = left


_COMMON_ENDS = (b"\n\n", b"\r\n\r\n")

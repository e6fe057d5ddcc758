"""A stream that is ended here reads as an answer that met its limit."""

import pytest

from farthing.wire.cut import Cut
from farthing.wire.said import said

CHAT = b"".join(
    b'data: {"id":"c1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":{"content":"word%d "},"finish_reason":null}]}\n\n'
    % n
    for n in range(20)
)
MESSAGES = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m1","model":"m","usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
    + b"".join(
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word%d "}}\n\n' % n
        for n in range(20)
    )
)  # fmt: skip
RESPONSES = (
    b'event: response.created\ndata: {"type":"response.created","response":{"id":"r1","model":"m","status":"in_progress","output":[]}}\n\n'
    + b"".join(
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"word%d "}\n\n' % n for n in range(20)
    )
)  # fmt: skip
STREAMS = {"openai.chat": CHAT, "anthropic.messages": MESSAGES, "openai.responses": RESPONSES}


@pytest.mark.parametrize("wire", STREAMS)
@pytest.mark.parametrize("size", [7, 113, 100_000])
def test_the_end_is_the_formats_own(wire: str, size: int) -> None:
    stream, cut = STREAMS[wire], Cut(wire)
    passed = b"".join(cut.feed(stream[at : at + size]) for at in range(0, len(stream) - 30, size))
    assert stream.startswith(passed) and passed.endswith(b"\n\n")
    whole = said(wire, passed + cut.end())
    assert whole is not None and whole.finish == "length"
    if wire != "openai.responses":
        assert whole.text.startswith("word0 word1 ")
    assert cut.tokens >= 15


@pytest.mark.parametrize("wire", STREAMS)
def test_what_ends_by_itself_passes_whole(wire: str) -> None:
    cut = Cut(wire)
    assert cut.feed(STREAMS[wire][:-3]) + cut.finish() == STREAMS[wire][:-3]

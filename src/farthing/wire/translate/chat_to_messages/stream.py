"""The stream of a Messages answer as chunks of a chat completion.

Texts, thoughts and pieces of arguments are passed on as the JSON strings that they are; all else of a chunk is written
once for the stream.
"""

import time
from collections.abc import Iterable

import msgspec

from farthing.model.call import Ask
from farthing.model.errors import UpstreamError
from farthing.wire.meter_anthropic import Tally
from farthing.wire.translate import decode, errors, stops, usage
from farthing.wire.translate import messages_answer as claude
from farthing.wire.translate.frames import Frames

_encode = msgspec.json.Encoder().encode
_NO_INPUT = (b"null", b"{}")


class _Call:
    """A tool call under way."""

    __slots__ = ("input", "prefix", "wrote")

    def __init__(self, prefix: bytes, input: bytes) -> None:
        self.prefix = prefix
        self.input = input
        self.wrote = False


class Stream:
    __slots__ = (
        "_ask", "_calls", "_created", "_ended", "_finish", "_frames", "_head", "_model", "_number", "_start", "_tail",
        "_tally", "_text", "_thought",
    )  # fmt: skip

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._frames = Frames()
        self._tally = Tally()
        self._calls: dict[int, _Call] = {}
        self._number = 0
        self._created = int(time.time())
        self._head = b""
        """A chunk up to its choices."""
        self._start = b""
        """A chunk up to its delta."""
        self._text = b""
        self._thought = b""
        self._tail = b',"logprobs":null,"finish_reason":null}]' + (
            b',"usage":null}\n\n' if ask.wants_usage else b"}\n\n"
        )
        self._model = ""
        self._finish = ""
        self._ended = False

    def feed(self, data: bytes) -> bytes:
        out: list[bytes] = []
        self._take(self._frames.feed(data), out)
        return b"".join(out)

    def finish(self) -> bytes:
        out: list[bytes] = []
        try:
            self._take(self._frames.rest(), out)
        except UpstreamError:
            return b""
        if self._finish and not self._ended:
            self._end(out)
        return b"".join(out)

    def _take(self, payloads: Iterable[bytes], out: list[bytes]) -> None:
        read = claude.event_decoder.decode
        for payload in payloads:
            if self._ended:
                return
            try:
                event = read(payload)
            except (ValueError, RecursionError):
                event = decode.answer(claude.event_decoder, payload)
            kind = event.type
            if kind == "content_block_delta":
                self._delta(event, out)
            elif kind == "content_block_start":
                self._block(event, out)
            elif kind == "content_block_stop":
                self._stop_block(event.index, out)
            elif kind == "message_start":
                self._begin(event, out)
            elif kind == "message_delta":
                self._close(event, out)
            elif kind == "message_stop":
                self._end(out)
            elif kind == "error":
                out.append(b"data: " + errors.for_chat(0, payload) + b"\n\n")
                self._ended = True

    def _begin(self, event: claude.Event, out: list[bytes]) -> None:
        message = event.message
        if message is None:
            raise UpstreamError("the provider's stream starts without a message")
        self._tally.take(message.usage)
        self._model = message.model or self._ask.model
        self._head = b'data: {"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,"choices":[' % (
            _encode(message.id),
            self._created,
            _encode(self._model),
        )
        self._start = self._head + b'{"index":0,"delta":'
        self._text = self._start + b'{"content":'
        self._thought = self._start + b'{"reasoning_content":'
        out += (self._start, b'{"role":"assistant","content":"","refusal":null}', self._tail)

    def _block(self, event: claude.Event, out: list[bytes]) -> None:
        block = event.content_block
        if not self._start or block is None:
            raise UpstreamError("the provider's stream holds a block out of place")
        if block.type == "tool_use":
            number = self._number
            self._number += 1
            call = b'{"tool_calls":[{"index":%d,"id":%b,"type":"function","function":{"name":%b,"arguments":""}}]}'
            out += (self._start, call % (number, _encode(block.id), _encode(block.name)), self._tail)
            prefix = self._start + b'{"tool_calls":[{"index":%d,"function":{"arguments":' % number
            self._calls[event.index] = _Call(prefix, bytes(block.input))
        elif block.type == "text":
            self._say(self._text, block.text, out)
        elif block.type == "thinking":
            self._say(self._thought, block.thinking, out)

    def _delta(self, event: claude.Event, out: list[bytes]) -> None:
        delta = event.delta
        if not self._start or delta is None:
            raise UpstreamError("the provider's stream holds a delta out of place")
        kind = delta.type
        if kind == "text_delta":
            self._say(self._text, delta.text, out)
        elif kind == "input_json_delta":
            call = self._calls.get(event.index)
            piece = bytes(delta.partial_json)
            if call is not None and _says(piece):
                call.wrote = True
                out += (call.prefix, piece, b"}}]}", self._tail)
        elif kind == "thinking_delta":
            self._say(self._thought, delta.thinking, out)

    def _say(self, prefix: bytes, text: msgspec.Raw, out: list[bytes]) -> None:
        piece = bytes(text)
        if _says(piece):
            out += (prefix, piece, b"}", self._tail)

    def _stop_block(self, index: int, out: list[bytes]) -> None:
        """Arguments that came with the start of the block, or none at all, are said now: they must be an object."""
        call = self._calls.pop(index, None)
        if call is not None and not call.wrote:
            whole = b"{}" if call.input in _NO_INPUT else call.input
            out += (call.prefix, _encode(decode.text(whole)), b"}}]}", self._tail)

    def _close(self, event: claude.Event, out: list[bytes]) -> None:
        self._tally.take(event.usage)
        delta = event.delta
        if delta is not None and delta.stop_reason is not None and not self._finish:
            details = delta.stop_details
            self._stop(delta.stop_reason, details.explanation if details else None, out)

    def _stop(self, reason: str, explanation: str | None, out: list[bytes]) -> None:
        if not self._start:
            raise UpstreamError("the provider's stream ends before it starts")
        self._finish = stops.finish_reason(reason)
        said = b'{"refusal":%b}' % _encode(explanation) if explanation else b"{}"
        rest = self._tail.replace(b'"finish_reason":null', b'"finish_reason":"%b"' % self._finish.encode())
        out += (self._start, said, rest)

    def _end(self, out: list[bytes]) -> None:
        if not self._finish:
            self._stop("end_turn", None, out)
        self._ended = True
        if self._ask.wants_usage:
            counted = usage.for_chat(self._tally.reading(self._ask, model=self._model, finish=self._finish))
            if counted:
                out += (self._head, b'],"usage":', counted, b"}\n\n")
        out.append(b"data: [DONE]\n\n")


def _says(piece: bytes) -> bool:
    """Whether the JSON is a string that is not empty."""
    return len(piece) > 2 and piece[0] == 0x22

"""The chunks of a chat completion as the stream of a Messages answer.

Blocks are opened and closed as the kind of what the model says changes; the end waits for the usage, which hosts send
with the last chunk, after it or not at all.
"""

from collections.abc import Iterable

import msgspec

from farthing.model.call import Ask
from farthing.model.errors import UpstreamError
from farthing.wire import sse
from farthing.wire.meter_openai import read_usage
from farthing.wire.translate import chat_answer as chat
from farthing.wire.translate import decode, errors, stops, usage
from farthing.wire.translate.frames import Frames
from farthing.wire.translate.messages_to_chat import loose

_encode = msgspec.json.Encoder().encode

_BLOCK_START = b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
_BLOCK_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":%b:'
_DELTA_END = b"}}\n\n"
_MESSAGE_START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":%b,"type":"message","role":"assistant",'
    b'"model":%b,"content":[],"stop_reason":null,"stop_sequence":null,'
    b'"usage":{"input_tokens":0,"output_tokens":0}}}\n\n'
)
_MESSAGE_DELTA = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":%b,"stop_sequence":%b},"usage":%b}\n\n'
)
_MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_TEXT = (b'{"type":"text","text":""}', b'"text_delta","text"')
_THINKING = (b'{"type":"thinking","thinking":"","signature":""}', b'"thinking_delta","thinking"')
_TOOL = b'{"type":"tool_use","id":%b,"name":%b,"input":{}}'
_TOOL_DELTA = b'"input_json_delta","partial_json"'


class _Call:
    """A tool call; arguments wait here until its name is known."""

    __slots__ = ("block", "id", "waiting")

    def __init__(self, id: str) -> None:
        self.id = id
        self.block = -1
        self.waiting: list[bytes] = []


class Stream:
    __slots__ = (
        "_ask", "_block", "_calls", "_ended", "_finish", "_frames", "_id", "_made", "_model", "_open", "_prefix",
        "_refused", "_started", "_stop_sequence", "_tier", "_usage",
    )  # fmt: skip

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._frames = Frames()
        self._id = ""
        self._model = ""
        self._started = False
        self._block = -1
        """The index of the last block."""
        self._open: object = None
        """What the open block is: _TEXT, _THINKING, a _Call, or None."""
        self._prefix = b""
        """A delta of the open block up to its text."""
        self._calls: dict[int, _Call] = {}
        self._made = 0
        self._refused = False
        self._finish = ""
        self._stop_sequence = ""
        self._tier = ""
        self._usage: msgspec.Raw = chat.NULL
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
        read = chat.chunk_decoder.decode
        for payload in payloads:
            if self._ended:
                return
            if payload.startswith(sse.DONE):
                if self._started:
                    self._end(out)
                self._ended = True
                return
            try:
                chunk = read(payload)
            except (ValueError, RecursionError):
                chunk = decode.answer(chat.chunk_decoder, payload)
            if chunk.error is not chat.NULL and bytes(chunk.error) != b"null":
                out.append(b"event: error\ndata: " + errors.for_messages(0, payload) + b"\n\n")
                self._ended = True
                return
            self._chunk(chunk, payload, out)

    def _chunk(self, chunk: chat.Chunk, payload: bytes, out: list[bytes]) -> None:
        if chunk.usage is not chat.NULL and bytes(chunk.usage) != b"null":
            self._usage = chunk.usage
        if chunk.service_tier:
            self._tier = chunk.service_tier
        if not chunk.choices:
            return
        choice = chunk.choices[0]
        if choice.index:
            return
        if not self._started:
            self._begin(payload, out)
        if choice.delta is not None:
            self._delta(choice.delta, out)
        if choice.finish_reason:
            self._finish = choice.finish_reason
            self._stop_sequence = loose.string(choice.stop_reason)

    def _begin(self, payload: bytes, out: list[bytes]) -> None:
        self._started = True
        named = decode.answer(chat.name_decoder, payload)
        self._id = named.id or loose.new_id()
        self._model = named.model or self._ask.model
        out.append(_MESSAGE_START % (_encode(self._id), _encode(self._model)))

    def _delta(self, delta: chat.Message, out: list[bytes]) -> None:
        thought = said = b""
        if delta.content is not chat.NULL:
            thought, said = loose.content_json(delta.content)
        if delta.reasoning_content is not chat.NULL or delta.reasoning is not chat.NULL:
            thought = loose.string_json(delta.reasoning_content) or loose.string_json(delta.reasoning) or thought
        if thought and self._ask.wants_reasoning:
            self._say(_THINKING, thought, out)
        if said:
            self._say(_TEXT, said, out)
        if delta.refusal is not chat.NULL and (refusal := loose.string_json(delta.refusal)):
            self._refused = True
            self._say(_TEXT, refusal, out)
        if delta.tool_calls:
            for call in delta.tool_calls:
                self._call(call, out)

    def _say(self, kind: tuple[bytes, bytes], text: bytes, out: list[bytes]) -> None:
        if self._open is not kind:
            self._open_block(kind, kind[0], kind[1], out)
        out += (self._prefix, text, _DELTA_END)

    def _call(self, piece: chat.ToolCall, out: list[bytes]) -> None:
        index = piece.index or 0
        function = piece.function
        name = function.name if function is not None else None
        call = self._calls.get(index)
        if call is None or (name and piece.id and piece.id != call.id):  # some hosts count every call as the first
            call = self._calls[index] = _Call(piece.id or loose.call_id(self._id, self._made))
            self._made += 1
        text = loose.arguments_json(function.arguments) if function is not None else b""
        if call.block < 0:
            if text:
                call.waiting.append(text)
            if name:
                self._open_block(call, _TOOL % (_encode(call.id), _encode(name)), _TOOL_DELTA, out)
                call.block = self._block
                for waiting in call.waiting:
                    out += (self._prefix, waiting, _DELTA_END)
                call.waiting.clear()
        elif text:
            if self._open is not call:
                raise UpstreamError("the provider's stream goes back to a tool call that it had left")
            out += (self._prefix, text, _DELTA_END)

    def _open_block(self, what: object, block: bytes, delta: bytes, out: list[bytes]) -> None:
        self._close_block(out)
        self._block += 1
        self._open = what
        self._prefix = _DELTA % (self._block, delta)
        out.append(_BLOCK_START % (self._block, block))

    def _close_block(self, out: list[bytes]) -> None:
        if self._open is not None:
            out.append(_BLOCK_STOP % self._block)
            self._open = None

    def _end(self, out: list[bytes]) -> None:
        self._ended = True
        self._close_block(out)
        called = any(call.block >= 0 for call in self._calls.values())
        reason = stops.stop_reason(self._finish, called_tools=called, refused=self._refused)
        sequence = b"null"
        if self._stop_sequence and reason == "end_turn":
            reason, sequence = "stop_sequence", _encode(self._stop_sequence)
        reading = read_usage(self._usage, self._ask, model=self._model, tier=self._tier, finish=self._finish)
        out += (_MESSAGE_DELTA % (_encode(reason), sequence, usage.for_messages(reading)), _MESSAGE_STOP)

"""Whether a few words answer a request whole, or it asks for more that only a model can give: probabilities of tokens, a
search, an answer that goes on where the client began it, one that its provider keeps. What nobody here knows counts as more.

One parse of the outermost members. Knows nothing of who would answer.
"""

import msgspec

_OF_ALL = frozenset((
    "model", "stream", "metadata", "service_tier", "temperature", "top_p", "user", "tool_choice", "parallel_tool_calls",
))  # fmt: skip
_HARMLESS = {
    "openai.chat": _OF_ALL | {
        "messages", "stream_options", "response_format", "max_tokens", "max_completion_tokens", "seed", "n", "stop",
        "reasoning_effort", "verbosity", "prompt_cache_key", "prompt_cache_retention", "safety_identifier",
        "presence_penalty", "frequency_penalty", "prediction", "store", "prompt_cache_options", "cache_control", "top_k", "min_p", "modalities",
    },
    "openai.responses": _OF_ALL | {
        "input", "instructions", "text", "max_output_tokens", "reasoning", "prompt_cache_key", "prompt_cache_retention",
        "prompt_cache_options", "safety_identifier", "stream_options", "truncation",
    },
    "anthropic.messages": _OF_ALL | {
        "messages", "system", "max_tokens", "stop_sequences", "top_k", "output_config", "output_format", "cache_control",
    },
}  # fmt: skip
"""Members that leave words an answer; what they ask of the words themselves is part of the template, or is looked at here."""
_EMPTY = frozenset((b"null", b"false", b"0", b"[]", b"{}", b'""'))
"""Values that ask for nothing, whatever member they are of."""
_STOPS = ("stop", "stop_sequences")
_TURNS = {"openai.responses": "input"}
_ASKING = ("user", "system", "developer")
"""Who speaks where nobody has answered yet."""
BYTES_A_TOKEN = 2
"""At least, in the mean of an answer. A limit that is lower than these tokens, and one to end, may cut it."""


class _Turn(msgspec.Struct):
    role: str = ""


class _Switch(msgspec.Struct):
    type: str = ""


class _Reasoning(msgspec.Struct):
    summary: str | None = None
    generate_summary: str | None = None

    @property
    def shows(self) -> bool:
        """Whether thoughts are to be seen in the answer."""
        return bool(self.summary or self.generate_summary)


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_turns = msgspec.json.Decoder(list[_Turn])
_stops = msgspec.json.Decoder(str | list[str])
_switch = msgspec.json.Decoder(_Switch)
_reasoning = msgspec.json.Decoder(_Reasoning | None)


def more_than(words: str, format: str, body: bytes, max_output: int | None) -> str:
    """What the request asks for beyond these words, as its member is called; empty if they answer it. Never raises."""
    if max_output is not None and len(words.encode("utf-8", "replace")) > BYTES_A_TOKEN * (max_output - 1):
        return "fewer tokens"
    try:
        members = _members.decode(body)
        harmless = _HARMLESS[format]
        for name, value in members.items():
            if name not in harmless and bytes(value) not in _EMPTY and not _is_off(value):
                return name
        if (thoughts := _reasoning.decode(members.get("reasoning", b"null"))) is not None and thoughts.shows:
            return "reasoning"
        if any(stop in words for name in _STOPS if name in members for stop in _stops_of(members[name])):
            return "stop"
        turns = members.get(_TURNS.get(format, "messages"), msgspec.Raw(b"[]"))
        if bytes(turns)[:1] == b"[" and any(turn.role not in _ASKING for turn in _turns.decode(turns)):
            return "what was said before"
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "what cannot be read"
    return ""


def _is_off(value: msgspec.Raw) -> bool:
    """Whether the member says that it is off: thinking, which else is part of the answer."""
    return bytes(value)[:1] == b"{" and _switch.decode(value).type == "disabled"


def _stops_of(value: msgspec.Raw) -> list[str]:
    if bytes(value) in _EMPTY:
        return []
    found = _stops.decode(value)
    return [found] if isinstance(found, str) else [each for each in found if each]

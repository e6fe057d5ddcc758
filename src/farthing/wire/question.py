"""The question in a request: what was asked last, and fingerprints of all that the answer depends on.

`exact` is of the whole request, `context` of all but the words of the last ask; equal ones need the same answer, or the
same question makes it so. Every member counts, known or not, apart from those that the tables here leave out with a
reason. Knows nothing of keys, tenants and models: who looks an answer up adds them.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from farthing.wire import canonical
from farthing.wire.fixed import settled

LONGEST = 512 * 1024
"""Bytes of a body that is read for its question; a longer one (images, whole documents) is not worth the time."""
RULES = b"1"
"""Of making fingerprints; part of each, so that entries made by other rules are never met."""


class Question(msgspec.Struct, frozen=True):
    text: str
    """The latest ask of a person, as it stands; the texts of a message in parts are joined by line ends. Empty if there
    is none that could be compared."""
    context: bytes
    """16 bytes. Of everything that changes the answer but these words: system, earlier turns, tools, media, response
    format, sampling. The model is not in it."""
    exact: bytes
    """16 bytes. Of everything that changes the answer."""
    turns: int
    """How many times a person spoke; one more where earlier turns are kept at the provider."""
    has_tools: bool = False
    """Tools, searches or a template at the provider, whatever it holds."""
    has_media: bool = False
    """Anything that is neither text nor the use of tools, in any turn."""
    has_tool_results: bool = False
    """Tools were used in an earlier turn."""
    temperature: float | None = None
    """None where the request leaves it to the provider."""
    choices: int = 1
    """How many answers are asked for."""

    def beside(self, model: str) -> str:
        """All that the answer depends on beside the words of the last ask, the model that is asked included."""
        return f"{self.context.hex()} {model}"


def named_in(beside: str) -> str:
    """The model in what `Question.beside` made; empty where there is none."""
    return beside.partition(" ")[2]


_WHO = "says who asks, which the model does not learn"
_LABELS = "labels for the provider's own lists; the model does not see them"
_PACE = "how soon the model runs, not which one"
_PIECES = "the same answer, whole or in pieces"
_PROMPT_CACHE = "the provider's cache of prompts: it changes the cost and never the answer"
_KEY = "the look-up adds the model, since an alias or a route may stand for several"

LEFT_OUT: dict[str, dict[str, str]] = {
    "openai.chat": {
        "model": _KEY, "stream": _PIECES, "stream_options": _PIECES, "user": _WHO, "safety_identifier": _WHO,
        "metadata": _LABELS, "store": "whether the provider keeps a copy for its own lists", "service_tier": _PACE,
        "prompt_cache_key": _PROMPT_CACHE, "prompt_cache_options": _PROMPT_CACHE,
        "prompt_cache_retention": _PROMPT_CACHE, "cache_control": _PROMPT_CACHE,
    },
    "openai.responses": {  # `store` counts: only a response that is kept can be the previous one of another
        "model": _KEY, "stream": _PIECES, "stream_options": _PIECES, "user": _WHO, "safety_identifier": _WHO,
        "metadata": _LABELS, "service_tier": _PACE, "prompt_cache_key": _PROMPT_CACHE,
        "prompt_cache_options": _PROMPT_CACHE, "prompt_cache_retention": _PROMPT_CACHE,
    },
    "anthropic.messages": {
        "model": _KEY, "stream": _PIECES, "metadata": _WHO, "service_tier": _PACE, "cache_control": _PROMPT_CACHE,
    },
}  # fmt: skip
"""Members at the top of a request that do not change the answer, and why. What is not here counts. Some that one might
look for: `seed` (another one is asked for on purpose), `max_tokens` (a longer answer is no answer to who wants a short
one), `parallel_tool_calls` (it steers the model), `inference_geo` (a promise about where an answer was made), `speed` and
`prediction` (rare, and not worth the doubt)."""

DEFAULTS: dict[str, dict[str, tuple[Any, ...]]] = {
    "openai.chat": {
        "n": (1,), "frequency_penalty": (0,), "presence_penalty": (0,), "logprobs": (False,), "logit_bias": ({},),
        "response_format": ({"type": "text"},), "stop": (), "seed": (), "temperature": (), "top_p": (),
        "top_logprobs": (), "max_tokens": (), "max_completion_tokens": (), "reasoning_effort": (), "verbosity": (),
        "tools": (), "tool_choice": (), "audio": (), "modalities": (["text"],), "prediction": (),
    },
    "openai.responses": {
        "background": (False,), "conversation": (), "previous_response_id": (), "prompt": (), "instructions": (),
        "store": (True,), "tools": ([],), "include": ([],), "truncation": ("disabled",), "temperature": (),
        "top_p": (), "top_logprobs": (0,), "max_output_tokens": (), "max_tool_calls": (), "reasoning": (),
        "parallel_tool_calls": (),
    },
    "anthropic.messages": {
        "stop_sequences": ([],), "tools": ([],), "system": ("", []), "temperature": (), "top_k": (), "top_p": (),
        "mcp_servers": ([],),
    },
}  # fmt: skip
"""Values that say as much as leaving the member out; null is one for each of these. Only what is so at every host: many
run a model at its maker's own `temperature` and `top_p`, not at 1, and Claude models differ in what no `thinking` is."""

MARKS = ("cache_control", "prompt_cache_breakpoint")
"""Where a provider's cache of prompts may cut: on messages, their parts, parts of `system`, tools. Not part of the
answer."""

_TOOLS = frozenset((
    "tools", "functions", "web_search_options", "search_parameters", "plugins", "mcp_servers", "container", "prompt",
))  # fmt: skip
_TEXTS = frozenset({"text", "input_text"})
_WORDS = frozenset({"output_text", "refusal", "thinking", "redacted_thinking", "reasoning", "reasoning_text"})
"""Parts that are text, but nobody's question."""
_ASK = msgspec.Raw(b"@")
"""Stands for the words of the ask in a context. It is no JSON, so no request can hold it."""
_LOOSELY = msgspec.Raw(b"~")
"""Tells what was read loosely from all that was not; no JSON, either."""


def question(format: str, body: bytes, *, loosely: bool = False) -> Question | None:
    """The question in a request of that format. None if no answer may be kept for it: it cannot be read with certainty,
    it is too long, it runs in the background, or it adds to a conversation at the provider. `loosely`: what changes in
    instructions from call to call, such as a date, does not count (`fixed.settled`); such
    fingerprints equal no others. Never raises."""
    read = _READERS.get(format)
    if read is None or len(body) > LONGEST:
        return None
    try:
        request = canonical.an_object(body)
        if _may_be_marked(body):
            _unmark(request)
        settle(request, LEFT_OUT[format], DEFAULTS[format])
        if loosely:
            _settle_instructions(request)
        return read(format, request)
    except (ValueError, RecursionError):
        return None


class Questions:
    """Reads questions, and remembers those of the bodies that came lately: who repeats a request repeats its bytes. Reading
    one takes some 17 us for 5 KB, remembering one 2."""

    LONGEST = 32 * 1024
    """Bytes of a body that is remembered, where nothing else is said."""

    def __init__(self, most_bytes: int = 16 * 1024 * 1024, longest: int = LONGEST) -> None:
        self._longest = longest
        self._half = most_bytes // 2
        self._young: dict[tuple[str, bytes], Question | None] = {}
        self._old: dict[tuple[str, bytes], Question | None] = {}
        """What was not asked for again since the young were as many goes with these."""
        self._bytes = 0
        """Of the young."""

    def of(self, format: str, body: bytes) -> Question | None:
        """The same as `question`."""
        if len(body) > self._longest:
            return question(format, body)
        key = (format, body)
        if key in self._young:
            return self._young[key]
        found = self._old[key] if key in self._old else question(format, body)
        self._young[key] = found
        self._bytes += len(body) + _REMEMBERED
        if self._bytes > self._half:
            self._old, self._young, self._bytes = self._young, {}, 0
        return found


_REMEMBERED = 1000
"""Bytes that a remembered question takes beside the body."""


def settle(request: dict[str, Any], left_out: Iterable[str], defaults: dict[str, tuple[Any, ...]]) -> None:
    """Take out of the request what does not change the answer."""
    for name in left_out:
        request.pop(name, None)
    for name in defaults.keys() & request.keys():
        value = request[name]
        if value is None or any(canonical.same(value, default) for default in defaults[name]):
            del request[name]


def _settle_instructions(request: dict[str, Any]) -> None:
    request["loosely"] = _LOOSELY
    for name in ("system", "instructions"):
        if name in request:
            request[name] = _settled(request[name])
    for name in ("messages", "input"):
        turns = request.get(name)
        for turn in turns if isinstance(turns, list) else []:
            if isinstance(turn, dict) and turn.get("role") in ("system", "developer") and "content" in turn:
                turn["content"] = _settled(turn["content"])


def _settled(content: Any) -> Any:
    if isinstance(content, str):
        return _remembered(content) if len(content) <= LONGEST_REMEMBERED else settled(content)
    if isinstance(content, list):
        return [{**each, "text": _settled(each.get("text"))} if isinstance(each, dict) else each for each in content]
    return content


LONGEST_REMEMBERED = 16_000
"""Characters."""
_remembered = lru_cache(128)(settled)
"""Instructions change from day to day more than from call to call."""


class _Turns:
    """What the turns of a request say."""

    __slots__ = ("ask", "asks", "media", "results")

    def __init__(self) -> None:
        self.ask: tuple[dict[str, Any], str] | None = None
        """Where the last thing is that a person says: the object and its member."""
        self.asks = 0
        self.media = False
        self.results = False

    def says(self, where: dict[str, Any], member: str) -> None:
        self.ask = where, member
        self.asks += 1

    def message(self, message: dict[str, Any]) -> None:
        """Raises ValueError for a message that no provider takes."""
        content = message.get("content")
        speaks = self._speaks(content) if isinstance(content, list) else isinstance(content, str)
        role = message.get("role")
        if role == "user":
            if speaks:
                self.says(message, "content")
        elif role in ("tool", "function") or message.get("tool_calls") or message.get("function_call"):
            self.results = True

    def item(self, item: dict[str, Any]) -> None:
        """One of a Responses `input`. Raises ValueError."""
        kind = item.get("type")
        if kind is None or kind == "message":
            self.message(item)
        elif kind != "reasoning":
            self.results = True

    def _speaks(self, parts: list[Any]) -> bool:
        """Whether there is more in them than the results of tools."""
        speaks = False
        for part in parts:
            kind = part.get("type") if isinstance(part, dict) else None
            if not isinstance(kind, str):
                raise ValueError("a part without a type")
            if kind in _TEXTS:
                speaks = True
            elif "tool" in kind:
                self.results = True
            elif kind not in _WORDS:
                speaks = self.media = True
        return speaks


def _chat(format: str, request: dict[str, Any]) -> Question:
    turns = _of_messages(request)
    modalities = request.get("modalities")
    if request.get("audio") or (isinstance(modalities, list) and "audio" in modalities):
        turns.media = True
    choices = request.get("n")
    return _fingerprinted(format, request, turns, choices if isinstance(choices, int) and choices > 1 else 1)


def _messages(format: str, request: dict[str, Any]) -> Question:
    return _fingerprinted(format, request, _of_messages(request))


def _responses(format: str, request: dict[str, Any]) -> Question | None:
    if "background" in request or "conversation" in request:
        return None
    asked = request.get("input")
    turns = _Turns()
    if isinstance(asked, str):
        turns.says(request, "input")
    elif isinstance(asked, list):
        for item in _objects(asked):
            turns.item(item)
    elif asked is not None or "prompt" not in request:
        return None
    if "previous_response_id" in request:
        turns.asks += 1
    return _fingerprinted(format, request, turns)


_READERS: dict[str, Callable[[str, dict[str, Any]], Question | None]] = {
    "openai.chat": _chat, "openai.responses": _responses, "anthropic.messages": _messages
}  # fmt: skip
_STARTS = {format: blake2b(RULES + format.encode() + b"\0", digest_size=16) for format in _READERS}


def _fingerprinted(format: str, request: dict[str, Any], turns: _Turns, choices: int = 1) -> Question:
    texts: list[str] = []
    asked = b""
    if turns.ask is not None:
        where, member = turns.ask
        asked = canonical.spelled(where[member])
        where[member] = _without_words(where[member], texts)
    text = "\n".join(texts)
    found = _STARTS[format].copy()
    found.update(canonical.spelled(request))
    context = found.digest()
    found.update(b"\0" + asked)
    return Question(
        text=text if text.strip() else "",
        context=context,
        exact=found.digest(),
        turns=turns.asks,
        has_tools=any(map(request.get, _TOOLS & request.keys())),
        has_media=turns.media,
        has_tool_results=turns.results,
        temperature=_temperature(request.get("temperature")),
        choices=choices,
    )


def _temperature(value: Any) -> float | None:
    """None for one that no provider takes."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 10 else None


def _without_words(content: Any, texts: list[str]) -> Any:
    """The content with its texts taken out. It does not show whether a run of plain texts was one part or several."""
    if isinstance(content, str):
        texts.append(content)
        return _ASK
    kept: list[Any] = []
    for part in content:
        if part["type"] not in _TEXTS:
            kept.append(part)
            continue
        texts.append(_words_of(part))
        if len(part) > 2:
            kept.append({**part, "text": _ASK})
        elif not kept or kept[-1] is not _ASK:
            kept.append(_ASK)
    return _ASK if len(kept) == 1 and kept[0] is _ASK else kept


def _words_of(part: dict[str, Any]) -> str:
    words = part.get("text")
    if not isinstance(words, str):
        raise ValueError("a text part without a text")
    return words


def _of_messages(request: dict[str, Any]) -> _Turns:
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ValueError("no messages")
    turns = _Turns()
    for message in _objects(messages):
        turns.message(message)
    return turns


def _objects(values: list[Any]) -> list[dict[str, Any]]:
    if not all(isinstance(value, dict) for value in values):
        raise ValueError("not an object")
    return values


_MARKS_IN_BYTES = [f'"{mark}"'.encode() for mark in MARKS]


def _may_be_marked(body: bytes) -> bool:
    """A name can be written in escapes too. Searched from the end, which takes half the time."""
    for mark in _MARKS_IN_BYTES:
        if body.rfind(mark) >= 0:
            return True
    return b"\\" in body and body.rfind(b"\\u00") >= 0


def _unmark(request: dict[str, Any]) -> None:
    for name in ("system", "tools", "messages", "input"):
        _unmark_each(request.get(name))


def _unmark_each(values: Any) -> None:
    if isinstance(values, list):
        for value in values:
            if isinstance(value, dict):
                for mark in MARKS:
                    value.pop(mark, None)
                _unmark_each(value.get("content"))
                _unmark_each(value.get("output"))

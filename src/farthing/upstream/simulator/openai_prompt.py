"""The tokens of an OpenAI prompt, in the order in which the model reads them, so that equal beginnings stay equal.

Chat messages count 4 tokens besides their content, and the answer's opening 3, as OpenAI's own recipe says.
"""

from array import array
from collections.abc import Sequence
from typing import Any

import msgspec

from farthing.upstream.simulator import media, seeds, tokens
from farthing.upstream.simulator.models import Model

_START, _MESSAGE, _END, _CALL = 4_000_000_001, 4_000_000_002, 4_000_000_003, 4_000_000_004
"""Tokens that no text has."""


class Prompt:
    """Grows part by part."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.ids: tokens.Ids = array("I")
        self.audio = 0
        self.points: list[tuple[int, str]] = []
        """Breakpoints that the request sets: tokens before it, and its TTL ("" for the request's)."""

    def text(self, text: str) -> None:
        self.ids.extend(tokens.ids(text))

    def json(self, what: Any) -> None:
        self.text(msgspec.json.encode(what).decode())

    def open(self, role: str) -> None:
        self.ids.extend((_START, *tokens.ids(role), _MESSAGE))

    def close(self) -> None:
        self.ids.append(_END)

    def call(self, name: str, arguments: str) -> None:
        """A tool call of an earlier turn."""
        self.ids.append(_CALL)
        self.text(name)
        self.ids.append(_MESSAGE)
        self.text(arguments)

    def image(self, source: str, detail: str) -> None:
        self._opaque(source, media.image_tokens(self.model, source, detail))

    def sound(self, data: str) -> None:
        length = media.audio_tokens(data)
        self.audio += length
        self._opaque(data, length)

    def file(self, data: str) -> None:
        """A document counts by its size: about 4 bytes a token."""
        self._opaque(data, max(1, len(data) * 3 // 16))

    def breakpoint(self, mark: Any) -> None:
        if isinstance(mark, dict):
            ttl = mark.get("ttl")
            self.points.append((len(self.ids), ttl if ttl in ("30m", "12h") else ""))

    def tools(self, functions: Sequence[Any]) -> None:
        if functions:
            self.open("developer")
            for function in functions:
                self.json(function)
            self.close()

    def end(self, options: Any) -> list[tuple[int, str]]:
        """The answer's opening. Returns the breakpoints that count, by the request's `prompt_cache_options`."""
        self.open("assistant")
        options = options if isinstance(options, dict) else {}
        ttl = options.get("ttl") if options.get("ttl") in ("30m", "12h") else "30m"
        points = [(length, own or ttl) for length, own in self.points]
        if options.get("mode") == "explicit":
            return points[-4:]
        return [*points[-3:], (len(self.ids), ttl)]

    def _opaque(self, content: str, length: int) -> None:
        """Tokens that stand for something which is no text: the same content, the same tokens."""
        self.ids.extend([seeds.number(content) & 0x7FFFFFFF] * length)

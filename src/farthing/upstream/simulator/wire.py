"""What the simulator's wires have in common: refusals, the body, keys, the spent tokens, the pieces of a stream.

Each wire (`openai_chat`, `openai_responses`, `openai_embeddings`, `anthropic_messages`) turns a body into an `Asked`, and
a reply into an answer or the pieces of a stream.
"""

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from farthing.upstream.simulator.answers import Question, Reply
from farthing.upstream.simulator.prompt_cache import Block, CacheUse
from farthing.upstream.simulator.tokens import Ids

Json = dict[str, Any]
Kinds = type | tuple[type, ...]
Family = Literal["openai", "anthropic"]
"""Whose wire."""


class Refusal(Exception):
    """The provider says no. `kind` and `code` are those of its error body; a wire writes it in the provider's shape."""

    def __init__(
        self, status: int, kind: str, message: str, *, code: str | None = None, param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.code = code
        self.param = param
        self.headers = headers or {}


class Spent(msgspec.Struct, frozen=True):
    """What a call is billed for. Tokens, as the provider counts them."""

    prompt: int
    """All input, cached or not."""
    cache: CacheUse = CacheUse()
    audio: int = 0
    """Part of `prompt`."""
    output: int = 0
    """All output, reasoning included."""
    reasoning: int = 0

    def times(self, factor: float) -> "Spent":
        """What a provider that lies would say."""
        cache = CacheUse(*(int(part * factor) for part in msgspec.structs.astuple(self.cache)))
        prompt, audio = int(self.prompt * factor), int(self.audio * factor)
        return Spent(prompt, cache, audio, int(self.output * factor), int(self.reasoning * factor))


class Piece(msgspec.Struct, frozen=True):
    """Some bytes of a stream."""

    data: bytes
    kind: Literal["start", "delta", "end"] = "delta"
    """A delta carries about a token of the output; `end` is all that follows the last of them."""


class Asked(msgspec.Struct):
    """A request that the provider accepts."""

    body: Json
    question: Question
    prompt: int
    """Tokens."""
    scope: str = ""
    """What the prompt cache tells apart besides the key and the model."""
    ids: Ids = msgspec.field(default_factory=lambda: array("I"))
    """The prompt's tokens, where the cache goes by tokens."""
    blocks: list[Block] = []
    """The prompt's blocks, where it goes by those."""
    points: list[tuple[int, str]] = []
    """Breakpoints: tokens before it, and its TTL."""
    retention: str = ""
    audio: int = 0
    choices: int = 1
    tier: str = ""
    id: str = ""
    created: int = 0

    @property
    def stream(self) -> bool:
        return self.body.get("stream") is True


UsageShape = str
"""How a stream tells its usage; "" is the provider's own way, others are the habits of hosts that claim to be it."""


class Wire(Protocol):
    @property
    def family(self) -> Family: ...

    @property
    def id_prefix(self) -> str: ...

    @property
    def known(self) -> Mapping[str, Kinds]:
        """The fields that a body may have, and what may stand there besides null."""

    def read(self, body: Json) -> Asked:
        """Raises Refusal as the provider would."""

    def answer(self, asked: Asked, replies: Sequence[Reply], spent: Spent | None) -> Json:
        """The whole answer; without usage where `spent` is None."""

    def pieces(
        self, asked: Asked, replies: Sequence[Reply], spent: Spent | None, shape: UsageShape
    ) -> Iterator[Piece]: ...

    def error_piece(self, refusal: Refusal) -> bytes:
        """An error inside a stream that has begun."""


def an_object(what: Any) -> Json:
    """`what` if it is an object, else an empty one."""
    return what if isinstance(what, dict) else {}


def sse(data: Json, event: str = "") -> bytes:
    head = f"event: {event}\n" if event else ""
    return head.encode() + b"data: " + msgspec.json.encode(data) + b"\n\n"


def words(text: str) -> list[str]:
    """A text in pieces about as large as tokens; joined again they are the text."""
    return re.findall(r"\s*\S{1,12}|\s+", text)

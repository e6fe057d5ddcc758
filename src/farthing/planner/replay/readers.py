"""What is read of the same requests in every replay of a plan: read once, and remembered for the others.

A plan asks each call again a dozen times, and most of what a gateway does with it depends on its bytes alone: what it asks
for, which kind of work its words look like, its question, its places for marks, its vector. Knows nothing of plans.
"""

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, Generic, TypeVar

from farthing.app.around import Readers
from farthing.embed import Encoder, EncoderError
from farthing.embed.memo import Memo
from farthing.embed.minilm import MiniLM
from farthing.model.call import Ask
from farthing.model.past import PastCall
from farthing.planner.replay.recorded import read
from farthing.steps.cache.near import Judge
from farthing.steps.task.classifier import Classifier, Guess
from farthing.upstream.simulator.prompt_cache import Block, Names
from farthing.upstream.simulator.tokens import Ids
from farthing.upstream.simulator.wire import Asked
from farthing.wire import FORMATS
from farthing.wire.asked import asked
from farthing.wire.blocks import blocks
from farthing.wire.question import LONGEST, Questions
from farthing.wire.said import Said, said
from farthing.wire.shaping.shape import Shape, shaping
from farthing.wire.translate import TRANSLATIONS, Translation

T = TypeVar("T")
MOST_BYTES = 96 * 2**20
"""Of requests that one reader remembers; beyond it each is read anew."""
BEYOND = 1_000
"""Bytes that what was read takes beside the request."""
NAME = 50
"""Bytes that the name of a prefix takes."""
TEXTS_A_RUN = 256


class Remembered(Generic[T]):
    """A function of a format and a request."""

    def __init__(self, read: Callable[[str, bytes], T], most_bytes: int = MOST_BYTES) -> None:
        self._read = read
        self._known: dict[tuple[str, bytes], T] = {}
        self._room = most_bytes

    def __call__(self, format: str, body: bytes) -> T:
        key = (format, body)
        if key in self._known:
            return self._known[key]
        found = self._read(format, body)
        if self._room > 0:
            self._room -= len(body) + BEYOND
            self._known[key] = found
        return found


class Translated:
    """A translation that remembers requests, with what it noted on what they ask for."""

    def __init__(self, translation: Translation, most_bytes: int = MOST_BYTES) -> None:
        self.answer, self.stream, self.error = translation.answer, translation.stream, translation.error
        self._translation = translation
        self._known: dict[tuple[str, bytes], tuple[bytes, dict[str, Any]]] = {}
        self._room = most_bytes

    def request(self, body: bytes, ask: Ask, model: str) -> bytes:
        """See `Translation`."""
        key = (model, body)
        known = self._known.get(key)
        if known is None:
            before = copy(ask)
            found = self._translation.request(body, ask, model)
            noted = {name: getattr(ask, name) for name in ask.__struct_fields__}
            known = found, {name: each for name, each in noted.items() if each != getattr(before, name)}
            if self._room > 0:
                self._room -= len(body) + len(found) + BEYOND
                self._known[key] = known
        for name, noted_so in known[1].items():
            setattr(ask, name, noted_so)
        return known[0]


class Guesses(Classifier):
    """A classifier that remembers what it said."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        super().__init__()
        self._known: dict[tuple[str, str, bool, bool], Guess] = {}
        self._room = most_bytes

    def guess(self, text: str, instructions: str = "", *, code: bool = False, quoted: bool = False) -> Guess:
        key = (text, instructions, code, quoted)
        known = self._known.get(key)
        if known is None:
            known = super().guess(text, instructions, code=code, quoted=quoted)
            if self._room > 0:
                self._room -= len(text) + BEYOND
                self._known[key] = known
        return known


class KnownNames(Names):
    """Names of prompts' prefixes, remembered for prompts that are."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._known: dict[tuple[object, ...], tuple[object, Sequence[bytes]]] = {}
        """With the prompt, whose place in memory is then nobody else's."""
        self._room = most_bytes

    def of_tokens(self, scope: str, ids: Ids, lengths: Sequence[int]) -> Sequence[bytes]:
        if not isinstance(lengths, range):
            return super().of_tokens(scope, ids, lengths)
        key = (scope, id(ids), lengths)
        known = self._known.get(key)
        if known is not None:
            return known[1]
        return self._kept(key, ids, len(ids) * ids.itemsize, super().of_tokens(scope, ids, lengths))

    def of_blocks(self, scope: str, blocks: Sequence[Block]) -> Sequence[bytes]:
        key = (scope, id(blocks))
        known = self._known.get(key)
        if known is not None:
            return known[1]
        size = sum(len(block.content) for block in blocks)
        return self._kept(key, blocks, size, super().of_blocks(scope, blocks))

    def _kept(self, key: tuple[object, ...], prompt: object, size: int, names: Sequence[bytes]) -> Sequence[bytes]:
        """`size`: bytes of the prompt, which is kept as long as its names."""
        if self._room > 0:
            self._room -= size + NAME * len(names) + BEYOND
            self._known[key] = prompt, names
        return names


class Kept(Memo):
    """Vectors that outlive the gateways that ask for them."""

    @property
    def rows(self) -> dict[bytes, Any]:
        """By text, as they are remembered; those that another has remembered may be put there."""
        return self._rows

    async def close(self) -> None:
        """It is open for the next one; `end` closes it."""

    async def end(self) -> None:
        await super().close()


class Reading:
    """All of it for the replays of one plan."""

    def __init__(self, encoder: Kept | None = None, judge: Judge | None = None) -> None:
        self.judge = judge
        self.gateway = Readers(
            ask=self._ask, asked=Remembered(asked), blocks=Remembered(blocks), questions=Questions(2 * MOST_BYTES, LONGEST),
            classifier=Guesses(), encoder=encoder, shaping=self._shaping,
            translations={formats: Translated(each) for formats, each in TRANSLATIONS.items()},
        )  # fmt: skip
        self.names = KnownNames()
        self._shapers: dict[frozenset[str], Shape] = {}
        self._asks = Remembered(lambda format, body: FORMATS[format].ask(body))
        self._asked = Remembered(read)
        self._said = Remembered(said)

    def _ask(self, format: str, body: bytes) -> Ask:
        """Steps write on it. Raises BadRequest."""
        return copy(self._asks(format, body))

    def _shaping(self, transforms: frozenset[str]) -> Shape:
        if transforms not in self._shapers:
            self._shapers[transforms] = Remembered(shaping(transforms))
        return self._shapers[transforms]

    def asked(self, format: str, body: bytes) -> Asked:
        """As the simulator reads a request. Raises Refusal, DecodeError."""
        return self._asked(format, body)

    def said(self, format: str, body: bytes) -> Said | None:
        """What an answer says."""
        return self._said(format, body)


async def encoded(calls: Sequence[PastCall], encoder: Encoder | None = None) -> Kept | None:
    """An encoder that knows the questions of all of `calls`, so that replays wait for none; None where there is no encoder."""
    questions = Questions()
    found = (questions.of(past.wire, past.prompt) for past in calls)
    texts = list(dict.fromkeys(question.text for question in found if question is not None and question.text))
    kept = Kept(encoder or MiniLM(), len(texts) + TEXTS_A_RUN)
    try:
        for start in range(0, len(texts), TEXTS_A_RUN):
            await kept.encode(texts[start : start + TEXTS_A_RUN])
    except EncoderError:
        await kept.end()
        return None
    return kept

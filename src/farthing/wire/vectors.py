"""Embeddings item by item: a request is cut into its inputs, and answers are cut and put together to match.

The answer to one input is kept as a whole answer of its own, so it needs no form that only this file could read. Knows
nothing of who keeps it.
"""

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Any, Literal

import msgspec

from farthing.wire import canonical, splice
from farthing.wire.lenient import Count
from farthing.wire.question import RULES, settle

LONGEST = 4 * 1024 * 1024
"""Bytes of a body that is cut into items."""

LEFT_OUT = {
    "model": "the look-up adds the model, since an alias or a route may stand for several",
    "user": "says who asks, which the model does not learn",
}
DEFAULTS: dict[str, tuple[Any, ...]] = {"encoding_format": ("float",), "dimensions": (), "user": ()}
"""Values that say as much as leaving the member out, beside null."""


class Items(msgspec.Struct, frozen=True):
    inputs: list[str | list[int]]
    """Texts, or lists of token ids."""
    keys: list[bytes]
    """16 bytes for each input: of itself and all else that shapes its vector (dimensions, encoding, ...), the model
    apart."""


class _Vector(msgspec.Struct):
    embedding: msgspec.Raw
    index: int = 0
    object: str = "embedding"


class _Usage(msgspec.Struct):
    prompt_tokens: Count = 0
    total_tokens: Count = 0


class _Answer(msgspec.Struct):
    data: list[_Vector]
    model: str = ""
    usage: _Usage | None = None
    object: str = "list"


_answer = msgspec.json.Decoder(_Answer)
_START = blake2b(RULES + b"openai.embeddings\0", digest_size=16)


def items(body: bytes) -> Items | None:
    """The inputs of an embeddings request. None if it cannot be read with certainty. Never raises."""
    if len(body) > LONGEST:
        return None
    try:
        request = canonical.an_object(body)
        inputs = _as_list(request.pop("input", None))
        settle(request, LEFT_OUT, DEFAULTS)
        base = _START.copy()
        base.update(canonical.spelled(request))
    except (ValueError, RecursionError):
        return None
    return Items(inputs, [_key(base, each) for each in inputs])


def remaining(body: bytes, asked: Items, missing: Sequence[int]) -> bytes:
    """The request for only these of its inputs, by their places; every other byte as it came. `asked` is what `items`
    made of the body. Raises BadRequest for a body that names its members in a way that takes too long to read."""
    if len(missing) == len(asked.inputs):
        return body
    place = splice.value_span(body, b'"input"', splice.has_plain_names(body), known=True)
    assert place is not None, "the inputs were read from it"
    return splice.replace(body, [(*place, msgspec.json.encode([asked.inputs[at] for at in missing]))])


def cut(answer: bytes, inputs: Sequence[str | list[int]]) -> list[bytes] | None:
    """The answer to each of the inputs that were sent, as a whole answer for that input alone. None if it is not an
    answer to exactly these.

    The provider counts the tokens of all inputs together. They are shared out by size: token ids by their number, texts
    by their bytes; the shares add up to what was counted.
    """
    try:
        found = _answer.decode(answer)
    except (ValueError, RecursionError):
        return None
    vectors = sorted(found.data, key=lambda vector: vector.index)
    if [vector.index for vector in vectors] != list(range(len(inputs))) or not found.model:
        return None
    if not all(bytes(vector.embedding).startswith((b"[", b'"')) for vector in vectors):
        return None
    usages: list[_Usage | None] = [None] * len(inputs)
    if found.usage is not None:
        weights = [_size(each) for each in inputs]
        prompts = shared(found.usage.prompt_tokens, weights)
        totals = shared(found.usage.total_tokens, weights)
        usages = [_Usage(prompt, total) for prompt, total in zip(prompts, totals, strict=True)]
    return [
        msgspec.json.encode(_Answer([_Vector(vector.embedding)], found.model, usage))
        for vector, usage in zip(vectors, usages, strict=True)
    ]


def joined(
    answers: Sequence[bytes], usage: Literal["original", "zero"] = "original", *, paid: Collection[int] = ()
) -> bytes | None:  # fmt: skip
    """One answer for all inputs from the answers to each, in the order of the inputs. Its usage is their sum; or zero, but
    for those at the places `paid`.

    None if they cannot be put together: one is damaged, or they come from different models, whose vectors must never be
    compared.
    """
    vectors: list[_Vector] = []
    models: set[str] = set()
    total = _Usage()
    try:
        for at, answer in enumerate(answers):
            found = _answer.decode(answer)
            (vector,) = found.data
            vectors.append(_Vector(vector.embedding, at))
            models.add(found.model)
            if found.usage is not None and (usage == "original" or at in paid):
                total.prompt_tokens += found.usage.prompt_tokens
                total.total_tokens += found.usage.total_tokens
    except (ValueError, RecursionError):
        return None
    if len(models) != 1:
        return None
    return msgspec.json.encode(_Answer(vectors, models.pop(), total))


def tokens(answer: bytes) -> int:
    """Tokens that were counted for an answer; 0 where it does not say."""
    try:
        found = _answer.decode(answer)
    except (ValueError, RecursionError):
        return 0
    return found.usage.prompt_tokens if found.usage is not None else 0


def _as_list(given: Any) -> list[str | list[int]]:
    """Raises ValueError. A text or a list of token ids is one input."""
    if isinstance(given, str) or (isinstance(given, list) and given and all(type(one) is int for one in given)):
        return [given]
    inputs = msgspec.convert(given, list[str | list[int]])
    if not inputs:
        raise ValueError("no inputs")
    return inputs


def _key(base: "blake2b", item: str | list[int]) -> bytes:
    key = base.copy()
    key.update(msgspec.json.encode(item))
    return key.digest()


def _size(item: str | list[int]) -> int:
    return max(1, len(item.encode()) if isinstance(item, str) else len(item))


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """The total in whole shares that are proportional to the weights; who loses most by rounding down gets one more."""
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    losers = sorted(range(len(weights)), key=lambda at: -(total * weights[at] % whole))
    for at in losers[: total - sum(shares)]:
        shares[at] += 1
    return shares

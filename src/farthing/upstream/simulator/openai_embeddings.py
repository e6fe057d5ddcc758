"""OpenAI's `/v1/embeddings`: vectors that follow from the words of a text, so that alike texts have alike vectors."""

import base64
import math
import random
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from farthing.upstream.simulator import models, seeds, tokens
from farthing.upstream.simulator.answers import Question, Reply
from farthing.upstream.simulator.models import Model
from farthing.upstream.simulator.openai_chat import bad, positive, unknown_model
from farthing.upstream.simulator.wire import Asked, Json, Kinds, Piece, Refusal, Spent, UsageShape

_KNOWN: dict[str, Kinds] = {
    "input": (str, list), "model": str, "dimensions": int, "encoding_format": str, "user": str, "stream": bool
}  # fmt: skip
_MOST_INPUTS = 2048
_MOST_TOKENS = 300_000


class OpenAIEmbeddings:
    family: Literal["openai"] = "openai"
    id_prefix = "emb_"
    known: Mapping[str, Kinds] = _KNOWN

    def read(self, body: Json) -> Asked:
        name = body.get("model")
        model = models.find(name, "openai")
        if model is None:
            raise unknown_model(str(name)) if name else bad("you must provide a model parameter")
        if not model.embeds:
            raise Refusal(403, "invalid_request_error", "You are not allowed to generate embeddings from this model")
        texts = _inputs(body.get("input"))
        counts = [tokens.count(text) if isinstance(text, str) else len(text) for text in texts]
        for count in counts:
            if count > model.context:
                raise bad(
                    f"This model's maximum context length is {model.context} tokens, however you requested {count} tokens. "
                    "Please reduce your prompt.", "input",
                )  # fmt: skip
        if sum(counts) > _MOST_TOKENS:
            raise bad(f"Requested {sum(counts)} tokens, max {_MOST_TOKENS} tokens per request", "input")
        wanted = positive(body, "dimensions")
        if wanted is not None and (wanted > model.embeds or model.id.endswith("ada-002")):
            raise bad(
                f"Invalid value for 'dimensions' = {wanted}. Must be less than or equal to {model.embeds}.",
                "dimensions",
            )
        question = Question(model=model, prompt="", context=b"", max_output=0)
        return Asked(body=body, question=question, prompt=sum(counts), choices=0)

    def answer(self, asked: Asked, replies: Sequence[Reply], spent: Spent | None) -> Json:
        model = asked.question.model
        size = asked.body.get("dimensions") or model.embeds
        packed = asked.body.get("encoding_format") == "base64"
        texts = _inputs(asked.body.get("input"))
        vectors = (vector(model, text if isinstance(text, str) else str(text), size) for text in texts)
        data = [
            {"object": "embedding", "index": at, "embedding": _packed(one) if packed else list(one)}
            for at, one in enumerate(vectors)
        ]
        made: Json = {"object": "list", "data": data, "model": model.name}
        if spent is not None:
            made["usage"] = {"prompt_tokens": spent.prompt, "total_tokens": spent.prompt}
        return made

    def pieces(self, asked: Asked, replies: Sequence[Reply], spent: Spent | None, shape: UsageShape) -> Iterator[Piece]:
        raise bad("Streaming is not supported for embeddings.", "stream")

    def error_piece(self, refusal: Refusal) -> bytes:
        return b""


def vector(model: Model, text: str, size: int) -> "array[float]":
    """Of length one: the sum of a vector for each word, so that texts which share words are near each other."""
    found = re.findall(r"\w+", text.casefold())[:2000] or [text]
    total = [0.0] * size
    for word in found:
        own = _word(model.id, word, size)
        total = [one + more for one, more in zip(total, own, strict=True)]
    length = math.sqrt(sum(one * one for one in total)) or 1.0
    return array("f", (one / length for one in total))


@lru_cache(maxsize=2048)
def _word(model: str, word: str, size: int) -> "array[float]":
    dice = random.Random(seeds.number("embedding", model, word))
    return array("f", (dice.gauss(0.0, 1.0) for _ in range(size)))


def _packed(one: "array[float]") -> str:
    return base64.b64encode(one.tobytes()).decode()


def _inputs(given: Any) -> list[Any]:
    """Texts, or lists of token ids."""
    if isinstance(given, str) or (isinstance(given, list) and given and all(isinstance(one, int) for one in given)):
        given = [given]
    if not isinstance(given, list) or not given or len(given) > _MOST_INPUTS:
        raise bad(
            "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
        )
    for one in given:
        whole = isinstance(one, list) and one and all(isinstance(id, int) for id in one)
        if not (whole or (isinstance(one, str) and one)):
            raise bad(
                "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
            )
    return given

import math
from typing import Any

import openai as sdk
import pytest
from openai import AsyncOpenAI


async def test_alike_texts_have_alike_vectors(openai: AsyncOpenAI) -> None:
    texts = ["the red car is fast", "the red car is quick", "quarterly revenue of bakeries"]
    answer = await openai.embeddings.create(model="text-embedding-3-small", input=texts)
    near, far = (
        sum(a * b for a, b in zip(answer.data[0].embedding, answer.data[other].embedding, strict=True))
        for other in (1, 2)
    )
    assert near > 0.6 > 0.2 > abs(far)
    assert math.isclose(sum(a * a for a in answer.data[0].embedding), 1.0, rel_tol=1e-4)
    assert len(answer.data[0].embedding) == 1536
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 5 + 5 + 6


async def test_dimensions_and_plain_floats(openai: AsyncOpenAI) -> None:
    answer = await openai.embeddings.create(
        model="text-embedding-3-large", input="hello", dimensions=8, encoding_format="float"
    )
    assert len(answer.data[0].embedding) == 8


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"model": "none"}, sdk.NotFoundError),
        ({"model": "gpt-4o"}, sdk.PermissionDeniedError),
        ({"input": []}, sdk.BadRequestError),
        ({"input": ["", "a"]}, sdk.BadRequestError),
        ({"dimensions": 9999}, sdk.BadRequestError),
        ({"input": "word " * 9000}, sdk.BadRequestError),
    ],
)
async def test_refusals(openai: AsyncOpenAI, change: Any, error: type[sdk.APIStatusError]) -> None:
    with pytest.raises(error):
        await openai.embeddings.create(**{"model": "text-embedding-3-small", "input": "hi", **change})

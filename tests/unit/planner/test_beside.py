"""The dearest model's calls on own GPUs."""

import pytest

from farthing.model.errors import BadRequest
from farthing.model.usage import Usage
from farthing.planner.beside import break_even
from farthing.prices import PriceBook
from unit.planner.pasts import chat


def test_a_few_calls_are_never_worth_a_gpu(book: PriceBook) -> None:
    calls = [chat(n, at_s=3_600 * n, usage=Usage(uncached_in=2_000, out=300)) for n in range(48)]
    found = break_even(calls, book, "Llama 3 8B", "H100")
    assert found.api == "gpt-4o" and found.own_dollars > 1_000 > found.api_dollars > 0
    assert found.first_calls is None or found.first_calls > 100 * found.calls
    many = break_even(calls, book, "Llama 3 8B", "H100", growth=10)
    assert many.calls == pytest.approx(10 * found.calls)


def test_what_is_not_known_is_said(book: PriceBook) -> None:
    for own, gpu in (("Llama 99", "H100"), ("Llama 3 8B", "abacus")):
        with pytest.raises(BadRequest):
            break_even([chat(1)], book, own, gpu)
    with pytest.raises(BadRequest, match="nothing to compare"):
        break_even([chat(1, usage=None)], book, "Llama 3 8B", "H100")

"""Calls of the past as records: priced by our book at their date, what was reported kept beside."""

import msgspec
import pytest

from farthing.model.past import PastCall
from farthing.model.usage import Usage
from farthing.planner.imports.booking import fingerprints, record_of
from farthing.prices import PriceBook

AT = 1_760_000_000_000_000


def a_call(**more: object) -> PastCall:
    call = PastCall(
        id="1",
        at_us=AT,
        model="gpt-4o",
        provider="openai",
        wire="openai.chat",
        usage=Usage(uncached_in=1000, out=100),
        status=200,
    )
    return msgspec.structs.replace(call, **more)


def test_it_is_priced_by_the_book_and_the_report_is_kept(book: PriceBook) -> None:
    record = record_of(a_call(reported_cost=3_400_000), book)
    assert (record.cost, record.cost_state, record.baseline) == (3_500_000, "computed", 3_500_000)
    assert record.attempts[0].reported_cost == 3_400_000 and not record.attempts[0].flags
    assert record_of(a_call(reported_cost=99_000_000), book).attempts[0].flags == ["reported_cost_differs"]
    assert (record.in_tokens, record.out_tokens, record.model) == (1000, 100, "gpt-4o")


def test_prices_of_the_date(book: PriceBook) -> None:
    usage = Usage(uncached_in=1000, out=1000)
    before, after = (
        record_of(a_call(model="o3", at_us=at, usage=usage), book).cost
        for at in (1_748_736_000_000_000, 1_751_328_000_000_000)
    )
    assert (before, after) == (50_000_000, 10_000_000)


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"usage": None}, "unknown"), ({"usage": None, "outcome": "error"}, "computed"), ({"model": "nobody-knows"}, "unpriced"),
        ({"provider": ""}, "unpriced"), ({"estimated": True}, "estimated"), ({"estimated": True, "outcome": "broken"}, "unknown"),
        ({"model": "nobody-knows", "reported_cost": 5}, "unpriced"), ({"usage": Usage()}, "computed"),
    ],
)  # fmt: skip
def test_how_a_cost_is_known(book: PriceBook, more: dict[str, object], state: str) -> None:
    record = record_of(a_call(**more), book)
    assert record.cost_state == state and (record.cost == 0 or state in ("computed", "estimated"))
    assert record.baseline == record.cost


def test_what_a_cache_answered_cost_nothing_and_saved_what_it_would_have(book: PriceBook) -> None:
    record = record_of(a_call(cached=True), book)
    assert (record.cost, record.baseline, record.cache, record.attempts) == (0, 3_500_000, "exact", [])
    assert record.baseline - sum(each.saved for each in record.savings) == record.cost
    assert record_of(a_call(cached=True, usage=None), book).savings == []


def test_template_and_session_come_from_the_prompt() -> None:
    one = a_call(
        prompt=b'{"model":"gpt-4o","messages":[{"role":"system","content":"You help with invoices."},{"role":"user","content":"hi"}]}'
    )
    fingerprints(one)
    assert len(one.template) == 16 and one.session
    odd = a_call(prompt=b"{no")
    fingerprints(odd)
    assert odd.template == ""

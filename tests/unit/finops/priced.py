"""Calls as the gateway books them: usage priced by the book, levers booked, the law kept."""

from hypothesis import strategies as st

from farthing.finops.rerate import Places
from farthing.model.record import Attempt, Record, Saving
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.prices.rates import Contract
from farthing.steps.admit import price
from farthing.steps.meter import total

START_US = 1_789_430_400_000_000
"""2026-09-15 00:00 UTC."""
HOUR_US = 3_600_000_000

BOOK = PriceBook.load()
HALF = PriceBook.load(
    contracts=[Contract("openai", percent_off="50"), Contract("anthropic", ("claude-*",), percent_off="12.5")]
)
PLACES = Places({}, {})

MODELS = (
    ("openai", "gpt-4o-mini"), ("openai", "gpt-5"), ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-sonnet-4-5"), ("openai", "no-such-model"),
)  # fmt: skip

tokens = st.integers(0, 500_000)
usages = st.builds(Usage, uncached_in=tokens, cache_read=tokens, w5m=tokens, out=tokens)


@st.composite
def attempts(draw: st.DrawFn, no: int) -> Attempt:
    provider, model = draw(st.sampled_from(MODELS))
    attempt = Attempt(
        no=no, provider=provider, deployment=f"{provider}/{model}", model=model, status=200,
        outcome=draw(st.sampled_from(["ok", "error", "broken", "left"])),
        started_us=START_US + draw(st.integers(0, 60)) * HOUR_US, usage=draw(st.none() | usages),
        estimated=draw(st.booleans()), tier=draw(st.sampled_from(["", "batch", "flex"])),
    )  # fmt: skip
    price(attempt, BOOK, PLACES.of(attempt))
    return attempt


@st.composite
def calls(draw: st.DrawFn, id: str) -> Record:
    """A call of up to three attempts, with the levers that could have been booked for it."""
    tries = [draw(attempts(no)) for no in range(1, draw(st.integers(0, 3)) + 1)]
    last = tries[-1] if tries else None
    record = Record(
        id=id, started_us=last.started_us if last is not None else START_US, wire="openai.chat",
        model=last.model if last is not None else "", provider=last.provider if last is not None else "",
        feature=draw(st.sampled_from(["chat", "agent"])), user=draw(st.sampled_from(["", "ana", "ben"])), team=draw(st.sampled_from(["", "cx"])), status=200,
        attempts=tries, arms=draw(st.sampled_from([{}, {"model selection": False}, {"model selection": True}])),
        outcome=draw(st.sampled_from(["ok", "error", "left"])),
    )  # fmt: skip
    answered = last.cost if last is not None else 0
    lost = sum(each.cost for each in tries[:-1])
    kind = draw(st.sampled_from(["none", "errand", "retries", "routed", "both", "hit"]))
    chosen = Saving("model selection", answered * 3 + 7, answered, estimated=True)
    if kind == "errand":
        record.savings = [Saving("model selection", 0, 0, answered + lost)]
    elif kind == "retries":
        record.savings = [Saving("request routing", answered, answered, lost)]
    elif kind == "routed":
        record.savings = [chosen]
    elif kind == "both":
        record.savings = [Saving("request routing", answered, answered, lost), chosen]
    elif kind == "hit" and not tries:
        record.savings = [Saving("semantic cache", 123_456, 0)]
    total(record)
    return record


def some_calls(most: int = 8) -> st.SearchStrategy[list[Record]]:
    return st.integers(1, most).flatmap(lambda count: st.tuples(*(calls(f"c{no}") for no in range(count)))).map(list)

"""What waiting saved, by hand: a row of the table is one answer, what it cost, and what the same request would have cost as
it was sent. Rates are dollars a million tokens, so that a thousand tokens at one dollar are a thousand micro-dollars."""

import pytest

from farthing.model.record import Record, Saving
from farthing.model.usage import Usage
from farthing.steps.defer.booking import joined, late, of_line
from unit.steps.defer.booked import AT_US, BOOK, attempt, line

MICRO = 1_000
M = 1_000
GOLDEN = [
    # what it is | prices, model | usage | tier that served | origin, tier asked for, walk, tier sent | cost, before (micro-dollars); None: no saving
    # gpt-5-mini: 0.25 in, 0.025 read, 2.00 out; batch and flex half of each
    ("plain tokens, half price", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "batch", ("call", "", "settling", ""), 3_000, 6_000),
    ("cached tokens at the batch price", "openai", "gpt-5-mini", Usage(uncached_in=4 * M, cache_read=40 * M, out=M), "batch", ("call", "", "settling", ""), 2_000, 4_000),
    # gpt-4o-mini: 0.15 in, 0.075 read, 0.60 out; batch 0.075, 0.30, and no discount for what is read
    ("cached tokens that a batch does not discount", "openai", "gpt-4o-mini", Usage(uncached_in=4 * M, cache_read=4 * M, out=2 * M), "batch", ("file", "", "settling", ""), 1_200, 2_100),
    ("an embedding", "openai", "text-embedding-3-small", Usage(uncached_in=100 * M), "batch", ("schedule", "", "settling", ""), 1_000, 2_000),
    # claude-sonnet-4-5: 3 in, 0.30 read, 3.75 written for 5 minutes, 6 for an hour, 15 out; batch half of each
    ("Anthropic: written for an hour", "anthropic", "claude-sonnet-4-5", Usage(uncached_in=M, w1h=10 * M, out=M), "batch", ("call", "", "settling", ""), 39_000, 78_000),
    ("Anthropic: written for five minutes", "anthropic", "claude-sonnet-4-5", Usage(w5m=8 * M, out=M), "batch", ("call", "", "settling", ""), 22_500, 45_000),
    ("Anthropic: read", "anthropic", "claude-sonnet-4-5", Usage(uncached_in=2 * M, cache_read=20 * M, out=2 * M), "batch", ("call", "", "settling", ""), 21_000, 42_000),
    ("Anthropic: a batch by its client", "anthropic", "claude-sonnet-4-5", Usage(uncached_in=2 * M, out=2 * M), "batch", ("anthropic", "", "settling", ""), 18_000, None),
    # gemini-2.5-flash: 0.30 in, 0.03 read, 2.50 out; batch 0.15, 1.25, and what is read at 0.03
    ("Google: what is read costs the same in a batch", "google", "gemini-2.5-flash", Usage(uncached_in=20 * M, cache_read=100 * M, out=4 * M), "batch", ("call", "", "settling", ""), 11_000, 19_000),
    ("flex, served as flex", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "flex", ("call", "", "alone", "flex"), 3_000, 6_000),
    ("flex, served as default", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "default", ("call", "", "alone", "flex"), 6_000, None),
    ("flex by its client, worked in a batch", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "batch", ("call", "flex", "settling", ""), 3_000, None),
    ("flex by its client, promoted to the standard tier", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "default", ("call", "flex", "alone", "default"), 6_000, 3_000),
    ("flex by its client, served as default", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "default", ("call", "flex", "alone", ""), 6_000, None),
    ("flex by its client, whose body was rid of it and sent alone", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "", ("call", "flex!", "alone", ""), 6_000, 3_000),
    ("service_tier batch of an ordinary call", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "batch", ("call", "batch", "settling", ""), 3_000, 6_000),
    ("priority by its client, worked in a batch", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "batch", ("call", "priority", "settling", ""), 3_000, 10_800),
    ("a batch by its client", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "batch", ("openai", "", "settling", ""), 3_000, None),
    ("a batch by its client, one line promoted", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "", ("openai", "", "alone", ""), 6_000, 3_000),
    ("a batch by its client, one line by flex", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "flex", ("openai", "", "alone", "flex"), 3_000, None),
    # deepseek-chat: 0.14 in, 0.28 out, and no batches
    ("a line of a batch, at a provider without batches", "deepseek", "deepseek-chat", Usage(uncached_in=100 * M, out=50 * M), "", ("openai", "", "alone", ""), 28_000, None),
    ("a call that waited and was sent alone", "openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "", ("call", "", "alone", ""), 6_000, None),
    ("flex of a model that has none", "openai", "gpt-4o-mini", Usage(uncached_in=4 * M, out=2 * M), "batch", ("call", "flex", "settling", ""), 900, 1_800),
]  # fmt: skip


@pytest.mark.parametrize(
    ("prices", "model", "usage", "tier", "how", "cost", "before"), [each[1:] for each in GOLDEN], ids=[each[0] for each in GOLDEN]
)  # fmt: skip
def test_to_the_nano_dollar(
    prices: str, model: str, usage: Usage, tier: str, how: tuple[str, str, str, str], cost: int, before: int | None
) -> None:
    made, served = attempt(prices, model, usage, tier)
    origin, asked, walk, sent_tier = how
    assert made.cost == cost * MICRO
    call = line(served, origin, asked.rstrip("!"), walk, sent_tier, [made])
    if asked.endswith("!"):
        call.ask.tier = ""
    found = of_line(call, BOOK, has_batches=prices != "deepseek")
    assert found == (None if before is None else Saving("batching", before * MICRO, cost * MICRO))


@pytest.mark.parametrize(
    ("model", "usage", "cost"),
    [("gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), 3_000), ("gpt-4o-mini", Usage(uncached_in=4 * M, out=2 * M), 900)],
)  # fmt: skip
def test_a_follower_saves_all_that_its_leader_cost(model: str, usage: Usage, cost: int) -> None:
    made, _ = attempt("openai", model, usage, "batch")
    leader = Record("call-1", AT_US, "openai.chat", status=200, cost=made.cost)
    assert joined(leader) == Saving("batching", cost * MICRO, 0, estimated=True)


def test_a_late_answer_is_all_overhead() -> None:
    made, _ = attempt("openai", "gpt-5-mini", Usage(uncached_in=8 * M, out=2 * M), "batch")
    assert late(made.cost) == Saving("batching", 0, 0, overhead=3_000 * MICRO)

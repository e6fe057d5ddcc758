"""What waiting saved: which attempts count, and against what. Amounts by hand are in `golden/test_batching.py`."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.model.record import Record, Saving
from farthing.model.usage import Usage
from farthing.steps.defer.booking import joined, late, of_line, saving, tier_as_sent
from unit.steps.defer.booked import AT_US, BOOK, attempt, line


def test_a_part_that_is_billed_apart_counts_at_its_own_model() -> None:
    made, served = attempt("anthropic", "claude-sonnet-4-5", Usage(uncached_in=1_000), "batch")
    part, _ = attempt("anthropic", "claude-haiku-4-5", Usage(out=1_000), "batch", part=1)
    found = saving([made, part], served, "", BOOK)
    assert found == Saving("batching", 3_000_000 + 5_000_000, 1_500_000 + 2_500_000)


def test_only_the_attempt_that_answered_counts() -> None:
    lost, _ = attempt("openai", "gpt-5-mini", None, "", outcome="error")
    made, served = attempt("openai", "gpt-5-mini", Usage(out=1_000_000), "flex")
    made.no = 2
    assert saving([lost, made], served, "", BOOK) == Saving("batching", 2_000_000_000, 1_000_000_000)
    assert saving([lost], served, "", BOOK) is None


def test_what_is_not_known_saves_nothing() -> None:
    unknown, served = attempt("openai", "gpt-5-mini", None, "batch", outcome="broken")
    assert saving([unknown], served, "", BOOK) is None
    unpriced, nowhere = attempt("deepseek", "deepseek-chat", Usage(out=1), "batch")
    assert unpriced.cost_state == "unpriced" and saving([unpriced], nowhere, "", BOOK) is None
    guessed, there = attempt("openai", "gpt-5-mini", Usage(out=1_000), "batch", estimated=True)
    found = saving([guessed], there, "", BOOK)
    assert found is not None and found.estimated


def test_a_provider_s_own_price_moves_by_what_ours_does() -> None:
    made, served = attempt("openai", "gpt-5-mini", Usage(out=1_000), "batch")
    made.cost, made.cost_state = made.cost + 7, "reported"
    assert saving([made], served, "", BOOK) == Saving("batching", 2_000_000 + 7, 1_000_000 + 7)


def test_a_call_that_is_no_line_books_nothing() -> None:
    made, served = attempt("openai", "gpt-5-mini", Usage(out=1_000), "batch")
    call = line(served, "call", "", "live", "", [made])
    call.kept = None
    assert of_line(call, BOOK, has_batches=True) is None


def test_a_follower_saves_what_its_leader_cost_and_a_late_answer_is_overhead() -> None:
    leader = Record("call-1", AT_US, "openai.chat", status=200, cost=5_000)
    assert joined(leader) == Saving("batching", 5_000, 0, estimated=True)
    assert joined(Record("call-1", AT_US, "openai.chat", status=200)) is None
    assert joined(Record("call-1", AT_US, "openai.chat", status=400, cost=5_000)) is None
    assert late(5_000).saved == -5_000


@given(
    origin=st.sampled_from(["openai", "anthropic", "call", "file", "schedule"]),
    asked=st.sampled_from(["", "auto", "default", "flex", "priority", "batch"]), has_batches=st.booleans(),
)  # fmt: skip
def test_nobody_is_told_that_he_saved_what_he_asked_for(origin: str, asked: str, has_batches: bool) -> None:
    tier = tier_as_sent(origin, asked, has_batches=has_batches)
    assert (tier == "batch") == (origin in ("openai", "anthropic") and has_batches)
    assert tier in ("batch", asked, "")


@given(
    tier=st.sampled_from(["", "batch", "flex", "default"]), asked=st.sampled_from(["", "flex", "batch", "priority"]),
    origin=st.sampled_from(["openai", "call"]), walk=st.sampled_from(["alone", "settling"]),
    tokens=st.tuples(*[st.integers(0, 100_000)] * 3),
)  # fmt: skip
def test_the_law_holds(tier: str, asked: str, origin: str, walk: str, tokens: tuple[int, int, int]) -> None:
    usage = Usage(uncached_in=tokens[0], cache_read=tokens[1], out=tokens[2])
    made, served = attempt("openai", "gpt-5-mini", usage, tier)
    found = of_line(line(served, origin, asked, walk, "", [made]), BOOK, has_batches=True)
    if found is not None:
        assert found.after == made.cost and found.before - found.saved == made.cost
        assert found.before >= 0

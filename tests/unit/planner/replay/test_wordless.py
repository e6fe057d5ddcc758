"""Replays without text: chunks change nothing, an answer outlives no day, parts add up, batches come back by their law."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.arms import BATCHING, MODEL_SELECTION, PROVIDER_CACHING, SEMANTIC_CACHE
from farthing.model.past import PastCall
from farthing.model.usage import Usage
from farthing.planner.replay.columns import Kind, Names, Work, chunks_of
from farthing.planner.replay.pricing import Pricer
from farthing.planner.replay.wordless import ORDER, Rules, Wordless
from farthing.prices import PriceBook
from laws import examples
from unit.planner.pasts import chat, message

BOOK = PriceBook.load()
MINI = Kind("openai", "gpt-4o-mini")


def nothing(*_: object) -> list[Kind]:
    return []


def cheaper(work: Work, kind: Kind) -> list[tuple[Kind, float]]:
    return [(MINI, 1.0)] if kind.model == "gpt-4o" and work.feature == "chat" else []


def played(calls: list[PastCall], size: int = 50_000, **more: object) -> Wordless:
    names = Names()
    rules = Rules(**{"cheaper": cheaper, "hosts": nothing, **more})  # type: ignore[arg-type]
    engine = Wordless(names, Pricer(BOOK), rules)
    for chunk in chunks_of(calls, names, size):
        engine.feed(chunk)
    return engine


CALLS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 200_000), st.integers(1, 9_000), st.integers(1, 300), st.booleans()),
    min_size=1, max_size=40,
)  # fmt: skip


def made(drawn: list[tuple[int, int, int, int, bool]]) -> list[PastCall]:
    calls, at_s = [], 0.0
    for number, (text, gap, tokens, out, talks) in enumerate(drawn):
        at_s += gap / 4
        past = (message if talks else chat)(number, f"Is parcel {text} late?")
        past.at_us += round(at_s * 1e6)
        past.usage, past.session = Usage(uncached_in=tokens, out=out), f"talk-{text}" if talks else ""
        calls.append(past)
    return calls


@examples(40)
@given(CALLS, st.integers(1, 7))
def test_the_size_of_chunks_changes_nothing(drawn: list[tuple[int, int, int, int, bool]], size: int) -> None:
    calls = made(drawn)
    one, many = played(calls, cheaper=nothing), played(calls, size, cheaper=nothing)
    assert one.together.days == many.together.days and one.cost == many.cost
    for name in ORDER:
        assert one.alone[name].total == many.alone[name].total


@examples(40)
@given(CALLS)
def test_a_repeat_is_one_within_a_day_of_an_answer_that_was_paid_for(
    drawn: list[tuple[int, int, int, int, bool]],
) -> None:
    calls = made(drawn)
    paid: dict[bytes, int] = {}
    saved = 0
    for past in calls:
        if past.prompt in paid and past.at_us - paid[past.prompt] < 86_400_000_000:
            assert past.usage is not None
            saved += BOOK.price(past.provider, past.model, past.usage, at_us=past.at_us).nano
        else:
            paid[past.prompt] = past.at_us
    assert played(calls).alone[SEMANTIC_CACHE].total == saved


@examples(40)
@given(CALLS)
def test_parts_add_up_and_nothing_is_saved_twice(drawn: list[tuple[int, int, int, int, bool]]) -> None:
    engine = played(made(drawn), patience={"chat": 3_600.0})
    assert sum(engine.booked.values()) == engine.together.total <= engine.cost
    assert sum(int(each) for each in engine.together.buckets) == engine.together.total


def test_another_team_or_tenant_is_served_from_nobodys_cache() -> None:
    calls = [chat(n, "Is it late?", tenant=f"t{n % 3}", team=f"team{n % 2}") for n in range(12)]
    assert played(calls).alone[SEMANTIC_CACHE].cheaper == 6


def test_work_that_may_goes_to_the_cheaper_model_at_its_length() -> None:
    calls = [chat(n) for n in range(10)] + [chat(10 + n, feature="law") for n in range(5)]
    plain, wordy = played(calls), played(calls, cheaper=lambda work, kind: [(MINI, 2.0)] if kind != MINI else [])
    assert plain.alone[MODEL_SELECTION].cheaper == 10
    cost = BOOK.price("openai", "gpt-4o-mini", Usage(uncached_in=40, out=24), at_us=calls[0].at_us).nano
    assert wordy.cost - wordy.alone[MODEL_SELECTION].total == 15 * cost


def test_a_talk_reads_what_its_last_turn_sent() -> None:
    def turn(number: int, tokens: int, minutes: float) -> PastCall:
        past = message(0, session="s")
        return msgspec.structs.replace(
            past, id=f"m{number}", at_us=past.at_us + round(minutes * 6e7), usage=Usage(uncached_in=tokens, out=10)
        )

    soon = played([turn(0, 4_000, 0), turn(1, 5_000, 2)]).alone[PROVIDER_CACHING]
    late = played([turn(0, 4_000, 0), turn(1, 5_000, 9)]).alone[PROVIDER_CACHING]
    assert soon.cheaper == 1 and late.total == 0
    whole, read = (
        BOOK.price("anthropic", "claude-sonnet-4-5", usage, at_us=turn(0, 1, 0).at_us).nano
        for usage in (Usage(uncached_in=5_000, out=10), Usage(cache_read=4_000, w5m=1_000, out=10))
    )
    assert soon.total == whole - read


@pytest.mark.parametrize(("patience", "least", "most"), [(60.0, 0.05, 0.25), (420.0, 0.49, 0.51), (3_600.0, 0.89, 0.91)])  # fmt: skip
def test_batches_come_back_by_their_law(patience: float, least: float, most: float) -> None:
    calls = [chat(n, usage=Usage(uncached_in=40_000, out=12)) for n in range(10)]
    engine = played(calls, patience={"chat": patience}, cheaper=nothing)
    half = engine.cost / 2
    assert least * half <= engine.alone[BATCHING].total <= most * half
    assert played(calls, patience={"law": patience}, cheaper=nothing).alone[BATCHING].total == 0


def test_what_nobody_streams_may_wait_as_a_bound() -> None:
    calls = [chat(n, first_byte_us=1 if n % 2 else 0) for n in range(10)]
    assert played(calls, cheaper=nothing).alone[BATCHING].cheaper == 5


def test_failed_and_unpriced_calls_are_counted_and_not_replayed() -> None:
    calls = [chat(0), chat(1, usage=None), chat(2, outcome="error"), chat(3, model="house-model", provider="")]
    engine = played([*calls, chat(4, cached=True), chat(5, attempt_of="past-000000")])
    assert (engine.calls, engine.priced) == (6, 1)

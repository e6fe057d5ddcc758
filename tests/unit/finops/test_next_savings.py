"""What could be saved next: amounts that can be worked out by hand, bounds where nothing is known, and nothing made up."""

import random
from collections.abc import Sequence
from functools import partial

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.learnable import coverage
from farthing.finops.next_savings import (
    DAYS,
    DAYS_A_MONTH,
    Known,
    Saving,
    Sums,
    can_be_learned,
    cheaper_models,
    estimates,
    lost_tries,
    read,
    repeats,
    unread_writes,
    vectors,
)
from farthing.model.record import Attempt, Record
from farthing.model.routes import Cell, Table
from farthing.model.usage import Usage
from farthing.settings import CacheSettings, RoutingSettings, StudentSettings
from farthing.settings.capture import CaptureSettings
from farthing.store import ReportRow, Store
from farthing.store.rollups import DAY_US
from farthing.store.waste import WasteRow

RATES = {"big": (10, 40), "middle": (2, 8), "little": (1, 4), "vectors": (1, 0)}
TIERS = {"big": "flagship", "middle": "mid", "little": "small", "vectors": "embedding"}
NOW = 20_600 * DAY_US + 5


def price(model: str, usage: Usage) -> int | None:
    if model not in RATES:
        return None
    into, out = RATES[model]
    return usage.uncached_in * into + usage.w5m * into * 5 // 4 + usage.cache_read * into // 10 + usage.out * out


def row(
    key: str, also: str = "", calls: int = 100, tokens: int = 100_000, cost: int = 10_000_000, **more: int
) -> ReportRow:
    return ReportRow(key, also, calls=calls, in_tokens=tokens, out_tokens=0, cost=cost, **more)


def sums(**given_: Sequence[object]) -> Sums:
    every = {name: [] for name in ("work", "tiers", "features", "models", "waste_by_model", "waste_by_feature")}
    return Sums(DAYS, **(every | given_))  # type: ignore[arg-type]


def known(*cells: tuple[str, Cell], **settings: object) -> Known:
    found: dict[tuple[str, str], dict[str, Cell]] = {}
    for scope, cell in cells:
        found.setdefault(("*", scope), {})[cell.model] = cell
    return Known(
        "default", RoutingSettings(), CacheSettings(), 0.3, {"small": ("little",), "mid": ("middle",), "flagship": ("big",)},
        lambda model: TIERS.get(model, ""), Table(cells=found), lambda scope: (0.95,), price,
        lambda tokens: ("vectors", tokens),
    )._replace(**settings)  # fmt: skip


def a_month(of_the_days: float) -> int:
    return round(of_the_days * DAYS_A_MONTH / DAYS)


def test_an_evidenced_model_is_an_estimate_and_the_cheapest_of_them_is_named() -> None:
    measured = partial(Cell, quality=0.99, lower=0.97, observations=900, state="measured")
    (found,) = cheaper_models(
        sums(work=[row("qa", "big"), row("qa", "little")]),
        known(("task:qa", measured("middle")), ("task:qa", Cell("little", 0.8, 0.7, 900, "measured"))),
    )
    assert found.a_month == found.low == found.high == a_month(8_000_000)  # 10 against 2 a token
    assert found.risk == "guarded"
    assert "middle does this work well enough" in found.what
    assert "900 comparisons" in found.why


def test_without_evidence_there_is_a_bound_and_the_judge_is_the_best_model() -> None:
    prior = Cell("middle", 0.95, 0.85)
    (found,) = cheaper_models(sums(work=[row("qa", "big")]), known(("task:qa", prior)))
    assert (found.a_month, found.low, found.high) == (None, 0, a_month(8_000_000))
    assert found.risk == "needs proof"
    assert 'judge = "big"' in found.setting


def test_no_model_is_named_that_is_unlikely_refuted_or_of_no_known_price() -> None:
    work = sums(work=[row("qa", "big")])
    assert not list(cheaper_models(work, known()))
    assert not list(cheaper_models(work, known(("task:qa", Cell("middle", 0.6, 0.4)))))
    assert not list(cheaper_models(work, known(("task:qa", Cell("middle", 0.99, 0.0, state="demoted")))))
    assert not list(
        cheaper_models(work, known(("task:qa", Cell("middle", 0.95, 0.9)), price=lambda model, usage: None))
    )


def test_what_routing_chose_itself_is_no_saving() -> None:
    prior = known(("task:qa", Cell("middle", 0.95, 0.85)))
    half = sums(work=[row("qa", "big")], tiers=[row("qa", "flagship", calls=50)])
    (found,) = cheaper_models(half, prior)
    assert found.high == a_month(4_000_000)
    assert not list(cheaper_models(half._replace(tiers=[row("qa", "flagship", calls=100)]), prior))


def test_a_cache_that_is_off_has_a_bound_at_the_target() -> None:
    (found,) = repeats(sums(features=[row("chat"), row("farthing judge")]), known())
    assert (found.a_month, found.high) == (None, a_month(3_000_000))
    assert found.setting == '[cache]\nmode = "exact"'


def test_a_cache_that_works_tells_the_bound_for_where_it_is_off() -> None:
    on = row("chat", calls=100, cost=9_000_000, cacheable=100, cache_hits=10)
    (found,) = repeats(sums(features=[on, row('say "hi"')]), known())
    assert found.high == a_month(1_000_000)
    assert found.setting == '[cache.features."say \\"hi\\""]\nmode = "exact"'
    assert found.where == {"feature": 'say "hi"'}


def test_what_repeats_much_says_little_of_others() -> None:
    on = row("help", calls=100, cost=9_000_000, cacheable=100, cache_hits=75)
    (found,) = repeats(sums(features=[on, row("chat")]), known())
    (unknown,) = repeats(sums(features=[row("chat")]), known())
    assert found.high == unknown.high and "target" in found.why


def test_long_prompts_are_not_expected_to_repeat() -> None:
    assert not list(repeats(sums(features=[row("agent", tokens=100 * 20_000)]), known()))


def test_texts_are_compared_by_a_model_for_it() -> None:
    (found,) = vectors(sums(work=[row("embedding", "big", tokens=1_000), row("embedding", "vectors")]), known())
    assert found.a_month == a_month(10_000_000 - 1_000)
    assert not list(vectors(sums(work=[row("embedding", "big")]), known(vectors=lambda tokens: None)))


def test_writes_that_nobody_read_cost_their_surcharge() -> None:
    lost = WasteRow("big", written_tokens=5_000)
    (found,) = unread_writes(sums(models=[row("big", cached_tokens=1_000)], waste_by_model=[lost]), known())
    assert found.a_month == a_month((12_500 - 10_000) * 4)
    assert not list(unread_writes(sums(models=[row("big", cached_tokens=5_000)], waste_by_model=[lost]), known()))


def test_lost_tries_are_a_bound_that_names_the_worst_feature() -> None:
    lost = [WasteRow("a", lost_cost=10, left_cost=5), WasteRow("b", lost_cost=30)]
    tries, left = lost_tries(sums(features=[row("a", cost=400)], waste_by_feature=lost), known())
    assert (tries.high, tries.where) == (a_month(40), {"feature": "b"})
    assert (left.high, left.where) == (a_month(5), {"feature": "a"})


def test_estimates_come_before_bounds_of_the_same_size_and_crumbs_are_left_out() -> None:
    lost = [WasteRow("chat", lost_cost=8_000_000, left_cost=1)]
    measured = Cell("middle", 0.99, 0.97, 900, "measured")
    found = estimates(
        sums(work=[row("qa", "big")], features=[row("chat", cacheable=100)], waste_by_feature=lost),
        known(("task:qa", measured)),
    )
    assert [each.lever for each in found] == ["model selection", "request routing"]


@given(st.lists(st.integers(0, 10**12), min_size=6, max_size=6), st.integers(1, DAYS))
def test_no_estimate_is_outside_its_bounds_or_above_what_was_paid(numbers: list[int], days: int) -> None:
    dice = random.Random(f"{numbers}")
    work = [row(task, model, 30 + dice.randrange(500), n % 10**9, n) for n, (task, model) in zip(numbers, [("qa", "big"), ("embedding", "big"), ("", "big"), ("qa", "middle")], strict=False)]  # fmt: skip
    lost = [WasteRow("big", written_tokens=numbers[4] % 10**7, lost_cost=numbers[5] % 10**6)]
    cells = [("task:qa", Cell("middle", 0.99, 0.97, 900, "measured")), ("*", Cell("little", 0.95, 0.9))]
    found = Sums(days, work, [], [row("chat", cost=sum(numbers))], [], lost, lost)
    for each in estimates(found, known(*cells)):
        assert 0 <= each.low <= each.high
        assert each.a_month is None or each.low <= each.a_month <= each.high
        assert each.setting
        assert each.what.endswith(".")
        if each.lever != "provider caching":
            assert each.high <= round(sum(numbers) * DAYS_A_MONTH / days) + 1


async def test_it_reads_whole_days_from_the_first_with_calls(store: Store) -> None:
    def call(days_ago: float, no: int) -> Record:
        at = NOW - int(days_ago * DAY_US)
        return Record(
            id=f"{no}", started_us=at, wire="openai.chat", model_asked="big", feature="chat", task="qa", model="big", cost=7, baseline=7, cost_state="computed",
            status=200, outcome="ok", attempts=[Attempt(1, model="big", usage=Usage(uncached_in=5), cost=7, cost_state="computed")],
        )  # fmt: skip

    assert await store.do(lambda each: read(each, NOW, "default")) is None
    await store.write([call(0, 1), call(3, 2), call(40, 3)])
    found = await store.do(lambda each: read(each, NOW, "default"))
    assert found is not None
    assert (found.days, found.cost) == (3, 7)
    assert [(each.key, each.also) for each in found.work] == [("qa", "big")]
    assert isinstance(Saving("", "", None, 0, 4, "lossless", "", "", "").weight, float)


def test_short_answers_may_be_learned_by_a_student() -> None:
    labels = row("triage", calls=2_800, cost=28_000_000_000)
    labels = msgspec.structs.replace(labels, out_tokens=2_800 * 4)
    long_, few = (
        msgspec.structs.replace(labels, key=key, **more)
        for key, more in (("chat", {"out_tokens": 2_800 * 90}), ("rare", {"calls": 20}))
    )
    every = sums(features=[labels, long_, few, msgspec.structs.replace(labels, key="")])
    may_be = dict.fromkeys(("triage", "chat", "rare", ""), 0.95)
    assert not list(can_be_learned(every, known())), "nobody looked"
    assert not list(can_be_learned(every._replace(labels={"triage": 0.8}), known())), "of many lengths"
    (found,) = can_be_learned(every._replace(labels=may_be), known())
    assert (found.lever, found.a_month, found.low, found.where) == ("distillation", None, 0, {"feature": "triage"})
    assert found.high == round(28_000_000_000 * DAYS_A_MONTH / DAYS * coverage(2_800 * DAYS_A_MONTH / DAYS)[1] * 0.97)
    assert 'features = ["triage"]' in found.setting and "answers of 4 tokens" in found.what
    on = StudentSettings(mode="on")
    for features in (["triage"], ["*"]):
        kept = known(capture=CaptureSettings(features), student=on)
        assert not list(can_be_learned(sums(features=[labels])._replace(labels=may_be), kept))
    (more,) = can_be_learned(
        sums(features=[labels])._replace(labels=may_be), known(capture=CaptureSettings(["chat"]), student=on)
    )
    assert 'features = ["chat","triage"]' in more.setting

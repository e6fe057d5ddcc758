"""Single metrics where the whole report does not reach: months of users, unread cache writes, shares that are close."""

import pytest

from farthing.finops.metrics.facts import Facts, Scope
from farthing.finops.metrics.metric import share_verdict, wilson
from farthing.finops.metrics.six import cost_per_user, token_efficiency
from farthing.model.record import Record
from farthing.store import Store
from farthing.store.days import Day, tokens_of_transactions
from farthing.store.rollups import DAY_US, month_of
from farthing.store.users import UserMonth
from farthing.store.waste import WasteRow

MONTH_US = month_of(20_000 * DAY_US)


def facts(**known: object) -> Facts:
    empty: dict[str, object] = {
        "daily": [], "errands": [], "waste": [], "waste_by_model": [], "months": [], "dearest": [], "by_model": [], "by_feature": [], "above_a_dollar": None
    }  # fmt: skip
    return Facts(scope=Scope(0, 40_000 * DAY_US), now_us=40_000 * DAY_US, **(empty | known))  # type: ignore[arg-type]


def months(*costs: int) -> list[UserMonth]:
    found, month = [], MONTH_US
    for cost in costs:
        found.append(UserMonth(month, 10, 50, cost))
        month = month_of(month + 32 * DAY_US)
    return found


def test_a_trend_of_users_needs_six_whole_months() -> None:
    few = cost_per_user(facts(months=months(1, 2, 3, 4, 5)), 0, 0)
    assert few.trend is None and "a trend needs 6 whole months" in few.trend_means
    rising = cost_per_user(facts(months=months(100, 120, 140, 160, 180, 200, 220, 240)), 0, 0).trend
    assert rising is not None and rising.direction == "up" and rising.days == 8
    wild = cost_per_user(facts(months=months(100, 20, 140, 60, 180, 20)), 0, 0).trend
    assert wild is not None and wild.direction == "none"


def test_writes_beyond_reads_were_never_read_whatever_other_models_read() -> None:
    day = Day(MONTH_US, "", 10, in_tokens=9_000, cached_tokens=5_000, out_tokens=100)
    known = facts(
        daily=[day], waste=[WasteRow(str(MONTH_US), written_tokens=1_500)],
        waste_by_model=[WasteRow("claude", written_tokens=1_500)],
        by_model=[day._replace(value="claude", cached_tokens=400), day._replace(value="gpt", cached_tokens=4_600)],
    )  # fmt: skip
    unread = {each.name: each for each in token_efficiency(known).beside}["cache writes never read"]
    assert (unread.numerator, unread.denominator) == (1_100, 1_500)
    alone = facts(daily=[day], waste=known.waste, waste_by_model=None, by_model=None)
    assert {each.name: each for each in token_efficiency(alone).beside}["cache writes never read"].numerator == 0


@pytest.mark.parametrize(
    ("part", "whole", "verdict"),
    [(290, 1000, "too close to tell"), (400, 1000, "met"), (200, 1000, "missed"), (5, 10, "too little data")],
)
def test_a_share_near_its_target_is_too_close_to_tell(part: int, whole: int, verdict: str) -> None:
    assert share_verdict(part, whole, 0.30)[0] == verdict


def test_wilson_by_the_book() -> None:
    """Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_tokens_per_transaction_where_there_are_any() -> None:
    beside = {each.name: each for each in token_efficiency(facts(transactions=(900, 4))).beside}
    assert beside["tokens per transaction"].value == 225
    assert "tokens per transaction" not in {each.name for each in token_efficiency(facts(transactions=(0, 0))).beside}


async def test_transactions_are_counted_where_they_began(store: Store) -> None:
    calls = [
        Record(
            id=str(at), started_us=MONTH_US + day * DAY_US, wire="openai.chat", transaction=f"order/{order}", in_tokens=90,
            out_tokens=10, cost_state="computed",
        )
        for at, (day, order) in enumerate([(0, 1), (0, 2), (1, 1), (2, 3)])
    ]  # fmt: skip
    await store.write(calls)
    found = await store.do(lambda each: tokens_of_transactions(each, MONTH_US, MONTH_US + 2 * DAY_US))
    assert found == (300, 2)
    assert await store.do(lambda each: tokens_of_transactions(each, MONTH_US, MONTH_US + 1, tenant="acme")) == (0, 0)

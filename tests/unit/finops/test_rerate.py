"""Pricing anew: nothing changes at the same prices, there and back is where it was, sums follow the rows, on both engines."""

import asyncio
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given

from farthing.finops import metrics
from farthing.finops.metrics import Options
from farthing.finops.metrics.facts import Scope
from farthing.finops.rerate import Places, Repricer, apply, fingerprint, moved, preview
from farthing.model.record import Attempt, Record, Saving
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.prices.rates import Contract
from farthing.settings import ContractSettings, DeploymentSettings, ModelSettings, PricesSettings, ProviderSettings
from farthing.settings.values import Amount
from farthing.store import Store, open_store, users, waste
from farthing.store.corrections import Corrections, Entry
from farthing.store.rerates import Rerates, Wanted
from laws import examples
from unit.finops.priced import BOOK, HALF, HOUR_US, PLACES, START_US, some_calls

ALL = Wanted(0, 1 << 62)
DAYS = Scope(START_US, START_US + 4 * 24 * HOUR_US)

law = examples(12)


async def _all(store: Store) -> list[Record]:
    return [now for now, _ in await Rerates(store).now_and_first(ALL, limit=10_000)]


async def _run(store: Store, book: PriceBook, prices: str = "", **which: str) -> int:
    run = await apply(Rerates(store), Wanted(0, 1 << 62, prices=prices), Repricer(book, PLACES, **which), who="ana")
    return run.changed


async def _empty(store: Store) -> None:
    tables = (
        "calls", "attempts", "savings", "rollups", "histograms", "lever_sums", "hold_outs", "waste", "billed_units",
        "billed_calls",
    )  # fmt: skip

    def empty(connection: object) -> None:
        for table in (*tables, "rerates", "first_prices", "corrections"):
            connection.execute(f"DELETE FROM {table}")  # type: ignore[attr-defined]

    await store.do(empty)


@law
@given(records=some_calls())
async def test_the_same_prices_change_nothing(store: Store, records: list[Record]) -> None:
    await _empty(store)
    await store.write(records)
    before = await _all(store)
    assert await _run(store, BOOK) == 0
    assert await _all(store) == before
    assert await store.check() == []


@law
@given(records=some_calls())
async def test_there_and_back_is_where_it_was_and_sums_follow(store: Store, records: list[Record]) -> None:
    await _empty(store)
    await store.write(records)
    before = await _all(store)
    cells = await store.do(lambda connection: sorted(connection.query("SELECT * FROM rollups")))
    changed = await _run(store, HALF, "half")
    assert await store.check() == []
    there = await _all(store)
    for record in there:
        assert record.baseline - sum(saving.saved for saving in record.savings) == record.cost
        assert record.baseline >= 0
    assert await _run(store, HALF, "half again") == 0, "a second run has nothing left to do"
    assert await _run(store, BOOK, "back") == changed
    assert await store.check() == []
    assert await _all(store) == before
    assert await store.do(lambda connection: sorted(connection.query("SELECT * FROM rollups"))) == cells
    assert await store.do(lambda connection: connection.query("SELECT * FROM first_prices")) == []


@law
@given(records=some_calls())
async def test_reports_say_what_the_rows_say_after_pricing_anew_and_corrections(
    store: Store, records: list[Record]
) -> None:
    """To the nano-dollar: what is lost, what users of a month cost, and the metrics, counted from the rows in Python."""
    await _empty(store)
    await store.write(records)
    for book in (HALF, BOOK, HALF):
        await _run(store, book, f"{id(book)}")
        await Corrections(store).post([Entry(START_US, 7_000_000_001)], who="ana", reason="the bill")
        rows = await _all(store)
        assert await store.check() == []
        lost = await store.do(lambda connection: waste.report(connection, "day"))
        assert sum(each.lost_cost for each in lost) == sum(_lost(row) for row in rows)
        assert sum(each.left_cost for each in lost) == sum(_left(row) for row in rows)
        for feature in (None, "chat"):
            months = await store.do(lambda each, name=feature: users.months(each, 0, 1 << 51, feature=name))
            mine = [row for row in rows if feature in (None, row.feature)]
            assert sum(each.cost for each in months) == sum(row.cost for row in mine if row.user)
            assert sum(each.cost_of_nobody for each in months) == sum(row.cost for row in mine if not row.user)
            assert sum(each.users for each in months) == len({row.user for row in mine if row.user})
            assert sum(each.calls_without_cost for each in months) == sum(map(_is_unknown, mine))
        found = await store.do(lambda each: metrics.read(each, DAYS, Options(), lambda _: "small", DAYS.until_us))
        assert (found.calls, found.cost) == (len(rows), sum(row.cost for row in rows))
        assert found.without_cost == sum(map(_is_unknown, rows))
        assert sum(each.cost for each in found.features) == found.cost
        user = found.metric("cost_per_user_month")
        assert user.numerator == sum(row.cost for row in rows if row.user)


def _is_unknown(record: Record) -> bool:
    return record.cost_state in ("unpriced", "unknown")


def _lost(record: Record) -> int:
    last = max((each.no for each in record.attempts), default=0)
    failed = record.outcome not in ("ok", "left")
    return sum(each.cost for each in record.attempts if failed or each.no != last)


def _left(record: Record) -> int:
    last = max((each.no for each in record.attempts), default=0)
    return sum(each.cost for each in record.attempts if record.outcome == "left" and each.no == last)


@given(records=some_calls(1))
def test_the_preview_is_what_a_run_does(records: list[Record]) -> None:
    (record,) = records
    new = Repricer(HALF, PLACES)(record)
    assert (new is record) == (new == record)
    for former, attempt in zip(record.attempts, new.attempts, strict=True):
        assert former.usage == attempt.usage
        assert former.cost_state in ("unpriced", "unknown") or attempt.cost_state == former.cost_state
        assert attempt.cost <= former.cost


def _call(id: str = "one", cost: int = 1_000, **more: object) -> Record:
    attempt = Attempt(
        no=1, provider="openai", deployment="openai/gpt-4o-mini", model="gpt-4o-mini", status=200, started_us=START_US,
        usage=Usage(uncached_in=1_000_000), cost_state="computed", cost=150_000_000, list_cost=150_000_000,
    )  # fmt: skip
    attempt.cost = cost
    record = Record(
        id=id, started_us=START_US, wire="openai.chat", model="gpt-4o-mini", provider="openai", status=200,
        cost_state="computed", cost=cost, baseline=cost, attempts=[attempt],
    )  # fmt: skip
    for name, value in more.items():
        setattr(record, name, value)
    return record


async def test_both_numbers_are_kept_with_their_versions(store: Store) -> None:
    await store.write([_call(cost=1)])
    rerates = Rerates(store)
    assert await rerates.first("one") is None
    seen = await preview(rerates, ALL, Repricer(BOOK, PLACES))
    assert (seen.calls, seen.looked_at, seen.cost_before, seen.cost_after) == (1, 1, 1, 150_000_000)
    assert await rerates.runs() == [], "a preview writes nothing"
    assert (await store.call("one")).cost == 1  # type: ignore[union-attr]
    await _run(store, BOOK)
    now = await store.call("one")
    assert now is not None and now.cost == 150_000_000 and now.attempts[0].price_version
    first = await rerates.first("one")
    assert first is not None and (first.cost, first.baseline, first.cost_state, first.rerate) == (1, 1, "computed", 1)
    (run,) = await rerates.runs()
    assert (run.looked_at, run.changed, run.cost_before, run.cost_after, run.who) == (1, 1, 1, 150_000_000, "ana")
    assert run.ended_us >= run.begun_us > 0


async def test_a_run_that_was_killed_goes_on_where_it_was(store: Store) -> None:
    await store.write([_call(f"call-{no}", cost=1, started_us=START_US + no) for no in range(25)])
    rerates, wanted = Rerates(store), Wanted(0, 1 << 62, prices="p")
    run = await rerates.step(await rerates.begin(wanted, who="ana"), Repricer(BOOK, PLACES), limit=10)
    assert (run.looked_at, run.ended_us, await store.check()) == (10, 0, [])
    looked: list[int] = []
    ended = await apply(
        rerates, wanted, Repricer(BOOK, PLACES), who="bob", hear=lambda run: looked.append(run.looked_at)
    )
    assert (ended.no, ended.who, ended.changed, looked) == (run.no, "ana", 25, [25])
    assert await store.check() == []
    again = await apply(rerates, wanted, Repricer(BOOK, PLACES), who="bob")
    assert (again.no, again.changed) == (run.no + 1, 0)


async def test_two_runs_at_once_change_each_call_once(url: str) -> None:
    one, other = await open_store(url), await open_store(url)
    await one.write([_call(f"call-{no:03}", cost=1, started_us=START_US + no) for no in range(450)])
    await asyncio.gather(_run(one, BOOK, "x"), _run(other, BOOK, "x"), _run(other, HALF, "y"))
    assert await one.check() == []
    assert {record.cost for record in await _all(one)} <= {150_000_000, 75_000_000}
    await one.close()
    await other.close()


async def test_a_run_beside_a_busy_ledger_keeps_the_sums(store: Store) -> None:
    await store.write([_call(f"old-{no:03}", cost=1, started_us=START_US + no) for no in range(300)])

    async def busy() -> None:
        for no in range(30):
            await store.write([_call(f"new-{no:03}", started_us=START_US + 10**9 + no)])

    await asyncio.gather(busy(), _run(store, BOOK))
    assert await store.check() == []


async def test_which_calls(store: Store) -> None:
    await store.write([_call("a", cost=1), _call("b", cost=1, started_us=START_US + HOUR_US)])
    assert await _run(store, BOOK, "1", provider="anthropic") == 0
    assert await _run(store, BOOK, "2", model="gpt-5*") == 0
    wanted = Wanted(START_US + 1, 1 << 62, prices="3")
    assert (await apply(Rerates(store), wanted, Repricer(BOOK, PLACES, model="GPT-4o*"), who="")).changed == 1
    assert await _run(store, BOOK, "4", provider="openai", model="gpt-4o-mini") == 1


def test_a_known_price_never_becomes_unknown() -> None:
    record = _call(cost=5)
    record.attempts[0].model = record.attempts[0].served_model = "no-such-model"
    assert Repricer(BOOK, PLACES)(record) is record


def test_an_unknown_price_becomes_known() -> None:
    record = _call(cost=0, cost_state="unpriced")
    record.attempts[0].cost_state = "unpriced"
    record.attempts[0].flags = ["usage_mismatch", "no_price", "no_rate:w12h"]
    new = Repricer(BOOK, PLACES)(record)
    assert (new.cost, new.cost_state, new.baseline) == (150_000_000, "computed", 150_000_000)
    assert new.attempts[0].flags == ["usage_mismatch"]


def test_the_day_of_the_call_counts() -> None:
    book = PriceBook.load(contracts=[Contract("openai", percent_off="50", valid_from=date(2026, 9, 16))])
    reprice = Repricer(book, PLACES)
    assert reprice(_call(cost=1)).cost == 150_000_000
    later = _call(cost=1)
    later.attempts[0].started_us += 24 * HOUR_US
    assert reprice(later).cost == 75_000_000
    assert reprice(later).attempts[0].list_cost == 150_000_000


def _priced(no: int, cost: int) -> Attempt:
    return Attempt(no=no, cost_state="computed", cost=cost)


@pytest.mark.parametrize(
    ("savings", "after"),
    [
        ([], []),
        # retries: what the lost try cost, and the same price on both sides
        ([Saving("request routing", 100, 100, 40)], [Saving("request routing", 50, 50, 20)]),
        # a cheaper place: what the first place would have taken stays as it was booked
        ([Saving("request routing", 130, 100, 40)], [Saving("request routing", 130, 50, 20)]),
        # a cheaper model on top of retries
        (
            [Saving("request routing", 100, 100, 40), Saving("model selection", 900, 100)],
            [Saving("request routing", 50, 50, 20), Saving("model selection", 900, 50)],
        ),
        # on top of a cheaper place: the level between them did not move
        (
            [Saving("request routing", 130, 100, 40), Saving("model selection", 900, 130)],
            [Saving("request routing", 130, 50, 20), Saving("model selection", 900, 130)],
        ),
        # a call that a lever made for itself
        ([Saving("semantic cache", 0, 0, 140)], [Saving("semantic cache", 0, 0, 70)]),
        # two levers share what was lost, to the last nano-dollar
        (
            [Saving("request routing", 100, 100, 13), Saving("model selection", 300, 100, 27)],
            [Saving("request routing", 50, 50, 6), Saving("model selection", 300, 50, 14)],
        ),
    ],
)
def test_savings_follow_what_was_paid(savings: list[Saving], after: list[Saving]) -> None:
    cost = 140
    record = Record(
        id="x", started_us=0, wire="", cost=cost, cost_state="computed", attempts=[_priced(1, 40), _priced(2, 100)],
        savings=savings, baseline=cost + sum(saving.saved for saving in savings),
    )  # fmt: skip
    new = moved(record, [_priced(1, 20), _priced(2, 50)])
    assert new.savings == after
    assert new.cost == 70
    assert new.baseline - sum(saving.saved for saving in new.savings) == new.cost
    if savings and savings[0].lever == "semantic cache":
        assert new.baseline == 0


def test_an_interrupted_call_stays_one_of_unknown_cost() -> None:
    record = Record(
        id="x", started_us=0, wire="", outcome="interrupted", cost=40, baseline=40, attempts=[_priced(1, 40)],
        cost_state="unknown",
    )  # fmt: skip
    assert moved(record, [_priced(1, 20)]).cost_state == "unknown"


def test_whose_price_list_holds() -> None:
    places = Places(
        {"eu": ProviderSettings(kind="azure"), "mine": ProviderSettings(kind="vllm", prices="openai")},
        {
            "chat": ModelSettings(provider="eu", model="prod-chat", price_as="gpt-4o"),
            "big": ModelSettings(deployments=[DeploymentSettings(provider="mine", model="b", price_as="gpt-5")]),
        },
    )
    found = places.of(Attempt(no=1, provider="eu", deployment="chat", model="prod-chat"))
    assert (found.prices, found.price_as) == ("azure", "gpt-4o")
    assert places.of(Attempt(no=1, provider="mine", deployment="mine/b", model="b")).price_as == "gpt-5"
    assert [places.list_of(name) for name in ("mine", "gemini", "unheard")] == ["openai", "google", "unheard"]


def test_a_fingerprint_tells_prices_apart(tmp_path: Path) -> None:
    one = fingerprint(PricesSettings())
    contract = ContractSettings(provider="openai", percent_off=Amount("5"), valid_from=date(2026, 1, 1))
    (tmp_path / "cards.toml").write_text('provider = "openai"\n')
    others = {
        fingerprint(PricesSettings(contracts=[contract])),
        fingerprint(PricesSettings(), [tmp_path / "cards.toml"]),
    }
    assert len(others | {one}) == 3 and one == fingerprint(PricesSettings())

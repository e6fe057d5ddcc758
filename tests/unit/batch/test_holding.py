"""What budgets keep for lines: in the window of now, at the worst, and charged there whenever the answer comes."""

from pathlib import Path

import pytest

from farthing.batch.holding import charges
from farthing.batch.walks import Parked, Settled
from farthing.model.batch import Hold, Sent
from farthing.model.charge import Charge
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.model.windows import period, window_at
from farthing.store.batch import holds
from farthing.store.engine import Connection

from .walking import Wired, answers, chat, job, line, shard_of, wired


def sent(unit: str, amount: int) -> Sent:
    return Sent(holds=[Hold("b", "m", "w", amount, unit)], soft=[Hold("s", "", "w", 0, unit)])


USAGE = Usage(uncached_in=70, out=30)


@pytest.mark.parametrize(
    ("unit", "attempt", "used"),
    [
        ("money", Attempt(1, usage=USAGE, cost=40, cost_state="computed"), 40),
        ("money", Attempt(1, usage=USAGE, cost=4000, cost_state="computed"), 4000),
        ("money", Attempt(1, usage=USAGE, cost=40, cost_state="estimated", estimated=True), 40),
        ("tokens", Attempt(1, usage=USAGE, cost=40, cost_state="computed"), 100),
        ("calls", Attempt(1, usage=USAGE, cost=40, cost_state="computed"), 1),
    ],
)
def test_a_line_pays_for_what_it_used(unit: str, attempt: Attempt, used: int) -> None:
    assert charges(sent(unit, 500), [attempt]) == [Charge("b", "m", "w", "", used), Charge("s", "", "w", "", used)]


def test_an_error_is_free_and_what_nobody_knows_costs_all_that_was_held() -> None:
    assert charges(sent("money", 500), [Attempt(1, outcome="error")]) == []
    unknown = Attempt(1, usage=USAGE, cost_state="unpriced")
    assert charges(sent("money", 500), [unknown]) == [Charge("b", "m", "w", "", 500)]
    assert charges(sent("calls", 1), [unknown]) == [Charge("b", "m", "w", "", 1)]


def test_parts_that_are_billed_apart_are_one_call() -> None:
    parts = [Attempt(1, part=part, usage=USAGE, cost=5, cost_state="computed") for part in range(3)]
    assert charges(sent("calls", 1), parts)[0].amount == 1
    assert charges(sent("money", 500), parts)[0].amount == 15


async def parked(w: Wired, body: bytes) -> Parked:
    found = await w.walks.pack(line(body), job())
    assert isinstance(found, Parked), found
    return found


async def test_a_hold_is_of_the_member_and_window_that_a_call_of_now_would_be(tmp_path: Path) -> None:
    budgets = '[budgets.teams]\namount = "5"\nwindow = "day"\nzone = "Asia/Tokyo"\nscope = { team = "*" }\n'
    async with wired(tmp_path, answers, budgets) as w:
        found = await parked(w, chat(metadata={"team": "search"}, max_tokens=9))
        record, _, _ = await w.call(job(), chat(metadata={"team": "search"}, max_tokens=9))
        hold, charge = found.sent.holds[0], record.charges[0]
        assert (hold.budget, hold.member, hold.window) == (charge.budget, charge.member, charge.window)
        assert hold.window == window_at(period("day", "Asia/Tokyo"), record.started_us).id


async def test_money_that_others_hold_may_come_back_and_money_that_is_spent_does_not(tmp_path: Path) -> None:
    budgets = '[budgets.all]\namount = "0.001"\n'
    async with wired(tmp_path, answers, budgets) as w:
        body = chat(max_tokens=2000)
        first = await parked(w, body)
        assert 500_000 < first.worst < 1_000_000

        def hold(connection: Connection) -> None:
            with connection.transaction():
                holds.take(connection, [first.sent], 1_795_000_000_000_000)

        await w.store.do(hold)
        await parked(w, body)  # whoever sends it finds no room now, and tries again

        def spend(connection: Connection) -> None:
            for hold in first.sent.holds:
                connection.execute(
                    "UPDATE budget_balances SET spent = 900000 WHERE budget = ? AND window_id = ?",
                    (hold.budget, hold.window),
                )

        await w.store.do(spend)
    async with wired(tmp_path, answers, budgets) as w:
        found = await w.walks.pack(line(body), job())
        assert isinstance(found, Settled)
        assert (found.status, found.record.error, found.again_s) == (429, "budget_exceeded", None)


async def test_a_budget_that_has_calls_wait_says_when_to_come_again(tmp_path: Path) -> None:
    budgets = '[budgets.all]\namount = "0.0001"\nwindow = "day"\nexceeded = "queue"\n'
    async with wired(tmp_path, answers, budgets) as w:
        found = await w.walks.pack(line(chat(max_tokens=4000)), job())
        assert isinstance(found, Settled) and found.again_s is not None
        assert 0 < found.again_s <= 86_400


async def test_a_budget_that_goes_down_sends_the_line_to_a_cheaper_model(tmp_path: Path) -> None:
    budgets = '[budgets.all]\namount = "0.01"\nexceeded = "downgrade"\n[models.large]\nprovider = "openai"\nmodel = "gpt-4.1"\n'
    routing = '[routing]\nsmall = ["gpt-4o-mini"]\nmid = ["large"]\nflagship = ["gpt-5"]\n'
    async with wired(tmp_path, answers, budgets + routing) as w:
        body = chat("large", max_tokens=4000)
        found = await parked(w, body)
        assert (found.model, found.sent.model) == ("gpt-4o-mini", "gpt-4o-mini")
        settled = await w.walks.settle(
            line(body), job(), shard_of(found), found.sent, *answers("/chat/completions", found.body)
        )
        record = settled.record
        assert {each.lever for each in record.savings} == {"model selection", "batching"}
        assert record.baseline - sum(each.saved for each in record.savings) == record.cost


async def test_a_call_above_a_budget_s_price_for_one_is_stopped(tmp_path: Path) -> None:
    budgets = '[budgets.all]\namount = "5"\nmax_call = "0.00001"\n'
    async with wired(tmp_path, answers, budgets) as w:
        found = await w.walks.pack(line(chat("gpt-4.1", max_tokens=4000)), job())
        assert isinstance(found, Settled) and found.record.error == "call_too_expensive"
        confirmed = job(headers={"x-farthing-confirm-cost": "yes"})
        confirmed.id = "job-2"
        assert isinstance(await w.walks.pack(line(chat("gpt-4.1", max_tokens=4000)), confirmed), Parked)

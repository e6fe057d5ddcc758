"""What is reserved before a call, charged after it, and refused."""

import asyncio
import random
from collections.abc import AsyncIterator

import msgspec
import pytest

from farthing.app.moved import Moved
from farthing.model.budget import Budget
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import (
    BudgetBusy,
    BudgetExceeded,
    BudgetUnavailable,
    CallTooDear,
    FarthingError,
    UnpricedModel,
)
from farthing.prices import PriceBook
from farthing.store import Store, leases
from farthing.store.budgets import Budgets
from unit.steps.budget.conftest import FREE, IN_NANO, OUT_NANO, PLACE, Gateway, Upstream

DOLLAR = 1_000_000_000


class Scene:
    """A store with budgets and as many gateways as are wanted."""

    def __init__(self, store: Store, book: PriceBook) -> None:
        self.store, self.book = store, book
        self.upstream = Upstream()
        self.gateways: list[Gateway] = []

    async def budgets(self, *budgets: Budget) -> None:
        for budget in budgets:
            await Budgets(self.store).put(budget)

    async def gateway(self, patience_s: float = 0.5, clock: Clock = SYSTEM) -> Gateway:
        made = Gateway(self.store, f"g{len(self.gateways)}", self.book, self.upstream, patience_s, clock)
        self.gateways.append(made)
        await made.purses.start()
        return made

    async def spent(self, budget: str, member: str = "") -> int:
        rows = await self.store.do(
            lambda connection: connection.query(
                "SELECT sum(spent) FROM budget_balances WHERE budget = ? AND member = ?", (budget, member)
            )
        )
        return int(rows[0][0] or 0)

    async def leased(self) -> int:
        rows = await self.store.do(lambda connection: connection.query("SELECT sum(amount) FROM budget_leases"))
        return int(rows[0][0] or 0)


@pytest.fixture
async def scene(store: Store, book: PriceBook) -> AsyncIterator[Scene]:
    scene = Scene(store, book)
    yield scene
    for gateway in scene.gateways:
        await gateway.close()


async def test_a_call_is_charged_what_it_cost(scene: Scene) -> None:
    await scene.budgets(Budget("all", DOLLAR), Budget("user", DOLLAR, scope={"user": "*"}))
    gateway = await scene.gateway()
    call = await gateway.send(user="ana")
    cost = 2 * IN_NANO + 100 * OUT_NANO
    assert [(each.budget, each.member, each.amount) for each in call.trail.charges] == [
        ("all", "", cost), ("user", "ana", cost),
    ]  # fmt: skip
    await gateway.write()
    assert await scene.spent("all") == await scene.spent("user", "ana") == cost == scene.upstream.billed
    await gateway.close()
    scene.gateways.clear()
    assert await scene.leased() == 0, "what was not used came back"
    assert scene.upstream.bodies == [b'{"model":"m","max_tokens":200}'], "with plenty left nothing is changed"


async def test_the_note_before_the_call_says_what_is_reserved(scene: Scene) -> None:
    await scene.budgets(Budget("all", DOLLAR))
    gateway = await scene.gateway()
    call = await gateway.send()
    (charge,) = gateway.journal.notes[call.id].charges
    assert charge.amount >= 200 * OUT_NANO > call.trail.charges[0].amount


async def test_the_last_money_limits_the_answer_and_then_refuses(scene: Scene) -> None:
    scene.upstream.length = lambda: 1_000
    amount = 2_500 * OUT_NANO
    await scene.budgets(Budget("all", amount))
    gateway = await scene.gateway()
    for _ in range(60):
        try:
            await gateway.send(gateway.call(max_tokens=1_000))
            await gateway.write()
        except BudgetExceeded as refused:
            error = refused
            break
    assert scene.upstream.billed <= amount
    assert scene.upstream.billed >= 0.85 * amount
    assert (error.status, error.budget, error.downgrade, error.retryable) == (429, "all", False, False)
    assert "'all' (all calls) has $0.00" in error.message and "It resets 20" in error.message
    await gateway.write()
    assert await scene.spent("all") == scene.upstream.billed


async def test_all_budgets_or_none(scene: Scene) -> None:
    await scene.budgets(Budget("all", DOLLAR), Budget("dry", 1, scope={"feature": "chat"}, payment_required=True,
                                                      exceeded="downgrade"))  # fmt: skip
    gateway = await scene.gateway()
    with pytest.raises(BudgetExceeded) as refused:
        await gateway.send(feature="chat")
    assert (refused.value.status, refused.value.downgrade) == (402, True)
    assert scene.upstream.calls == 0
    await gateway.send(feature="other")
    await gateway.write()
    assert await scene.spent("all") == scene.upstream.billed


@pytest.mark.parametrize(("window", "resets"), [("hour", True), ("total", False)])
async def test_a_call_may_be_told_to_wait_for_the_next_window(scene: Scene, window: str, resets: bool) -> None:
    await scene.budgets(Budget("dry", 1, window=window, exceeded="queue"))
    gateway = await scene.gateway()
    with pytest.raises(BudgetExceeded) as refused:
        await gateway.send()
    assert refused.value.queue and not refused.value.downgrade and (refused.value.resets_us > 0) == resets
    assert (refused.value.retry_after is None) != resets


async def test_what_costs_nothing_fits_into_any_budget(scene: Scene) -> None:
    await scene.budgets(Budget("dry", 0))
    gateway = await scene.gateway()
    await gateway.send(gateway.call(place=FREE))
    with pytest.raises(BudgetExceeded):
        await gateway.send()


async def test_tokens_and_calls_can_be_budgets(scene: Scene) -> None:
    await scene.budgets(Budget("tokens", 10_000, unit="tokens"), Budget("calls", 2, unit="calls", window="total"))
    gateway = await scene.gateway()
    await gateway.send()
    await gateway.send()
    await gateway.write()
    with pytest.raises(BudgetExceeded, match=r"has 0 calls left of 2 calls \(total total\).*does not reset"):
        await gateway.send()
    await gateway.write()
    assert (await scene.spent("tokens"), await scene.spent("calls")) == (204, 2)


async def test_soft_budgets_only_count(scene: Scene) -> None:
    await scene.budgets(Budget("soft", 1, hard=False))
    gateway = await scene.gateway()
    await gateway.send()
    await gateway.write()
    assert await scene.spent("soft") == scene.upstream.billed > 1


async def test_money_that_is_reserved_makes_others_wait(scene: Scene) -> None:
    amount = 250 * OUT_NANO
    await scene.budgets(Budget("all", amount))
    one, two = await scene.gateway(5.0), await scene.gateway(0.1)
    scene.upstream.pause_s = 1.5
    first = asyncio.create_task(one.send(one.call(max_tokens=200)))
    async with asyncio.timeout(60):
        while not await scene.leased():
            await asyncio.sleep(0.01)
    with pytest.raises(BudgetBusy) as busy:
        await two.send(two.call(max_tokens=120))
    assert (busy.value.status, busy.value.retry_after, busy.value.retryable) == (429, 1.0, True)
    patient = asyncio.create_task(one.send(one.call(max_tokens=120)))
    await first
    await patient
    assert scene.upstream.billed <= amount


async def test_who_waits_on_a_clock_that_only_calls_move_waits_by_that_clock(scene: Scene) -> None:
    await scene.budgets(Budget("all", 250 * OUT_NANO))
    time = Moved(1_790_000_000_000_000)
    one, other = await scene.gateway(), await scene.gateway(5.0, time.clock)
    scene.upstream.pause_s = 600.0
    first = asyncio.create_task(one.send(one.call(max_tokens=200)))
    async with asyncio.timeout(60):
        while not await scene.leased():
            await asyncio.sleep(0.01)
        with pytest.raises(BudgetBusy):
            await other.send(other.call(max_tokens=120))
    assert time.now_us >= 1_790_000_005_000_000
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_a_call_above_a_price_needs_a_word(scene: Scene) -> None:
    await scene.budgets(Budget("dear", DOLLAR, max_call=100 * OUT_NANO))
    gateway = await scene.gateway()
    for said in ({}, {b"x-farthing-confirm-cost": b"0.0001"}, {b"x-farthing-confirm-cost": b"nan"}):
        with pytest.raises(CallTooDear, match="x-farthing-confirm-cost: yes"):
            await gateway.send(gateway.call(max_tokens=1_000, headers=said))
    for word in (b"yes", b"1.00"):
        await gateway.send(gateway.call(max_tokens=1_000, headers={b"x-farthing-confirm-cost": word}))
    await scene.budgets(Budget("dear", DOLLAR, max_call=100 * OUT_NANO, confirm=False))
    await gateway.purses._hear()
    with pytest.raises(CallTooDear):
        await gateway.send(gateway.call(max_tokens=1_000, headers={b"x-farthing-confirm-cost": b"yes"}))


async def test_a_model_without_a_price_cannot_be_held(scene: Scene) -> None:
    await scene.budgets(Budget("all", DOLLAR))
    gateway = await scene.gateway()
    place = msgspec.structs.replace(PLACE, model="new")
    with pytest.raises(UnpricedModel, match="budget 'all'"):
        await gateway.send(gateway.call(place=place))


async def test_a_changed_budget_holds_at_once(scene: Scene) -> None:
    await scene.budgets(Budget("all", DOLLAR))
    gateway = await scene.gateway()
    await gateway.send()
    await scene.budgets(Budget("all", 5 * OUT_NANO))
    await gateway.purses._hear()
    await gateway.write()
    with pytest.raises(BudgetExceeded):
        await gateway.send()


async def test_leases_that_were_taken_away_are_not_spent(scene: Scene) -> None:
    await scene.budgets(Budget("all", DOLLAR))
    gateway = await scene.gateway()
    await gateway.send()
    await scene.store.do(lambda connection: leases.release(connection, "g0"))
    await gateway.purses._renew(0.0)
    await gateway.send()
    await gateway.write()
    assert await scene.spent("all") == scene.upstream.billed
    await gateway.close()
    scene.gateways.clear()
    assert await scene.leased() == 0


async def test_three_gateways_never_pass_a_budget_and_use_nearly_all_of_it(scene: Scene) -> None:
    """Answers of unknown length, a hundred at once, until the budget says no."""
    dice = random.Random(5)
    scene.upstream.length = lambda: max(1, round(dice.lognormvariate(5.0, 0.7)))
    amount = 150 * 190 * OUT_NANO
    await scene.budgets(Budget("total", 3 * amount), Budget("tenant", amount, scope={"user": "*"}))
    gateways = [await scene.gateway(0.3) for _ in range(3)]
    for gateway in gateways:
        for _ in range(200):
            gateway.expect.add("default", ("*",), "m", scene.upstream.length())
    ended = asyncio.Event()

    async def writer() -> None:
        while not ended.is_set():
            await asyncio.sleep(0.1)
            for gateway in gateways:
                await gateway.write()

    async def client(gateway: Gateway, user: str) -> None:
        while True:
            try:
                await gateway.send(gateway.call(max_tokens=1_024, user=user))
            except (BudgetBusy, BudgetUnavailable):  # the store of a busy machine may be late
                await asyncio.sleep(0.02)
            except BudgetExceeded:
                return
            except FarthingError as error:
                raise AssertionError(error.message) from error

    scene.upstream.pause_s = 0.02
    writing = asyncio.create_task(writer())
    await asyncio.gather(*(client(gateway, user) for gateway in gateways for user in "abc" for _ in range(10)))
    ended.set()
    await writing
    for gateway in gateways:
        await gateway.write()
    for user in "abc":
        spent = await scene.spent("tenant", user)
        assert 0.98 * amount <= spent <= amount
    assert await scene.spent("total") == scene.upstream.billed <= 3 * amount
    assert scene.upstream.cut <= 0.015 * scene.upstream.calls

"""The budget that is there without anybody's doing: of what Farthing asks of its own accord."""

from pathlib import Path

import pytest

from farthing.app.budgets import OVERHEAD, budgets_of
from farthing.model.budget import Budget
from farthing.model.call import Answer, Call, Proceed
from farthing.model.principal import Principal
from farthing.pipeline import chain
from farthing.prices import PriceBook
from farthing.quality.errand import FEATURES, Errands
from farthing.settings import parse
from farthing.store import open_store
from farthing.store.budgets import Budgets
from stores import ready
from unit.steps.budget.conftest import IN_NANO, OUT_NANO, PLACE, Gateway, Upstream
from unit.steps.budget.conftest import book as book

KEYED = '[providers.openai]\napi_key = "k"\n'


def declared(text: str = "") -> dict[str, Budget]:
    return {budget.id: budget for budget in budgets_of(parse(KEYED + text, {}))}


def test_it_is_a_month_of_days_that_use_what_they_may() -> None:
    budget = declared()[OVERHEAD]
    assert (budget.amount, budget.window, budget.hard) == (31 * 5 * 10**9, "month", False)
    assert declared("[routing]\nshadow_dollars_a_day = 0.5")[OVERHEAD].amount == 15_500_000_000
    budget.check()


@pytest.mark.parametrize("feature", FEATURES)
def test_it_holds_for_all_that_farthing_asks_itself_and_for_nothing_else(feature: str) -> None:
    budget = declared()[OVERHEAD]
    assert budget.member(Principal(feature=feature), "m") == "default"
    assert budget.member(Principal(feature="support"), "m") is None


def test_settings_may_say_otherwise() -> None:
    said = f'[budgets.{OVERHEAD}]\namount = 20\nscope = {{ feature = "farthing *" }}'
    assert [(each.id, each.amount, each.hard) for each in declared(said).values()] == [(OVERHEAD, 20 * 10**9, True)]


class Chosen:
    """In the place of `balance`; keeps what passes."""

    name = "balance"

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        self.calls.append(call)
        call.deployment = PLACE
        return await proceed(call)


async def test_a_judges_call_is_charged_to_it(tmp_path: Path, book: PriceBook) -> None:
    store = await open_store(ready(tmp_path))
    await Budgets(store).declare([*declared().values()])
    gateway, chosen = Gateway(store, "g", book, Upstream()), Chosen()
    await gateway.purses.start()
    errands = Errands(chain([chosen, *gateway.steps], Upstream()), lambda: "e")
    await errands.send(
        "openai.chat", b'{"model":"m","max_tokens":50,"messages":[]}', tenant="acme", feature=FEATURES[0]
    )
    [charge] = chosen.calls[0].trail.charges
    assert (charge.budget, charge.member, charge.amount) == (OVERHEAD, "acme", 2 * IN_NANO + 50 * OUT_NANO)
    await gateway.close()
    await store.close()

"""The rules led through a ledger find what they would have found, and nothing on days without cause."""

from farthing.finops.alerts.backtest import backtest
from farthing.finops.alerts.catalog import rules_for
from farthing.settings import AlertSettings
from farthing.store import Store
from farthing.store.alerts import Alerts
from unit.finops.alerts.spending import DAY_US, DOLLAR, NOON_US
from unit.finops.alerts.traffic_of import TODAY_US, burning, call, weeks

RULES = rules_for(AlertSettings())


async def test_what_would_have_fired(store: Store) -> None:
    await store.write([*weeks(30), *burning(24)])
    fired = await backtest(Alerts(store), RULES, 50 * DOLLAR, TODAY_US - 7 * DAY_US, TODAY_US + DAY_US)
    (jump,) = [each for each in fired if each.finding.rule in ("day_spend", "unusual_spend")]
    assert (jump.day, jump.finding.scope.name, jump.tenant) == ("2025-11-25", "agent", "default")
    assert (jump.hour < 12 and "total" in " ".join(jump.also)) or "all spending" in jump.also
    assert "model big" in jump.finding.cause and "user eve" in jump.finding.cause
    assert {each.day for each in fired} == {"2025-11-25"}


async def test_dear_calls_are_in_it(store: Store) -> None:
    await store.write([*weeks(10), call("dear", NOON_US, 55.0)])
    fired = await backtest(Alerts(store), (), 50 * DOLLAR, TODAY_US, TODAY_US + DAY_US)
    assert [(each.finding.rule, each.hour) for each in fired] == [("single_call", 12)]
    assert await backtest(Alerts(store), (), None, TODAY_US, TODAY_US + DAY_US, tenant="acme") == []

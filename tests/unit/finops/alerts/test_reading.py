"""What the rules see agrees with the calls themselves, to the nano-dollar."""

import random

from farthing.finops.alerts.finding import TOTAL, Scope
from farthing.finops.alerts.reading import Reader
from farthing.model.record import Attempt, Record
from farthing.store import Store
from farthing.store.alerts import Alerts
from unit.finops.alerts.spending import DAY_US, NOON_US
from unit.finops.alerts.traffic_of import TODAY_US

FIELDS = {"feature": "feature", "team": "team", "model": "model", "key": "key_id", "user": "user"}


def calls(count: int) -> list[Record]:
    draw = random.Random(5)
    found = []
    for n in range(count):
        cost = draw.randrange(10**10)
        state = draw.choice(["computed", "computed", "unpriced", "unknown"])
        cost = cost if state == "computed" else 0
        record = Record(
            f"c{n}", NOON_US - int(draw.random() ** 3 * 40 * DAY_US), "openai.chat", feature=draw.choice(["a", "b", ""]),
            team=draw.choice(["t", "u"]), model=draw.choice(["m", "n"]), key_id=draw.choice(["k1", "k2"]),
            user=draw.choice(["ana", "bo"]), cost_state=state, cost=cost, baseline=cost, cache=draw.choice(["", "miss", "exact"]),
            tier=draw.choice(["", "small", "mid"]), outcome=draw.choice(["ok", "error"]), in_tokens=draw.randrange(100),
            tenant=draw.choice(["default", "acme"]),
        )  # fmt: skip
        record.attempts = [Attempt(no=1, cost_state=state, cost=cost, outcome=record.outcome)]
        found.append(record)
    return found


async def test_sums_of_scopes_of_today_and_before(store: Store) -> None:
    every = calls(400)
    await store.write(every)
    seen = (await Reader(Alerts(store), users=True).read(NOON_US))["default"]
    mine = [record for record in every if record.tenant == "default"]
    today = [record for record in mine if record.started_us >= TODAY_US]
    for spend in seen.spends:
        of = [r for r in mine if spend.scope == TOTAL or getattr(r, FIELDS[spend.scope.kind]) == spend.scope.name]
        assert spend.today.spent == sum(r.cost for r in of if r.started_us >= TODAY_US)
        for place, spent in enumerate(reversed(spend.history.days)):
            start = TODAY_US - (place + 1) * DAY_US
            assert spent == sum(r.cost for r in of if start <= r.started_us < start + DAY_US)
    assert {spend.scope.kind for spend in seen.spends} == {"total", *FIELDS}
    week = [record for record in mine if record.started_us >= TODAY_US - 6 * DAY_US]
    assert (seen.rates.calls, seen.rates.cost) == (len(week), sum(r.cost for r in week))
    assert seen.rates.cacheable == sum(r.cache != "" for r in week)
    assert seen.rates.hits == sum(r.cache == "exact" for r in week)
    assert (seen.rates.tiered, seen.rates.small) == (
        sum(r.tier != "" for r in week),
        sum(r.tier == "small" for r in week),
    )
    counts = next(each for each in seen.counts if each.scope == Scope("model", "m"))
    of_model = [record for record in today if record.model == "m"]
    assert (counts.calls, counts.errors) == (len(of_model), sum(r.outcome == "error" for r in of_model))
    assert counts.unpriced == sum(r.cost_state == "unpriced" for r in of_model)
    assert seen.wasted == sum(r.cost for r in today if r.outcome == "error")


async def test_an_empty_ledger_is_no_trouble(store: Store) -> None:
    reader = Reader(Alerts(store))
    assert await reader.read(NOON_US) == {}
    assert await reader.sums("default", NOON_US) == ({}, {}, {})

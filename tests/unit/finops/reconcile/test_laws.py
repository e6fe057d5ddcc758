"""Whatever bill and ledger say: each line's causes sum to its difference, and all of them to the gap."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from farthing.finops.reconcile import causes
from farthing.finops.reconcile.bill import ANY, CREDIT, OTHER, Bill, Cost, Requests, Usage
from farthing.finops.reconcile.compare import compare
from farthing.finops.reconcile.ledger import HOUR_US, Ledger
from farthing.finops.reconcile.rates import list_price
from farthing.model.record import PricedLine
from farthing.model.usage import Usage as Units
from farthing.store.booked import Booked
from unit.finops.reconcile.exports import BOOK, DAY_US, FIRST_US

days = st.integers(0, 3).map(lambda day: FIRST_US + day * DAY_US)
models = st.sampled_from(["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "gpt-5", "unheard-of", ANY])
tiers = st.sampled_from(["", "batch", "flex", ANY])
classes = st.sampled_from(["uncached_in", "cache_read", "w5m", "out", "web_search"])
keys = st.sampled_from(["k1", "k2", ANY])
counts = st.integers(1, 10**7)
picos = st.integers(-(10**12), 10**13)

usage = st.builds(Usage, days, models, tiers, classes, keys, counts)
charged = st.one_of(classes, st.sampled_from([ANY, OTHER, CREDIT]))
costs = st.builds(Cost, days, models, tiers, charged, keys, picos, st.integers(0, 1000))
bills = st.builds(
    Bill, usage=st.lists(usage, max_size=8), quantities=st.lists(usage, max_size=3), costs=st.lists(costs, max_size=8),
    requests=st.lists(st.builds(Requests, days, models, keys, st.integers(1, 9)), max_size=3),
).filter(lambda bill: bill.usage or bill.costs or bill.quantities)  # fmt: skip


@st.composite
def attempts(draw: st.DrawFn) -> Booked:
    units = Units(**{name: draw(st.integers(0, 10**6)) for name in ("uncached_in", "cache_read", "out")})
    state = draw(st.sampled_from(["computed", "unpriced", "unknown", "estimated", "reported"]))
    rate = draw(st.integers(0, 10**7))
    known = state in ("computed", "estimated", "reported")
    lines = (
        [PricedLine(name, getattr(units, name), rate) for name in ("uncached_in", "cache_read", "out")] if known else []
    )
    pico = sum(line.count * line.rate for line in lines)
    return Booked(
        started_us=draw(days) + draw(st.integers(-20, 40)) * HOUR_US, provider=draw(st.sampled_from(["a", "b"])),
        model=draw(models.filter(lambda model: model != ANY)), tier=draw(st.sampled_from(["", "batch", "priority"])),
        estimated=state == "estimated", cost_state=state,
        cost=pico // 1000 * (2 if state == "reported" else 1), usage=None if state == "unknown" else units, lines=lines,
        sent=draw(st.booleans()) or True,
    )  # fmt: skip


@given(bills, st.lists(attempts(), max_size=12), st.sampled_from([{}, {"k1": "a"}, {"k1": "a", "k2": "b"}]))
def test_causes_sum_to_the_gap(bill: Bill, booked: list[Booked], mapped: dict[str, str]) -> None:
    ledger = Ledger(units={}, calls={}, totals={})
    ledger.take(booked)
    try:
        found = compare(bill, ledger, list_price(BOOK, "openai"), keys=mapped, models={})
    except ValueError as refused:
        assert "no day" in str(refused)
        return
    for line in found.lines:
        assert sum(line.causes.values(), Fraction(0)) == line.gap
        assert set(line.causes) <= set(causes.MEANING)
    assert sum(found.causes.values()) == found.invoice - found.ledger == found.gap
    assert found.captured is None or 0 <= found.captured <= 1
    in_span = [each for each in booked if found.first_day <= each.started_us < found.last_day + DAY_US]
    assert found.ledger == sum(each.cost for each in in_span)


@given(st.lists(attempts(), max_size=12))
def test_a_bill_of_our_own_units_has_no_difference_of_units(booked: list[Booked]) -> None:
    ledger = Ledger(units={}, calls={}, totals={})
    ledger.take(booked)
    lines = [
        Usage(hour // DAY_US * DAY_US, model, tier, unit, ANY, sums.count)
        for (hour, model, tier, unit, _), sums in ledger.units.items()
    ]
    if not lines:
        return
    found = compare(Bill(usage=lines), ledger, list_price(BOOK, "openai"), keys={}, models={})
    of_units = {causes.MISSING, causes.NOT_BILLED, causes.CACHE, causes.TIER, causes.ZONE, causes.LATE, causes.OUTSIDE}
    assert not of_units & {cause for line in found.lines for cause in line.units}
    assert found.captured in (None, 1.0)

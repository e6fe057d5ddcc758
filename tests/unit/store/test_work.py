"""Sums over the rows of a span, by what the calls do."""

from farthing.store import Store
from farthing.store.work import Work, work
from unit.store.samples import a_record


async def test_calls_are_summed_by_what_they_do(store: Store) -> None:
    same = {"tenant": "t", "template": "00ff00ff00ff00ff", "task": "qa", "feature": "chat", "tier": "small"}
    made = [
        a_record("a", started_us=1_000, cost=70, baseline=100, savings=[], in_tokens=10, cached_tokens=4, out_tokens=2, **same),
        a_record("b", started_us=2_000, cost=30, baseline=30, savings=[], in_tokens=5, cached_tokens=0, out_tokens=1, **same),
        a_record(
            "c", started_us=2_000, cost=0, baseline=0, savings=[], cost_state="unknown", in_tokens=0, cached_tokens=0,
            out_tokens=0, **same,
        ),
        a_record("d", started_us=2_000, cost=500, baseline=500, savings=[], in_tokens=1, **{**same, "tier": ""}),
        a_record("e", started_us=3_000, cost=900, baseline=900, savings=[], **same),
        a_record("f", started_us=2_000, cost=1, baseline=1, savings=[], **{**same, "tenant": "u"}),
    ]  # fmt: skip
    await store.write(made)
    found = await store.do(lambda connection: work(connection, 1_000, 3_000, tenant="t"))
    assert [(each.tier, each.cost) for each in found] == [("", 500), ("small", 100)]
    assert found[1] == Work("t", "00ff00ff00ff00ff", "qa", "chat", "small", 3, 2, 1, 15, 4, 3, 100, 130)
    everyone = await store.do(lambda connection: work(connection, 0, 10_000))
    assert [(each.tenant, each.tier, each.calls) for each in everyone] == [
        ("t", "small", 4),
        ("t", "", 1),
        ("u", "small", 1),
    ]


async def test_without_calls_there_is_none(store: Store) -> None:
    assert await store.do(lambda connection: work(connection, 0, 10_000)) == []

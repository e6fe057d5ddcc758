"""Corrections stand beside the metrics, in no figure of them; on both engines."""

from farthing.finops.metrics import Options, read
from farthing.finops.metrics.facts import Scope
from farthing.finops.metrics.plain import plain
from farthing.store import Store
from farthing.store.corrections import Corrections, Entry
from farthing.store.rollups import DAY_US
from unit.finops.traffic import FIRST_US, traffic

END_US = FIRST_US + 10 * DAY_US


async def test_corrections_of_the_span_and_scope(store: Store) -> None:
    calls = traffic(50, 10, seed=3)
    await store.write(calls)
    entries = [
        Entry(FIRST_US + 3 * DAY_US, 5, "openai", "gpt-5.4"), Entry(FIRST_US + 4 * DAY_US, -2, "openai", tenant="acme"),
        Entry(END_US, 1_000),
    ]  # fmt: skip
    await Corrections(store).post(entries, who="ana", reason="the bill")

    async def posted(tenant: str = "", **where: str) -> list[int]:
        scope = Scope(FIRST_US, END_US, tenant, where)
        found = await store.do(lambda each: read(each, scope, Options(), lambda _: "small", END_US))
        assert found.corrected == found.cost + sum(each.amount for each in found.corrections)
        assert plain(found)["cost_corrected"] == found.corrected
        if not where and not tenant:
            assert found.cost == sum(call.cost for call in calls if call.started_us < END_US)
        return [each.amount for each in found.corrections]

    assert await posted() == [5, -2]
    assert await posted("default") == [5]
    assert await posted("acme") == [-2]
    assert await posted(model="gpt-5.4") == [5]
    assert await posted(feature="chat") == []

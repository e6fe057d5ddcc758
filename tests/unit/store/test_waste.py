"""What was paid for and not used: each try in one place, and what rows give is what is kept."""

import pytest

from farthing.model.errors import BadRequest
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.store import Store, waste
from farthing.store.rollups import DAY_US
from farthing.store.waste import WasteRow, wasted
from unit.store.samples import MORNING_US, a_record


def a_try(no: int, cost: int = 10, **more: object) -> Attempt:
    usage = Usage(uncached_in=100, out=7)
    attempt = Attempt(no=no, started_us=MORNING_US, usage=usage, cost_state="computed", cost=cost)
    for name, value in more.items():
        setattr(attempt, name, value)
    return attempt


RETRIED = a_record(
    "retried", attempts=[a_try(1, 5), a_try(2, 6, cost_state="unknown"), a_try(3), a_try(3, part=1)], feature="chat"
)
LEFT = a_record("left", attempts=[a_try(1, 40)], outcome="left", feature="chat")
FAILED = a_record("failed", attempts=[a_try(1, 3)], outcome="error", feature="search")
WRITES = a_record("writes", attempts=[a_try(1, usage=Usage(w5m=20, w1h=5, out=9, reasoning=4))], feature="search")
PLAIN = a_record("plain", attempts=[a_try(1)])
NEVER_SENT = a_record("never sent", attempts=[], outcome="error")


def test_each_try_is_in_one_place() -> None:
    assert wasted(RETRIED) == (2, 200, 14, 11, 0, 0, 0, 0, 1, 0, 0)
    assert wasted(LEFT) == (0, 0, 0, 0, 1, 100, 7, 40, 0, 0, 0)
    assert wasted(FAILED) == (0, 100, 7, 3, 0, 0, 0, 0, 0, 0, 0)
    assert wasted(WRITES) == (0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 4)
    assert wasted(PLAIN) is None
    assert wasted(NEVER_SENT) is None


async def test_sums_are_by_day_and_by_one_dimension(store: Store) -> None:
    await store.write([RETRIED, LEFT, FAILED, WRITES, PLAIN, NEVER_SENT])
    by_feature = {row.key: row for row in await store.do(lambda each: waste.report(each, "feature"))}
    assert by_feature["chat"] == WasteRow("chat", 2, 200, 14, 11, 1, 100, 7, 40, 1)
    assert (by_feature["search"].lost_cost, by_feature["search"].written_tokens) == (3, 25)
    (day,) = await store.do(lambda each: waste.report(each, "day"))
    assert (int(day.key) % DAY_US, day.retries, day.lost_cost) == (0, 2, 14)
    (day,) = await store.do(lambda each: waste.report(each, "day", where={"feature": "search"}))
    assert (day.retries, day.lost_cost) == (0, 3)
    assert await store.do(lambda each: waste.report(each, "day", MORNING_US + DAY_US)) == []
    assert await store.do(lambda each: waste.report(each, "day", 0, MORNING_US - DAY_US)) == []
    assert await store.do(lambda each: waste.report(each, "day", tenant="acme")) == []
    assert await store.check() == []
    before = await store.do(lambda each: waste.report(each, "key"))
    await store.rebuild()
    assert await store.do(lambda each: waste.report(each, "key")) == before


async def test_what_is_not_kept_is_refused(store: Store) -> None:
    for by, where in (("user", {}), ("team", {"feature": "chat"}), ("weekday", {})):
        with pytest.raises(BadRequest, match="waste is kept by one of day, feature"):
            await store.do(lambda each, by=by, where=where: waste.report(each, by, where=where))  # type: ignore[misc]

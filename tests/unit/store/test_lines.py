"""Lines of the AI budget: replaced by source, shared out by time."""

from farthing.store import Store, lines
from farthing.store.lines import Line
from farthing.store.rollups import DAY_US


def a_line(id: str = "1", **more: object) -> Line:
    return Line(
        **{"id": id, "kind": "gpu", "cost": 100, "from_us": 0, "until_us": 10 * DAY_US, "source": "a.csv", **more}
    )  # type: ignore[arg-type]


def test_a_share_is_by_time() -> None:
    line = a_line()
    assert line.within(0, 10 * DAY_US) == line.within(-DAY_US, 99 * DAY_US) == 100
    assert line.within(9 * DAY_US, 20 * DAY_US) == 10
    assert line.within(10 * DAY_US, 20 * DAY_US) == line.within(-5 * DAY_US, 0) == 0


async def test_a_source_is_replaced_as_a_whole(store: Store) -> None:
    assert await store.do(lambda each: lines.replace(each, "default", "a.csv", [a_line("1"), a_line("2")])) == 0
    assert await store.do(lambda each: lines.replace(each, "default", "b.csv", [a_line("3", source="b.csv")])) == 0
    assert await store.do(lambda each: lines.replace(each, "default", "a.csv", [a_line("4", name="x\0")])) == 2
    found = await store.do(lambda each: lines.every(each, 0, DAY_US, tenant="default"))
    assert [(line.id, line.source, line.name) for line in found] == [("4", "a.csv", "x\ufffd"), ("3", "b.csv", "")]
    assert await store.do(lambda each: lines.every(each, 10 * DAY_US)) == []
    assert await store.do(lambda each: lines.every(each, tenant="acme")) == []
    assert await store.do(lambda each: lines.remove(each, "default", "a.csv")) == 1

"""Users of a month are counted once, whatever they did on how many days."""

from datetime import UTC, datetime

from farthing.store import Store, users
from farthing.store.users import UserCost, UserMonth
from unit.store.samples import a_record


def at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, 12, tzinfo=UTC).timestamp()) * 1_000_000


def first(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1_000_000


async def test_a_user_counts_once_a_month(store: Store) -> None:
    await store.write(
        [
            a_record("1", started_us=at(2026, 1, 31), user="ana"),
            a_record("2", started_us=at(2026, 2, 1), user="ana"),
            a_record("3", started_us=at(2026, 2, 28), user="ana", feature="search"),
            a_record("4", started_us=at(2026, 2, 3), user="ben"),
            a_record("5", started_us=at(2026, 2, 3), user="ben", tenant="acme", cost_state="unknown", cost=0, baseline=0, savings=[]),
            a_record("6", started_us=at(2026, 2, 3), user=""),
        ]
    )  # fmt: skip
    found = await store.do(lambda each: users.months(each, at(2026, 1, 5), at(2026, 2, 4)))
    assert found == [
        UserMonth(first(2026, 1), 1, 1, 700),
        UserMonth(first(2026, 2), 3, 4, 2100, 1, 700, 1),
    ]
    (only,) = await store.do(lambda each: users.months(each, at(2026, 2, 5), at(2026, 2, 6), feature="search"))
    assert only == UserMonth(first(2026, 2), 1, 1, 700)
    (only,) = await store.do(lambda each: users.months(each, at(2026, 2, 5), at(2026, 2, 6), tenant="acme"))
    assert (only.users, only.calls_without_cost) == (1, 1)
    february, top = await store.do(lambda each: users.month(each, at(2026, 2, 9), dearest=2))
    assert february == found[1]
    assert await store.do(lambda each: users.month(each, at(2026, 3, 9))) == (None, [])
    (same,), (other, _) = (
        await store.do(lambda each: users.months(each, at(2026, 2, 5), at(2026, 2, 6), tenant="default")),
        await store.do(lambda each: users.month(each, at(2026, 2, 5), tenant="default")),
    )
    assert same == other
    assert top == [UserCost("default", "ana", 2, 1400), UserCost("default", "ben", 1, 700)]
    assert await store.check() == []

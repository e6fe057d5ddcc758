"""No more than the day's cap, whatever was sent since the last look."""

from farthing.batch.spending import Spending
from farthing.model.batch import Line

NOON_US = 1_795_608_000_000_000


async def test_without_a_cap_all_may_go() -> None:
    async def never(since_us: int) -> int:
        raise AssertionError("nothing is read")

    spending = Spending(0, "UTC", never, lambda: NOON_US)
    assert spending.allows(10**18) and await spending.turn() > 60


async def test_what_was_sent_counts_until_the_store_tells_of_it() -> None:
    known = [0]
    asked: list[int] = []

    async def spent(since_us: int) -> int:
        asked.append(since_us)
        return known[0]

    spending = Spending(1000, "UTC", spent, lambda: NOON_US)
    assert not spending.allows(1), "nothing is known yet"
    await spending.turn()
    assert NOON_US - 86_400_000_000 < asked[0] <= NOON_US
    allowed = next(amount for amount in range(1000, 0, -1) if spending.allows(amount))
    assert 0 < allowed < 1000, "half of the day is over"
    assert not spending.allows(100)
    await spending.turn()
    assert not spending.allows(100), "the reading may have come too early"
    await spending.turn()
    assert spending.allows(100)
    known[0] = 1000
    await spending.turn()
    assert not spending.allows(1)


async def test_those_that_may_not_go_now_get_their_turns() -> None:
    async def spent(since_us: int) -> int:
        return 900

    def a_line(no: int, hours: float) -> Line:
        return Line("job", no, "c", "acme", "small", NOON_US + int(hours * 3600e6), 0)

    spending = Spending(1000, "UTC", spent, lambda: NOON_US)
    wanted = [(a_line(no, 48), 1) for no in range(200)]
    turns = spending.turns(wanted)
    assert list(turns) == [NOON_US + 1_000_000], "nothing is known yet"
    await spending.turn()
    turns = spending.turns(wanted)
    assert sum(map(len, turns.values())) == 200 and len(turns) == 3
    first, second, tomorrow = turns
    assert NOON_US < first < second < tomorrow and len(turns[tomorrow]) == 100
    assert tomorrow % 86_400_000_000 == 0
    assert list(spending.turns([(a_line(0, 1), 1)])) == [NOON_US + 3510 * 10**6], "when it is urgent"
    assert list(spending.turns([(a_line(0, 0.02), 1)])) == [NOON_US + 72 * 10**6], "where it expires"
    assert list(spending.turns([(a_line(0, 48), 5000)])) == [NOON_US + (48 * 3600 - 90) * 10**6], "it never may"


async def test_what_would_be_late_goes_ahead_of_the_clock_and_never_beyond_the_cap() -> None:
    async def spent(since_us: int) -> int:
        return 600

    spending = Spending(1000, "UTC", spent, lambda: NOON_US)
    assert not spending.allows(1, urgent=True), "nothing is known yet"
    await spending.turn()
    assert not spending.allows(1) and spending.allows(350, urgent=True)
    assert not spending.allows(51, urgent=True) and spending.allows(50, urgent=True)
    assert not spending.allows(1, urgent=True)

"""What was planned beside what the ledger has booked since."""

from farthing.finops.plans.document import packed
from farthing.finops.plans.happened import OFF, happened, in_words, planned
from farthing.model.record import Saving
from farthing.store import Store, writing
from farthing.store.engine import Connection
from farthing.store.plans import Plans
from unit.finops.plans.made import SINCE, UNTIL, document
from unit.store.samples import a_record

DAY = 86_400_000_000
END_US = UNTIL + 9 * DAY


def _book(connection: Connection, since: int, until: int, saved: int) -> None:
    """A call of $1 a day, of which the cache takes off `saved`."""
    days = range(since // DAY * DAY, until, DAY)
    with connection.transaction():
        writing.add(
            connection,
            [
                a_record(
                    f"call-{day}", started_us=day + 5, cost=10**9 - saved, baseline=10**9,
                    savings=[Saving("semantic cache", saved, 0)] if saved else [],
                )
                for day in days
            ],
        )  # fmt: skip


async def test_what_was_switched_on_is_held_against_the_plan(store: Store) -> None:
    def work(connection: Connection) -> object:
        _book(connection, SINCE, UNTIL, 0)
        _book(connection, UNTIL + DAY, END_US, 900_000_000)
        assert happened(connection, document(), UNTIL, UNTIL + 1) is None
        return happened(connection, document(), UNTIL, END_US)

    found = await store.do(work)
    assert found is not None
    by_lever = {each.lever: each for each in found.outcomes}
    cache = by_lever["semantic cache"]
    assert 25e9 < cache.happened < 30e9 and cache.before == 0 and cache.verdict in ("as planned", "less than planned")
    assert by_lever["model selection"].verdict == OFF
    assert in_words(found)[0].startswith("Planned semantic cache $")


async def test_without_calls_there_is_nothing_to_compare(store: Store) -> None:
    assert await store.do(lambda connection: happened(connection, document(), UNTIL, END_US)) is None


async def test_a_digest_says_what_became_of_the_plan(store: Store) -> None:
    plans = Plans(store)
    await plans.keep(packed(document()), ["default"], UNTIL, "ana")

    def work(connection: Connection) -> list[tuple[str, ...]]:
        _book(connection, SINCE, UNTIL, 0)
        _book(connection, UNTIL + DAY, END_US, 900_000_000)
        asked = [("default", END_US), ("other", END_US), ("default", UNTIL)]
        return [planned(connection, tenant, before, END_US) for tenant, before in asked]

    mine, others, early = await store.do(work)
    assert mine[0].startswith("Planned semantic cache $") and others == early == ()
    await plans.keep("{}", ["default"], UNTIL + 1, "ana")
    assert await store.do(lambda connection: planned(connection, "default", END_US, END_US)) == ()

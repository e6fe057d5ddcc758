"""What budgets paid for one call, read back; how they are charged is told by the tests of budgets and of chaos."""

from farthing.model.charge import Charge
from farthing.model.record import Record
from farthing.store import Store, charges


async def test_the_charges_of_a_call_are_read_back(store: Store) -> None:
    paid = [
        Charge("b", "", "2026-03", "", 7),
        Charge("a", "ada", "2026-03-01", "", 3),
        Charge("a", "ada", "2026-03-01", "", 2),
    ]
    await store.write([
        Record("c1", 1, "openai.chat", charges=paid), Record("c2", 1, "openai.chat", charges=[Charge("a", "", "w", "", 1)]),
        Record("c3", 1, "openai.chat", charges=[Charge("a", "", "w", "", 0)]),
    ])  # fmt: skip
    read = await store.do(
        lambda connection: [charges.of_call(connection, call_id) for call_id in ("c1", "c2", "c3", "c4")]
    )
    assert read == [
        [Charge("a", "ada", "2026-03-01", "", 5), Charge("b", "", "2026-03", "", 7)], [Charge("a", "", "w", "", 1)], [], [],
    ]  # fmt: skip

"""Reports of the prompt lab, in both stores."""

from farthing.store import Store
from farthing.store.lab_reports import KEPT, LabReports, newest


async def test_the_newest_reports_of_a_tenant_are_kept(store: Store) -> None:
    kept = LabReports(store)
    for at in range(KEPT + 2):
        await kept.keep("acme", at, "tickets\0", "gpt-4o-mini", f'{{"at": {at}}}')
    await kept.keep("other", 7, "p", "m", "{}")
    found = await store.do(lambda connection: newest(connection, tenant="acme", limit=KEPT + 9))
    assert [each.at_us for each in found] == list(range(KEPT + 1, 1, -1)) and found[0].body == f'{{"at": {KEPT + 1}}}'
    assert found[0].name == "tickets\ufffd"
    every = await store.do(lambda connection: newest(connection, limit=2))
    assert [each.name for each in every] == ["p", found[0].name]

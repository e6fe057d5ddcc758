"""What was read of providers' caches, from sums."""

from farthing.model.record import Attempt, Record
from farthing.model.usage import Usage
from farthing.store import Store
from farthing.store.cached_input import CachedInput, cached_input

DAY_US = 86_400_000_000
AT_US = 20_000 * DAY_US


def record(number: int, at_us: int, task: str, cached: int) -> Record:
    usage = Usage(uncached_in=1_000 - cached, cache_read=cached, out=5)
    return Record(
        f"c{number}", at_us, "openai.chat", model="m", task=task, in_tokens=1_000, cached_tokens=cached, cost_state="computed",
        attempts=[Attempt(1, model="m", usage=usage, cost_state="computed")],
    )  # fmt: skip


async def test_sums_by_tenant_task_and_model(store: Store) -> None:
    await store.write([record(n, AT_US, "qa", 800) for n in range(4)] + [record(9, AT_US - 3 * DAY_US, "qa", 0)])
    found = await store.do(lambda connection: cached_input(connection, AT_US))
    assert found == [CachedInput("default", "qa", "m", 4, 4_000, 3_200)]

"""How far the story is can be read by other processes, and is gone when it has ended."""

from pathlib import Path

from farthing.demo.telling import LABEL, Teller
from farthing.store import open_store
from farthing.store.progress import under_way
from farthing.store.store import now_us
from stores import ready


async def test_it_is_said_once_a_second_and_taken_away(tmp_path: Path) -> None:
    store = await open_store(ready(tmp_path))
    teller = Teller(store)
    await teller.say(3, 30)
    await teller.say(4, 30)
    said = await store.do(lambda connection: under_way(connection, "default", now_us()))
    assert [(each.label, each.done, each.whole) for each in said] == [(LABEL, 3, 30)]
    await teller.end()
    assert await store.do(lambda connection: under_way(connection, "default", now_us())) == []
    await store.close()

"""What a gateway lost sight of is free again soon; what it works on, and what others do, stays."""

from pathlib import Path

from farthing.batch.leasing import RENEWED_S
from farthing.batch.upkeep import Upkeep
from farthing.model.clock import Clock
from farthing.store import Store
from farthing.store.batch import lines, shards
from unit.batch.desks import Hands, a_desk, in_shard, queued, taken, the_lines, the_shard


async def test_lines_that_no_part_knows_of_are_free_after_two_looks(store: Store, tmp_path: Path) -> None:
    hands = Hands()
    desk, other = a_desk(store, hands, "w1"), a_desk(store, hands, "w2")
    await queued(store, 4)
    some, others = await taken(desk, 3), await taken(other)
    sent = await store.do(
        lambda c: lines.begin_all(
            c,
            [lines.Begun("job-1", some[2].no, "now", "call-x")],
            holder="w1",
            until_us=desk.until_us,
            now_us=desk.now_us,
        )
    )
    assert sent == {"call-x"} and len(others) == 1
    known = {("job-1", some[0].no)}
    upkeep = Upkeep(desk, tmp_path, lambda: known, set)
    pause = await upkeep.turn()
    assert not await taken(other), "it may be on its way from one part to the next"
    hands.on(pause)
    await upkeep.turn()
    assert sorted(line.no for line in await taken(other)) == sorted(each.no for each in some[1:])
    hands.on(RENEWED_S)
    await upkeep.turn()
    kept = next(line for line in await the_lines(store) if line.no == some[0].no)
    assert kept.holder == "w1" and kept.ready_us == desk.until_us, "it is renewed"
    await upkeep.close()
    assert some[0].no in {line.no for line in await taken(other)}


async def test_a_clock_that_is_set_back_puts_nothing_off(store: Store, tmp_path: Path) -> None:
    hands = Hands()
    set_us = 0
    clock = Clock(lambda: hands.now_us + set_us, lambda: hands.now_us / 1e6, hands.clock().sleep)
    desk = a_desk(store, hands)
    desk.clock = clock
    await queued(store, 4)
    some = await taken(desk, 3)
    await in_shard(desk, some[:2])
    shard = await the_shard(store)
    shard.next_look_us, shard.holder = desk.now_us + 60_000_000, ""
    await store.do(lambda c: shards.looked(c, shard))
    await store.do(lambda c: lines.give_back(c, some[2:], desk.now_us + 30_000_000, desk.now_us))
    upkeep = Upkeep(desk, tmp_path, set, set)
    await upkeep.turn()
    hands.on(5)
    set_us = -3_600_000_000
    await upkeep.turn()
    assert (await the_shard(store)).next_look_us == desk.now_us
    later = next(line for line in await the_lines(store) if line.no == some[2].no)
    assert (later.state, later.ready_us) == ("waiting", desk.now_us)
    assert len(await store.do(lambda c: lines.waiting(c, desk.now_us))) >= 1
    assert await store.check() == []

"""Packing loses no line and stays within every limit."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.batch.packing import OVERHEAD, Item, Limits, Packed, Room, pack

NOW = 1_795_000_000_000_000
HOUR_US = 3_600_000_000


def item(n: int, *, left_s: float = 3_600, waits_s: float = 0, size: int = 1_000, tokens: int = 100) -> Item[int]:
    return Item(n, NOW + round(left_s * 1e6), NOW - round(waits_s * 1e6), size, tokens)


items = st.lists(
    st.builds(
        item,
        st.just(0),
        left_s=st.floats(-100, 90_000),
        waits_s=st.floats(0, 4_000),
        size=st.integers(1, 5_000),
        tokens=st.integers(0, 3_000),
    ),
    max_size=120,
).map(lambda found: [Item(n, each.deadline_us, each.waits_us, each.size, each.tokens) for n, each in enumerate(found)])
limits = st.builds(
    Limits,
    lines=st.sampled_from([0, 1, 7, 40]),
    bytes=st.sampled_from([0, 4_000, 30_000]),
    tokens=st.sampled_from([0, 2_500, 20_000]),
    least=st.sampled_from([1, 1, 5]),
    an_hour=st.sampled_from([0, 3]),
    at_once=st.sampled_from([0, 2]),
)


@given(
    items,
    limits,
    st.integers(0, 5_000),
    st.integers(0, 4),
    st.sampled_from([0.0, 0.01, 2.0]),
    st.sampled_from([0.0, 600.0]),
)
def test_no_line_is_lost_and_every_limit_holds(
    waiting: list[Item[int]], limits: Limits, enqueued: int, made: int, a_second: float, alone_s: float
) -> None:
    room = Room(enqueued, made, made)
    packed = pack(waiting, limits, room, now_us=NOW, linger_s=600, a_second=a_second, alone_s=alone_s)
    everywhere = [each.line for part in (*packed.shards, packed.rest, packed.alone) for each in part]
    assert sorted(everywhere) == [each.line for each in waiting]
    for shard in packed.shards:
        assert limits.least <= len(shard) <= (limits.lines or len(shard)) or limits.least > (limits.lines or 10**9)
        assert not limits.bytes or sum(each.size + OVERHEAD for each in shard) <= limits.bytes
    tokens = enqueued + sum(each.tokens for shard in packed.shards for each in shard)
    assert not limits.tokens or not packed.shards or tokens <= limits.tokens
    for most in (limits.an_hour, limits.at_once):
        assert not most or not packed.shards or made + len(packed.shards) <= most
    assert packed.again_us == 0 or packed.again_us > NOW


def fill(waiting: list[Item[int]], limits: Limits | None = None, **more: float) -> Packed[int]:
    return pack(waiting, limits or Limits(), Room(), now_us=NOW, linger_s=60, **more)


def test_lines_linger_for_others_but_not_beyond_their_time() -> None:
    fresh = fill([item(1, waits_s=10)])
    assert fresh.shards == [] and fresh.again_us == NOW + 50_000_000
    assert len(fill([item(1, waits_s=61), item(2)]).shards) == 1
    assert len(fill([item(1, left_s=600, waits_s=26)]).shards) == 1
    assert len(fill([item(n) for n in range(7)], Limits(lines=7)).shards) == 1


def test_a_shard_holds_lines_with_about_the_same_time_left() -> None:
    packed = fill([item(1, left_s=600, waits_s=100), item(2, left_s=80_000, waits_s=100)])
    assert [[each.line for each in shard] for shard in packed.shards] == [[1], [2]]


def test_near_a_deadline_shards_are_smaller() -> None:
    near = fill([item(n, left_s=600, waits_s=100) for n in range(1_000)], a_second=1.0)
    far = fill([item(n, left_s=60_000, waits_s=100) for n in range(1_000)], a_second=1.0)
    assert max(map(len, near.shards)) == 150 and len(far.shards) == 1


def test_too_few_for_the_provider_wait_for_more_and_go_alone_when_it_is_late() -> None:
    bedrock = Limits(least=100)
    few = [item(n, waits_s=100) for n in range(99)]
    assert len(fill(few, bedrock).rest) == 99
    assert len(fill(few, bedrock, alone_s=4_000).alone) == 99
    mixed = [item(n, left_s=600 if n % 2 else 80_000, waits_s=100) for n in range(120)]
    assert [len(shard) for shard in fill(mixed, bedrock).shards] == [120]
    assert [
        len(shard) for shard in fill([item(n, waits_s=100) for n in range(250)], Limits(least=100, lines=200)).shards
    ] == [125, 125]


def test_a_line_that_fits_into_no_batch_goes_alone() -> None:
    packed = fill([item(1, size=5_000, waits_s=100), item(2, waits_s=100)], Limits(bytes=4_000))
    assert [each.line for each in packed.alone] == [1] and len(packed.shards) == 1


def test_enqueued_tokens_are_one_room_for_all_shards() -> None:
    waiting = [item(n, waits_s=100, tokens=400) for n in range(10)]
    packed = pack(waiting, Limits(tokens=1_000), Room(tokens=150), now_us=NOW, linger_s=60)
    assert [len(shard) for shard in packed.shards] == [2] and len(packed.rest) == 8


def test_texts_that_are_embedded_are_counted() -> None:
    items = [Item(no, NOW + 86_400 * 10**6, NOW - 10**9, 100, 1, 400) for no in range(10)] + [
        Item("too many", NOW + 86_400 * 10**6, NOW - 10**9, 100, 1, 1001)
    ]
    packed = pack(items, Limits(inputs=1000), Room(), now_us=NOW, linger_s=0)
    assert [len(shard) for shard in packed.shards] == [2] * 5 and [item.line for item in packed.alone] == ["too many"]

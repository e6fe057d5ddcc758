"""How fast providers' batches are, on both engines."""

from farthing.batch.speeds import plain, speeds
from farthing.store.batch import lines, shards
from farthing.store.engine import Connection
from unit.store.batch.samples import HOUR_US, NOW_US, ended, given, in_shard, of_shard, taken


def test_what_was_seen_moves_the_published_times(connection: Connection) -> None:
    assert speeds(connection, NOW_US) == []
    given(connection, 40)
    for number in range(40):
        at = NOW_US + number * HOUR_US // 4
        in_shard(connection, taken(connection, 1, now_us=at), f"shard-{number}")
        connection.execute("UPDATE batch_shards SET created_us = ? WHERE id = ?", (at, f"shard-{number}"))
        shards.created(connection, f"shard-{number}", f"batch-{number}", "", at + HOUR_US, at)
        if number < 39:
            for line, _ in of_shard(connection, f"shard-{number}"):
                lines.settle(connection, [ended(line)], at + 60_000_000)
            shards.finish(connection, f"shard-{number}", at + 60_000_000)
    now = NOW_US + 39 * HOUR_US // 4 + 5_000_000
    (found,) = speeds(connection, now)
    assert (found.provider, found.model, found.back, found.running) == ("openai", "small-1", 39, 1)
    assert 30e6 < found.likely_us < 130e6 < found.sure_us < 1000e6
    assert plain([found])[0]["back"] == 39
    (stuck,) = speeds(connection, now + HOUR_US)
    assert stuck.likely_us > 5 * found.likely_us, "the one that is not back speaks too"

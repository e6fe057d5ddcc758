"""Batches at providers: how each stands in the provider's own word, and how long such batches take of late."""

from collections.abc import Sequence

from farthing.batch.speeds import Speed
from farthing.dashboard.table import Column, Row, Table
from farthing.model.batch import Shard

COLUMNS = (
    Column("batch", "Batch", help="As the provider calls it."), Column("provider", "Provider"), Column("model", "Model"),
    Column("said", "Provider says", help="In its own word, when it was asked last."), Column("state", "Here"), Column("lines", "Lines", "count"),
    Column("tokens", "Input tokens", "count", "At an upper estimate."), Column("made", "Made (UTC)", "moment"),
    Column("took", "Took, so far", "duration"), Column("window", "Given up (UTC)", "moment", "When the provider gives it up."),
    Column("error", "What went wrong", "prose"),
)  # fmt: skip
STATES = {
    "intent": "being made", "running": "running", "ended": "being fetched", "settled": "settled", "failed": "given up",
}  # fmt: skip
SPEED_COLUMNS = (
    Column("provider", "Provider"), Column("model", "Model"), Column("half", "Half are back in", "duration"),
    Column("nine", "Nine in ten in", "duration"), Column("back", "Batches back", "count", "In 14 days, at most the latest 400."),
    Column("running", "Still out", "count"),
)  # fmt: skip


def shards(name: str, title: str, found: Sequence[Shard], now_us: int, empty: str, note: str = "") -> Table:
    return Table(name, title, COLUMNS, [_row(each, now_us) for each in found], empty=empty, note=note)


def _row(shard: Shard, now_us: int) -> Row:
    over = shard.state in ("settled", "failed")
    values = (
        shard.remote_id or None, shard.provider, shard.model, shard.remote_state or None, STATES.get(shard.state, shard.state), shard.lines,
        shard.tokens, shard.created_us, (shard.ended_us or now_us) - shard.created_us, shard.window_end_us or None,
        shard.error or None,
    )  # fmt: skip
    return Row(values, mark="bad" if shard.state == "failed" else "quiet" if over else "")


def speeds(found: Sequence[Speed], *, counted: bool) -> Table:
    """`counted`: with how many there were, which tells of other tenants' work."""
    columns = SPEED_COLUMNS if counted else SPEED_COLUMNS[:4]
    rows = [
        Row((each.provider, each.model, each.likely_us, each.sure_us, each.back, each.running)[: len(columns)])
        for each in found
    ]
    note = "Of a batch that is made now. The times that are published count too, the less the more batches came back."
    return Table("speeds", "How long batches take", columns, rows, empty="No batch went to a provider in 14 days.", note=note if rows else "")  # fmt: skip

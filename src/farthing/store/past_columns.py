"""Calls of the past for whoever wants millions of them and no text: rows of the few columns that cost is made of, oldest
first, a page in memory. One query a page. Knows nothing of prices."""

from itertools import chain

from farthing.store.engine import Connection, Row
from farthing.store.past_calls import END_US

PAGE = 20_000
CALL = (
    "id", "started_us", "tenant", "team", "user_id", "feature", "task", "session", "template", "cache", "status", "outcome",
    "first_byte_us", "provider", "model",
)  # fmt: skip
TRY = ("attempt_no", "model", "served_model", "tier", "geo")
UNITS = (
    "uncached_in", "cache_read", "w5m", "w1h", "w30m", "w12h", "audio_in", "image_in", "cached_audio", "tool_in", "text_out",
    "audio_out", "image_out",
)  # fmt: skip
"""In the order in which rates are listed."""
TEXT = ("max_output", "attempt_of")
COLUMNS = (*CALL, *TRY, *UNITS, "reasoning", *TEXT, "digest")
"""Of a row. Units are None where usage is not known, all but `digest`, bytes, where a hash of the prompt was kept."""
_END: Row = (None,)
BEGIN = (-1, "")
"""Before all calls."""

_SELECT = (
    f"SELECT {', '.join(f'c.{name}' for name in CALL)}, {', '.join(f'a.{name}' for name in (*TRY, *UNITS, 'reasoning'))}, "
    f"{', '.join(f't.{name}' for name in TEXT)}, CASE WHEN t.kept = 'hash' THEN t.prompt END "
    "FROM (SELECT * FROM calls WHERE started_us >= ? AND started_us < ? AND (started_us, id) > (?, ?) "
    "ORDER BY started_us, id LIMIT ?) c "
    "LEFT JOIN attempts a ON a.call_id = c.id AND a.part_no = 0 LEFT JOIN past_texts t ON t.call_id = c.id "
    "ORDER BY c.started_us, c.id, a.attempt_no"
)


def page(connection: Connection, after: tuple[int, str] = BEGIN) -> list[Row]:
    """The next calls after that moment and id, each with its last try."""
    rows = connection.query(_SELECT, (after[0], END_US, *after, PAGE))
    return [row for row, following in zip(rows, chain(rows[1:], [_END]), strict=False) if row[0] != following[0]]

"""Parquet holds the rows as they are: exact decimals, times with their zone, nulls."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from farthing.finops.focus.columns import columns_of

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

VALUES = {
    "text": "=1+1",
    "number": Decimal("12345678901234567890.000000000001"),
    "time": datetime(2026, 9, 1, tzinfo=UTC),
}


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    from farthing.finops.focus.parquet import ROWS, ParquetFile  # noqa: PLC0415  (needs the extra)

    columns = columns_of("1.2")
    row = tuple(VALUES[column.kind] if place % 3 else None for place, column in enumerate(columns))
    file = ParquetFile(tmp_path / "x.parquet", columns)
    for _ in range(3):
        file.write([row] * (ROWS // 2))
    file.close()
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.column_names == [column.name for column in columns]
    assert table.num_rows == ROWS * 3 // 2
    assert tuple(table.slice(ROWS, 1).to_pylist()[0].values()) == row

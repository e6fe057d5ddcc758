"""Parquet holds the rows as they are: exact decimals, times with their zone, nulls."""

import importlib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from farthing.finops.focus.columns import columns_of

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
OURS = importlib.import_module("farthing.finops.focus.parquet")

VALUES = {
    "text": "=1+1",
    "number": Decimal("12345678901234567890.000000000001"),
    "time": datetime(2026, 9, 1, tzinfo=UTC),
}


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    columns = columns_of("1.2")
    row = tuple(VALUES[column.kind] if place % 3 else None for place, column in enumerate(columns))
    file = OURS.ParquetFile(tmp_path / "x.parquet", columns)
    for _ in range(3):
        file.write([row] * (OURS.ROWS // 2))
    file.close()
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.column_names == [column.name for column in columns]
    assert table.num_rows == OURS.ROWS * 3 // 2
    assert tuple(table.slice(OURS.ROWS, 1).to_pylist()[0].values()) == row

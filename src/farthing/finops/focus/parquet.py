"""FOCUS rows as Parquet: exact decimals, times with their zone, texts as they are. Needs the extra `parquet`; only who asks
for Parquet imports this module."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from farthing.finops.focus.columns import Column
from farthing.finops.focus.rows import Row

ROWS = 20_000
"""Rows of one row group, which are in memory together."""

_TYPES: dict[str, Any] = {
    "text": pa.string(), "number": pa.decimal128(38, 12), "time": pa.timestamp("us", tz="UTC")
}  # fmt: skip


class ParquetFile:
    """Writes rows to a file of its own."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._schema = pa.schema([pa.field(column.name, _TYPES[column.kind], nullable=True) for column in columns])
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        self._rows += rows
        while len(self._rows) >= ROWS:
            self._flush(ROWS)

    def close(self) -> None:
        self._flush(len(self._rows))
        self._writer.close()

    def _flush(self, count: int) -> None:
        if count:
            columns = zip(*self._rows[:count], strict=True)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
            del self._rows[:count]
